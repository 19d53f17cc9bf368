#!/bin/bash
# No memory: each allocation between a sale's arrival and the end of its delivery fails, once and from there
# on, in the real program (a preloaded malloc). It never crashes; each sale is answered or hung up on; with
# memory again there is full service; at the end as many blocks are left as after a run without failures, and
# nothing that was promised is lost. Three failed commits in a minute end the agent with 74, as on any disk
# that fails; it is started again, as a service manager would.
#
# SHARE: one allocation in so many (all with TILLPOST_SOAK=1).
. "$(dirname "$0")/../e2e/lib.sh"

[ -z "${TILLPOST_SOAK:-}" ] || SHARE=1
PRESETS='["Complete Payment"]'
export STARVE_FILE=$W/control STARVE_LOG=$W/live
head -c 64 /dev/zero >"$STARVE_FILE"
sandbox_start
agent_config

starts=0
# A life after the other until TERM; each end's status is a line of ends.
keep_alive() {
    local agent status=74
    trap 'kill -TERM "$agent"' TERM
    while [ $status = 74 ]; do
        LD_PRELOAD=$STARVED "$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1 &
        agent=$!
        wait $agent
        status=$?
        [ $status -le 128 ] || { wait $agent && status=$? || status=$?; }
        echo $status >>"$W/ends"
    done
}
run() { # SHARE
    rm -f "$W/ends" "$W/live"
    keep_alive &
    AGENT_PID=$!
    eventually agent_answers
    "$STARVE" "$W/till.sock" "$STARVE_FILE" "$W/answers" "$1" || fail "SHARE=$1: $(cat "$W/ends" 2>/dev/null)"
    eventually status_is queue.queued 0
    kill -TERM $AGENT_PID
    wait $AGENT_PID
    AGENT_PID=''
    grep -vxE '0|74' "$W/ends" && fail "an agent ended otherwise than with 0 or 74"
    starts=$(wc -l <"$W/ends")
}

run 0
clean=$(cat "$W/live")
run "$SHARE"
left=$(sort -n "$W/live" | tail -n 1)
[ "$left" -le "$clean" ] || fail "$left blocks are left, $clean without failures: $(tr '\n' ' ' <"$W/live")"
cut -d ' ' -f 1 "$W/answers" | sort -u >"$W/promised"
ask received | "$TOOL" column events event_id | sort >"$W/counted"
lost=$(comm -23 "$W/promised" "$W/counted" | head -n 3)
[ -z "$lost" ] || fail "acknowledged and is lost: $lost"
say "$(wc -l <"$W/promised") sales promised, none lost; $starts lives, $clean blocks left at the end of each"
