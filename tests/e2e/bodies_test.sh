#!/bin/bash
# What goes into a body: the oldest first, at most batch_events and batch_size; test events in bodies of their own.
. "$(dirname "$0")/lib.sh"

sandbox_start
PRESETS='["Complete Payment"], "custom": [{ "name": "Test", "subscribe": "event = \"Try\"", "mapping": {
    "event": "Contact", "timestamp": { "@path": "$.timestamp" }, "test_event_code": { "@path": "$.properties.code" },
    "email_addresses": { "@path": "$.properties.email" } } }]'
agent_config
agent_start

ids() { ask received | "$TOOL" column "$1" event_id | tr '\n' ' '; }
codes() { ask received | "$TOOL" column test_events test_event_code | tr '\n' ' '; }
drained() { status_is queue.queued 0; }
turn() { call POST "/v1/$1" -H 'Content-Type: application/json' -d '{}' >/dev/null; } # pause, resume
trial() { # ID CODE
    post /v1/track "{\"event\":\"Try\",\"messageId\":\"$1\",\"timestamp\":\"$(date -u +%FT%TZ)\",
        \"properties\":{\"email\":\"jane@example.com\",\"code\":\"$2\"}}"
    is "answer for $1" "$STATUS $(said status)" "200 queued"
}
configured() { # MORE_TIKTOK MORE_SYNC
    MORE_TIKTOK=$1 MORE_SYNC=$2
    agent_config
    agent_stop
    agent_start
    tell reset
}

say "an event with a test code goes in a body of its own, the order stays"
turn pause
sell plain-1
sell plain-2
trial one-1 TEST1
trial one-2 TEST1
trial two-1 TEST2
sell plain-3
turn resume
eventually drained
is "counted" "$(ids events)" "plain-1 plain-2 plain-3 "
is "tests" "$(ids test_events)" "one-1 one-2 two-1 "
is "their codes" "$(codes)" "TEST1 TEST1 TEST2 "
is "requests" "$(seen requests)" 4

say "the code of the configuration counts where an event has none"
configured ', "test_event_code": "ALL"' ''
sell all-1
trial own-1 TEST3
eventually drained
is "counted, tests" "$(ids events)$(ids test_events)" "all-1 own-1 "
is "their codes" "$(codes)" "ALL TEST3 "

# many PREFIX COUNT
many() {
    local n calls=''
    turn pause
    for n in $(seq "$2"); do calls="$calls,$(purchase "$1-$n")"; done
    post /v1/batch "{\"batch\":[${calls#,}]}"
    is "batch" "$STATUS" 200
    turn resume
    eventually drained
    is "the order" "$(ids events)" "$(seq -f "$1-%g" "$2" | tr '\n' ' ')"
}
say "batch_events: 50 events in bodies of 20"
configured '' ', "batch_events": 20'
many few 50
is "requests, the largest" "$(seen requests) $(seen batch_most)" "3 20"

say "batch_size: 300 events in bodies of 32 KiB"
configured '' ', "batch_size": "32K"'
many small 300
most=$(seen batch_most)
bytes=$(($(ask received | "$TOOL" get events.0.data | wc -c) * most))
[ $bytes -gt 16384 ] && [ $bytes -le 32768 ] || fail "$bytes bytes of $most events in 32 KiB"
is "requests" "$(seen requests)" $(((300 + most - 1) / most))
agent_stop
