#!/bin/bash
# The main job: a call of every preset, posted to the socket, arrives at TikTok over TLS exactly once,
# with the body that the contract makes of it. Posted again, it is a duplicate and nothing is sent.
. "$(dirname "$0")/lib.sh"

need nginx openssl
# PageView is no offline event and TikTok may refuse it; its preset can be switched on all the same.
sandbox_start --also PageView
tls_up
agent_config
agent_start

user_hash=$(printf %s Cust-42 | sha256sum | cut -c1-64)
count=$("$TOOL" vectors "$VECTORS" "$W" "$user_hash") || fail "no vectors in $VECTORS"
is "vectors" "$count" 15

post_all() { # STATUS
    local i type
    for ((i = 0; i < count; i++)); do
        type=$("$TOOL" get type <"$W/$i.call")
        post "/v1/$type" "$(cat "$W/$i.call")"
        is "answer to call $i" "$STATUS $(said status)" "200 $1"
        is "id of call $i" "$(said event_ids.0)" "$("$TOOL" get messageId <"$W/$i.call")"
    done
}

post_all queued
eventually seen_is counted "$count"
eventually status_is queue.queued 0

ask received >"$W/received"
"$TOOL" column events event <"$W/received" >"$W/names"
for ((i = 0; i < count; i++)); do
    name=$("$TOOL" get event <"$W/$i.event")
    place=$(grep -nxF -- "$name" "$W/names" | cut -d: -f1)
    [[ $place =~ ^[0-9]+$ ]] || fail "$name arrived in lines \"$place\" of: $(tr '\n' ' ' <"$W/names")"
    "$TOOL" get "events.$((place - 1)).data" <"$W/received" >"$W/$i.received"
    "$TOOL" same "$W/$i.event" "$W/$i.received" || fail "$name is not what the contract makes of it"
done

while read -r line; do
    say "$line" | "$TOOL" get body >"$W/body"
    is "members of the body" "$("$TOOL" column "" "" <"$W/body" | wc -l)" 3
    is "event_source" "$("$TOOL" get event_source <"$W/body")" offline
    is "event_source_id" "$("$TOOL" get event_source_id <"$W/body")" $EVENT_SET
done <"$W/requests.log"

requests=$(seen requests)
post_all duplicate
is "queued" "$(status queue.queued)" 0
agent_stop # what were still to be sent, would be sent now or at the next start
agent_start
sell marker
eventually counted marker
is "requests after the second posting" "$(seen requests)" $((requests + 1))
is "duplicates at TikTok" "$(seen duplicates)" 0
grep -q 'jane.doe@example.com\|2133734253' "$W/requests.log" "$W/agent.log" "$W"/state/* &&
    fail "personal data in clear in a body, a log or the queue"
say "$count calls, each arrived once"
