#!/bin/bash
# Every kind of answer, over TLS and raw: its class, what becomes of the event, how long the agent waits. Then what
# finding k bad events among 1,000 costs, and the rule of 20.
. "$(dirname "$0")/lib.sh"

need nginx openssl
: "${WIRE:?is e2e_wire; ctest names it}"
TIMEOUT=3s
ROWS=0 ROWS_LEAST=40
PROBE_EVERY_S=900
LONG_S=3600
CURVE='"retry_first": "1h", "retry_most": "24h"'  # long, so that what is read can be read before it passes
sandbox_start
tls_up

# config_with MEMBERS: retry_first and retry_most of sync.
config_with() {
    agent_config
    sed -i "s/\"retry_first\": \"100ms\", \"retry_most\": \"1s\"/$1/" "$W/tillpost.json"
    grep -qF -- "$1" "$W/tillpost.json" || fail "the configuration has no $1"
}
config_with "$CURVE"
agent_start

of() { printf %s "$1" | "$TOOL" get "$2"; }
outcomes() { call GET /metrics | sed -n 's/^tillpost_delivery_attempts_total{outcome="\(.*\)"} /\1 /p'; }
event() { call GET "/v1/events/$1" | "$TOOL" get "events.0.$2"; }
sent() { [ "$(event "$1" state)" = sent ]; }
json() { call "$1" "$2" -H 'Content-Type: application/json' -d "${3:-{\}}"; }

# The outcomes that were counted since $BEFORE: "retry" or, after a short wait, "retry done".
changed() {
    AFTER=$(outcomes)
    [ "$AFTER" != "$BEFORE" ] || return 1
    CHANGED=$(paste -d' ' <(say "$BEFORE") <(say "$AFTER") | awk '$4 != $2 { printf "%s+%d ", $1, $4 - $2 }')
}

# between WHAT GOT LEAST MOST
between() { [[ $2 =~ ^[0-9]+$ ]] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] || fail "$1: $2 is not $3 … $4"; }

# expect NAME WANT: what the row's event and the agent's status must show after one try. WANT is a word and details:
#   done | retry | doubt | doubt:accepted | offline | dead:REASON | credentials:CODE | configuration:CODE
# NETWORK is what status must call the line.
expect() {
    local name=$1 want=$2 class outcome state detail now wait
    class=${want%%:*} detail=${want#*:}
    case $class in
    "done") outcome="done" state=ok ;;
    dead) outcome=split state=ok ;;
    credentials | configuration) outcome=pause state=paused ;;
    *) outcome=$class state=failing ;;
    esac
    eventually changed
    case $CHANGED in
    "$outcome+1 " | "$outcome+1 done+1 " | "done+1 $outcome+1 ") ;;
    *) fail "$name: $CHANGED, not $outcome" ;;
    esac
    now=$(call GET /v1/status)
    wait=$(of "$now" delivery.next_attempt_in_s)
    case $class in
    done) is "$name: event" "$(event "$ID" state)" sent ;;
    dead)
        is "$name: event" "$(event "$ID" state) $(event "$ID" reason)" "dead $detail"
        [ -n "$(event "$ID" message)" ] || fail "$name: dead without words"
        case $(event "$ID" message) in *@* | *1234567*) fail "$name: $(event "$ID" message)" ;; esac
        json POST /v1/events/drop '{"state":"dead"}' >/dev/null
        ;;
    credentials | configuration)
        is "$name: event" "$(event "$ID" state)" queued
        is "$name: paused" "$(of "$now" paused.by) $(of "$now" paused.code)" "$class $detail"
        between "$name: next probe" "$wait" $((PROBE_EVERY_S - 60)) $PROBE_EVERY_S
        ;;
    *)
        [ -n "${CHANGED##*done*}" ] || return # a very short wait by chance: it went again already
        is "$name: event" "$(event "$ID" state)" queued
        between "$name: next try" "$wait" 1 $LONG_S
        say "$wait" >>"$W/waits"
        ;;
    esac
    [ "$NO_ANSWER" = 0 ] || state=offline
    is "$name: state" "$(of "$now" state)" $state
    [ -z "$NETWORK" ] || is "$name: network" "$(of "$now" network.state)" "$NETWORK"
}

