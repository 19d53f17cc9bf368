#!/bin/bash
# Refusals that are no register's fault of form: who may not call over TCP (401, 403), and a full queue
# (507), which takes events again once the line is back.
. "$(dirname "$0")/lib.sh"

sandbox_start
tell line '{"down":true}'
free_port
(umask 077 && echo register-write-key >"$W/write-key")
MORE_LISTEN=", \"http\": \"127.0.0.1:$PORT\", \"token_file\": \"$W/write-key\""
MORE_QUEUE=', "max_size": "4M"'
PRESETS='["Complete Payment"]'
agent_config
agent_start

# tcp WHAT STATUS CODE [curl arguments]: a call over TCP, with /v1/track unless TO says else
tcp() {
    local what=$1 status=$2 code=$3
    shift 3
    ANSWER=$(curl -s --max-time 60 -w '\n%{http_code}' -D "$W/headers" "$@" \
        "http://127.0.0.1:$PORT${TO:-/v1/track}") || fail "$what: no answer"
    is "$what: status" "${ANSWER##*$'\n'}" "$status"
    ANSWER=${ANSWER%$'\n'*}
    [ "$code" = - ] || is "$what: code" "$(said "${KEY:-code}")" "$code"
}
JSON='Content-Type: application/json'
CALL=$(purchase over-tcp)

say "over TCP a token is needed, and the caller must be meant"
tcp "no token" 401 unauthorized -H "$JSON" -d "$CALL"
grep -qi '^www-authenticate: basic' "$W/headers" || fail "401 without WWW-Authenticate"
tcp "a wrong token" 401 unauthorized -H "$JSON" -d "$CALL" -H 'Authorization: Bearer other'
tcp "another Host" 403 forbidden -H "$JSON" -d "$CALL" -H 'Authorization: Bearer register-write-key' \
    -H 'Host: rebinding.example'
tcp "another Origin" 403 forbidden -H "$JSON" -d "$CALL" -H 'Authorization: Bearer register-write-key' \
    -H 'Origin: https://elsewhere.example'
TO=/v1/status tcp "the status without a token" 401 unauthorized
TO=/healthz tcp "healthz without a token" 200 -
is "nothing is queued" "$(status queue.queued)" 0
KEY=status tcp "Bearer" 200 queued -H "$JSON" -d "$CALL" -H 'Authorization: Bearer register-write-key'
KEY=status tcp "Basic, as Segment's libraries do" 200 duplicate -H "$JSON" -d "$CALL" -u register-write-key:

say "a full queue answers 507 and loses nothing that it took"
# batch N: five hundred sales, in the smallest form that is one; $QUEUED of them were queued
batch() {
    local body
    body=$(awk -v n="$1" 'BEGIN { for (i = 0; i < 500; i++) printf "%s{\"type\":\"track\",\"event\":" \
        "\"Order Completed\",\"messageId\":\"fill-%d-%d\",\"properties\":{\"email\":\"a%d@example.com\"," \
        "\"description\":\"%0200d\"}}", i ? "," : "{\"batch\":[", n, i, i, 0; print "]}" }')
    post /v1/batch "$body" -D "$W/headers"
    QUEUED=$(printf %s "$ANSWER" | "$TOOL" column results status 2>/dev/null | grep -cx queued)
}
taken=1 batches=0
while batch $batches && [ "$STATUS" = 200 ]; do
    taken=$((taken + 500)) batches=$((batches + 1))
    [ $batches -lt 100 ] || fail "50,000 events fit into 4 MiB"
done
# The batch in which the queue became full may be taken in part, and says so call by call.
if [ "$STATUS" = 422 ]; then
    taken=$((taken + QUEUED))
    is "what became of the others" "$(printf %s "$ANSWER" | "$TOOL" column results code | sort -u)" queue_full
    batch 1000
fi
is "status" "$STATUS $(said code)" "507 queue_full"
grep -qi '^retry-after: [0-9]' "$W/headers" || fail "507 without Retry-After"
is "queued" "$(status queue.queued)" $taken
[ "$(wc -c <"$W/state/queue.db")" -le $((4 * 1024 * 1024)) ] || fail "queue.db is over max_size"
post /v1/track "$(purchase full-alone)"
case "$STATUS $(said status)" in
507*) ;;
"200 queued") taken=$((taken + 1)) ;; # one alone may still fit where a hundred do not
*) fail "a single sale: $STATUS $ANSWER" ;;
esac

tell line '{"down":false}'
try_now
eventually status_is queue.queued 0
is "counted" "$(seen counted)" $taken
sell after-1
eventually counted after-1
agent_stop
