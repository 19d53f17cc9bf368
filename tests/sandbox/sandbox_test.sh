#!/bin/bash
# The stand-in's doors: does it answer, remember, count and fail as its orders say? What it finds fault
# with in a body is check_test's matter.
. "$(dirname "$0")/../e2e/lib.sh"

sandbox_start

# event ID [more members]: one event as TikTok documents it
event() {
    printf '{"event":"Purchase","event_time":%s,"event_id":"%s",' "${AT:-$(date +%s)}" "$1"
    printf '"user":{"email":["%s"]},"properties":{"value":1.5,"currency":"EUR"}%s}' \
        86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d "${2:-}"
}

# send DATA [curl arguments]: $STATUS is curl's exit status and the HTTP status, $ANSWER the body.
send() {
    local data=$1 exit_status
    shift
    ANSWER=$(curl -s --max-time 20 -w '\n%{http_code}' -H "Access-Token: ${AS-$TOKEN}" \
        -H "Content-Type: ${TYPE-application/json}" -d "$(envelope "$data")" "$@" "${TO:-$ENDPOINT}")
    exit_status=$?
    STATUS="$exit_status ${ANSWER##*$'\n'}"
    ANSWER=${ANSWER%$'\n'*}
}
envelope() {
    printf '{"event_source":"offline","event_source_id":"%s"%s,"data":[%s]}' $EVENT_SET "${MORE:-}" "$1"
}
# gets WHAT DATA STATUS CODE [curl arguments]
gets() {
    local what=$1 data=$2 status=$3 code=$4
    shift 4
    send "$data" "$@"
    is "$what: curl and HTTP status" "$STATUS" "$status"
    [ "$code" = - ] || is "$what: code" "$(said code)" "$code"
}
# curl says 52 (nothing came), or 55 or 56 (reset) where the close overtook its own bytes.
hangs_up() {
    send "$2"
    case $STATUS in "52 000" | "55 000" | "56 000") ;; *) fail "$1: $STATUS" ;; esac
}

say "an event is counted once, its copies beside it"
gets "the first" "$(event a)" "0 200" 0
gets "its copy" "$(event a)" "0 200" 0
gets "another" "$(event b)" "0 200" 0
gets "two in one body" "$(event c),$(event c)" "0 200" 0
is "counted" "$(seen counted)" 3
is "duplicates" "$(seen duplicates)" 2
is "ids" "$(ask received | "$TOOL" column events event_id | tr '\n' ' ')" "a b c "
is "since" "$(ask 'received?since=2' | "$TOOL" column events event_id)" c
is "digits" "$(ask received | grep -c '"value":1.5,')" 1

say "an id is forgotten after 48 hours"
tell clock '{"offset_s":172700}'
AT=$(($(date +%s) + 172700)) gets "before" "$(AT=$(($(date +%s) + 172700)) event a)" "0 200" 0
is "counted" "$(seen counted)" 3
tell clock '{"offset_s":172900}'
gets "after" "$(AT=$(($(date +%s) + 172900)) event a)" "0 200" 0
is "counted" "$(seen counted)" 4

say "the clock of the Date header can be moved"
tell clock '{"offset_s":-315360000}'
gets "ten years back" "" "0 200" 40002 -D "$W/headers"
year=$(($(date -u -d "@$(($(date +%s) - 315360000))" +%Y)))
grep -qi "^date: .* $year " "$W/headers" || fail "the Date header is not of $year: $(cat "$W/headers")"
tell reset

say "test events are kept apart"
MORE=',"test_event_code":"TEST1"' gets "a test event" "$(event a)" "0 200" 0
MORE=',"test_event_code":"TEST1"' gets "again" "$(event a)" "0 200" 0
is "counted" "$(seen counted) $(seen tests)" "0 2"
is "code" "$(ask received | "$TOOL" get test_events.0.test_event_code)" TEST1
tell reset

say "token, path, method and content type"
AS=other gets "a wrong token" "$(event a)" "0 200" 40105
AS="Bearer $TOKEN" gets "a Bearer prefix" "$(event a)" "0 200" 40105
AS='' gets "no token" "$(event a)" "0 200" 40104
TYPE=text/plain gets "plain text" "$(event a)" "0 200" 40002
TO=${ENDPOINT%/} gets "no slash" "$(event a)" "0 404" -
is "its text" "$ANSWER" "404 page not found"
gets "PUT" "$(event a)" "0 405" - -X PUT
gets "a probe" "" "0 200" 40002
case $(said message) in *data*) ;; *) fail "the answer to a probe does not name data: $ANSWER" ;; esac
is "nothing was counted" "$(seen counted) $(seen probes) $(seen refused)" "0 1 4"
tell reset

