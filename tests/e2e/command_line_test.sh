#!/bin/bash
# The command line as people and shells meet it: help, suggestions, exit statuses, output for machines, colour,
# completion in bash and zsh, what is drawn anew and what streams.
. "$(dirname "$0")/lib.sh"
need script zsh
PRESETS='["Complete Payment"]'

verbs() { "$TILLPOST" help | sed -n 's/^  \([a-z]*\) .*/\1/p'; }

say "help: each verb has its summary, its options and an example; it is data, on standard output"
[ "$(verbs | wc -l)" -ge 14 ] || fail "the verbs: $(verbs)"
for verb in $(verbs); do
    run help "$verb"
    is "help $verb" "$EXIT $WORDS" "0 "
    has "help $verb" "$OUT" "tillpost $verb: "
    has "help $verb" "$OUT" "usage: tillpost $verb"
    has "help $verb" "$OUT" "example:"
    by_verb=$OUT
    run "$verb" --help
    is "$verb --help" "$EXIT $OUT" "0 $by_verb"
    run "$verb" --no-such-option
    is "an odd option of $verb" "$EXIT $OUT" "64 "
    [ "$(printf '%s\n' "$by_verb" | sed '/^example/,$d' | awk 'length > 80')" = "" ] || fail "wide: $by_verb"
done

say "a slip gets the nearest word, and exit status 64"
while IFS='|' read -r line words; do
    # shellcheck disable=SC2086 # the words of a command
    run $line
    is "exit of \"$line\"" "$EXIT $OUT" "64 "
    has "\"$line\"" "$WORDS" "$words"
done <<'ROWS'
stauts|there is no verb "stauts"; did you mean status?
help evnets|did you mean events?
status --jsno|status takes no option --jsno; did you mean --json?
events --foloww|did you mean --follow?
--confg x status|did you mean --config?
status extra|see: tillpost help status
events --state odd|--state must be one of queued|sent|dead
events --state|--state needs a value
track --type buy|--type must be one of track|
show|see: tillpost help show
retry|name ids, or say --dead
completion fish|bash or zsh
xyzzy|see: tillpost help
|name a verb
ROWS

say "without a configuration, an agent or a queue: status says so, names one thing to do, and answers at once"
export TILLPOST_CONFIG=$W/tillpost.json TILLPOST_SOCKET=$W/till.sock
run status
is "exit" "$EXIT" 69
has "status" "$OUT" "the configuration cannot be used"
is "last line" "$(printf '%s\n' "$OUT" | tail -n 1)" "Do:        tillpost check"
run status --json
is "state" "$EXIT $(printf %s "$OUT" | "$TOOL" get state)" "69 stopped"
(umask 077 && say page-token-of-the-test >"$W/page-token")
PORT=$((20000 + RANDOM % 12000))
MORE_LISTEN=", \"http\": \"127.0.0.1:$PORT\", \"token_file\": \"$W/page-token\""
sandbox_start
agent_config
run status
is "last line" "$EXIT $(printf '%s\n' "$OUT" | tail -n 1)" \
    "69 Do:        start it: systemctl start tillpost, or tillpost run"
run check
is "check" "$EXIT $OUT" "0 "

say "--json: one object a line from each verb that has it, and nothing else on standard output"
agent_start
sell one
eventually counted one
tell script '[{"code":40002,"message":"Batch.0.user: no","events_only":true}]'
sell dead-1
eventually status_is queue.dead 1
for line in check status "events --state sent" "events --state dead" "show one" \
    sync pause "retry dead-1" "drop dead-1" resume version; do
    # shellcheck disable=SC2086 # the words of a command
    run $line --json
    [ "$EXIT" -le 1 ] && [ -n "$OUT" ] || fail "$line --json: $EXIT $OUT $WORDS"
    printf '%s\n' "$OUT" | while IFS= read -r object; do
        [ "${object:0:1}" = "{" ] && printf %s "$object" | "$TOOL" count "" >/dev/null || fail "$line: $object"
    done || exit 1
done
say "status at its longest: 12 lines of 80 columns, the address of the page, one thing to do at the end"
tell script '[{"code":40002,"message":"Batch.0.user: no","events_only":true}]'
sell dead-2
eventually status_is queue.dead 1
cp "$W/tillpost.json" "$W/right.json" && say '{' >"$W/tillpost.json" && kill -HUP "$AGENT_PID"
eventually status_is problems.1.code config_reload
cp "$W/right.json" "$W/tillpost.json" && run pause && sell waits
run status
[ "$(printf '%s\n' "$OUT" | wc -l)" -le 12 ] || fail "more than 12 lines: $OUT"
is "wide" "$(printf '%s\n' "$OUT" | awk 'length > 80')" ""
has "status" "$OUT" "page       http://127.0.0.1:$PORT/"
has "status" "$OUT" "and 1 more: tillpost status --json"
is "last line" "$(printf '%s\n' "$OUT" | tail -n 1)" "Do:        tillpost resume"
kill -HUP "$AGENT_PID"
run resume
is "drop" "$("$TILLPOST" drop --dead)" "1 given up"
run version --json
is "the format's version" "$(printf %s "$OUT" | "$TOOL" get json)" 1

