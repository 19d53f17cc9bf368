#!/bin/bash
# The answer is a promise: for each of 100 requests one after the other, and 60 at the same time, strace
# sees the write-ahead log written and synced between the request's last byte and the answer's first.
# The line is down meanwhile, so that every commit is a sale's. The checker itself must reject traces
# that were tampered with.
. "$(dirname "$0")/lib.sh"

need_strace
sandbox_start
tell line '{"down":true}'
agent_config

# LeakSanitizer does not work under ptrace.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
calls=read,recvfrom,recvmsg,readv,write,sendto,sendmsg,writev,pwrite64,pwritev,fdatasync,fsync
agent_start strace -f -y -s 32 -o "$W/trace" -e trace=$calls
traced_pid=$(head -n 1 "$W/trace" | cut -d ' ' -f 1)
OTHER_PIDS=$traced_pid

# The agent makes itself undumpable; what it reads and writes is then shown to root alone.
looks_inside() { grep -q '"GET /healthz' "$W/trace"; }
[ "$(id -u)" = 0 ] || looks_inside || skip "strace must be root's to look into a hardened agent"

for n in $(seq 100); do sell "one-$n"; done
pids=''
for n in $(seq 60); do
    purchase "many-$n" | call POST /v1/track -H 'Content-Type: application/json' --data-binary @- \
        >"$W/many-$n" &
    pids="$pids $!"
done
OTHER_PIDS="$traced_pid $pids"
for pid in $pids; do wait "$pid" || fail "no answer to one of 60 requests at once"; done
OTHER_PIDS=$traced_pid
is "queued" "$(status queue.queued)" 160
kill -TERM "$traced_pid"
agent_wait # strace ends after the agent, with its status
OTHER_PIDS=''
is "exit status" $EXIT 0

"$ORDER" "$W/trace" 160 || fail "an answer left too early"

# rejected WHAT COMMAND…: what the command makes of the trace must not pass.
rejected() {
    local what=$1
    shift
    "$@" "$W/trace" >"$W/doctored"
    cmp -s "$W/trace" "$W/doctored" && fail "$what: nothing was tampered with"
    "$ORDER" "$W/doctored" 160 >"$W/verdict" && fail "$what: the checker takes it"
    say "rejected, as it must be: $what: $(tail -n 1 "$W/verdict")"
}
answer_line=$(grep -n '"HTTP/1.1 200 .*"{\\"success' "$W/trace" | sed -n '80s/:.*//p')
sync_line=$(head -n "$answer_line" "$W/trace" | grep -n 'sync(.*-wal>) = 0' | tail -n 1 | cut -d: -f1)
rejected "one answer before its sync" awk -v a="$answer_line" -v s="$sync_line" '
    NR == s { held = $0; next } { print } NR == a { print held }'
rejected "no sync at all" grep -vE ' f(data)?sync\('
rejected "every sync fails" \
    sed -E '/ f(data)?sync\(/s/\) += 0/) = -1 EIO (Input\/output error)/'
rejected "the log written after its sync" awk '
    /pwrite64\(.*-wal>/ { held = held $0 "\n"; next } { print }
    / f(data)?sync\(.*-wal>/ { printf "%s", held; held = "" }'
rejected "half a trace" head -n $(($(wc -l <"$W/trace") / 2))
