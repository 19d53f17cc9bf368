#!/bin/bash
# Wrong input of every kind: status, code, path and a message, row by row (wrong_input.c). Afterwards
# nothing but the good calls is in the queue, and nothing of a refused call is in a log or a file.
. "$(dirname "$0")/lib.sh"

sandbox_start
tell line '{"down":true}'
PRESETS='["Complete Payment"], "custom": [{
    "name": "Own", "subscribe": "event = \"Own\"", "mapping": {
        "event": {"@path": "$.properties.name"}, "email_addresses": {"@path": "$.properties.email"},
        "event_id": {"@path": "$.messageId"}, "value": {"@path": "$.properties.value"},
        "content_type": {"@path": "$.properties.kind"} } }]'
agent_config
agent_start

"$WRONG_INPUT" "$W/till.sock" || fail "an answer is not as documented"

# Queued: "a phone that is none", "once", "a good batch", "a mixed batch", "its good call".
is "queued" "$(status queue.queued)" 5
grep -q 'jane@example\|4111 1111\|5555-5555' "$W/agent.log" "$W"/state/* &&
    fail "something of a refused call was written down"
agent_stop
