#!/bin/bash
# One connection to the queue at any time: SQLite's WAL-reset bug needs two, and closing another descriptor of the
# file gives up the locks that keep other programs out. strace counts, over all that the agent does with it: sales,
# deliveries, refusals, erasure, import, export, a failed sync, a damaged file. The counter itself must find a second.
. "$(dirname "$0")/lib.sh"

need_strace
[ "$(id -u)" = 0 ] || skip "strace must be root's to look into a hardened agent"

# connections TRACE: "most open at one time, opened in all" of queue.db
connections() {
    awk -v name="$W/state/queue.db" '
        / open(at)?\(/ && index($0, "<" name ">") > index($0, " = ") && / = [0-9]+</ {
            all++; if (++now > most) most = now }
        index($0, " close(") && index($0, "<" name ">") && / = 0$/ { now-- }
        END { print most + 0, all + 0 }' "$1"
}
# LeakSanitizer does not work under ptrace.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
# traced STRACE_OPTION…: an agent whose opened and closed files are in $W/trace
traced() {
    agent_start strace -f -y -o "$W/trace" -e trace=?open,openat,close,fdatasync "$@"
    OTHER_PIDS=$(head -n 1 "$W/trace" | cut -d ' ' -f 1)
}
ended() {
    kill -TERM "$OTHER_PIDS"
    agent_wait # strace ends after the agent, with its status
    OTHER_PIDS=''
}
only_one() { # LEAST
    read -r most all < <(connections "$W/trace")
    is "connections at one time" "$most" 1
    [ "$all" -ge "$1" ] || fail "the queue was opened $all times, and $1 were to be seen"
    say "opened $all times, one after the other"
}

sandbox_start
agent_config
say "a day of work"
traced
for n in 1 2 3; do sell "day-$n"; done
try_now
for n in 1 2 3; do eventually counted "day-$n"; done
tell line '{"down":true}'
sell kept-1
post /v1/erase '{"email":"kept-1@example.com"}'
is "erased" "$(said erased)" 1
printf 'event_type,email,timestamp,value,currency\nPurchase,a@example.com,%s,1.5,EUR\n' \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$W/rows.csv"
"$TILLPOST" import --socket "$W/till.sock" "$W/rows.csv" >"$W/out" 2>&1 || fail "import: $(cat "$W/out")"
"$TILLPOST" export --socket "$W/till.sock" --mark-sent "$W/out.d" >"$W/out" 2>&1 || fail "export: $(cat "$W/out")"
"$TILLPOST" events --socket "$W/till.sock" --state sent >"$W/out" || fail "events"
"$TILLPOST" status --socket "$W/till.sock" >"$W/out"
ended
only_one 1

say "a sync that fails: the queue is opened again"
traced -e inject=fdatasync:error=EIO:when=4
for n in 1 2 3 4 5 6; do post /v1/track "$(purchase "sync-$n")"; done
for n in 1 2 3 4 5 6; do post /v1/track "$(purchase "sync-$n")" && is "status" "$STATUS" 200; done
ended
only_one 2

say "a damaged file: set aside, and its rows move"
dd if=/dev/zero of="$W/state/queue.db" bs=4096 count=1 conv=notrunc status=none
traced
status_is problems.0.code queue_damaged || call GET /v1/status | grep -q queue_damaged || fail "it is not told"
sell after-1
ended
only_one 2

say "a second connection is found"
open_line=$(grep -n "open\(at\)\?(.*= [0-9]*<$W/state/queue.db>" "$W/trace" | tail -n 1 | cut -d: -f1)
awk -v at="$open_line" '{ print } NR == at { print }' "$W/trace" >"$W/doctored"
is "connections at one time, of a doctored trace" "$(connections "$W/doctored" | cut -d ' ' -f 1)" 2
