#!/bin/bash
# The local sockets: who makes them, in which directories they may stand, a stale and a live one, who is let in
# by group, and both handed in by the service manager.
. "$(dirname "$0")/lib.sh"

sandbox_start
free_port
(umask 077 && echo key-of-the-listeners >"$W/write-key")
MORE_LISTEN=", \"http\": \"127.0.0.1:$PORT\", \"token_file\": \"$W/write-key\""
PRESETS='["Complete Payment"]'
agent_config

mode_of() { stat -c '%a' "$1"; }
over_tcp() {
    curl -s --max-time 60 -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer key-of-the-listeners' \
        "http://127.0.0.1:$PORT/v1/status"
}

# ends STATUS WORDS: a second agent, which must not stay
ends() {
    local rc
    "$TILLPOST" run --config "$W/second.json" >"$W/second.log" 2>&1
    rc=$?
    grep -q -- "$2" "$W/second.log" || fail "it says $(cat "$W/second.log")"
    is "exit status" $rc "$1"
}

say "a live socket is refused, a stale one replaced"
agent_start
is "mode" "$(mode_of "$W/till.sock")" 660
mkdir -m 700 "$W/state-2"
sed "s|$W/state/|$W/state-2/|" "$W/tillpost.json" >"$W/second.json"
ends 75 'an agent already answers there'
sell after-the-second-1
agent_kill
[ -S "$W/till.sock" ] || fail "nothing stale is left by SIGKILL"
agent_start
sell after-the-stale-1
agent_stop

say "a directory in which others may put another socket is refused"
mkdir -m 777 "$W/open"
chmod 777 "$W/open"
sed "s|$W/till.sock|$W/open/till.sock|; s|$W/state/|$W/state-2/|" "$W/tillpost.json" >"$W/second.json"
ends 77 'others must not be able to write there'

say "a file in its place is left alone"
echo precious >"$W/precious"
sed "s|$W/till.sock|$W/precious|; s|$W/state/|$W/state-2/|" "$W/tillpost.json" >"$W/second.json"
ends 73 'the socket cannot be made'
is "the file" "$(cat "$W/precious")" precious

say "the group of the setting is let in, others are not"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    MORE_LISTEN=', "socket_group": "daemon", "socket_mode": "0666", "allow_users": ["bin"]'
    agent_config
    agent_start
    chmod 711 "$W"
    # heard_as USER GROUP: the status that a user with this primary group is given
    heard_as() {
        setpriv --reuid "$1" --regid "$2" --clear-groups curl -s --max-time 60 -o /dev/null -w '%{http_code}' \
            --unix-socket "$W/till.sock" http://till/v1/status
    }
    is "a member of the group" "$(heard_as nobody daemon)" 200
    is "an allowed user" "$(heard_as bin nogroup)" 200
    is "another user" "$(heard_as nobody nogroup)" 403
    is "group of the socket" "$(stat -c '%G' "$W/till.sock")" daemon
    agent_stop
else
    say "not tried: it needs root and setpriv"
fi

say "both sockets handed in by the service manager"
MORE_LISTEN=", \"http\": \"127.0.0.1:$PORT\", \"token_file\": \"$W/write-key\""
agent_config
agent_start "$ACTIVATE" "$W/till.sock" "$PORT"
is "over TCP" "$(over_tcp)" 200
sell activated-1
agent_stop
[ -S "$W/till.sock" ] || fail "it took away the service manager's socket"

say "tokens rotate without a restart or a signal: both are good, then the old one is refused"
agent_start
OLD=key-of-the-listeners NEW=next-key-of-the-listeners
# with TOKEN: the status that it is given over TCP
with() {
    curl -s --max-time 60 -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $1" \
        "http://127.0.0.1:$PORT/v1/status"
}
given() { [ "$(with "$1")" = "$2" ]; }
# keys TOKEN…: a file of them, in place of the old one by rename
keys() { (umask 077 && printf '%s\n' "$@" >"$W/keys.new") && mv "$W/keys.new" "$W/write-key"; }
log_says() { with $NEW >/dev/null; grep -q -- "$1" "$W/agent.log"; } # a request is what makes it look
problem_is() { [ "$(call GET /v1/status | "$TOOL" column problems code | grep -cx listen_tokens)" = "$1" ]; }
is "the new one before" "$(with $NEW)" 401
keys $OLD $NEW
eventually given $NEW 200
is "the old one during" "$(with $OLD)" 200
keys $NEW
eventually given $OLD 401
is "the new one after" "$(with $NEW)" 200
(umask 077 && echo $OLD >"$W/write-key") # written where it is
eventually given $OLD 200

say "a link that leads elsewhere, as a mounted secret is changed"
mkdir "$W/..1" "$W/..2"
(umask 077 && echo $OLD >"$W/..1/write-key" && echo $NEW >"$W/..2/write-key")
ln -s ..1 "$W/..data" && ln -s ..data/write-key "$W/keys.new" && mv "$W/keys.new" "$W/write-key"
eventually given $OLD 200
ln -s ..2 "$W/..next" && mv -T "$W/..next" "$W/..data"
eventually given $NEW 200
is "the old one behind the link" "$(with $OLD)" 401

say "what cannot be used changes nothing, and log, status and doctor say so"
# stays WORDS: the token of before is good, and this is said of the file
stays() {
    eventually log_says "old tokens stay in force: .*$1"
    is "the token of before" "$(with $NEW)" 200
    problem_is 1 || fail "status does not say so"
    run doctor --config "$W/tillpost.json" --json
    has "the doctor" "$OUT" '"listen_tokens"'
}
keys short
stays 'must hold one token, or two'
mv "$W/write-key" "$W/write-key.away"
stays 'does not exist'
mv "$W/write-key.away" "$W/write-key"
keys $OLD && chmod 644 "$W/write-key"
stays 'is readable by others'
chmod 600 "$W/write-key"
eventually given $OLD 200
eventually problem_is 0
is "complaints" "$(grep -c 'old tokens stay' "$W/agent.log")" 3
agent_stop