say "colour: on a terminal only, and not with NO_COLOR"
escape=$(printf '\033')
on_terminal() { script -qec "$TILLPOST status" /dev/null </dev/null; }
has "on a terminal" "$(TERM=xterm on_terminal)" "${escape}[32m"
case $(NO_COLOR=1 TERM=xterm on_terminal) in *"$escape"*) fail "colour in spite of NO_COLOR" ;; esac
run status
case $OUT in *"$escape"*) fail "colour in a pipe" ;; esac

say "status --watch draws anew, and goes on when the agent stops"
script -qfec "$TILLPOST status --watch" "$W/watch" </dev/null >/dev/null 2>&1 &
OTHER_PIDS=$!
drawn() { [ -e "$W/watch" ] && [ "$(grep -c "${escape}\[H.*tillpost.*$1" "$W/watch")" -ge "$2" ]; }
eventually drawn ok 2
agent_stop
eventually drawn stopped 2
agent_start
eventually drawn ok 3
kill "$OTHER_PIDS" && wait "$OTHER_PIDS" 2>/dev/null

say "events --follow streams, and ends with its reader"
"$TILLPOST" events --state sent --follow >"$W/follow" &
OTHER_PIDS=$!
streamed() { grep -q "$1" "$W/follow"; }
eventually streamed one
sell two
eventually streamed two
kill "$OTHER_PIDS" && wait "$OTHER_PIDS" 2>/dev/null
"$TILLPOST" events --follow >"$W/follow.all" &
OTHER_PIDS=$!
sold() { sell "all-$((N = ${N:-0} + 1))" && sleep 0.2 && grep -q " sent .* all-" "$W/follow.all"; }
eventually sold
grep -q " two$" "$W/follow.all" && fail "what was sent before is shown: $(cat "$W/follow.all")"
kill "$OTHER_PIDS" && wait "$OTHER_PIDS" 2>/dev/null
{ "$TILLPOST" events --state sent --follow; say ended >"$W/ended"; } 2>/dev/null | head -n 1 >/dev/null &
OTHER_PIDS=''
sell three
sell four
eventually test -s "$W/ended"

say "bash completes what the table holds, with the file that is installed"
cat >"$W/complete.bash" <<'BASH'
PATH=$PATH:${TILLPOST%/*}
. "$SHIPPED/tillpost"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
cd "$W" && _tillpost 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
BASH
SHIPPED=$(cd "$(dirname "$0")/../../platform/completion" && pwd)
export TILLPOST W SHIPPED
completes() { is "bash: $*" "$(bash -u "$W/complete.bash" "${@:2}" | sort | tr '\n' ' ')" "$1"; }
completes "status " tillpost stat
completes "--json " tillpost status --j
completes "dead " tillpost events --state d
completes "alias group identify page screen track " tillpost track --type ''
completes "pause " tillpost --config "$W/tillpost.json" pau
completes "tillpost.json " tillpost --config tillpost.j
completes "tillpost.json " tillpost track tillpost.j
completes "retry " tillpost help retr
completes "bash " tillpost completion b
is "bash: every verb" "$(bash -u "$W/complete.bash" tillpost '' | grep -v '^-' | sort)" "$(verbs | sort)"

say "zsh does, too"
cat >"$W/complete.zsh" <<'ZSH'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "bindkey -e; cd ${(q)W}; path+=(${(q)TILLPOST:h}); fpath+=(${(q)SHIPPED})"
zpty -w shell 'autoload -U compinit; compinit -D -u; bindkey "^I" complete-word; echo rea""dy'
zpty -r -m shell seen '*ready*'
zpty -w -n shell "$1"$'\t\C-aecho "[\C-e ]"\n'
zpty -r -m shell seen $'*\n\\[tillpost*\\]*'
print -r -- $seen
ZSH
types() {
    local seen
    seen=$(timeout 60 zsh -f "$W/complete.zsh" "$2" | tr -d '\r') || fail "zsh does not answer"
    has "zsh: $2" "$seen" "$1"
}
types "[tillpost resume ]" "tillpost resu"
types "[tillpost events --state dead ]" "tillpost events --state de"
types "[tillpost track tillpost.json ]" "tillpost track tillp"
types "[tillpost status --watch ]" "tillpost status --w"