# row NAME | WANT | PLAN [| NETWORK]: one sale under that plan, what comes of it, and that it arrives once afterwards.
row() {
    local name=$1 want=$2 plan=$3 seen again=0
    NETWORK=${4:-} ID=row-$((ROWS += 1)) NO_ANSWER=0
    [ "$NETWORK" != none ] || NO_ANSWER=1
    tell reset
    tell script "[$plan]"
    BEFORE=$(outcomes)
    sell $ID
    expect "$name" "$want"
    case $want in dead:*) is "$name: counted" "$(seen counted)" 0 && return ;; esac
    [ "$want" = "done" ] || try_now
    eventually sent $ID
    seen=$(ask stats)
    is "$name: counted" "$(of "$seen" counted)" 1
    case $want in *:accepted) again=1 ;; esac
    is "$name: duplicates" "$(of "$seen" duplicates)" $again
}

# --- the table ------------------------------------------------------------------------------------

table() {
    local name want plan network
    while IFS='|' read -r name want plan network; do
        [ -n "$name" ] || continue
        read -r want <<<"$want"
        read -r network <<<"${network:-}"
        row "${name%"${name##*[! ]}"}" "$want" "$plan" "$network"
    done
}

say "codes of TikTok"
table <<'ROWS'
code 0                | done                | {"code":0,"accept":true}                      | direct
20001, partially      | done                | {"code":20001,"accept":true}
40050, a duplicate    | done                | {"code":40050,"accept":true}
"0" as text           | done                | {"body":"{\"code\":\"0\",\"message\":\"OK\"}","accept":true}
0 with HTTP 500       | done                | {"http":500,"body":"{\"code\":0,\"message\":\"OK\"}","accept":true}
40016                 | retry               | {"code":40016}
40100                 | retry               | {"code":40100,"message":"Too many requests, please retry later."}
40100 on the token    | credentials:40100   | {"code":40100,"message":"Invalid access token"}
40132                 | retry               | {"code":40132}
40133                 | retry               | {"code":40133}
40202                 | retry               | {"code":40202}
50000                 | retry               | {"code":50000}                                | direct
50002                 | retry               | {"code":50002}
51305                 | retry               | {"code":51305}
59998, unknown        | retry               | {"code":59998}
60001, maintenance    | retry               | {"code":60001}
"50000" as text       | retry               | {"body":"{\"code\":\"50000\"}"}
50000 with HTTP 401   | retry               | {"http":401,"body":"{\"code\":50000}"}
40000                 | dead:tiktok_40000   | {"code":40000,"message":"Bad request for jane@example.com"}
40002                 | dead:tiktok_40002   | {"code":40002,"message":"Batch.0.user.phone: Not valid: +49151234567"}
40700                 | dead:tiktok_40700   | {"code":40700}
40999, unknown        | dead:tiktok_40999   | {"code":40999}
40002 with HTTP 400   | dead:tiktok_40002   | {"http":400,"body":"{\"code\":40002,\"message\":\"no\"}"}
40001                 | configuration:40001 | {"code":40001}
40002 on the set      | configuration:40002 | {"code":40002,"message":"Invalid value for event_source_id: not valid."}
40006                 | configuration:40006 | {"code":40006}
40010                 | configuration:40010 | {"code":40010}
40051                 | configuration:40051 | {"code":40051}
40118                 | configuration:40118 | {"code":40118}
40300                 | configuration:40300 | {"code":40300}
41000                 | configuration:41000 | {"code":41000}
40101                 | credentials:40101   | {"code":40101}
40102, expired        | credentials:40102   | {"code":40102}
40104, empty          | credentials:40104   | {"code":40104}
40105, revoked        | credentials:40105   | {"code":40105}                                | direct
40116                 | credentials:40116   | {"code":40116}
40125                 | credentials:40125   | {"code":40125}
"40105" as text       | credentials:40105   | {"body":"{\"code\":\"40105\"}"}
30000, unknown        | doubt:accepted      | {"code":30000,"accept":true}
90000, unknown        | doubt               | {"code":90000,"accept":false}
7, not TikTok's form  | doubt               | {"code":7,"accept":false}
ROWS

say "statuses and pages"
table <<'ROWS'
301                   | configuration:301   | {"http":301,"location":"https://localhost:1/elsewhere"}
302 to a portal       | configuration:302   | {"http":302,"location":"http://hotel/","body":"<p>"} | portal
401                   | credentials:401     | {"http":401}
403                   | credentials:403     | {"http":403,"body":"<html>no</html>"}
404                   | configuration:404   | {"http":404}
405                   | configuration:405   | {"http":405}
400 without a code    | doubt               | {"http":400,"accept":false}
408                   | doubt               | {"http":408,"accept":false}
413                   | dead:http_413       | {"http":413}
429                   | retry               | {"http":429}                                  | direct
500                   | doubt:accepted      | {"http":500,"accept":true}
502 with a page       | doubt               | {"http":502,"body":"<p>502","accept":false}   | direct
503                   | retry               | {"http":503}                                  | direct
504                   | doubt               | {"http":504,"accept":false}
511                   | doubt               | {"http":511,"body":"<p>sign in","accept":false} | portal
a portal's page       | doubt               | {"portal":true}                               | portal
an empty body         | doubt:accepted      | {"body":"","accept":true}
JSON, but a list      | doubt               | {"body":"[{\"code\":0}]","accept":false}
JSON without a code   | doubt:accepted      | {"body":"{\"message\":\"OK\"}","accept":true}
a code of null        | doubt               | {"body":"{\"code\":null}","accept":false}
a code of true        | doubt               | {"body":"{\"code\":true}","accept":false}
a code of 0.5         | doubt               | {"body":"{\"code\":0.5}","accept":false}
a code of -0.0 as text| doubt               | {"body":"{\"code\":\"-0.0\"}","accept":false}
"Code" is not "code"  | doubt               | {"body":"{\"Code\":0}","accept":false}
the code inside data  | doubt               | {"body":"{\"data\":{\"code\":0}}","accept":false}
JSON cut short        | doubt               | {"body":"{\"code\":0,\"mess","accept":false}
two codes             | doubt               | {"body":"{\"code\":0,\"code\":50000}","accept":false}
two answers           | doubt               | {"body":"{\"code\":0}{\"code\":0}","accept":false}
ROWS

say "lines that break"
table <<'ROWS'
slow bytes            | done                | {"slow_bytes_ms":10}
late, but in time     | done                | {"delay_ms":1000}
too late              | doubt:accepted      | {"delay_ms":20000}                            | none
half a reply          | doubt:accepted      | {"half":true}                                 | none
ROWS
# A connection that was kept may have been closed by the other side meanwhile: there curl repeats by itself.
reloads() { [ "$(grep -c 'is in force' "$W/agent.log")" -gt "$1" ]; }
on_a_new_connection() {
    local before
    before=$(grep -c 'is in force' "$W/agent.log")
    kill -HUP "$AGENT_PID"
    eventually reloads "$before"
    row "$@"
}
on_a_new_connection "cut before" doubt '{"cut":"before"}' none
on_a_new_connection "cut after" doubt:accepted '{"cut":"after"}' none
row "cut before, on a kept connection" "done" '{"cut":"before"}'
row "cut after, on a kept connection" done:accepted '{"cut":"after"}'

# Full jitter: neither all the same nor all short (of this many within an hour).
between "the longest wait" "$(sort -n "$W/waits" | tail -n 1)" $((LONG_S / 4)) $LONG_S
between "different waits" "$(sort -u "$W/waits" | wc -l)" $(($(wc -l <"$W/waits") * 3 / 4)) $ROWS

say "a sale while the agent waits hastens nothing, and goes along with what waits"
tell reset
tell script '[{"code":50000,"forever":true}]'
sell wait-1
eventually seen_least requests 1
waits_long() { local s; s=$(status delivery.next_attempt_in_s) && [ "$s" != null ] && [ "$s" -ge 60 ]; }
tried_in_vain() { waits_long || { try_now && false; }; }
eventually tried_in_vain
before=$(seen requests)
for n in 2 3 4; do sell "wait-$n"; done
sleep 2
is "requests" "$(seen requests)" "$before"
waits_long || fail "the next try is in $(status delivery.next_attempt_in_s) s"
tell script '[]'
try_now
eventually sent wait-4
is "requests, counted" "$(seen requests) $(seen counted)" "$((before + 1)) 4"

# --- Retry-After ----------------------------------------------------------------------------------

say "Retry-After, where the backoff would be under a second"
agent_stop
config_with '"retry_first": "100ms", "retry_most": "1s"'
agent_start

# after NAME PLAN LEAST MOST [SECONDS that the server's clock is ahead]
after() {
    ROWS=$((ROWS + 1)) ID=row-$ROWS
    tell reset
    tell clock "{\"offset_s\":${5:-0}}"
    tell script "[$2]"
    BEFORE=$(outcomes)
    sell $ID
    eventually changed
    if [ "$4" -gt 2 ]; then
        between "$1" "$(status delivery.next_attempt_in_s)" "$3" "$4"
        try_now
    fi
    eventually sent $ID
    is "$1: requests" "$(seen requests)" 2
    [ "$4" -gt 2 ] || between "$1: came after ms" "$(($(gap 1) - $(gap 0)))" "$3" 20000
}
gap() { ask requests | "$TOOL" get "requests.$1.at_ms"; }
http_date() { TZ=UTC LC_ALL=C date -d "now + $1 seconds" '+%a, %d %b %Y %H:%M:%S GMT'; }
after "30 s"            '{"http":429,"retry_after":"30"}' 20 33
after "503, 30 s"       '{"http":503,"retry_after":"30"}' 20 33
after "50000, 30 s"     '{"code":50000,"retry_after":"30"}' 20 33
after "a date"          "{\"http\":429,\"retry_after\":\"$(http_date 600)\"}" 560 660
after "by their clock"  "{\"http\":429,\"retry_after\":\"$(http_date 4200)\"}" 560 660 3600
after "clamped, above"  '{"http":429,"retry_after":"999999999999"}' 3580 3960
after "clamped, a date" "{\"http\":429,\"retry_after\":\"$(http_date 864000)\"}" 3580 3960
after "clamped, below"  '{"http":429,"retry_after":"0"}' 990 0
after "a date gone by"  "{\"http\":429,\"retry_after\":\"$(http_date -600)\"}" 990 0
after "no number"       '{"http":429,"retry_after":"soon"}' 90 0
after "below zero"      '{"http":429,"retry_after":"-5"}' 90 0

# --- what 1,000 sales with k bad ones cost --------------------------------------------------------

N=1000
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
# bound K: k (log2 n + 2), rounded down. One that TikTok names costs one request.
bound() { awk -v k="$1" -v n=$N 'BEGIN { printf "%d", k * (log(n) / log(2) + 2) }'; }

# many PREFIX COUNT: so many sales in one call.
many() {
    local one
    one=$(purchase "$1-number" | sed 's/number/\&/g')
    seq "$2" | sed "s/.*/$one/; 1s/^/{\"batch\":[/; \$!s/\$/,/; \$s/\$/]}/" >"$W/many.json"
    ANSWER=$(call POST /v1/batch -H 'Content-Type: application/json' --data-binary "@$W/many.json" \
        -w '\n%{http_code}')
    is "batch of $2" "${ANSWER##*$'\n'}" 200
}

# split K NAMED
split() {
    local k=$1 named=$2 prefix=split-$1-$2 bad='' n extra most dead
    tell reset
    json POST /v1/pause >/dev/null
    many "$prefix" $N
    is "queued" "$(status queue.queued)" $N
    while [ "$(say $bad | wc -w)" -lt "$k" ]; do
        n=$((RANDOM % N + 1))
        case " $bad " in *" $n "*) ;; *) bad="$bad $n" ;; esac
    done
    for n in $bad; do
        tell refuse "{\"event_id\":\"$prefix-$n\",\"index\":$named,
            \"message\":\"Not a valid string: jane@example.com\"}"
    done
    json POST /v1/resume >/dev/null
    eventually status_is queue.queued 0
    extra=$(($(seen requests) - 1))
    [ "$named" = true ] && most=$k || most=$(bound "$k")
    say "  k = $k, named: $named: $extra requests more, bound $most"
    [ $extra -le "$most" ] || fail "$extra extra requests for k=$k, bound $most (SEED=$SEED)"
    is "counted (SEED=$SEED)" "$(seen counted) $(seen duplicates)" "$((N - k)) 0"
    is "dead (SEED=$SEED)" "$(status queue.dead)" "$k"
    dead=$(call GET '/v1/events?state=dead' | "$TOOL" column events event_id | sort)
    is "which are dead (SEED=$SEED)" "$dead" "$(for n in $bad; do say "$prefix-$n"; done | sort)"
    for n in $bad; do
        is "reason of $n" "$(event "$prefix-$n" reason)" tiktok_40002
        case $(event "$prefix-$n" message) in
        *"Not a valid string: …") ;;
        *) fail "message: $(event "$prefix-$n" message)" ;;
        esac
    done
    json POST /v1/events/drop '{"state":"dead"}' >/dev/null
}
say "k bad events in $N, SEED=$SEED"
for k in 1 3 10; do
    split $k true
    split $k false
