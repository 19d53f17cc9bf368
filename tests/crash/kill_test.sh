#!/bin/bash
# SIGKILL at every write, sync, truncation, removal and send of a run, from the first start on an empty
# directory, or on the queue of a program of schema 1, over sales, a bad call, an import, an erasure and
# deliveries to the end: each time the next start is ready soon, takes sales, has lost nothing that was
# acknowledged, delivers each event once, has erased what it said it has, and ends well.
#
# SHARE: one point in so many (all with TILLPOST_SOAK=1). CALLS: only these. BEGINNINGS: only these.
# CONTROL: the mutant that $TILLPOST is; then a loss has to be found.
. "$(dirname "$0")/lib.sh"

need_strace
CALLS=${CALLS:-pwrite64 write writev fdatasync fsync ftruncate unlink unlinkat rename sendto sendmsg}
[ -z "${TILLPOST_SOAK:-}" ] || SHARE=1
BEGINNINGS=${BEGINNINGS:-empty schema_1}
SALES=6
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
work() {
    "$REGISTER" "$W/till.sock" "$W/$1" --prefix "$2" --count $SALES --max-ms 5000 --bad-every 4 \
        --import-every 3 --erase-every 5
}
empty() {
    rm -rf "$W/state"
    mkdir -m 700 "$W/state"
}
schema_1() {
    old_queue
    old_promises >"$W/answers"
}
drained() { status_is queue.queued 0; }

# One life under strace: start, sales, deliveries, end.
life() { # BEGINNING PREFIX STRACE-ARGUMENTS…
    local beginning=$1 prefix=$2
    shift 2
    rm -f "$W/again"
    : >"$W/answers"
    "$beginning"
    begin strace -f "$@"
    work answers "$prefix" || true
    kill -TERM "$(pgrep -P "$AGENT_PID")" 2>/dev/null
    agent_wait 2>/dev/null
}

# What was acknowledged, or repeated later, and is not counted exactly once; but the erased person's.
missing() {
    sort -u "$W/answers" "$W/again" | awk '$2 == 200 && $1 !~ /^gone-/ { print $1 }' | sort -u >"$W/promised"
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
        call GET "/v1/events/$id" -o /dev/null -w '%{http_code}' | grep 200 >/dev/null || lost "$1" "$id"
    done
    for id in $(awk '$3 == "erased" { print $1 }' "$W/answers"); do
        call GET "/v1/events/$id" | grep -qE '"state":"(sent|dropped)"' || fail "$1: erased and is there: $id"
    done
    work again "$2" || fail "$1: a till got no answer after the restart"
    grep -vE '( 200 (queued|duplicate|erased)|^bad-.* 422 missing_pii) ' "$W/again" && fail "$1: no full service"
    try_now
    eventually drained
    id=$(missing)
    [ -z "$id" ] || lost "$1" "$id"
    agent_stop
}

points=0 run=0
for beginning in $BEGINNINGS; do
    # How often each call is made in such a life.
    tell reset
    life "$beginning" dry -o "$W/trace" -e "trace=${CALLS// /,}"
    is "exit status" "$EXIT" 0
    examine "no point" dry
    for name in $CALLS; do
        count=$(grep -cE "^[0-9]+ +$name\(" "$W/trace")
        for ((n = 1; n <= count; n++)); do
            points=$((points + 1))
            [ $((points % SHARE)) = 0 ] || continue
            run=$((run + 1))
            tell reset
            life "$beginning" "$name-$n" -o /dev/null -e "trace=$name" -e "inject=$name:signal=KILL:when=$n"
            examine "$beginning, SIGKILL at $name $n of $count" "$name-$n"
        done
    done
done
[ $run -gt 0 ] || fail "there were no points"
[ -z "${CONTROL:-}" ] || fail "the control passes: $CONTROL was not found out"
say "$run of $points points, each restart ready within $worst_ms ms, nothing lost"
