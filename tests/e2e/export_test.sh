#!/bin/bash
# The queue as files for Events Manager: what they hold, what stays, that an event is in a file or at TikTok and never
# both, and that a kill at any step of --mark-sent leaves all of it settled with whole files, or nothing.
. "$(dirname "$0")/lib.sh"

HEADER=event_type,email,phone,timestamp,price,currency,transaction_category,order_id,quantity,product_id
HEADER=$HEADER,product_category,store_id
export TILLPOST_CONFIG=$W/tillpost.json

# export_to DIR [options]: $OUT, $WORDS, $EXIT.
export_to() {
    OUT=$("$TILLPOST" export "$@" 2>"$W/words")
    EXIT=$?
    WORDS=$(cat "$W/words")
}
# sell_many PREFIX COUNT [more members of properties]: in one batch.
sell_many() {
    local calls='' n
    for n in $(seq "$2"); do calls="$calls${calls:+,}$(purchase "$1-$n" "${3:-}")"; done
    printf '{"batch":[%s]}' "$calls" >"$W/batch"
    call POST /v1/batch -H 'Content-Type: application/json' --data-binary @"$W/batch" >"$W/batch.answer"
    is "queued of $1" "$(grep -o '"queued"' "$W/batch.answer" | wc -l)" "$2"
}
# The orders of all files in a directory.
orders() { cat "$1"/tillpost-*.csv 2>/dev/null | grep -v '^event_type' | cut -d, -f8 | sort; }
pending() { find "$1" -name '*.pending.json' | wc -l; }
queued() { status queue.queued; }

sandbox_start
tell line '{"down":true}'
agent_config
agent_start

say "what the files hold; without --mark-sent nothing changes"
sell one ',"products":[{"product_id":"p,1","quantity":2,"price":3.5,"category":"say \"x\""}]'
sell two ',"products":[{"product_id":"p1","quantity":2},{"product_id":"p2","quantity":1}]'
export_to "$W/a"
is "exit" "$EXIT" 0
[ "$(stat -c %a "$OUT")" = 600 ] || fail "mode of $OUT"
is "header" "$(head -n 1 "$OUT")" "$HEADER"
is "columns of one" "$(sed -n 2p "$OUT" | cut -d, -f1,3,5-)" \
    'Purchase,,19.9,EUR,in-store,one,2,"p,1","say ""x""",'
