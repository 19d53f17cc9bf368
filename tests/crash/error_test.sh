#!/bin/bash
# Failing calls: the N-th of each system call that the agent makes for sales, a bad call, an import, an erasure and
# deliveries fails, once and from there on, with each error that it may fail with. Meanwhile everybody is answered,
# with what was asked for or with 503 or 507, or, where it is the socket that fails, at least hung up on. Once the
# fault ends there is full service soon, without a restart (but after three fsyncs that failed within a minute, with
# exit 74), and in the end nothing that was acknowledged is lost. The same with the calls of a start that migrates the
# queue of a program of schema 1: the agent runs or ends so that it is tried again, and the next start has it all.
#
# SHARE: one point in so many (all with TILLPOST_SOAK=1).
. "$(dirname "$0")/lib.sh"

need_strace
[ "$(id -u)" = 0 ] || skip "only root may attach strace to a hardened agent"
[ -z "${TILLPOST_SOAK:-}" ] || SHARE=1
PRESETS='["Complete Payment"]'
ANSWER_MS=4000 # the bar is 1 s; the machine may be busy
AGAIN_S=20     # the bar is 5 s

# call       errors                               answers that a till may get meanwhile
table='
pwrite64     EIO,EROFS                            200|503
pwrite64     ENOSPC,EDQUOT,EFBIG                  200|507
fdatasync    EIO,ENOSPC,EDQUOT,EROFS              200|503|507
ftruncate    EIO                                  200|503
pread64      EIO                                  200|503
newfstatat   EIO,EACCES                           200|503
openat       EIO,ENOSPC,EMFILE,ENFILE,EACCES      200|503|507
unlink       EIO,EROFS                            200|503|507
getrandom    EINTR                                200
accept4      EMFILE,ENFILE,ECONNABORTED,ENOMEM    200|0
recvfrom     ECONNRESET,EINTR,ENOMEM              200|0
sendto       EPIPE,ECONNRESET,ENOBUFS             200|0
sendmsg      EPIPE,ECONNRESET,ENOBUFS             200|0
socket       EMFILE,ENOBUFS,ENOMEM                200
connect      ENETUNREACH,ECONNREFUSED,ETIMEDOUT   200
poll         EINTR                                200
mmap         ENOMEM                               200|503|0
'

sandbox_start
agent_config
agent_start
restarts=0 worst_ms=0 run=0 points=0
: >"$W/answers"

KINDS='--import-every 3 --erase-every 4 --bad-every 5'
sales() { # PREFIX: on two connections
    # shellcheck disable=SC2086 # several words
    "$REGISTER" "$W/till.sock" "$W/now" --prefix "$1" --count 5 --at-once 2 --max-ms $ANSWER_MS $KINDS
}
# Only three failed fsyncs may have ended it.
revive() { # POINT
    kill -0 "$AGENT_PID" 2>/dev/null && return
    agent_wait
    [[ "$1 $EXIT" == fdatasync*' 74' ]] || fail "$1: the agent ended with $EXIT"
    restarts=$((restarts + 1))
    agent_start
}

# It may end a moment after the fault has, and after those who waited.
ends_now() {
    local tenth
    for tenth in {1..20}; do
        kill -0 "$AGENT_PID" 2>/dev/null || return 0
        sleep 0.1
    done
    false
}
answers_again() { # POINT
    agent_answers && return
    revive "$1"
    false
}
is_known() { [ "$(call GET "/v1/events/$1" -o /dev/null -w '%{http_code}')" = 200 ]; }
point() { # NAME INJECTION ANSWERS PREFIX
    local began took id
    rm -f "$W/now"
    attach -o /dev/null -e "trace=${2%%:*}" -e "inject=$2"
    sales "$4"
    detach
    grep -vE "^[^ ]+ ($3) |^bad-.* 422 " "$W/now" >"$W/odd" && ! ends_now &&
        fail "$1: $(cat "$W/odd")"
    cat "$W/now" >>"$W/answers"
    began=$(now_ms)
    revive "$1"
    # What was promised is known before anybody says it again.
    for id in $(awk '$2 == 200 { print $1 }' "$W/now"); do
        eventually answers_again "$1"
        eventually is_known "$id"
    done
    # The same ids again, and two more.
    rm -f "$W/now"
    # shellcheck disable=SC2086 # several words
    "$REGISTER" "$W/till.sock" "$W/now" --prefix "$4" --count 7 --patient $AGAIN_S $KINDS ||
        fail "$1: no service after the fault: $(cat "$W/now")"
    grep -vE ' 200 (queued|duplicate|erased) |^bad-.* 422 ' "$W/now" && fail "$1: no full service after the fault"
    cat "$W/now" >>"$W/answers"
    revive "$1"
    took=$(($(now_ms) - began))
    [ $took -le $worst_ms ] || worst_ms=$took
}

