#!/bin/bash
# Power cuts by replay: the agent at work under strace, then its disk rebuilt as a cut after each of its
# operations may leave it (replay.c). The workload: the migration of a queue of schema 1, sales alone and many at once,
# bad calls, batches, an import, deliveries, refusals, replies that never come, drops, retries, an erasure, an ending
# that is no ending (SIGKILL) and a clean one, checkpoints.
#
# STATES: how many disks at least. CONTROL: the name of a mutant (mutants/*.patch) that $TILLPOST is; then
# the replay has to find something, and a silent one fails.
. "$(dirname "$0")/lib.sh"

need_strace
[ "$(id -u)" = 0 ] || skip "strace must be root's to look into a hardened agent"
SALES=${SALES:-220}
[ -z "${TILLPOST_SOAK:-}" ] || STATES=${SOAK_STATES:-$STATES}

calls=execve,openat,open,pwrite64,write,writev,sendto,sendmsg,read,recvfrom,recvmsg,ftruncate,truncate
calls=$calls,fdatasync,fsync,unlink,unlinkat,rename,renameat,renameat2,pwritev,fallocate,copy_file_range
PRESETS='["Complete Payment"]'

traced_start() { agent_start strace -A -f -y -xx -s 200000 -o "$W/trace" -e "trace=$calls"; }
# The agent is strace's child.
traced_signal() {
    kill "-$1" "$(pgrep -P "$AGENT_PID")"
    agent_wait
}
work() { "$REGISTER" "$W/till.sock" "$W/answers" "$@" || fail "a till got no answer"; }
json() { call POST "$1" -H 'Content-Type: application/json' -d "$2" >/dev/null || fail "no answer to $1"; }
drained() { status_is queue.queued 0; }

sandbox_start
agent_config
old_queue
cp "$W/state/queue.db" "$W/image"
traced_start
try_now

# Sales alone, each delivered as it comes; some calls are bad.
work --prefix one --count $((SALES / 2)) --bad-every 15 --bytes 700
# TikTok does not like one of them, one reply never comes, one is a page of HTML.
tell refuse '{"event_id":"two-3","code":40002,"index":true}'
tell refuse '{"event_id":"two-5","code":40002}'
work --prefix two --count 8
tell script '[{"http":502,"body":"<html>502</html>"},{"code":50000},{"cut":"after"}]'
work --prefix three --count 6
# Offline: they gather; a batch, the same again, one is dropped. Then the power switch of a process.
tell line '{"down":true}'
work --prefix four --count $((SALES / 6)) --at-once 6 --bytes 900
work --prefix gone --count 5
post /v1/batch "{\"batch\":[$(purchase five-1),$(purchase five-2),$(purchase one-1)]}"
json /v1/events/drop '{"ids":["four-2","two-3"]}'
json /v1/events/retry '{"ids":["two-5"]}'
awk -v now="$(date -u +%Y-%m-%dT%H:%M:%SZ)" 'BEGIN {
    print "event_type,email,timestamp,order_id"
    for (i = 1; i <= 30; i++) printf "Purchase,nine%d@example.com,%s,nine-%d\n", i, now, i
}' >"$W/rows.csv"
for n in 30 0; do # the second time all are known
    run import --config "$W/tillpost.json" "$W/rows.csv"
    has "the import" "$OUT" "30 rows: $n queued"
done
# One person's events, old ones among them, go for good, while others are handed in.
work --prefix eight --count 6 &
json /v1/erase '{"email":"gone@example.com"}'
wait $!
traced_signal KILL
traced_start
work --prefix six --count $((SALES / 6)) --bytes 12000
tell line '{"down":false}'
try_now
eventually drained
work --prefix seven --count $((SALES / 4)) --bytes 20000
eventually drained
traced_signal TERM

status=0
"$REPLAY" "$W/trace" "$W/image" "$W/state/key" "$STATES" >"$W/found" || status=$?
cat "$W/found"
if [ -z "${CONTROL:-}" ]; then
    [ $status = 0 ] || fail "the replay found something"
    exit 0
fi
if [ $status != 1 ] || ! grep -q "^found .*$FINDS" "$W/found"; then
    fail "the control passes: $CONTROL was not found out"
fi
say "found out, as it must be: $CONTROL"
