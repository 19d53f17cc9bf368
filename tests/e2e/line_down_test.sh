#!/bin/bash
# Exactly once: across a line that is down, SIGKILL at any moment, and the same call handed in again.
. "$(dirname "$0")/lib.sh"

need nginx openssl
sandbox_start
tls_up
agent_config
agent_start

again() { # ID: the same call once more
    post /v1/track "$(purchase "$1")"
    is "second answer for $1" "$STATUS $(said status) $(said event_ids.0)" "200 duplicate $1"
}

say "a sale while the line is up arrives, and is a duplicate afterwards"
sell up-1
eventually counted up-1
again up-1

say "the line goes down; sales go on"
tls_down
for n in 1 2 3 4 5; do sell "down-$n"; done
again down-3
eventually status_is state offline
is "queued" "$(status queue.queued)" 5

say "SIGKILL, and a start without a line"
agent_kill
agent_start
is "queued after the start" "$(status queue.queued)" 5
again down-1
again up-1

say "SIGKILL in the middle of sales: what was answered stays"
: >"$W/answered"
(
    n=0
    while n=$((n + 1)); do # until the kill
        answer=$(purchase "rush-$n" | call POST /v1/track -H 'Content-Type: application/json' \
            --data-binary @-) || exit
        [ "$(printf %s "$answer" | "$TOOL" get status)" = queued ] && say "rush-$n" >>"$W/answered"
    done
) &
rush=$!
OTHER_PIDS=$rush
rushed() { [ "$(wc -l <"$W/answered")" -ge 20 ]; }
eventually rushed
agent_kill
wait $rush
OTHER_PIDS=''
agent_start
answered=$(wc -l <"$W/answered")
queued=$(status queue.queued)
# One more may have been committed when the kill took its answer away.
[ "$queued" -ge $((5 + answered)) ] && [ "$queued" -le $((6 + answered)) ] ||
    fail "answered $answered, queued $queued"
again "$(tail -n 1 "$W/answered")"

say "SIGKILL while a request is on its way: sent again with the same ids"
tell script '[{"delay_ms":60000}]'
before=$(seen requests)
tls_up
try_now
eventually seen_least requests $((before + 1))
agent_kill
agent_start
try_now

say "everything has arrived, counted once"
eventually status_is queue.queued 0
is "counted" "$(seen counted)" $((queued + 1))
ask received | "$TOOL" column events event_id | sort >"$W/counted"
is "ids counted twice" "$(uniq -d "$W/counted")" ""
{ seq -f 'down-%g' 5; echo up-1; cat "$W/answered"; } | sort >"$W/wanted"
is "acknowledged and never arrived" "$(comm -13 "$W/counted" "$W/wanted")" ""
[ "$(seen duplicates)" -gt 0 ] || fail "nothing was sent twice: the doubt was not tried"
again down-5

say "a short outage of a till that runs: what was sold meanwhile comes in one request"
tls_down
sell late-1
offline_least() { [ "$(call GET /metrics | sed -n 's/.*attempts_total{outcome="offline"} //p')" -ge "$1" ]; }
eventually offline_least 1
for n in 2 3 4; do sell "late-$n"; done
before=$(seen requests)
tls_up
eventually status_is queue.queued 0
counted late-1 && counted late-4 || fail "they have not arrived"
is "requests" $(($(seen requests) - before)) 1