# How often each call is made meanwhile.
names=$(echo "$table" | awk 'NF { print $1 }' | sort -u | tr '\n' ',')
attach -o "$W/trace" -e "trace=${names%,}"
sales count
eventually status_is queue.queued 0
detach

# sweep TRACE COMMAND: the command for each point of the table, as often as the trace has its calls.
sweep() {
    local trace=$1 command=$2 name errors answers error n more count
    while read -r name errors answers; do
        [ -n "$name" ] || continue
        count=$(grep -cE "^[0-9]+ +$name\(" "$trace")
        for error in ${errors//,/ }; do
            for ((n = 1; n <= count; n++)); do
                for more in '' +; do
                    [ "$error$more" != EINTR+ ] || continue # no system interrupts for ever
                    points=$((points + 1))
                    [ $((points % SHARE)) = 0 ] || continue
                    run=$((run + 1))
                    "$command" "$name $n of $count, $error$more" "$name:error=$error:when=$n$more" "$answers" \
                        "$name-$points" || fail "$command ends with $?: $name $n"
                done
            done
        done
    done <<<"$table"
}
sweep "$W/trace" point
[ $run -gt 0 ] || fail "there were no points"

# A reply comes while nothing can be written: what it settles is owed, and everybody is answered meanwhile.
rm -f "$W/now"
eventually status_is queue.queued 0
tell script '[{"delay_ms":3000,"events_only":true}]'
json() { call POST "$1" -H 'Content-Type: application/json' -d '{}' >/dev/null; }
json /v1/pause
"$REGISTER" "$W/till.sock" "$W/answers" --prefix owed --count 40 || fail "no answer"
json /v1/resume
try_now
attach -o /dev/null -e trace=pwrite64 -e inject=pwrite64:error=ENOSPC:when=1+
sleep 4
sales meanwhile || fail "no answer while a settle is owed"
grep -v ' 507 queue_full ' "$W/now" && fail "these are no refusals"
detach

try_now
eventually status_is queue.queued 0
grep ' 200 ' "$W/answers" | grep -v '^gone-' | cut -d ' ' -f 1 | sort -u >"$W/promised"
ask received | "$TOOL" column events event_id | sort >"$W/counted"
lost=$(comm -23 "$W/promised" "$W/counted" | head -n 3)
[ -z "$lost" ] || fail "acknowledged and is lost: $lost"
agent_stop

# A start that fails, of the queue of an older program.
start_under() { # POINT STRACE-ARGUMENTS…
    local before point=$1
    shift
    old_queue
    before=$(starts)
    strace -f "$@" "$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1 &
    AGENT_PID=$!
    eventually start_settled
    [[ $point = *+ ]] || serves
    kill -TERM "$(pgrep -P "$AGENT_PID")" 2>/dev/null
    agent_wait
    # Who may not do a thing, is asked to see to it.
    [[ $point = *EACCES* && $EXIT = 7[78] ]] || is_tried_again "$EXIT" "$point"
}
start_point() { # NAME INJECTION
    local id
    start_under "$1" -o /dev/null -e "trace=${2%%:*}" -e "inject=$2"
    agent_start
    for id in $(old_promises | cut -d ' ' -f 1); do
        is_known "$id" ||
            fail "a start with $1: acknowledged and is lost: $id"
    done
    agent_stop
}
# Without memory the system's loader crashes before there is an agent; what the agent does then, starve_test.sh tries.
table=$(echo "$table" | grep -v '^mmap ')
start_under all+ -o "$W/trace" -e "trace=${names%,}"
is "exit status" "$EXIT" 0
sweep "$W/trace" start_point
slowest_ms=$(awk '($2 == 503 || $2 == 507) && $4 > most { most = $4 } END { print most + 0 }' "$W/answers")
say "$run of $points points: $(wc -l <"$W/promised") events promised, none lost; service again within $worst_ms ms;" \
    "refusals within $slowest_ms ms (the bar is 250 ms); $restarts ends with 74"
