#!/bin/bash
# The demo: a store, its agent, and a TikTok of our own, on this machine. Ends by itself in a few seconds,
# with 0 when everything that it says is true. Needs $TILLPOST, $SANDBOX and $TOOL (the workflow preset
# `demo` sets them); uses TLS when nginx and openssl are there.
. "$(dirname "$0")/lib.sh"
DEADLINE_S=15

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    BOLD=$'\033[1m' DIM=$'\033[2m' GREEN=$'\033[32m' PLAIN=$'\033[0m'
else
    BOLD='' DIM='' GREEN='' PLAIN=''
fi
steps=0
step() {
    steps=$((steps + 1))
    printf '\n%s%d. %s%s\n' "$BOLD" $steps "$*" "$PLAIN"
}
tells() { printf '   %s\n' "$*"; }
quotes() { sed "s/^/   $DIM| /; s/\$/$PLAIN/"; }
proves() { printf '   %s✓ %s%s\n' "$GREEN" "$*" "$PLAIN"; }

# hand_in ID NAME ORDER VALUE: what a register does, and the answer
hand_in() {
    local call
    call=$(printf '{"event":"Order Completed","messageId":"%s","timestamp":"%s","properties":{' \
        "$1" "$(date -u +%Y-%m-%dT%H:%M:%SZ)")
    call+=$(printf '"email":"%s@example.com","order_id":"%s","value":%s,"currency":"EUR"}}' "$2" "$3" "$4")
    post /v1/track "$call"
    tells "order $3, $4 EUR, from $2@example.com"
    printf '%s %s\n' "$STATUS" "$ANSWER" | quotes
}
shows_status() { "$TILLPOST" status --socket "$W/till.sock" | quotes; }

printf '%stillpost in a minute%s: purchases go from a register to TikTok, whatever happens in between.\n' \
    "$BOLD" "$PLAIN"

step "A stand-in for TikTok starts, and the agent of one register"
sandbox_start
if command -v openssl >/dev/null && PATH=$PATH:/usr/sbin command -v nginx >/dev/null; then
    tls_up
    over="HTTPS, with a certificate authority made for this demo"
else
    over="plain HTTP on loopback (install nginx-light and openssl to see HTTPS)"
fi
line_up() { case $ENDPOINT in https:*) tls_up ;; *) tell line '{"down":false}' ;; esac }
line_down() { case $ENDPOINT in https:*) tls_down ;; *) tell line '{"down":true}' ;; esac }
PRESETS='["Complete Payment"]'
agent_config
agent_start
tells "tillpost run --config tillpost.json    over $over"
tells "everything is in $W and goes away at the end"

step "The register hands in a sale with one HTTP request on a local socket"
tells "curl --unix-socket till.sock -d '{\"event\":\"Order Completed\",…}' http://till/v1/track"
hand_in sale-1 jane A-1001 19.90
is "the answer" "$STATUS $(said status)" "200 queued"
tells "\"queued\" means: it is on the disk. Then it goes to TikTok:"
eventually counted sale-1
ask received | "$TOOL" get events.0.data | quotes
proves "arrived; the e-mail address left the register only as its SHA-256"

step "The line goes down. The store goes on selling"
line_down
hand_in sale-2 john A-1002 7.50
is "the answer" "$STATUS $(said status)" "200 queued"
hand_in sale-3 mary A-1003 120.00
is "the answer" "$STATUS $(said status)" "200 queued"
hand_in sale-4 omar A-1004 3.20
is "the answer" "$STATUS $(said status)" "200 queued"
eventually status_is state offline
tells "tillpost status:"
shows_status
is "sales that wait" "$(status queue.queued)" 3
proves "three sales wait"

step "The power fails: SIGKILL, no goodbye, process $AGENT_PID is gone"
agent_kill
call GET /healthz >/dev/null && fail "the agent still answers"
if grep -q 'john\|mary\|omar' "$W"/state/*; then fail "an e-mail address is on the disk"; fi
proves "on the disk: no e-mail address, and each sale sealed"

step "The register comes back, and the agent with it"
agent_start
is "sales that wait" "$(status queue.queued)" 3
proves "the three sales are still there"
tells "The cashier is not sure about the last one and hands it in again:"
hand_in sale-4 omar A-1004 3.20
is "the second answer" "$STATUS $(said status)" "200 duplicate"
proves "recognised by its id; nothing is queued twice"

step "The line comes back"
line_up
"$TILLPOST" sync --socket "$W/till.sock" | quotes
for n in 2 3 4; do eventually counted "sale-$n"; done
eventually status_is queue.queued 0
shows_status

step "What TikTok received"
ask received >"$W/received"
{
    printf 'event     id      value  copies\n'
    paste <("$TOOL" column events event <"$W/received") \
        <("$TOOL" column events event_id <"$W/received") \
        <("$TOOL" column events data.properties.value <"$W/received") \
        <("$TOOL" column events copies <"$W/received") |
        while read -r event id value copies; do
            printf '%-9s %-7s %5s  %s\n' "$event" "$id" "$value" "$copies"
        done
} | quotes
is "ids at TikTok" "$("$TOOL" column events event_id <"$W/received" | sort | tr '\n' ' ')" \
    "sale-1 sale-2 sale-3 sale-4 "
is "total" "$("$TOOL" column events data.properties.value <"$W/received" |
    awk '{ sum += $1 } END { printf "%.2f", sum }')" 150.60
proves "four sales, 150.60 EUR, each exactly once"
agent_stop
printf '\n%sThat is all.%s README.md goes on from here.\n' "$BOLD" "$PLAIN"
