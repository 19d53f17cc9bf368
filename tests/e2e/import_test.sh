#!/bin/bash
# import: TikTok's upload files through the agent and without one, refused rows and how they are mended, what is said
# to whom, that nothing plain stays behind, and that memory does not grow with the file.
. "$(dirname "$0")/lib.sh"
need script
PRESETS='[]' # rows are TikTok events already: no mapping concerns them

sandbox_start
agent_config
agent_start
export TILLPOST_CONFIG=$W/tillpost.json
COLUMNS_OF=event_type,email,phone,timestamp,price,currency,transaction_category,order_id,quantity,product_id
HEADER=$COLUMNS_OF,product_category,store_id
NOW=$(date -u +%Y-%m-%dT%H:%M:%S.152Z)
of_order() { ask received | "$TOOL" column events data.properties | grep -F "\"order_id\":\"$1\""; }

say "all twelve columns, in both spellings, arrive as they were meant"
cat >"$W/sales.csv" <<CSV
$HEADER
Complete Payment,Secret.Person@Mail.example,+12133734253,$NOW,10.50,usd,in-store,first,2,4006381333931,furniture,3456
AddToCart,,12133734253,$NOW,,,,second,,,,
CSV
run import "$W/sales.csv"
is "exit" "$EXIT" 0
is "sum" "$OUT" "2 rows: 2 queued, 0 known already, 0 refused"
is "words in a pipe" "$WORDS" ""
arrived() { of_order "$1" >/dev/null; }
eventually arrived second
for part in '"shop_id":"3456"' '"currency":"USD"' '"value":10.5' '"quantity":2' '"content_id":"4006381333931"' \
    '"content_category":"furniture"'; do
    has "what arrived" "$(of_order first)" "$part"
done
case $(ask received) in *in-store*) fail "transaction_category was sent" ;; esac

say "the same rows are known, however the file is written"
printf '\xef\xbb\xbfSTORE_ID,"Product Category",product_id,quantity,Order_Id,notes,%s,%s\r\n' \
    transaction_category,currency,Price 'TIMESTAMP,Phone,e-mail,Event Type' >"$W/again.csv"
printf '3456,"furniture",4006381333931,2.0,first,"two\r\nlines, and ""quotes""",in-store,USD,10.5,%s,%s,%s,%s\r\n' \
    "$NOW" "+1 (213) 373-4253" "secret.person@mail.example" Purchase >>"$W/again.csv"
INPUT=$W/again.csv run import - --json
is "exit" "$EXIT" 0
is "known" "$(printf %s "$OUT" | "$TOOL" get duplicate)" 1
has "a column that is not TikTok's" "$WORDS" '"notes"'

say "refused rows are told with line, column and category; the good ones are queued"
{
    printf 'Event Type,Mail,timestamp,price,order_id\r\n'
    printf 'Purchase,a@example.com,%s,1,good-1\r\n' "$NOW"
    printf 'Purchase,a@example.com,22/10/2022 19:11,1,bad-time\r\n'
    printf 'Purchase,,%s,1,"nobody\r\n2"\r\n' "$NOW"
    printf 'Purchase,a@example.com,%s,"1,50",bad-price\r\n' "$NOW"
    printf 'Purchase,a\xe9@example.com,%s,1,bad-byte\r\n' "$NOW"
    printf 'Refund,a@example.com,%s,1,bad-event\r\n' "$NOW"
    printf 'Purchase,a@example.com,%s,1,4111 1111 1111 1111\r\n' "$NOW"
    printf 'Purchase,a@example.com,%s,1\r\n' "$NOW"
    printf 'Purchase,a@example.com,%s,1,"open\r\n' "$NOW"
    printf 'Purchase,a@example.com,%s,2,good-2\r\n' "$NOW"
} >"$W/mixed.csv"
run import --map Mail=email --rejects "$W/rejects.csv" "$W/mixed.csv"
is "exit" "$EXIT" 65
has "sum" "$OUT" "10 rows: 2 queued, 0 known already, 8 refused"
while IFS='|' read -r line column category; do
    has "line $line" "$OUT" "mixed.csv: line $line: ${column:+$column: }$category: "
