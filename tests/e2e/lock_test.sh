#!/bin/bash
# One queue, one owner: an agent that starts while a verb of the command line works on the queue itself waits for it; a
# second agent gives up, and says why.
. "$(dirname "$0")/lib.sh"
ENDPOINT=http://127.0.0.1:1$TRACK # nobody is there: what is queued stays
ROWS=3000

agent_config
export TILLPOST_CONFIG=$W/tillpost.json
awk -v n=$ROWS -v now="$(date -u +%Y-%m-%dT%H:%M:%SZ)" 'BEGIN {
    print "event_type,email,timestamp,order_id"
    for (i = 1; i <= n; i++) printf "Purchase,user%d@example.com,%s,order-%d\n", i, now, i
}' >"$W/rows.csv"

say "an import has the queue and stands still"
"$TILLPOST" import "$W/rows.csv" >"$W/imported" 2>&1 &
OTHER_PIDS=$!
eventually test -s "$W/state/queue.db-wal"
kill -STOP $OTHER_PIDS
"$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1 &
AGENT_PID=$!
eventually grep -q 'has it open' "$W/agent.log"
agent_answers && fail "an agent runs on a queue that another program has open"
kill -0 "$AGENT_PID" || fail "the agent did not wait"
kill -CONT $OTHER_PIDS
eventually agent_settled
agent_answers || fail "the agent gave up: $(tail -n 1 "$W/agent.log")"
wait $OTHER_PIDS
OTHER_PIDS=''

say "a second agent gives up"
sed "s#$W/till.sock#$W/second.sock#" "$W/tillpost.json" >"$W/second.json"
"$TILLPOST" run --config "$W/second.json" >"$W/second.log" 2>&1
is "exit status" $? 75
has "its words" "$(cat "$W/second.log")" "another program has it open"
agent_stop
