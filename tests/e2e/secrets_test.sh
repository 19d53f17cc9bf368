#!/bin/bash
# Secrets: a file of one that others can read is refused by name; and what is in them is in no argument, no
# environment, no log at its most talkative, no metric, no status, no answer, no core and no file but its own.
. "$(dirname "$0")/lib.sh"

TOKEN="secret-of-tiktok-7f3a"
KEY="secret-of-the-register-91cc"
PASSWORD="secret-of-the-proxy-55d0"
sandbox_start
free_port
(umask 077 && echo $KEY >"$W/write-key")
MORE_LISTEN=", \"http\": \"127.0.0.1:$PORT\", \"token_file\": \"$W/write-key\""
PRESETS='["Complete Payment"]'
agent_config
chmod 600 "$W/tillpost.json"
agent_start
sell first-1
try_now
eventually counted first-1
agent_stop

# refuses FILE MODE STATUS WORDS: the agent does not start, says why, and starts again with 0600
refuses() {
    chmod "$2" "$1"
    : >"$W/refusal"
    "$TILLPOST" run --config "$W/tillpost.json" >"$W/refusal" 2>&1 &
    AGENT_PID=$!
    agent_wait
    is "exit status with $1 as $2" "$EXIT" "$3"
    grep -q -- "$4" "$W/refusal" || fail "with $1 as $2 it says $(cat "$W/refusal")"
    chmod 600 "$1"
}
say "a file that others can read is refused"
refuses "$W/token" 644 78 'token is readable by others'
refuses "$W/token" 604 78 'token is readable by others'
refuses "$W/write-key" 644 78 'write-key is readable by others'
refuses "$W/state/key" 644 77 'key is readable by others'
MORE_TIKTOK=", \"proxy\": \"http://till:$PASSWORD@127.0.0.1:9\""
ENDPOINT=https://tiktok.invalid$TRACK
agent_config
sed -i 's|"ca_file": "[^"]*"|"ca_file": null|' "$W/tillpost.json"
refuses "$W/tillpost.json" 644 78 'can be read by others'

say "what is in them is nowhere else"
cd "$W" && ulimit -S -c "$(ulimit -H -c)"
agent_start
sell second-1
try_now
eventually grep -q 'try failed' "$W/agent.log"
mv "$W/token" "$W/token.away" # a message about the file, and one about a wrong one
try_now
(umask 077 && echo "Bearer $TOKEN" >"$W/token")
kill -HUP "$AGENT_PID"
eventually grep -q 'begins with' "$W/agent.log"
mv "$W/token.away" "$W/token"
# says_when_called WORDS: the log does, once somebody calls
says_when_called() { call GET /v1/status >/dev/null && grep -q -- "$1" "$W/agent.log"; }
cp -p "$W/write-key" "$W/write-key.good"
(umask 077 && printf '%s\n%s\n%s\n' $KEY $KEY-2 $KEY-3 >"$W/write-key")
eventually says_when_called 'the old tokens stay in force'
(umask 077 && printf '%s\n%s-2\n' $KEY $KEY >"$W/write-key")
eventually says_when_called '2 tokens are in force'
mv "$W/write-key.good" "$W/write-key"
kill -HUP "$AGENT_PID"
eventually says_when_called 'tillpost.json is in force'
curl -s -o "$W/told-401" -H "Authorization: Bearer $KEY-and-more" "http://127.0.0.1:$PORT/v1/status"
for path in /v1/status /metrics /v1/events / /v1/events/second-1; do
    call GET $path -D - >>"$W/told-answers"
done
for verb in status check doctor 'status --json' 'events --json' 'version'; do
    # shellcheck disable=SC2086 # words
    timeout 60 "$TILLPOST" $verb --config "$W/tillpost.json" >>"$W/told-verbs" 2>&1
done
tr '\0' '\n' <"/proc/$AGENT_PID/cmdline" >"$W/told-arguments"
[ ! -r "/proc/$AGENT_PID/environ" ] || tr '\0' '\n' <"/proc/$AGENT_PID/environ" >"$W/told-environment"
[ -s "$W/told-answers" ] && [ -s "$W/told-verbs" ] || fail "nothing was told"
HEX=$(cat "$W/state/key")
for secret in $TOKEN $KEY $PASSWORD "$HEX" "$(printf 'till:%s' $PASSWORD | base64)"; do
    for place in "$W"/told-* "$W/agent.log" "$W/refusal" "$W"/state/queue.db*; do
        ! grep -aq -- "$secret" "$place" || fail "$place holds a secret: $secret"
    done
done

say "a crash leaves no core, of the agent or of the command line"
# abort PID WORDS
abort() {
    eventually grep -qsE '^Max core file size +0 +0 ' "/proc/$1/limits"
    kill -ABRT "$1"
    wait "$1" 2>/dev/null
    is "exit status of $2 after SIGABRT" $? 134
    [ -z "$(cores)" ] || fail "$2 leaves a core: $(cores)"
}
cores() { find "$W" -maxdepth 1 -name '*core*'; }
"$TILLPOST" status --watch --config "$W/tillpost.json" >"$W/watched" 2>&1 &
OTHER_PIDS=$!
abort $OTHER_PIDS "tillpost status"
abort "$AGENT_PID" "the agent"
AGENT_PID='' OTHER_PIDS=''
sleep 60 &
OTHER_PIDS=$!
eventually grep -qsx sleep "/proc/$!/comm"
kill -ABRT $!
wait $! 2>/dev/null
[ -n "$(cores)" ] || say "  nor does any other program here: only the limits were looked at"