say "the script: codes, statuses, headers, the portal"
tell script '[{"code":40105,"message":"gone"},{"http":502,"body":"<html>bad</html>"},
    {"http":429,"retry_after":"15"},{"portal":true},{"http":301,"location":"https://elsewhere.example/"},
    {"body":"{\"code\":\"0\",\"message\":\"OK\"}","accept":true},{"code":50000,"count":2},
    {"code":40100,"events_only":true}]'
is "left" "$(seen script_left)" 9
gets "a code" "$(event a)" "0 200" 40105
is "its message" "$(said message)" gone
gets "a status" "$(event a)" "0 502" -
is "its body" "$ANSWER" "<html>bad</html>"
gets "too many" "$(event a)" "0 429" - -D "$W/headers"
grep -qi '^retry-after: 15' "$W/headers" || fail "no Retry-After"
gets "the portal" "$(event a)" "0 200" -
case $ANSWER in '<!DOCTYPE html>'*) ;; *) fail "no page: $ANSWER" ;; esac
gets "a redirect" "$(event a)" "0 301" - -D "$W/headers"
grep -qi '^location: https://elsewhere' "$W/headers" || fail "no Location"
is "nothing was counted" "$(seen counted)" 0
gets "a code as text" "$(event a)" "0 200" 0
is "counted" "$(seen counted)" 1
gets "once" "$(event b)" "0 200" 50000
gets "twice" "$(event b)" "0 200" 50000
gets "a probe passes" "" "0 200" 40002
gets "events only" "$(event b)" "0 200" 40100
gets "honest again" "$(event b)" "0 200" 0
is "counted" "$(seen counted)" 2
tell reset

say "the script: time and hanging up"
tell script '[{"cut":"before"},{"cut":"after"},{"half":true},{"delay_ms":300},{"slow_bytes_ms":5}]'
hangs_up "cut before" "$(event a)"
is "counted" "$(seen counted)" 0
hangs_up "cut after" "$(event a)"
is "counted" "$(seen counted)" 1
send "$(event b)"
case $STATUS in "18 200" | "56 200") ;; *) fail "half a reply: $STATUS" ;; esac
is "counted" "$(seen counted)" 2
before=$(now_ms)
gets "late" "$(event c)" "0 200" 0
[ $(($(now_ms) - before)) -ge 300 ] || fail "the late answer was early"
before=$(now_ms)
gets "dripping" "$(event d)" "0 200" 0
[ $(($(now_ms) - before)) -ge 300 ] || fail "the dripping answer did not drip"
is "plans" "$(ask requests | "$TOOL" column requests plan | tr '\n' ,)" \
    "cut before,cut after,half,delay,slow,"
tell reset
is "a slip in a script is found" "$(curl -s --unix-socket "$W/tiktok.ctl" -d '[{"cod":1}]' \
    http://sandbox/_sandbox/script)" '{"message":"plan 0: there is no key \"cod\""}'

say "an event on the list of refusals spoils its batch"
tell refuse '{"event_id":"bad","message":"Not nice","index":true}'
gets "a batch" "$(event a),$(event bad)" "0 200" 40002
is "message" "$(said message)" "Batch.1.event_id: Not nice"
is "counted" "$(seen counted)" 0
gets "without it" "$(event a)" "0 200" 0
tell reset

say "the line goes down and comes back on the same port, also while a reply is late"
tell script '[{"delay_ms":60000}]'
curl -s -o /dev/null -H "Access-Token: $TOKEN" -H 'Content-Type: application/json' \
    -d "$(envelope "$(event a)")" "$ENDPOINT" &
hanging=$!
eventually seen_is requests 1
tell line '{"down":true}'
wait $hanging && fail "the late reply came although the line is down"
is "line" "$(seen line)" down
gets "nobody listens" "$(event b)" "7 000" -
tell line '{"down":false}'
gets "back" "$(event b)" "0 200" 0
is "counted" "$(seen counted)" 2

say "every request stands in the log"
is "the log's last line" "$(tail -n 1 "$W/requests.log" | "$TOOL" get body.data.0.event_id)" b

kill -TERM "$SANDBOX_PID"
wait "$SANDBOX_PID"
is "exit status" $? 0
SANDBOX_PID=''
