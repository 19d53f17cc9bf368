#!/bin/bash
# An fsync that fails: everybody who waited for that commit gets 503, the queue is opened again and looked at before the
# next answer that promises, a repeated id is queued once, and the third within a minute ends the agent with 74, for the
# service manager to start it afresh. (Every other sync of a day's work fails in tests/crash/error_test.sh.)
. "$(dirname "$0")/lib.sh"

need_strace
[ "$(id -u)" = 0 ] || skip "strace must be root's to look into a hardened agent"
[ "${SANITIZED:-0}" = 0 ] || skip "LeakSanitizer ends a traced agent"

TOGETHER=12
WAL=$W/state/queue.db-wal

connected() { [ "$(grep -cF "$W/till.sock" /proc/net/unix)" -gt $TOGETHER ]; }
# together PREFIX: sales that wait for one commit: they come while the agent stands still. "STATUS status" a line.
together() {
    local n pids=''
    kill -STOP "$AGENT_PID"
    for n in $(seq $TOGETHER); do
        purchase "$1-$n" | call POST /v1/track -H 'Content-Type: application/json' --data-binary @- \
            -w '\n%{http_code}\n' >"$W/$1-$n" &
        pids="$pids $!"
    done
    eventually connected
    kill -CONT "$AGENT_PID"
    # shellcheck disable=SC2086 # a list of ids
    wait $pids
    for n in $(seq $TOGETHER); do
        say "$(tail -n 1 "$W/$1-$n") $(head -n 1 "$W/$1-$n" | "$TOOL" get status 2>/dev/null)"
    done
}
# What left behind a failed sync: how many 503, and whether anything was promised before the queue was opened again and
# the next sync had come back.
behind_the_error() {
    awk -v wal="<$WAL>" -v db="<$W/state/queue.db>" '
        index($0, "fdatasync(") && index($0, wal) && /EIO/ { bad = 1; next }
        !bad { next }
        / open(at)?\(/ && index($0, db) { opened = 1 }
        index($0, "fdatasync(") && index($0, wal) && / = 0$/ { synced = opened }
        /"HTTP\/1.1 503 / { refused++ }
        /"HTTP\/1.1 200 .*success/ && !synced { early++ }
        END { print refused + 0, early + 0, opened + 0, synced + 0 }' "$1"
}

sandbox_start
tell line '{"down":true}'
agent_config
agent_start
post /v1/pause '{}'
sell before

say "the commit that $TOGETHER tills wait for cannot be synced"
attach -y -s 64 -o "$W/trace" -e "trace=fdatasync,?open,openat,sendto,sendmsg,write,writev" \
    -e inject=fdatasync:error=EIO:when=1
together group >"$W/answers"
sort "$W/answers" | uniq -c
[ "$(grep -c '^503 ' "$W/answers")" -gt 1 ] || fail "no group was refused"
grep -vE '^(503 |200 queued)' "$W/answers" && fail "these are no answers"
say "the same again"
together group >"$W/again"
sort "$W/again" | uniq -c
grep -vE '^200 (queued|duplicate)' "$W/again" && fail "a repeat was refused"
detach
read -r refused early opened synced < <(behind_the_error "$W/trace")
is "promised before the queue was opened again" "$early $opened $synced" "0 1 1"
is "refused" "$refused" "$(grep -c '^503 ' "$W/answers")"
is "queued" "$(status queue.queued)" $((TOGETHER + 1))
is "commits that failed" "$(call GET /metrics | grep 'storage_errors_total{op="commit"}' | cut -d ' ' -f 2)" 1
# The one who looks at the trace finds an answer that came too early.
sed '/fdatasync(.*EIO/a 1 sendto(9<socket:[1]>, "HTTP/1.1 200 OK\\r\\n{\\"success\\":true", 64, 0, NULL, 0) = 64' \
    "$W/trace" >"$W/doctored"
is "early answers of a doctored trace" "$(behind_the_error "$W/doctored" | cut -d ' ' -f 2)" 1

say "writes that a disk refuses end nobody, however many"
attach -o /dev/null -e trace=pwrite64 -e inject=pwrite64:error=EROFS:when=1+
for n in 1 2 3 4 5; do
    post /v1/track "$(purchase "read-only-$n")"
    is "status" "$STATUS $(said code)" "503 storage_error"
done
detach
eventually agent_answers
post /v1/track "$(purchase read-only-1)"
is "status of a repeat" "$STATUS" 200
post /v1/events/drop '{"ids":["read-only-1"]}'

say "three within a minute"
for n in 2 3; do
    attach -o /dev/null -e trace=fdatasync -e inject=fdatasync:error=EIO:when=1
    post /v1/track "$(purchase "third-$n")"
    is "status" "$STATUS $(said code)" "503 storage_error"
    detach
done
agent_wait
is "exit status" "$EXIT" 74
agent_start
for n in 2 3; do
    post /v1/track "$(purchase "third-$n")"
    is "status of a repeat" "$STATUS" 200
done
is "queued" "$(status queue.queued)" $((TOGETHER + 3))
tell line '{"down":false}'
post /v1/resume '{}'
try_now
for n in $(seq $TOGETHER); do eventually counted "group-$n"; done
for n in 2 3; do eventually counted "third-$n"; done
