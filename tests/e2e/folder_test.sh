#!/bin/bash
# The drop folder: what is taken in, what is left alone, what goes to failed/, and that kills and full disks lose
# nothing and count nothing twice.
. "$(dirname "$0")/lib.sh"

D=$W/drop
sandbox_start
tell line '{"down":true}'
MORE=', "import": { "folder": "'$D'" }'
agent_config
mkdir -m 700 "$D"
HEADER=event_type,email,timestamp,price,currency,order_id

queued() { status queue.queued; }
queued_is() { [ "$(queued)" = "$1" ]; }
empty() { [ -z "$(find "$D" -maxdepth 1 -type f)" ]; }
problem() { call GET /v1/status | grep "\"code\":\"$1\"" >/dev/null; }
no_problem() { ! problem "$1"; }
now_s() { date -u +%Y-%m-%dT%H:%M:%SZ; }
row() { printf 'Purchase,%s@example.com,%s,10,EUR,%s\n' "$1" "$NOW" "$1"; }
# drop NAME: standard input appears there by rename.
drop() { cat >"$D/.new" && mv "$D/.new" "$D/$1"; }
NOW=$(now_s)

say "one call over several lines, calls a line each, rows: taken in and deleted, also those that were there before"
purchase early-1 | drop early.json
agent_start
eventually empty
purchase pretty | sed 's/,/,\n/g' | drop pretty.json
{ purchase line-1; echo; echo; purchase line-2; printf '\r\n'; purchase line-3; } | drop LINES.JSON
{ printf '\xef\xbb\xbf%s\r\n' $HEADER; row row-1 | sed 's/$/\r/'; row row-2; } | drop rows.csv
eventually empty
is "queued" "$(queued)" 7
[ -e "$D/failed" ] && fail "something is in failed/"
status_is state ok || status_is state offline || fail "$(call GET /v1/status)"

say "the same file again changes nothing; a call without an id or a time is another sale in another file"
{ purchase line-1; echo; purchase line-2; } | drop again.json
{ echo $HEADER; row row-1; } | drop again.csv
eventually empty
is "queued" "$(queued)" 7
bare='{"event":"Order Completed","properties":{"email":"a@example.com","value":3}}'
say "$bare" | drop bare.json
eventually empty
say "$bare" | drop bare.json
eventually empty
is "queued" "$(queued)" 9

say "refused rows: the good ones are queued, the file goes to failed/ beside a report without values"
{
    purchase good-1; echo
    echo '{"event":"Order Completed"}'
    echo '{"event":"Order Completed","properties":{"email":"secret@example.com","value":"12 secret"}}'
    printf '{"event":"%0100000d"}\n' 1
    purchase good-2
} | drop bad.json
{ echo $HEADER; row good-3; echo "Refund,secret@example.com,$NOW,1,EUR,x"; } | drop bad.csv
echo "no,such,header" | drop header.csv
eventually empty
is "queued" "$(queued)" 12
is "mode of failed/" "$(stat -c %a "$D/failed")" 700
is "in failed/" "$(ls "$D/failed" | tr '\n' ' ')" \
    "bad.csv bad.csv.report.txt bad.json bad.json.report.txt header.csv header.csv.report.txt "
is "lines of the report" "$(cut -d: -f1,2 "$D/failed/bad.json.report.txt" | tr '\n' ' ')" \
    "line 2: missing_pii line 3: bad_number line 4: too_large "