done <<'ROWS'
3|timestamp|inaccurate timestamps
4|email|missing required fields
6|price|data formatting
7|email|illegal characters
8|event_type|data formatting
9|order_id|data formatting
10||data formatting
11|order_id|data formatting
ROWS
case $OUT in *4111*) fail "a card number is shown" ;; esac
is "mode of the file of refused rows" "$(stat -c %a "$W/rejects.csv")" 600
is "its header" "$(head -n 1 "$W/rejects.csv" | tr -d '\r')" "Event Type,Mail,timestamp,price,order_id"
is "its lines" "$(wc -l <"$W/rejects.csv")" 10 # the header, eight rows, of which one has two lines

say "what was mended is imported from there"
sed -e "s|22/10/2022 19:11|$NOW|" -e '/nobody/,/^2"/d' -e 's/"1,50"/1.50/' -e 's/Refund/Purchase/' \
    -e 's/4111 1111 1111 1111/mended/' -e 's/,"open/,mended-2/' -e 's/,1$/,1,mended-3/' "$W/rejects.csv" |
    LC_ALL=C sed 's/\xe9//' >"$W/mended.csv"
run import --map Mail=email --rejects "$W/rejects2.csv" "$W/mended.csv"
is "exit" "$EXIT $OUT" "0 7 rows: 7 queued, 0 known already, 0 refused"
is "no refused rows" "$(wc -c <"$W/rejects2.csv")" 0
run import --map Mail=email --rejects "$W/mended.csv" "$W/mended.csv"
is "onto itself" "$EXIT" 64
[ -s "$W/mended.csv" ] || fail "an import emptied the file that it reads"

say "for machines: one object"
run import --json --map Mail=email "$W/mixed.csv"
is "exit" "$EXIT" 65
is "lines" "$(printf '%s\n' "$OUT" | wc -l)" 1
is "refused" "$(printf %s "$OUT" | "$TOOL" get refused)" 8
is "listed" "$(printf %s "$OUT" | "$TOOL" count rejects)" 8
is "line" "$(printf %s "$OUT" | "$TOOL" get rejects.0.line)" 3
is "category" "$(printf %s "$OUT" | "$TOOL" get rejects.0.category)" "inaccurate timestamps"
is "column" "$(printf %s "$OUT" | "$TOOL" get rejects.0.column)" timestamp

say "files that are refused as a whole, and those that are not there"
printf '%s\n' "$HEADER" >"$W/header.csv"
: >"$W/empty.csv"
cp "$W/sales.csv" "$W/sales.txt"
printf 'event_type;email;timestamp\nPurchase;a@example.com;%s\n' "$NOW" >"$W/semicolon.csv"
printf '\xff\xfee\0v\0e\0n\0t\0' >"$W/utf16.csv"
while IFS='|' read -r exit words file; do
    # shellcheck disable=SC2086 # several words
    run import $file
    is "exit of $file" "$EXIT" "$exit"
    has "$file" "$OUT$WORDS" "$words"
done <<FILES
0|0 rows|$W/header.csv
65|missing required fields|$W/empty.csv
65|wrong file extension|$W/sales.txt
65|not semicolons|$W/semicolon.csv
65|illegal characters|$W/utf16.csv
65|--map names|--map None=email $W/sales.csv
64|none of TikTok's columns|--map None=mail $W/sales.csv
64|Their Column=email|--map None $W/sales.csv
64|name a file|
66|No such file|$W/none.csv
66|Is a directory|$W
66|1 known already|$W/none.csv $W/again.csv
73|cannot|--rejects $W/none/rejects.csv $W/sales.csv
FILES

say "consent is the importer's to give"
agent_stop
MORE=', "privacy": {"require_consent": "$.context.consent"}' agent_config
agent_start
printf 'event_type,email,timestamp,order_id\nPurchase,a@example.com,%s,agreed\n' "$NOW" >"$W/consent.csv"
run import "$W/consent.csv"
is "without" "$EXIT" 65
has "without" "$OUT" "--consented"
run import --consented "$W/consent.csv"
is "with" "$EXIT $OUT" "0 1 rows: 1 queued, 0 known already, 0 refused"
agent_stop
agent_config

