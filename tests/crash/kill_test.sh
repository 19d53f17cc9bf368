#!/bin/bash
# SIGKILL at every write, sync, truncation, removal and send of a run, from the first start on an empty
# directory over sales and deliveries to the end: each time the next start is ready soon, takes sales, has
# lost nothing that was acknowledged, delivers each event once, and ends well.
#
# SHARE: one point in so many (all with TILLPOST_SOAK=1). CALLS: only these. CONTROL: the mutant that
# $TILLPOST is; then a loss has to be found.
. "$(dirname "$0")/../e2e/lib.sh"

need strace
strace -f -o /dev/null true 2>"$W/strace.err" || skip "strace is not permitted here: $(head -n 1 "$W/strace.err")"
CALLS=${CALLS:-pwrite64 write writev fdatasync fsync ftruncate unlink unlinkat rename sendto sendmsg}
[ -z "${TILLPOST_SOAK:-}" ] || SHARE=1
SALES=5
READY_MS=8000 # the bar is 2 s; the machine may be busy

# LeakSanitizer does not work under ptrace.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
PRESETS='["Complete Payment"]'
sandbox_start
agent_config

begin() { # [COMMAND…]: as agent_start, for an agent that may end at any moment
    "$@" "$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1 &
    AGENT_PID=$!
    eventually agent_settled
}
work() { "$REGISTER" "$W/till.sock" "$W/$1" --prefix "$2" --count $SALES --max-ms 5000; }
drained() { status_is queue.queued 0; }

# One life under strace: start, sales, deliveries, end.
life() { # PREFIX STRACE-ARGUMENTS…
    local prefix=$1
    shift
    rm -rf "$W/state" "$W/answers" "$W/again"
    mkdir -m 700 "$W/state"
    begin strace -f "$@"
    work answers "$prefix" || true
    kill -TERM "$(pgrep -P "$AGENT_PID")" 2>/dev/null
    agent_wait 2>/dev/null
}

# What was acknowledged, or repeated later, and is not counted exactly once.
missing() {
    sort -u "$W/answers" "$W/again" 2>/dev/null | awk '$2 == 200 { print $1 }' | sort -u >"$W/promised"
    ask received | "$TOOL" column events event_id | sort >"$W/counted"
    comm -23 "$W/promised" <(uniq -u "$W/counted")
}

lost() {
    say "$1: acknowledged and is lost: $2"
    [ -n "${CONTROL:-}" ] || fail "$1"
    say "found out, as it must be: $CONTROL"
    exit 0
}

worst_ms=0
examine() { # POINT PREFIX
    local began took id
    began=$(now_ms)
    begin
    took=$(($(now_ms) - began))
    agent_answers || fail "$1: the next start does not stay"
    [ $took -le $READY_MS ] || fail "$1: the next start was ready after $took ms"
    [ $took -le $worst_ms ] || worst_ms=$took
    # What was promised is known before anybody says it again.
    for id in $(awk '$2 == 200 { print $1 }' "$W/answers"); do
        call GET "/v1/events/$id" -o /dev/null -w '%{http_code}' | grep -q 200 || lost "$1" "$id"
    done
    work again "$2" || fail "$1: a till got no answer after the restart"
    [ "$(grep -cE ' 200 (queued|duplicate) ' "$W/again")" = $SALES ] || fail "$1: $(cat "$W/again")"
    try_now
    eventually drained
    id=$(missing)
    [ -z "$id" ] || lost "$1" "$id"
    agent_stop
}

# How often each call is made in such a life.
life dry -o "$W/trace" -e "trace=${CALLS// /,}"
is "exit status" "$EXIT" 0
examine "no point" dry
points=0 run=0
for name in $CALLS; do
    count=$(grep -cE "^[0-9]+ +$name\(" "$W/trace")
    for ((n = 1; n <= count; n++)); do
        points=$((points + 1))
        [ $((points % SHARE)) = 0 ] || continue
        run=$((run + 1))
        tell reset
        life "$name-$n" -o /dev/null -e "trace=$name" -e "inject=$name:signal=KILL:when=$n"
        examine "SIGKILL at $name $n of $count" "$name-$n"
    done
done
[ $run -gt 0 ] || fail "there were no points"
[ -z "${CONTROL:-}" ] || fail "the control passes: $CONTROL was not found out"
say "$run of $points points, each restart ready within $worst_ms ms, nothing lost"