grep -q '^line 3: bad_event_name: event_type: ' "$D/failed/bad.csv.report.txt" || fail "$(cat "$D"/failed/bad.csv.*)"
grep -rq secret "$D"/failed/*.report.txt "$W/agent.log" && fail "a value is in a report"
eventually problem import_refused
drop bad.csv <"$D/failed/bad.csv"
eventually test -e "$D/failed/bad.csv.2.report.txt"
rm -r "$D/failed"
touch "$D/wake.csv"
eventually no_problem import_refused

say "left alone: other names, links, directories, pipes; nothing outside is read"
purchase outside >"$W/outside.json"
ln -s "$W/outside.json" "$D/link.json"
ln -s "$W" "$D/dir.csv"
mkdir "$D/x.csv"
mkfifo "$D/pipe.json"
for name in .hidden.json half.json.tmp half.csv.part sale.txt; do purchase hidden >"$D/$name"; done
purchase seen | drop seen.json
eventually queued_is 13
sleep 0.2
is "left" "$(find "$D" -mindepth 1 -maxdepth 1 | wc -l)" 8
[ -e "$W/outside.json" ] || fail "a file outside was deleted"
rm -rf "${D:?}"/*; rm "$D/.hidden.json"

say "a file that is being written waits until it is closed"
exec 7>"$D/open.csv"
{ echo $HEADER; row open-1; } >&7
sleep 2.5
queued_is 13 || fail "a file was taken while it was open"
row open-2 >&7
exec 7>&-
eventually empty
is "queued" "$(queued)" 15

say "a file that cannot be read, a folder that cannot be written: said, and taken when mended"
if [ "$(id -u)" = 0 ]; then
    say "(root may read everything: left out)"
else
    purchase closed >"$W/closed" && chmod 000 "$W/closed" && mv "$W/closed" "$D/closed.json"
    eventually problem import_folder
    chmod 600 "$D/closed.json"
    eventually empty
    rm -rf "$D"
fi
mv "$D" "$D.away" 2>/dev/null
purchase late >"$D.away/late.json"
agent_stop
agent_start
eventually problem import_folder
mv "$D.away" "$D"
agent_stop
agent_start
eventually empty
eventually no_problem import_folder

say "killed at each step of a file's end, and at random points of many files: every row once"
rm -rf "${D:?}"/*
agent_stop
rm -rf "$W/state"
NOW=$(now_s)
total=0
if strace -o /dev/null true 2>"$W/strace.err"; then
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
    mkdir "$W/state" && chmod 700 "$W/state"
    for step in unlinkat:1 unlinkat:2 unlinkat:3 mkdirat:1 renameat:1 renameat:2 renameat:3 fsync:1 fsync:2 fsync:3; do
        { echo "{\"event\":\"Order Completed\",\"properties\":{\"email\":\"a@example.com\"}}"; echo x; } |
            drop "bad-${step/:/-}.json"
        echo '{"event":"Order Completed","properties":{"email":"b@example.com"}}' | drop "good-${step/:/-}.json"
        total=$((total + 2))
        strace -f -o "$W/strace.out" -e trace="execve,${step%:*}" \
            -e inject="${step%:*}:signal=SIGKILL:when=${step#*:}" \
            "$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1 &
        AGENT_PID=$!
        stepped() { ! kill -0 "$AGENT_PID" 2>/dev/null || { agent_answers && empty; }; }
        eventually stepped
        traced_pid=$(head -n 1 "$W/strace.out" | cut -d ' ' -f 1)
        kill -KILL "$traced_pid" 2>/dev/null # where the step was not reached
        wait "$AGENT_PID" 2>/dev/null        # strace ends after it
        agent_start
        eventually empty
        is "queued after $step" "$(queued)" "$total"
        is "reports after $step" "$(find "$D/failed" -name '*.report.txt' -newer "$W/token" | wc -l)" \
            "$(find "$D/failed" -name 'bad-*.json*' ! -name '*.txt' | wc -l)"
        agent_stop
    done
fi
agent_start
for file in 1 2 3 4; do
    for n in $(seq 100); do
        echo "{\"event\":\"Order Completed\",\"properties\":{\"email\":\"c@example.com\",\"value\":$n}}"
    done | drop "many-$file.json"
    { echo $HEADER; for n in $(seq 100); do row "k$file-$n"; done; } | drop "many-$file.csv"
    total=$((total + 200))
done
kills=0
until empty; do
    sleep "0.$((RANDOM % 30 + 10))"
    agent_kill
    kills=$((kills + 1))
    agent_start
    [ $kills -lt 20 ] || eventually empty
done
is "queued after $kills kills" "$(queued)" "$total"
say "killed $kills times"

say "a queue that is full: files stay, sales are refused, and both go on when there is room again"
agent_stop
rm -rf "$W/state" "${D:?}"/*
MORE_QUEUE=', "max_size": "4M"'
agent_config
agent_start
wide=$(printf %0400d 7)
for n in $(seq 9000); do
    printf '{"event":"Order Completed","messageId":"f-%s",' "$n"
    printf '"properties":{"email":"f@example.com","order_id":"%s"}}\n' "$wide"
done | drop full.json
post /v1/track "$(purchase meanwhile)"
is "a sale meanwhile" "$STATUS" 200
full() { post /v1/track "$(purchase "more-$RANDOM$RANDOM")" && [ "$STATUS" = 507 ]; }
eventually full
is "files" "$(ls "$D")" full.json
tell line '{"down":false}'
try_now
eventually empty
eventually queued_is 0
is "at TikTok" "$(ask received | "$TOOL" column events event_id | grep -c '^f-')" 9000
is "each once" "$(ask received | "$TOOL" column events event_id | sort -u | grep -c '^f-')" 9000