say "without an agent: the queue itself; the agent then knows the rows and sends them"
printf 'event_type,email,timestamp,order_id\nPurchase,a@example.com,%s,offline\n' "$NOW" >"$W/offline.csv"
run import --dry-run "$W/offline.csv"
is "dry run" "$EXIT $OUT" "0 1 rows: 1 good, 0 refused; a dry run: nothing was queued"
run import "$W/offline.csv"
is "offline" "$EXIT $OUT" "0 1 rows: 1 queued, 0 known already, 0 refused"
agent_start
run import "$W/offline.csv"
is "known" "$OUT" "1 rows: 0 queued, 1 known already, 0 refused"
eventually arrived offline

say "over TCP nobody imports"
agent_stop
say 0123456789abcdef >"$W/tcp-token"
chmod 600 "$W/tcp-token"
PORT=$((20000 + RANDOM % 12000))
MORE_LISTEN=", \"http\": \"127.0.0.1:$PORT\", \"token_file\": \"$W/tcp-token\"" agent_config
agent_start
is "403" "$(curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer 0123456789abcdef' \
    -H 'Content-Type: application/json' -d '{"header":[],"rows":[]}' "http://127.0.0.1:$PORT/v1/rows")" 403
agent_stop
agent_config

say "a terminal sees how far it is, a pipe nothing; memory does not grow with the file"
rows() { # how many
    awk -v n="$1" -v now="$NOW" -v header="$HEADER" 'BEGIN {
        print header
        for (i = 0; i < n; i++)
            printf "Purchase,user%d@example.com,,%s,%d,USD,in-store,order-%d,1,p,c,3456\n", i, now, i, i
    }'
}
rows 2000 >"$W/small.csv"
rows 20000 >"$W/middle.csv" # long enough for its peak to be seen
rows 60000 >"$W/big.csv"
SEEN=$(TERM=xterm script -qec "$TILLPOST import --dry-run $W/small.csv" /dev/null </dev/null)
has "a bar" "$SEEN" "small.csv  [##"
has "a rate" "$SEEN" " rows"
run import --dry-run "$W/small.csv"
is "words in a pipe" "$WORDS" ""
peak_kib() { # FILE; of the import alone
    "$TILLPOST" import --dry-run - <"$1" >/dev/null &
    local pid=$! peak=0 now
    while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do peak=$now; done
    wait $pid
    echo "$peak"
}
if [ "$SANITIZED" = 0 ]; then
    middle=$(peak_kib "$W/middle.csv") big=$(peak_kib "$W/big.csv")
    say "peak memory: $middle KiB for 20,000 rows, $big KiB for 60,000"
    [ "$big" -gt 0 ] && [ "$big" -le $((middle + 1024)) ] || fail "memory grows: $middle KiB, $big KiB"
fi

say "nothing plain is in any file of ours"
run import "$W/small.csv"
is "exit" "$EXIT" 0
for word in user77 secret.person Secret.Person 2133734253; do
    ! grep -rqaF "$word" "$W/state" "$W/agent.log" || fail "$word is in $(grep -rlaF "$word" "$W/state" "$W/agent.log")"
done

say "a full queue: what is in stays, the rest can be imported later"
rm -rf "$W/state"
MORE_QUEUE=', "max_size": "4M"' ENDPOINT=http://127.0.0.1:1$TRACK agent_config
run import "$W/big.csv"
is "exit" "$EXIT" 75
has "words" "$WORDS" "run the same command later"
case $OUT in *" 0 refused"*) ;; *) fail "rows were refused for want of room: $OUT" ;; esac
ENDPOINT=http://127.0.0.1:1$TRACK agent_config
run import "$W/big.csv"
is "exit" "$EXIT" 0
has "what was in is known" "$OUT" "60000 rows: "
case $OUT in *" 0 known already"*) fail "nothing was kept: $OUT" ;; esac
