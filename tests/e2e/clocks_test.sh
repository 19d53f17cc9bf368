#!/bin/bash
# Wrong clocks: 1970, 2001, 2015, 2035, steps of ten years, a clock that makes certificates look expired; and what
# waits for trusted time. libfaketime moves the wall clock of the agent alone.
. "$(dirname "$0")/lib.sh"

need nginx openssl
[ "${SANITIZED:-0}" = 0 ] || skip "libfaketime and sanitizers do not go together"
[ "${STATIC:-0}" = 0 ] || skip "libfaketime does not reach a static program"
"$TILLPOST" version 2>&1 | grep -i mbedtls >/dev/null ||
    skip "the certificate clock needs curl with mbedTLS (build with TILLPOST_DEPS=bundled)"
need_faketime

YEAR_S=31557600 TEN_YEARS_S=315576000 HOUR_S=3600
# clock_off SECONDS: from now on the agent's wall clock is so far from the truth.
clock_off() { printf '%+d\n' "$1" >"$W/clock.next" && mv "$W/clock.next" "$W/clock"; }
# For subshells and `&` only: it becomes the command.
wrong_clock() {
    exec env LD_PRELOAD="$FAKETIME_LIBRARY" FAKETIME_TIMESTAMP_FILE="$W/clock" FAKETIME_NO_CACHE=1 \
        FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"
}
off_from() { echo $(($(date -u -d "$1" +%s) - $(date +%s))); }
clock_off "$(off_from '2001-02-03 00:00:00')"
[ "$(wrong_clock date -u +%Y)" = 2001 ] || skip "faketime does not reach a program here"

sandbox_start
tls_up
tls_down

stampless() { # ID: a sale whose time only the agent's clock can give
    SOLD_AT[$1]=$(date +%s)
    post /v1/track "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"$1\",
        \"properties\":{\"email\":\"jane@example.com\",\"value\":1.5,\"currency\":\"EUR\"}}"
    is "answer for $1" "$STATUS $(said status)" "200 ${2:-queued}"
    KEPT_AT[$1]=$(date +%s)
}
declare -A SOLD_AT KEPT_AT # the call began, the answer was there

near() { # ID: it carries the time at which it was sold
    local place time
    eventually counted "$1"
    place=$(ask received | "$TOOL" column events event_id | grep -nxF -- "$1" | cut -d: -f1)
    time=$(ask received | "$TOOL" get "events.$((place - 1)).data.event_time")
    [ $((time - SOLD_AT[$1])) -ge -2 ] && [ $((time - KEPT_AT[$1])) -le 2 ] ||
        fail "$1 has the time $time, not ${SOLD_AT[$1]} … ${KEPT_AT[$1]}"
}
# Without -q, which leaves before its writer has done: pipefail would take that for a no.
problem() { call GET /v1/status | "$TOOL" column problems code | grep -x "$1" >"$W/problem"; }
attempts() { call GET /metrics | sed -n "s/^tillpost_delivery_attempts_total{outcome=\"$1\"} //p"; }
attempts_least() { [ "$(attempts "$1")" -ge "$2" ]; }
reason_is() { [ "$(call GET "/v1/events/$1" | "$TOOL" get events.0.reason)" = "$2" ]; }
nothing_lost() { is "queued, dead" "$(status queue.queued) $(status queue.dead)" "$1 0"; }
try_twice() {
    try_now
    eventually attempts_least offline 1
    try_now
    eventually attempts_least offline 2
}

new_till() {
    rm -rf "$W/state" "$W/agent.log"
    tell reset
    agent_config
}

# --- years and steps ------------------------------------------------------------------------------

# year Y: sales without a line at that time and ten years to both sides of it; then the line comes.
year() {
    local base steps="1 -1" way n=0
    base=$(off_from "$1-03-04 00:05:00")
    say "$1"
    [ "$1" != 1970 ] || steps=1 # Linux has no clock before 1970
    new_till
    clock_off "$base"
    agent_start wrong_clock
    is "clock" "$(status clock.state)" implausible
    problem clock || fail "no problem says clock"
    SOLD_AT[own-$1]=$(date +%s)
    sell "own-$1"
    KEPT_AT[own-$1]=$(date +%s)
    stampless "sale-$1"
    for way in $steps; do
        clock_off $((base + way * TEN_YEARS_S))
        stampless "step$way-$1"
        n=$((n + 1))
    done
    clock_off "$base"
    nothing_lost $((n + 2))
    tls_up
    [ "$1" -lt 2030 ] || looks_expired $((n + 2))
    try_now
    near "own-$1"
    near "sale-$1"
    for way in $steps; do near "step$way-$1"; done
    is "clock" "$(status clock.state)" trusted
    [ "$1" -ge 2030 ] || off_by $((-base))
    for way in $steps; do
        clock_off $((base + way * TEN_YEARS_S))
        stampless "known$way-$1"
        near "known$way-$1"
    done
    eventually status_is queue.queued 0
    agent_stop
    agent_start wrong_clock # in the same boot what was learnt still holds, whatever the clock shows now
    is "clock after a restart" "$(status clock.state)" trusted
    stampless "restart-$1"
    near "restart-$1"
    is "dead, duplicates" "$(status queue.dead) $(seen duplicates)" "0 0"
    agent_stop
    tls_down
}

