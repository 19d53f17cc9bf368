#!/bin/bash
# Segment's and RudderStack's own SDKs, from npm, with tillpost's address for their host and its token
# for their write key: what they are given arrives at the stand-in exactly once, and they hear of no
# error; with another key they do, and nothing is queued. SDKS is the place where the packages are kept
# from one run to the next.
#
# The lock names no server: npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved,
# then every "funding" member goes. Tried on Debian 12 (Node 18, whose warning that Segment wants 20 is no more
# than that) and 13 (Node 20), with their npm 9.2, and with npm 11.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib.sh"

need node npm

# The packages of the lock, kept under its checksum.
install() {
    local new
    mkdir -p "$SDKS" || fail "$SDKS cannot be made"
    MODULES=$SDKS/$(cat "$here/package.json" "$here/package-lock.json" | sha256sum | cut -c1-16)
    [ -d "$MODULES" ] && return
    new=$(mktemp -d "$SDKS/new.XXXXXX") || fail "no folder in $SDKS"
    cp "$here/package.json" "$here/package-lock.json" "$new"
    (cd "$new" && npm ci --omit=optional --ignore-scripts --no-audit --no-fund \
        --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=3000) >"$W/npm.log" 2>&1 || {
        rm -rf "$new"
        tail -n 15 "$W/npm.log" >&2
        fail "npm does not get the SDKs from its registry (above); this test needs it once"
    }
    mv -T "$new" "$MODULES" 2>/dev/null || rm -rf "$new" # another run was first
}

# deliver SDK KEY: $IDS, the calls that the SDK says are delivered; false when it reports an error
deliver() {
    IDS=$(timeout "$DEADLINE_S" node "$here/deliver.js" "$MODULES" "$1" "http://127.0.0.1:$PORT" "$2" \
        2>"$W/sdk.log")
}

# data ID PATH: of the event with this id, as TikTok got it
data() {
    local place
    place=$(grep -nxF -- "$1" "$W/ids" | cut -d: -f1)
    [[ $place =~ ^[0-9]+$ ]] || fail "$1 arrived in lines \"$place\" of: $(tr '\n' ' ' <"$W/ids")"
    "$TOOL" get "events.$((place - 1)).data.$2" <"$W/received"
}

grep -q '://' "$here"/package*.json && fail "package-lock.json names a server"
install
sandbox_start
PORT=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
    console.log(s.address().port); s.close() })')
(umask 077 && echo the-shops-write-key >"$W/write-key")
MORE_LISTEN=", \"http\": \"127.0.0.1:$PORT\", \"token_file\": \"$W/write-key\""
# The presets are for sales; a mapping of the merchant's own makes an event of each other call.
PRESETS='["Complete Payment"], "custom": [{ "name": "All others", "subscribe": "type != \"track\"",
    "mapping": { "event": "Contact", "event_id": { "@path": "$.messageId" }, "query": { "@path": "$.type" },
        "timestamp": { "@path": "$.timestamp" }, "email_addresses": { "@if": {
        "exists": { "@path": "$.traits.email" }, "then": { "@path": "$.traits.email" }, "else": { "@if": {
        "exists": { "@path": "$.properties.email" }, "then": { "@path": "$.properties.email" },
        "else": { "@path": "$.context.traits.email" } } } } } } }]'
agent_config
agent_start

sdks='segment rudder rudder-plain'
named='identify track page screen group alias'
for sdk in $sdks; do
    say "$sdk: a wrong write key is an error to it"
    deliver $sdk another-shops-key && fail "$sdk took a refusal for a success"
    is "delivered by $sdk" "$IDS" ''
    grep -qi '401\|unauthorized' "$W/sdk.log" || fail "$sdk says: $(cat "$W/sdk.log")"
done
is "received" "$(status queue.queued) $(seen requests)" "0 0"

total=0
for sdk in $sdks; do
    say "$sdk: every call arrives"
    deliver $sdk the-shops-write-key || fail "$sdk reports: $(cat "$W/sdk.log")"
    is "what $sdk says" "$(cat "$W/sdk.log")" ''
    is "calls of $sdk" "$(say "$IDS" | wc -l)" 7
    total=$((total + 7))
    printf '%s\n' "$IDS" >"$W/$sdk.ids"
done
eventually seen_is counted $total
eventually status_is queue.queued 0

ask received >"$W/received"
"$TOOL" column events event_id <"$W/received" >"$W/ids"
is "events" "$(wc -l <"$W/ids")" $total
for sdk in $sdks; do
    hash=$(printf %s "jane+$sdk@example.com" | sha256sum | cut -c1-64)
    for type in $named; do
        id=$sdk-$type
        is "e-mail of $id" "$(data "$id" user.email)" "[\"$hash\"]"
        [ $type = track ] || is "call of $id" "$(data "$id" properties.query)" $type
        age=$(($(date +%s) - $(data "$id" event_time)))
        [ $age -ge 0 ] && [ $age -le $((2 * DEADLINE_S)) ] || fail "$id is $age s old"
    done
    is "sale of $sdk" "$(data $sdk-track event) $(data $sdk-track properties.order_id)" "Purchase $sdk-1"
    is "its worth" "$(data $sdk-track properties.value) $(data $sdk-track properties.currency)" "119.8 EUR"
    goods=properties.contents.0
    is "its goods" "$(data $sdk-track $goods.content_id) $(data $sdk-track $goods.quantity)" "SKU-1 2"
done
is "the id that Segment's SDK gave" "$(data "$(grep ^node-next- "$W/segment.ids")" event)" Purchase
is "duplicates" "$(seen duplicates)" 0
grep -qi 'jane+' "$W/requests.log" "$W/agent.log" "$W"/state/* && fail "personal data in clear"
agent_stop
say "$total calls of three clients, each arrived once"