done

say "413 halves, and nobody is at fault"
tell reset
tell script '[{"http":413,"count":2}]'
json POST /v1/pause >/dev/null
many half 8
json POST /v1/resume >/dev/null
eventually status_is queue.queued 0
is "counted, duplicates, dead" "$(seen counted) $(seen duplicates) $(status queue.dead)" "8 0 0"

# --- the rule of 20 -------------------------------------------------------------------------------

# rule PREFIX MESSAGE: everything is refused as an event's fault; nothing may be lost over it.
rule() {
    tell reset
    tell script "[{\"code\":40002,\"message\":\"$2\",\"events_only\":true,\"forever\":true}]"
    json POST /v1/pause >/dev/null
    many "$1" 25
    json POST /v1/resume >/dev/null
    eventually status_is state paused
    is "paused by" "$(status paused.by) $(status paused.code)" "configuration 40002"
    is "queued, dead" "$(status queue.queued) $(status queue.dead)" "25 0"
    sell "$1-while-paused"
    tell script '[]'
    try_now
    eventually status_is queue.queued 0
    is "counted, duplicates, dead" "$(seen counted) $(seen duplicates) $(status queue.dead)" "26 0 0"
    is "state" "$(status state)" ok
}
say "the rule of 20"
rule hidden "Something new that names no event"
rule named "Batch.0.properties.value: Not a valid number"

