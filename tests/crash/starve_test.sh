#!/bin/bash
# No memory: each allocation between the arrival of a sale, an import or an erasure and the end of its delivery fails,
# once and from there on, in the real program (a preloaded malloc). It never crashes; each call is answered or hung up
# on; with memory again there is full service; at the end as many blocks are left as after a run without failures, and
# nothing that was promised is lost. The same with each allocation of a start that migrates the queue of a program of
# schema 1: the agent runs, with full service once there is memory, or ends with an exit status, and the next start has
# it all.
#
# SHARE: one allocation in so many (all with TILLPOST_SOAK=1); STARTS: of a start, one in STARTS * SHARE.
. "$(dirname "$0")/lib.sh"

STARTS=${STARTS:-1}
[ -z "${TILLPOST_SOAK:-}" ] || { SHARE=1 && STARTS=1; }
PRESETS='["Complete Payment"]'
export STARVE_FILE=$W/control STARVE_LOG=$W/live
head -c 64 /dev/zero >"$STARVE_FILE"
sandbox_start
agent_config

run() { # SHARE
    rm -f "$W/live"
    LD_PRELOAD=$STARVED "$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1 &
    AGENT_PID=$!
    eventually agent_answers
    "$STARVE" "$W/till.sock" "$STARVE_FILE" "$W/answers" "$1" || fail "SHARE=$1"
    eventually status_is queue.queued 0
    agent_stop
}

run 0
clean=$(cat "$W/live")
run "$SHARE"
left=$(cat "$W/live")
[ "$left" -le "$clean" ] || fail "$left blocks are left, $clean without failures: $(tr '\n' ' ' <"$W/live")"
cut -d ' ' -f 1 "$W/answers" | sort -u >"$W/promised"
ask received | "$TOOL" column events event_id | sort >"$W/counted"
lost=$(comm -23 "$W/promised" "$W/counted" | head -n 3)
[ -z "$lost" ] || fail "acknowledged and is lost: $lost"
say "$(wc -l <"$W/promised") events promised, none lost; $clean blocks left at the end"

start_starved() { # N TIMES
    local before
    before=$(starts)
    "$STARVE" --next "$STARVE_FILE" "$1" "$2" >/dev/null || fail "$STARVE_FILE"
    LD_PRELOAD=$STARVED "$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1 &
    AGENT_PID=$!
    eventually start_settled
}
all_there() {
    local id
    for id in $(old_promises | cut -d ' ' -f 1); do
        [ "$(call GET "/v1/events/$id" -o /dev/null -w '%{http_code}')" = 200 ] ||
            fail "a start without memory: acknowledged and is lost: $id"
    done
}
tell line '{"down":true}'
starved=0
for times in 1 -1; do
    FAILED=1
    for ((n = 1; FAILED > 0; n += SHARE * STARTS)); do
        old_queue
        start_starved $n $times
        "$STARVE" --next "$STARVE_FILE" 0 0 >"$W/failed"
        serves
        kill -TERM "$AGENT_PID" 2>/dev/null
        agent_wait
        is_tried_again "$EXIT" "allocation $n failed"
        FAILED=$(cat "$W/failed")
        start_starved 0 0
        all_there
        agent_stop
        starved=$((starved + 1))
    done
done
say "$starved starts without memory on the queue of an older program, nothing lost"
