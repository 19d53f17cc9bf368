#!/bin/bash
# SIGKILL, of the import and of the agent at once, along an import of 5,000 rows; then of an import that works on the
# queue itself. The same command, run again, ends in exactly 5,000 events. Every 50th row with TILLPOST_SOAK=1, else
# every 250th; rows_test kills at every 50th exactly.
. "$(dirname "$0")/lib.sh"
ROWS=5000
STEP=250
[ "${TILLPOST_SOAK:-0}" = 0 ] || STEP=50
ENDPOINT=http://127.0.0.1:1$TRACK # nobody is there: what is queued stays

agent_config
export TILLPOST_CONFIG=$W/tillpost.json
awk -v n=$ROWS -v now="$(date -u +%Y-%m-%dT%H:%M:%SZ)" 'BEGIN {
    print "event_type,email,timestamp,order_id"
    for (i = 1; i <= n; i++) printf "Purchase,user%d@example.com,%s,order-%d\n", i, now, i
}' >"$W/rows.csv"
queued() { call GET /v1/status | "$TOOL" get queue.queued; }

# kill_all PID...: no word is said to them, and their end is waited for.
kill_all() {
    kill -KILL "$@" 2>/dev/null
    wait "$@" 2>/dev/null
}

say "the import and the agent are killed together"
killed=0
for ((at = STEP; at < ROWS; at += STEP)); do
    agent_start
    "$TILLPOST" import "$W/rows.csv" >/dev/null 2>&1 &
    IMPORT_PID=$!
    OTHER_PIDS=$IMPORT_PID
    while have=$(queued) && [ "$have" -lt $at ] && kill -0 $IMPORT_PID 2>/dev/null; do :; done
    kill -0 $IMPORT_PID 2>/dev/null && killed=$((killed + 1))
    kill_all "$IMPORT_PID" "$AGENT_PID"
    AGENT_PID='' OTHER_PIDS=''
done
say "$killed imports were killed on their way"
[ $killed -ge $((ROWS / STEP / 4)) ] || fail "too few imports were met on their way: $killed"
agent_start
run import "$W/rows.csv"
is "exit" "$EXIT" 0
is "queued" "$(queued)" $ROWS
run import "$W/rows.csv"
is "once more" "$OUT" "$ROWS rows: 0 queued, $ROWS known already, 0 refused"
agent_stop

say "an import without an agent is killed"
rm -rf "$W/state"
agent_config
for ((i = 0; i < 10; i++)); do
    "$TILLPOST" import "$W/rows.csv" >/dev/null 2>&1 &
    IMPORT_PID=$!
    OTHER_PIDS=$IMPORT_PID
    sleep "0.0$((RANDOM % 10))"
    kill_all "$IMPORT_PID"
    OTHER_PIDS=''
done
run import "$W/rows.csv"
is "exit" "$EXIT" 0
run import "$W/rows.csv"
is "once more" "$OUT" "$ROWS rows: 0 queued, $ROWS known already, 0 refused"

say "an agent that comes back is waited for"
rm -rf "$W/state"
agent_config
agent_start
(
    head -n 3000 "$W/rows.csv"
    until [ -e "$W/back" ]; do sleep 0.05; done
    tail -n +3001 "$W/rows.csv"
) | "$TILLPOST" import - >"$W/sum" 2>&1 &
IMPORT_PID=$!
OTHER_PIDS=$IMPORT_PID
some() { [ "$(queued)" -gt 0 ]; }
eventually some
agent_kill
touch "$W/back"
agent_start
wait $IMPORT_PID
is "exit" $? 0
is "queued" "$(queued)" $ROWS
