#!/bin/bash
# SIGTERM ends the agent at once and cleanly, also with a request in flight; SIGHUP takes a good
# configuration and refuses a broken one without harm.
. "$(dirname "$0")/lib.sh"

need nginx openssl
sandbox_start
tls_up
agent_config
agent_start
# Sanitizers look for leaks at the end, which costs.
END_MS=2000
[ "${SANITIZED:-0}" = 0 ] || END_MS=10000

stops_quickly() {
    local before
    before=$(now_ms)
    agent_stop
    before=$(($(now_ms) - before))
    [ $before -lt $END_MS ] || fail "$1: the end took $before ms"
    [ ! -e "$W/till.sock" ] || fail "$1: the socket is still there"
}

say "SIGTERM when idle"
stops_quickly "idle"
agent_start

say "SIGTERM with a request in flight: exit 0, and the event is sent again with its id"
tell script '[{"delay_ms":120000,"events_only":true}]'
sell flight-1
eventually seen_least counted 1
stops_quickly "in flight"
agent_start
try_now
eventually seen_is duplicates 1
eventually status_is queue.queued 0
is "counted" "$(seen counted)" 1

log_has() { grep -q -- "$1" "$W/agent.log"; }

say "SIGHUP with a broken file: the old configuration stays, and the log names the fault"
cp "$W/tillpost.json" "$W/good.json"
echo '{ "tiktok": { "event_set_id": "1", ' >"$W/tillpost.json"
: >"$W/agent.log"
kill -HUP "$AGENT_PID"
eventually log_has 'tillpost.json'
sell broken-1
eventually counted broken-1
MORE_SYNC=', "batch_event": 10'
agent_config
: >"$W/agent.log"
kill -HUP "$AGENT_PID"
eventually log_has 'batch_event'
log_has 'batch_events' || fail "the nearest known key is not named"
sell broken-2
eventually counted broken-2

say "SIGHUP with a good file: it is in force"
MORE_SYNC=''
MORE_TIKTOK=', "partner_name": "Corner Shop"'
agent_config
kill -HUP "$AGENT_PID"
partner() { tail -n 1 "$W/requests.log" | "$TOOL" get body.partner_name; }
renamed() {
    tries=$((tries + 1))
    sell "good-$tries"
    eventually counted "good-$tries"
    [ "$(partner)" = "Corner Shop" ]
}
tries=0
eventually renamed
stops_quickly "at the end"
