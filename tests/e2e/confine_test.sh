#!/bin/bash
# Least privilege: what the kernel says of the running agent, paths that change later, a start without
# stdin, stdout and stderr, and a day of work by a build that a system call off the list would end.
. "$(dirname "$0")/lib.sh"

need nginx openssl
sandbox_start
tls_up
PRESETS='["Complete Payment"]'
OUTSIDE=$(mktemp -d /var/tmp/tillpost-e2e.XXXXXX) || exit 1
everything_end() {
    local status=$?
    rm -rf "$OUTSIDE"
    return $status
}
trap 'everything_end; world_end' EXIT
agent_config

# kernel FIELD: its words about the agent
kernel() { awk -v f="$1:" '$1 == f { print $2 }' "/proc/$AGENT_PID/status"; }
log_has() { grep -q -- "$1" "$W/agent.log"; }
token_is_at() { sed -i "s|\"access_token_file\": \"[^\"]*\"|\"access_token_file\": \"$1\"|" "$W/tillpost.json"; }

say "the kernel holds the agent to what status says"
agent_start
case "$(tr '\0' ' ' <"/proc/$AGENT_PID/cmdline")" in *qemu*) skip "an emulator's calls are not ours" ;; esac
LANDLOCK=$(status confinement.landlock)
if [ "$SANITIZED" = 1 ]; then
    is "with sanitizers" "$(status confinement.seccomp) $LANDLOCK" "false 0"
else
    is "no_new_privs" "$(kernel NoNewPrivs)" 1
    is "seccomp" "$(status confinement.seccomp) $(kernel Seccomp)" "true 2"
fi
is "umask" "$(kernel Umask)" 0077
is "core file" "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$AGENT_PID/limits")" "0 0"
for fd in "/proc/$AGENT_PID/fd/"[3-9]*; do
    [ -e "$fd" ] || [ -L "$fd" ] || continue # another user may not look
    [ "$(readlink "$fd")" != "$(readlink "/proc/$$/fd/${fd##*/}")" ] || continue # handed down by us
    flags=$(awk '/^flags:/ { print $2 }' "/proc/$AGENT_PID/fdinfo/${fd##*/}")
    ((8#$flags & 8#2000000)) || fail "descriptor ${fd##*/} survives an exec: $(readlink "$fd")"
done

say "a path beside the old one is taken; one in another directory needs a restart and says so"
cp -p "$W/token" "$W/token-2"
cp -p "$W/token" "$OUTSIDE/token"
token_is_at "$W/token-2"
kill -HUP "$AGENT_PID"
eventually log_has 'is in force'
if [ "$LANDLOCK" != 0 ]; then
    token_is_at "$OUTSIDE/token"
    kill -HUP "$AGENT_PID"
    eventually log_has 'access_token_file names a directory .* restart it'
    eventually status_is problems.0.code config_reload
    agent_stop
    agent_start
    is "problems after the restart" "$(status problems.0.code)" ''
    sell elsewhere-1
    try_now
    eventually counted elsewhere-1
fi
agent_stop
token_is_at "$W/token"

say "started without stdin, stdout and stderr, only /dev/null stands there"
"$TILLPOST" run --config "$W/tillpost.json" <&- >&- 2>&- &
AGENT_PID=$!
eventually agent_answers
for fd in 0 1 2; do
    at=$(readlink "/proc/$AGENT_PID/fd/$fd")
    is "descriptor $fd" "${at:-/dev/null}" /dev/null
done
sell silent-1
try_now
eventually counted silent-1
agent_stop

[ -n "${STRICT:-}" ] || exit 0
say "a day of work, with a filter that ends the process where the real one refuses"
TILLPOST=$STRICT
agent_start
sell day-1
try_now
eventually counted day-1
tell line '{"down":true}'
sell day-2
try_now
eventually status_is state offline
call GET /metrics >/dev/null || fail "no metrics"
printf 'day-2@example.com' | "$STRICT" erase --config "$W/tillpost.json" --email - >/dev/null ||
    fail "erase: exit status $?"
mv "$W/token" "$W/token.old" && cp -p "$W/token.old" "$W/token" # replaced, as a rotation does
kill -HUP "$AGENT_PID"
tell line '{"down":false}'
sell day-3
try_now
eventually counted day-3
agent_stop
