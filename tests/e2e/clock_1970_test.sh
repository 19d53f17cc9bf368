#!/bin/bash
# A till that boots in 1970: sales are taken, certificates are accepted, and once the server's Date is
# known the events carry the true time. libfaketime moves the wall clock of the agent alone.
. "$(dirname "$0")/lib.sh"

need nginx openssl
[ "${SANITIZED:-0}" = 0 ] || skip "libfaketime and sanitizers do not go together"
[ "${STATIC:-0}" = 0 ] || skip "libfaketime does not reach a static program"
"$TILLPOST" version 2>&1 | grep -i mbedtls >/dev/null ||
    skip "the certificate clock needs curl with mbedTLS (build with TILLPOST_DEPS=bundled)"
need_faketime
# For subshells and `&` only: it becomes the command.
in_1970() {
    exec env LD_PRELOAD="$FAKETIME_LIBRARY" FAKETIME='@1970-01-01 00:05:00' FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"
}
[ "$(in_1970 date +%Y)" = 1970 ] || skip "faketime does not reach a program here"

sandbox_start
tls_up
tls_down
agent_config
agent_start in_1970

# stampless ID: a sale whose time only the agent's clock can give
stampless() {
    post /v1/track "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"$1\",
        \"properties\":{\"email\":\"jane@example.com\",\"value\":1.5,\"currency\":\"EUR\"}}"
    is "answer for $1" "$STATUS $(said status)" "200 queued"
}

is "clock" "$(status clock.state)" implausible
first_s=$(date +%s)
stampless sale-1
sell own-time
later() { [ "$(date +%s)" -ge $((first_s + 4)) ]; }
eventually later
second_s=$(date +%s)
stampless sale-2

tls_up
try_now
eventually counted sale-1
eventually counted sale-2
eventually counted own-time
is "counted" "$(seen counted)" 3
is "clock" "$(status clock.state)" trusted

# near ID TIME
near() {
    local place time
    place=$(ask received | "$TOOL" column events event_id | grep -nxF -- "$1" | cut -d: -f1)
    time=$(ask received | "$TOOL" get "events.$((place - 1)).data.event_time")
    [ $((time - $2)) -ge -2 ] && [ $((time - $2)) -le 2 ] || fail "$1 has the time $time, not $2"
}
near sale-1 "$first_s"
near sale-2 "$second_s"
near own-time "$first_s"

say "sales after it carry the true time at once, also after a restart"
now_s=$(date +%s)
stampless sale-3
eventually counted sale-3
near sale-3 "$now_s"
agent_stop
agent_start in_1970
now_s=$(date +%s)
stampless sale-4
eventually counted sale-4
near sale-4 "$now_s"
is "duplicates" "$(seen duplicates)" 0
agent_stop