# --- a server that tells no time ------------------------------------------------------------------

# stampless ID: a sale whose time only the agent's clock can give
stampless() {
    post /v1/track "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"$1\",
        \"properties\":{\"email\":\"jane@example.com\",\"value\":1.5,\"currency\":\"EUR\"}}"
    is "answer for $1" "$STATUS $(said status)" "200 queued"
}
# Without -q, which leaves before its writer has done: pipefail would take that for a no.
problem() { call GET /v1/status | "$TOOL" column problems code | grep -x "$1" >"$W/problem"; }
no_problem() { ! problem "$1"; }

say "a Date of before the program was built is none: one probe asks, then sales and doubts go without; status says so"
agent_stop
rm -rf "$W/state"
tell reset
tell clock '{"offset_s":-315576000}'
taken='{"code":0,"accept":true,"forever":true}' # else it finds our times in its future
tell script "[$taken]"
agent_start
problem no_time && fail "there is a problem before the server has answered"
stampless timeless-1
eventually sent timeless-1
tell script "[{\"code\":30000},$taken]"
BEFORE=$(outcomes)
stampless timeless-2
eventually sent timeless-2
eventually changed
is "outcomes, probes" "$CHANGED$(seen probes)" "done+1 doubt+1 1"
is "clock" "$(status clock.state) $(status clock.offset_s)" "plausible null"
problem no_time || fail "no problem says that nobody tells the time"
tell clock '{"offset_s":0}'
tell script '[]'
stampless timeless-3
eventually sent timeless-3
eventually no_problem no_time
is "clock, probes" "$(status clock.state) $(seen probes)" "trusted 1"

