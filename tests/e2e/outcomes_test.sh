#!/bin/bash
# What TikTok answers and what becomes of the events: done, retry, doubt, split, pause, over TLS.
. "$(dirname "$0")/lib.sh"

need nginx openssl
sandbox_start
tls_up
agent_config
agent_start

json() { call "$1" "$2" -H 'Content-Type: application/json' -d "${3:-{\}}"; }
drained() { status_is queue.queued 0; }
# Every row has gone and the stand-in forgets all.
scene() {
    eventually drained
    tell reset
    say "$@"
}
# The n-th request's KEY
request() { ask requests | "$TOOL" get "requests.$1.$2"; }

sell first
eventually counted first

scene "a revoked token pauses deliveries; a new one in the file and 'try now' go on"
tell rules '{"token":"another-token"}'
sell pause-1
eventually status_is state paused
is "by, code" "$(status paused.by) $(status paused.code)" "credentials 40105"
sell pause-2
is "queued" "$(status queue.queued)" 2
(umask 077 && echo another-token >"$W/token.next" && mv "$W/token.next" "$W/token")
try_now
eventually counted pause-1
eventually counted pause-2
eventually status_is state ok

scene "a token file that is gone pauses deliveries, quietly; when it is back they go on"
kill -HUP "$AGENT_PID"
eventually grep -q "is in force" "$W/agent.log"
mv "$W/token" "$W/token.away"
sell no-token
eventually status_is state paused
is "by" "$(status paused.by)" credentials
is "lines of the log" "$(grep -c 'nothing can be sent' "$W/agent.log")" 1
mv "$W/token.away" "$W/token"
eventually counted no-token
eventually status_is state ok

scene "50000 is tried again until it passes"
tell script '[{"code":50000,"count":3,"events_only":true}]'
sell retry-1
eventually counted retry-1
is "requests" "$(seen requests)" 4
is "duplicates" "$(seen duplicates)" 0

scene "502 with a page, 504, and 40100 are tried again"
tell script '[{"http":502,"body":"<html>502</html>"},{"http":504},{"code":40100}]'
sell retry-2
eventually counted retry-2
is "requests" "$(seen requests)" 4

# fifty ID-PREFIX BAD-ID: fifty sales in one batch while paused by the operator, then resumed.
fifty() {
    local n calls=''
    json POST /v1/pause >/dev/null
    for n in $(seq 50); do calls="$calls,$(purchase "$1-$n")"; done
    post /v1/batch "{\"batch\":[${calls#,}]}"
    is "batch" "$STATUS" 200
    is "queued" "$(status queue.queued)" 50
    is "state" "$(status state)" paused
    json POST /v1/resume >/dev/null
    eventually drained
    is "counted" "$(seen counted)" 49
    is "duplicates" "$(seen duplicates)" 0
    is "counted the bad one" "$(counted_times "$2")" 0
    is "its state" "$(json GET "/v1/events/$2" | "$TOOL" get events.0.state)" dead
    is "its reason" "$(json GET "/v1/events/$2" | "$TOOL" get events.0.reason)" tiktok_40002
}

scene "one bad event among 50, named by TikTok, becomes dead; 49 arrive"
tell refuse '{"event_id":"named-17","message":"Not a valid string","index":true}'
fifty named named-17
is "requests" "$(seen requests)" 2

scene "one bad event among 50 that TikTok does not name is found by halving"
tell refuse '{"event_id":"hidden-33","message":"Something new that names no field","index":false}'
fifty hidden hidden-33
[ "$(seen requests)" -le 14 ] || fail "$(seen requests) requests to find one in fifty"
is "dead" "$(status queue.dead)" 2

scene "cut off after acceptance: sent again with the same id, counted once"
tell script '[{"cut":"after","events_only":true}]'
sell doubt-1
eventually seen_is duplicates 1
eventually drained
is "counted" "$(seen counted) $(counted_times doubt-1)" "1 1"

scene "half a reply is no reply"
tell script '[{"half":true,"events_only":true}]'
sell doubt-2
eventually seen_is duplicates 1
eventually drained
is "counted" "$(seen counted)" 1

scene "cut off before acceptance"
tell script '[{"cut":"before"}]'
sell doubt-3
eventually counted doubt-3
is "duplicates" "$(seen duplicates)" 0

scene "a portal's page is no yes"
tell script '[{"portal":true,"forever":true}]'
sell portal-1
eventually seen_least requests 3
is "queued" "$(status queue.queued)" 1
tell script '[]'
eventually counted portal-1
eventually drained

scene "neither is an answer without a code"
tell script '[{"body":"{\"status\":\"ok\"}"}]'
sell portal-2
eventually counted portal-2
is "requests" "$(seen requests)" 2

scene "0 as text, 20001 and 40050 are a yes"
tell script '[{"body":"{\"code\":\"0\",\"message\":\"OK\"}","accept":true},
    {"code":20001,"accept":true},{"code":40050,"accept":true}]'
for n in 1 2 3; do
    sell "yes-$n"
    eventually drained
done
is "counted, duplicates" "$(seen counted) $(seen duplicates)" "3 0"
is "requests" "$(seen requests)" 3

scene "Retry-After is respected where the backoff would be shorter"
tell script '[{"http":429,"retry_after":"4","events_only":true}]'
sell limit-1
eventually counted limit-1
waited=$(($(request 1 at_ms) - $(request 0 at_ms)))
[ $waited -ge 3900 ] || fail "tried again after $waited ms, not 4 s"
[ $waited -le 30000 ] || fail "tried again only after $waited ms"

scene "no permission on the event set pauses; 'try now' finds that it is mended"
tell script '[{"code":40001,"message":"No permission to operate"}]'
sell config-1
eventually status_is state paused
is "by, code" "$(status paused.by) $(status paused.code)" "configuration 40001"
try_now
eventually counted config-1

eventually drained
is "dead in the end" "$(status queue.dead)" 2
agent_stop