is "columns of two" "$(sed -n 3p "$OUT" | cut -d, -f1,3,5-)" 'Purchase,,19.9,EUR,in-store,two,3,,,'
is "the person" "$(sed -n 2p "$OUT" | cut -d, -f2)" "$(printf %s one@example.com | sha256sum | cut -d' ' -f1)"
is "files" "$(ls "$W/a" | wc -l)" 2
is "queued" "$(queued)" 2
is "events in the manifest" "$("$TOOL" get events <"$(echo "$W"/a/*.json)")" 2

say "what was exported comes back as it was: export, import into another queue, export"
mkdir -m 700 "$W/state2"
sed "s,$W/state/,$W/state2/,; s,$W/till.sock,$W/no.sock," "$W/tillpost.json" >"$W/second.json"
first=$OUT
"$TILLPOST" import --config "$W/second.json" "$first" >"$W/imported" 2>&1 || fail "$(cat "$W/imported")"
export_to "$W/a2" --config "$W/second.json"
is "exit" "$EXIT" 0
cmp "$first" "$OUT" || fail "not as it was: $(diff "$first" "$OUT")"
rm -r "$W/state2" && mkdir -m 700 "$W/state2"
hash() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
at=$(date -u +%Y-%m-%dT%H:%M)
{
    say "$HEADER"
    for type in Purchase Lead "Add to Cart" "Place an Order" Contact; do
        for more in ",,in-store,,,,," "10,USD,in-store,abc123,1,123456,furniture,3456" \
            "0,EUR,in-store,\"a,b\",2.5,\"say \"\"x\"\"\",ü ß 漢,s 1"; do
            say "$type,$(hash "$type@example.com"),,$at:01Z,$more"
            say "$type,,$(hash +12133734253),$at:02.152Z,$more"
            say "$type,$(hash "b$type@example.com"),$(hash +12133734254),$at:03.009Z,$more"
        done
    done
} >"$W/all.csv"
"$TILLPOST" import --config "$W/second.json" "$W/all.csv" >"$W/imported" 2>&1 || fail "$(cat "$W/imported")"
export_to "$W/a3" --config "$W/second.json"
cmp "$W/all.csv" "$OUT" || fail "not as it was: $(diff "$W/all.csv" "$OUT")"

say "--mark-sent: they leave the queue, stay known, and a second run finds nothing"
export_to "$W/b" --mark-sent --json
is "exit" "$EXIT" 0
is "marked" "$(printf %s "$OUT" | "$TOOL" get marked_sent)" true
is "queued" "$(queued) $(pending "$W/b")" "0 0"
is "orders" "$(orders "$W/b" | tr '\n' ' ')" "one two "
post /v1/track "$(purchase one)"
is "a settled id" "$(said status)" duplicate
export_to "$W/b" --mark-sent --json
is "events of a second" "$EXIT $(printf %s "$OUT" | "$TOOL" get events)" "0 0"
is "its files" "$(ls "$W/b" | wc -l)" 2

say "what has no CSV form stays and is counted"
post /v1/track '{"event":"Order Completed","messageId":"opted","properties":{"email":"a@example.com"},
  "context":{"limited_data_use":true}}'
sell three
export_to "$W/c" --mark-sent --json
left=$(printf %s "$OUT" | "$TOOL" get stay.no_form)
is "queued after it" "$(queued)" "$left"

say "a directory that cannot be written, and one that is no directory"
touch "$W/file"
export_to "$W/file"
is "exit for a file" "$EXIT" 73
sell four
if [ "$(id -u)" != 0 ]; then
    mkdir -m 500 "$W/closed"
    export_to "$W/closed" --mark-sent
    is "exit" "$EXIT" 73
fi
export_to "$W/no/such/place" --mark-sent
is "exit" "$EXIT" 73
export_to
is "usage" "$EXIT" 64
is "queued" "$(queued)" $((left + 1))

say "10 MB a file, with real volume"
long=$(head -c 7000 /dev/zero | tr '\0' x)
for batch in $(seq 30); do sell_many "big$batch" 60 ",\"shop_id\":\"$long\""; done
export_to "$W/big" --mark-sent
is "exit" "$EXIT" 0
is "files" "$(ls "$W"/big/*.csv | wc -l)" 2
for file in "$W"/big/*.csv; do
    [ "$(stat -c %s "$file")" -lt 10000000 ] || fail "$file is $(stat -c %s "$file") bytes long"
    is "header of $file" "$(head -n 1 "$file")" "$HEADER"
done
[ "$(stat -c %s "$W"/big/*-001.csv)" -gt 9900000 ] || fail "the first file is not full"
is "orders" "$(orders "$W/big" | uniq | wc -l)" 1801
is "queued" "$(queued)" "$left"

say "killed at each step of --mark-sent: all settled with whole files, or nothing; run again, it is finished"
if strace -o /dev/null true 2>"$W/strace.err"; then
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
    steps=0 kills=0
    # whole DIR: the orders of those files that a manifest lists.
    whole() {
        for manifest in "$1"/*.json; do
            [ -e "$manifest" ] || continue
            for name in $("$TOOL" column files name <"$manifest"); do
                is "size of $name" "$(stat -c %s "$1/$name")" \
                    "$("$TOOL" get files.0.bytes <"$manifest")"
                grep -v '^event_type' "$1/$name" | cut -d, -f8
            done
        done | sort | tr '\n' ' '
    }
    # Each by glibc's call for it or musl's.
    for calls in '?open,openat' write,writev fsync '?rename,renameat' sendto recvfrom; do
        call=${calls##*[?,]}
        for n in $(seq 99); do
            dir=$W/kill-$call-$n
            mkdir "$dir"
            [ "$(queued)" = $((left + 3)) ] || sell_many "$call$n" 3
            strace -f -o "$W/strace.out" -e trace="$calls" -e inject="$calls:signal=SIGKILL:when=$n" \
                "$TILLPOST" export "$dir" --mark-sent >/dev/null 2>&1 || true
            status=$(grep -c 'killed by SIGKILL' "$W/strace.out")
            steps=$((steps + 1))
            now=$(queued)
            files=$(whole "$dir")
            case $now in
                "$left") is "orders of $call $n" "$(printf %s "$files" | wc -w)" 3 ;;
                $((left + 3))) is "final manifests of $call $n" "$(find "$dir" -name '*Z.json' | wc -l)" 0 ;;
                *) fail "$call $n: $now queued" ;;
            esac
            [ $status = 0 ] && break
            kills=$((kills + 1))
            export_to "$dir" --mark-sent
            is "run again after $call $n" "$EXIT" 0
            is "queued after the second run, $call $n" "$(queued) $(pending "$dir")" "$left 0"
            is "orders after $call $n" "$(whole "$dir" | wc -w)" 3
        done
    done
    say "killed $kills times in $steps runs"
    [ $kills -ge 20 ] || fail "only $kills kills"
else
    say "no kills: strace is not permitted here: $(head -n 1 "$W/strace.err")"
fi

say "an agent that dies in the commit of a settle: all or nothing, and the next run knows"
[ "$(queued)" = $((left + 3)) ] || sell_many dies 3
strace -f -p "$AGENT_PID" -o "$W/strace.out" -e trace=fdatasync -e inject=fdatasync:signal=SIGKILL:when=1 \
    2>"$W/strace.err" &
OTHER_PIDS=$!
attached() { grep -q 'attached\|ptrace' "$W/strace.err"; }
eventually attached
if grep -q 'attached' "$W/strace.err"; then
    export_to "$W/dies" --mark-sent
    case "$EXIT $(pending "$W/dies")" in
        "69 1" | "0 0") ;; # it died in this commit, or in one before: then the export went on without it
        *) fail "exit $EXIT while the agent dies: $WORDS" ;;
    esac
    agent_wait
    agent_start
    case $(queued) in
        "$left" | $((left + 3))) ;;
        *) fail "$(queued) queued after the agent's death" ;;
    esac
fi
export_to "$W/dies" --mark-sent
is "run again" "$EXIT $(queued) $(orders "$W/dies" | wc -l)" "0 $left 3"

say "without an agent: on the queue itself"
sell_many alone 3
agent_stop
export_to "$W/alone" --mark-sent
is "orders" "$EXIT $(orders "$W/alone" | tr '\n' ' ')" "0 alone-1 alone-2 alone-3 "
agent_start
is "queued" "$(queued)" "$left"

say "where nothing was sent nothing is in doubt; what was sent without an answer is"
sell_many doubt 3
try_now
tried() { status delivery.last_attempt_at | grep 20 >/dev/null; }
eventually tried
agent_kill
export_to "$W/doubt" --json
is "in flight" "$(printf %s "$OUT" | "$TOOL" get stay.in_flight)" 0
tell line '{"down":false}'
tell script '[{"delay_ms":60000,"events_only":true}]'
agent_start
try_now
requested() { seen_least requests 1; }
eventually requested
agent_kill
tell line '{"down":true}'
export_to "$W/doubt" --mark-sent --json
is "in flight after a kill" "$(printf %s "$OUT" | "$TOOL" get stay.in_flight)" $((3 + left))
agent_start
export_to "$W/doubt" --mark-sent --json
is "in doubt" "$(printf %s "$OUT" | "$TOOL" get stay.in_doubt)" $((3 + left))
tell reset '{}'

say "what is in flight stays, and is not settled behind the agent's back"
tell line '{"down":false}'
tell script '[{"delay_ms":60000,"events_only":true}]'
try_now
eventually requested
in_flight() { call GET /v1/export | "$TOOL" get stay.in_flight; }
flying=$(in_flight)
[ "$flying" -gt 0 ] || fail "nothing is in flight"
seq=$("$TILLPOST" events --json | head -n 1 | "$TOOL" get seq)
post /v1/export/settle "{\"export\":5,\"rows\":[$seq]}"
is "a settle of it" "$STATUS $(said code)" "503 busy"
tell script '[]'
agent_kill
tell reset '{}'
rm -rf "$W/state"

say "a settle that was refused has deliveries wait, so that the next one finds its rows at rest"
tell script '[{"delay_ms":3000,"events_only":true},{"delay_ms":60000,"events_only":true}]'
agent_config
agent_start
sell wins-1
eventually requested
seq=$("$TILLPOST" events --json | head -n 1 | "$TOOL" get seq)
post /v1/export/settle "{\"export\":6,\"rows\":[$seq]}"
is "a settle of it" "$STATUS $(said code)" "503 busy"
eventually status_is queue.queued 0
sell wins-2
post /v1/export/settle "{\"export\":7,\"rows\":[$((seq + 1))]}"
is "a settle of the next" "$STATUS $(said settled)" "200 1"
agent_kill
tell reset '{}'
rm -rf "$W/state"

say "an event is in a file or at TikTok, never in both, while both go on"
MORE_SYNC=', "batch_events": 20'
agent_config
agent_start
tell script '[{"delay_ms":50,"forever":true,"events_only":true}]'
for n in 1 2 3 4 5 6; do
    sell_many "race$n" 100
    export_to "$W/race" --mark-sent
    is "exit of export $n" "$EXIT" 0
done
drained() { [ "$(queued)" = 0 ]; }
eventually drained
orders "$W/race" >"$W/in-files"
ask received | "$TOOL" column events event_id | sort >"$W/at-tiktok"
is "in both" "$(comm -12 "$W/in-files" "$W/at-tiktok" | wc -l)" 0
is "in one of them" "$(sort -u "$W/in-files" "$W/at-tiktok" | wc -l)" 600
say "$(wc -l <"$W/in-files") in files, $(wc -l <"$W/at-tiktok") at TikTok"
[ -s "$W/in-files" ] || fail "nothing was exported"
[ -s "$W/at-tiktok" ] || fail "nothing was delivered"