# --- answers that no stand-in gives ---------------------------------------------------------------

say "raw bytes"
agent_stop
: >"$W/raw"
"$WIRE" say "$W/raw.port" "$W/raw" &
OTHER_PIDS="$OTHER_PIDS $!"
eventually test -s "$W/raw.port"
ENDPOINT=http://127.0.0.1:$(cat "$W/raw.port")$TRACK
config_with "$CURVE"
agent_start

# raw NAME WANT FORMAT [ARGUMENTS]: bytes by printf.
good='HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"code":0}'
raw() {
    local name=$1 want=$2
    shift 2
    NETWORK='' NO_ANSWER=0 ID=row-$((ROWS += 1))
    case $want in *:cut) want=${want%:cut} NO_ANSWER=1 NETWORK=none ;; esac
    # shellcheck disable=SC2059 # the format is the answer
    printf "$@" >"$W/raw"
    BEFORE=$(outcomes)
    sell $ID
    expect "$name" "$want"
    # shellcheck disable=SC2059
    printf "$good" >"$W/raw"
    [ "$want" = "done" ] || try_now
    eventually sent $ID
}
raw "whole" "done" "$good"
raw "without a length" "done" 'HTTP/1.1 200 OK\r\n\r\n{"code":0}'
raw "HTTP/1.0" "done" 'HTTP/1.0 200 OK\r\n\r\n{"code":0}'
raw "in chunks" "done" 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"co\r\n6\r\nde":0}\r\n0\r\n\r\n'
raw "after a 100" "done" 'HTTP/1.1 100 Continue\r\n\r\n'"$good"
raw "after a 103" "done" 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'"$good"
raw "204"                      doubt 'HTTP/1.1 204 No Content\r\n\r\n'
raw "too long"                 doubt:cut 'HTTP/1.1 200 OK\r\n\r\n{"code":0,"message":"%070000d"}' 0
raw "not HTTP"                 doubt:cut 'SSH-2.0-OpenSSH_9.2\r\n'
raw "the head cut"             doubt:cut 'HTTP/1.1 200 OK\r\nContent-Len'
raw "whole JSON, cut by length" doubt:cut 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"code":0}'
raw "without the last chunk"   doubt:cut 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{"code":0}\r\n'
raw "a head without end"       doubt:cut 'HTTP/1.1 200 OK\r\nX: %0400000d\r\n\r\n{"code":0}' 0
raw "not a word"               doubt:cut ''
raw "a NUL in it"              doubt 'HTTP/1.1 200 OK\r\n\r\n{"code":0}\0'
raw "nested deeply"            doubt 'HTTP/1.1 200 OK\r\n\r\n{"code":0,"data":%s%s}' \
    "$(printf '[%.0s' {1..100})" "$(printf ']%.0s' {1..100})"

[ $ROWS -ge $ROWS_LEAST ] || fail "only $ROWS answers were tried"
say "$ROWS answers"
eventually status_is queue.queued 0
agent_stop