# off_by SECONDS: the status names what the clock is off by.
off_by() {
    local off
    off=$(status clock.offset_s)
    [ $((${off%.*} - $1)) -ge -3 ] && [ $((${off%.*} - $1)) -le 3 ] || fail "offset_s is $off, not $1"
}

# looks_expired QUEUED: nothing goes, nothing is lost, the clock is named; then a person sets it.
looks_expired() {
    try_twice
    is "requests" "$(seen requests)" 0
    nothing_lost "$1"
    problem clock || fail "no problem says clock"
    clock_off 0
}
for y in 1970 2001 2015 2035; do year $y; done

say "a clock that could be right, but makes the certificate look expired"
new_till
clock_off $((2 * YEAR_S))
tls_up
agent_start wrong_clock
is "clock" "$(status clock.state)" plausible
stampless ahead-1
looks_expired 1
try_now
near ahead-1
agent_stop

say "a clock that could be right, but is a day ahead: a probe asks before the first sale goes"
new_till
clock_off $((24 * HOUR_S))
agent_start wrong_clock
is "clock" "$(status clock.state)" plausible
stampless day-1
near day-1
is "probes" "$(seen probes)" 1
agent_stop

say "in 1970 too an expired certificate is refused"
new_till
clock_off "$(off_from '1970-03-04 00:05:00')"
tls_down
cp "$W/server.pem" "$W/good.pem"
env LD_PRELOAD="$FAKETIME_LIBRARY" FAKETIME='@2020-05-06 00:00:00' \
    openssl x509 -req -in "$W/server.csr" -CA "$W/ca.pem" -CAkey "$W/ca.key" -days 30 -extfile "$W/server.ext" \
    -out "$W/server.pem" 2>"$W/openssl.log" || fail "no old certificate: $(cat "$W/openssl.log")"
nginx_answers() { curl -sk --max-time 5 -o /dev/null "https://localhost:$TLS_PORT/"; }
tls_up
agent_start wrong_clock
stampless expired-1
try_twice
is "requests" "$(seen requests)" 0
grep -q 'certificate expired' "$W/agent.log" || fail "the log does not say why"
tls_down
cp "$W/good.pem" "$W/server.pem"
tls_up
try_now
near expired-1
agent_stop

say "a time that cannot be judged is judged when the clock is known"
new_till
clock_off "$(off_from '1970-03-04 00:05:00')"
tls_down
agent_start wrong_clock
for days in 1 40; do
    at=$(date -u -d "now - $days days" +%Y-%m-%dT%H:%M:%SZ)
    post /v1/track "$(purchase "days-$days" | sed "s/\"timestamp\":\"[^\"]*\"/\"timestamp\":\"$at\"/")"
    is "answer" "$STATUS $(said status)" "200 queued"
done
tls_up
try_now
eventually counted days-1
eventually status_is queue.queued 0
reason_is days-40 too_old || fail "an event of 40 days ago: $(call GET /v1/events/days-40)"
is "dead" "$(status queue.dead)" 1
agent_stop

# --- what waits for trusted time ------------------------------------------------------------------

uuid() { cat /proc/sys/kernel/random/uuid; }
# For `&` only: an agent on a device that has just been started.
in_new_boot() {
    wrong_clock unshare -m sh -c 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"' "$W/boot" "$@"
}
[ "$(id -u)" = 0 ] || skip "all but the last part passed; that needs root, to give the agent another boot id"
uuid >"$W/boot"
[ "$(in_new_boot cat /proc/sys/kernel/random/boot_id)" = "$(cat "$W/boot")" ] ||
    skip "all but the last part passed; here the agent cannot be given another boot id"

say "expiry, 40 hours of doubt and the memory for ids wait for trusted time"
MORE_QUEUE=', "max_event_age": "1h", "keep_sent": "1h"'
new_till
sed -i 's/"retry_first": "100ms", "retry_most": "1s"/"retry_first": "1h", "retry_most": "1h"/' "$W/tillpost.json"
clock_off 0
agent_start in_new_boot
stampless sent-1
near sent-1
tell script '[{"half":true,"forever":true}]'
stampless doubtful-1
eventually attempts_least doubt 1
stampless waiting-1
nothing_lost 2
agent_stop

say "  a new boot, ten years ahead: nothing is judged"
uuid >"$W/boot"
clock_off $TEN_YEARS_S
agent_start in_new_boot
is "clock" "$(status clock.state)" implausible
try_twice
nothing_lost 2
stampless sent-1 duplicate
agent_stop

say "  a new boot, and a server that says that 41 hours have passed"
uuid >"$W/boot"
clock_off 0
tell script '[]'
tell clock "{\"offset_s\":$((41 * HOUR_S))}"
agent_start in_new_boot
try_now
eventually reason_is doubtful-1 unknown_outcome
eventually reason_is waiting-1 expired
is "clock" "$(status clock.state)" trusted
agent_stop
agent_start in_new_boot
stampless sent-1
agent_stop
