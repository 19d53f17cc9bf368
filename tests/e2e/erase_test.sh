#!/bin/bash
# Right to erasure: a person's events leave the queue while sales go on, by HTTP and by the command line, with an
# agent and without one. TILLPOST_SOAK=1 takes 60,000 events (bar P2: 2 s).
. "$(dirname "$0")/lib.sh"

ROWS=3000
[ "${TILLPOST_SOAK:-}" = 1 ] && ROWS=60000

sandbox_start
MORE=', "defaults": { "calling_code": "44" }'
MORE_LISTEN=", \"http\": \"127.0.0.1:$((20000 + RANDOM % 12000))\", \"token_file\": \"$W/local-token\""
(umask 077 && say 0123456789abcdef >"$W/local-token")
agent_config
agent_start
export TILLPOST_CONFIG=$W/tillpost.json
post /v1/pause '{}'

# events FIRST LAST: a batch of purchases; each person has ten of them.
batch() {
    local n sep=''
    printf '{"batch":['
    for ((n = $1; n <= $2; n++)); do
        printf '%s{"type":"track","event":"Order Completed","messageId":"b-%d",' "$sep" $n
        printf '"properties":{"email":"p%d@example.com","value":1}}' $((n / 10))
        sep=,
    done
    printf ']}'
}

connected() { [ "$(grep -cF "$W/till.sock" /proc/net/unix)" -gt 1 ]; } # the listener, and somebody who asks

say "$ROWS events of $((ROWS / 10)) people, and some of one who gives a number"
for ((n = 0; n < ROWS; n += 1000)); do
    post /v1/batch "$(batch $n $((n + 999)))"
    is "a batch" "$STATUS" 200
done
sell other
post /v1/track '{"event":"Order Completed","messageId":"phone-1","properties":{"phone":"020 7183 8750","value":2}}'
post /v1/track '{"event":"Order Completed","messageId":"phone-2","properties":{"phone":"+44 20 7183 8750","value":2}}'
eventually status_is queue.queued $((ROWS + 3))

say "erased while a register goes on selling"
(for ((n = 0; n < 40; n++)); do
    post /v1/track "$(purchase "during-$n")"
    say "$STATUS $(said status)"
done >"$W/during") &
seller=$!
began=$(now_ms)
post /v1/erase '{"email":" P7@Example.com"}'
say "erased 10 among $ROWS in $(($(now_ms) - began)) ms"
is "the answer" "$STATUS $ANSWER" '200 {"erased":10}'
wait $seller
is "sales meanwhile" "$(sort "$W/during" | uniq -c | tr -s ' ')" ' 40 200 queued'
eventually status_is queue.queued $((ROWS + 3 + 40 - 10))
post /v1/erase '{"email":"p7@example.com"}'
is "nobody is left" "$ANSWER" '{"erased":0}'

say "the id of an erased event stays known"
post /v1/track '{"event":"Order Completed","messageId":"b-70","properties":{"email":"p7@example.com","value":1}}'
is "a repeat" "$(said status)" duplicate

say "a number as the register gave it"
OUT=$(say '020 7183 8750' | "$TILLPOST" erase --phone -)
is "by phone" "$? $OUT" "0 2 erased"

say "several at once are answered one after the other"
for n in 11 12 13; do
    call POST /v1/erase -H 'Content-Type: application/json' -d "{\"email\":\"p$n@example.com\"}" >"$W/erase-$n" &
    others="${others:-} $!"
done
# shellcheck disable=SC2086 # a list of ids
wait $others
is "three" "$(cat "$W"/erase-1[123])" '{"erased":10}{"erased":10}{"erased":10}'

say "SIGTERM in the middle of it: the agent ends well, all are gone or none, and a repeat finishes it"
unfinished=0 finished=0 person=20
for delay in stopped 0 0.002 0.005 0.01 0.02 0.05 1; do
    person=$((person + 1))
    [ $delay != stopped ] || kill -STOP "$AGENT_PID"
    call POST /v1/erase -H 'Content-Type: application/json' -d "{\"email\":\"p$person@example.com\"}" >"$W/first" &
    asking=$!
    if [ $delay = stopped ]; then # the request and the signal are there when it wakes: the first slice is the last
        eventually connected
        kill -TERM "$AGENT_PID"
        kill -CONT "$AGENT_PID"
        agent_wait
        is "exit status" "$EXIT" 0
    else
        sleep $delay
        agent_stop
    fi
    wait $asking
    agent_start
    post /v1/erase "{\"email\":\"p$person@example.com\"}"
    case "$(cat "$W/first") $ANSWER" in
    '{"erased":10} {"erased":0}') finished=$((finished + 1)) ;;
    ' {"erased":10}' | *'"code":"busy"'*'} {"erased":10}') unfinished=$((unfinished + 1)) ;;
    ' {"erased":0}') ;; # done, and nobody was told
    *) fail "SIGTERM after $delay: $(cat "$W/first"), then $ANSWER" ;;
    esac
done
[ $unfinished -gt 0 ] || fail "none was ended in the middle"
[ $finished -gt 0 ] || fail "none was finished"

say "refused: over TCP, and what is no address"
listen=$(sed -n 's/.*"http": "\([^"]*\)".*/\1/p' "$W/tillpost.json")
is "over TCP" "$(curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer 0123456789abcdef' \
    -H 'Content-Type: application/json' -d '{"email":"p9@example.com"}' "http://$listen/v1/erase")" 403
post /v1/erase '{"email":"nobody"}'
is "no address" "$STATUS $(said path)" '400 $.email'
say p9@example.com | "$TILLPOST" erase --email p9@example.com 2>/dev/null
is "in the arguments" $? 64
"$TILLPOST" erase 2>/dev/null
is "of whom" $? 64

say "on the queue itself when no agent runs; dead ones too"
agent_stop
OUT=$(say p8@example.com | "$TILLPOST" erase --email - --json)
is "without an agent" "$? $OUT" '0 {"erased":10}'
grep -q 'example.com' "$W/agent.log" && fail "an address is in the log"
agent_start
tell script '[{"code":40002,"message":"Batch.0.user: no","events_only":true}]'
post /v1/resume '{}'
eventually status_is queue.queued 0
OUT=$(say p9@example.com | "$TILLPOST" erase --email -)
is "of what was sent nothing is left to erase" "$OUT" "0 erased"
