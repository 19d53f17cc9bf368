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

say "an import has the queue and waits for more rows"
(
    head -n 1000 "$W/rows.csv"
    until [ -e "$W/go-on" ]; do sleep 0.05; done
    tail -n +1001 "$W/rows.csv"
) | "$TILLPOST" import - >"$W/imported" 2>&1 &
OTHER_PIDS=$!
eventually test -s "$W/state/queue.db-wal"
"$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1 &
AGENT_PID=$!
eventually grep -q 'has it open' "$W/agent.log"
agent_answers && fail "an agent runs on a queue that another program has open"
kill -0 "$AGENT_PID" || fail "the agent did not wait"
touch "$W/go-on"
wait $OTHER_PIDS
is "the import's exit status" $? 0
is "its sum" "$(cat "$W/imported")" "$ROWS rows: $ROWS queued, 0 known already, 0 refused"
OTHER_PIDS=''
eventually agent_settled
agent_answers || fail "the agent gave up: $(tail -n 1 "$W/agent.log")"

say "a second agent gives up"
sed "s#$W/till.sock#$W/second.sock#" "$W/tillpost.json" >"$W/second.json"
"$TILLPOST" run --config "$W/second.json" >"$W/second.log" 2>&1
is "exit status" $? 75
has "its words" "$(cat "$W/second.log")" "another program has it open"
agent_stop
