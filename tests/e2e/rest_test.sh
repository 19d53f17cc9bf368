#!/bin/bash
# An agent that has nothing to do does nothing: in each state it comes to rest, with at most one wake-up a second and
# next to no time of the processor, all threads counted.
. "$(dirname "$0")/lib.sh"

WATCHED_S=4
CPU_MAX_PERCENT=10 # a loop that does not sleep takes all

of_tasks() { awk '$1 == "voluntary_ctxt_switches:" { n += $2 } END { print n }' "/proc/$AGENT_PID"/task/*/status; }
of_processor() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$AGENT_PID/stat"; } # user and system, in ticks
is_at_rest() {
    local woken ticks
    woken=$(of_tasks) ticks=$(of_processor)
    sleep $WATCHED_S
    woken=$(($(of_tasks) - woken)) ticks=$(($(of_processor) - ticks))
    SEEN="$woken wake-ups and $((ticks * 1000 / $(getconf CLK_TCK))) ms of the processor in $WATCHED_S s"
    [ $woken -le $WATCHED_S ] && [ $((ticks * 100)) -le $((CPU_MAX_PERCENT * WATCHED_S * $(getconf CLK_TCK))) ]
}
rests() { # STATE
    local end=$((SECONDS + DEADLINE_S))
    until is_at_rest; do [ $SECONDS -lt $end ] || fail "$1: $SEEN"; done
    say "  $1: $SEEN"
}

D=$W/drop
mkdir -m 700 "$D"
sandbox_start
MORE=', "import": { "folder": "'$D'" }'
agent_config
# Tries as a shop has them, not as a test wants them.
sed -i -e 's/"retry_first": "[^"]*"/"retry_first": "5m"/' -e 's/"retry_most": "[^"]*"/"retry_most": "30m"/' \
    "$W/tillpost.json"
agent_start
rests "with nothing to do"
sell first
eventually counted first
rests "after a sale"
mkfifo "$W/endless"
sleep 1000 >"$W/endless" &
OTHER_PIDS=$!
call POST /v1/track -H 'Content-Type: application/json' -T "$W/endless" >/dev/null &
OTHER_PIDS="$OTHER_PIDS $!"
rests "with a call that stops in its middle"

tell line '{"down":true}'
sell second
eventually status_is state offline
rests "with a sale that cannot go, the line being down"
tell line '{"down":false}'
"$TILLPOST" pause --config "$W/tillpost.json" >/dev/null
rests "when somebody paused it"
"$TILLPOST" resume --config "$W/tillpost.json" >/dev/null
tell script '[{"code":40105},{"code":40105},{"code":40105},{"code":40105}]'
try_now
eventually status_is state paused
rests "when TikTok refuses the token"
