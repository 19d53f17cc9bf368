#!/bin/bash
# What a restart keeps: pauses with their code and hour, the counters of all that has left the queue. And what needs
# none: a new token, a new event set.
. "$(dirname "$0")/lib.sh"

: "${WIRE:?is e2e_wire; ctest names it}"

sandbox_start
agent_config
agent_start

counter() { call GET /metrics | sed -n "s/^tillpost_events_$1 //p"; }
state_of() { call GET "/v1/events/$1" | "$TOOL" get events.0.state; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }
change() { call POST "/v1/events/$1" -H 'Content-Type: application/json' -d "$2" >/dev/null; }
restart() { agent_stop && agent_start; }
paused_by() { status_is paused.by "$1"; }

say "a pause for the token is there after a restart, with its code and its hour"
tell rules '{"token":"second-token"}'
sell held-1
eventually paused_by credentials
was="$(status paused.code) $(status paused.since)"
restart
is "paused by, after a restart" "$(status paused.by)" credentials
is "its code and hour" "$(status paused.code) $(status paused.since)" "$was"
agent_stop
run status --json --config "$W/tillpost.json"
is "paused, while it stands still" "$("$TOOL" get paused.by <<<"$OUT") $("$TOOL" get paused.since <<<"$OUT")" \
    "credentials ${was#* }"
agent_start
is "queued" "$(status queue.queued)" 1
agent_kill
agent_start
is "paused by, after SIGKILL" "$(status paused.by)" credentials

say "a new token ends it, without a word to the agent"
(umask 077 && echo second-token >"$W/token.next" && mv "$W/token.next" "$W/token")
eventually counted held-1
eventually status_is paused null
restart
is "paused, after the end" "$(status paused)" null

say "a token that is replaced while all is well is the one of the next request"
tell rules '{"token":"third-token"}'
(umask 077 && echo third-token >"$W/token.next" && mv "$W/token.next" "$W/token")
sell rotated-1
eventually counted rotated-1
is "tries that found the old one" "$(call GET /metrics | sed -n 's/.*attempts_total{outcome="pause"} //p')" 0

say "an event set that is mended in the configuration is tried at the reload"
tell rules '{"event_set":"7000000000000000002"}'
sell set-1
eventually paused_by configuration
restart
is "paused by, after a restart" "$(status paused.by)" configuration
EVENT_SET=7000000000000000002
agent_config
kill -HUP "$AGENT_PID"
eventually counted set-1
eventually status_is paused null

say "a pause by hand stays by hand"
call POST /v1/pause -H 'Content-Type: application/json' -d '{}' >/dev/null
restart
is "paused by" "$(status paused.by)" operator
call POST /v1/resume -H 'Content-Type: application/json' -d '{}' >/dev/null

say "the counters have counted all of it"
tell refuse '{"event_id":"bad-1","code":40002,"message":"Invalid value for user"}'
sell bad-1
eventually state_is bad-1 dead
change retry '{"ids":["bad-1"]}'
eventually state_is bad-1 dead
change drop '{"state":"dead"}'
call POST /v1/pause -H 'Content-Type: application/json' -d '{}' >/dev/null
sell erased-1
call POST /v1/erase -H 'Content-Type: application/json' -d '{"email":"erased-1@example.com"}' >/dev/null
call POST /v1/resume -H 'Content-Type: application/json' -d '{}' >/dev/null
for _ in before after; do
    is "sent" "$(counter sent_total)" 3
    is "dead" "$(counter 'dead_total{reason="tiktok"}')" 2
    is "retried" "$(counter retried_total)" 1
    is "dropped" "$(counter dropped_total)" 1
    is "erased" "$(counter erased_total)" 1
    is "exported, given up" "$(counter exported_total) $(counter given_up_total)" "0 0"
    is "expired" "$(counter 'dead_total{reason="expired"}')" 0
    restart
done

say "offline, no retry writes to the disk"
ENDPOINT=http://127.0.0.1:9$TRACK
agent_config
restart
attempts() { call GET /metrics | sed -n 's/.*attempts_total{outcome="offline"} //p'; }
attempts_least() { [ "$(attempts)" -ge "$1" ]; }
sell offline-1
eventually attempts_least 2
was=$(sha256sum "$W/state/queue.db" "$W/state/queue.db-wal")
eventually attempts_least 8
is "the files of the queue" "$(sha256sum "$W/state/queue.db" "$W/state/queue.db-wal")" "$was"
say "  and what was never sent is not in doubt after a power cut"
agent_kill
ENDPOINT=http://127.0.0.1:$SANDBOX_PORT$TRACK
agent_config
agent_start
eventually counted offline-1
is "copies" "$(seen duplicates)" 0
agent_stop

say "a doubt is written down once, not at each retry"
tell reset
tell script '[{"body":"<html>","events_only":true,"forever":true}]'
agent_start
doubts_least() { [ "$(call GET /metrics | sed -n 's/.*attempts_total{outcome="doubt"} //p')" -ge "$1" ]; }
sell doubt-1
eventually doubts_least 2
was=$(sha256sum "$W/state/queue.db" "$W/state/queue.db-wal")
eventually doubts_least 6
is "the files of the queue" "$(sha256sum "$W/state/queue.db" "$W/state/queue.db-wal")" "$was"

say "with a backlog the first try waits for a random part of 10 s; without one nothing does"
agent_stop
starts_late() {
    local wait
    agent_start
    wait=$(status delivery.next_attempt_in_s)
    agent_kill
    [ "$wait" != null ] && [ "$wait" -ge 3 ] && [ "$wait" -le 10 ]
}
eventually starts_late
tell script '[]'
agent_start
try_now
eventually status_is queue.queued 0
for _ in 1 2 3; do
    restart
    is "the next try" "$(status delivery.next_attempt_in_s)" null
done
agent_stop

say "what an export may take: not what waits for a connection, but what was clearly not counted"
export_says() { call GET /v1/export | "$TOOL" get "stay.$1"; }
export_says_one() { [ "$(export_says "$1")" = 1 ]; }
tls_make
"$WIRE" say "$W/mute.port" /dev/null & # takes connections, and knows nothing of TLS
OTHER_PIDS="$OTHER_PIDS $!"
eventually test -s "$W/mute.port"
ENDPOINT=https://127.0.0.1:9$TRACK
agent_config
agent_start
sell held-2
eventually attempts_least 1
ENDPOINT=https://127.0.0.1:$(cat "$W/mute.port")$TRACK
agent_config
kill -HUP "$AGENT_PID"
eventually export_says_one in_flight
agent_kill
ENDPOINT=http://127.0.0.1:$SANDBOX_PORT$TRACK
agent_config
sed -i 's/"retry_first": "100ms", "retry_most": "1s"/"retry_first": "50s", "retry_most": "50s"/' "$W/tillpost.json"
tell script '[{"code":50000,"forever":true}]'
agent_start
try_now
retried() { [ "$(call GET /metrics | sed -n 's/.*attempts_total{outcome="retry"} //p')" -ge 1 ]; }
eventually retried
is "in flight, in doubt" "$(export_says in_flight) $(export_says in_doubt)" "0 0"
restart
is "in doubt, after a clean end" "$(export_says in_doubt)" 0
agent_stop
