#!/bin/bash
# The status page in a real browser: it shows what is, changes without a reload, retries a dead letter, is readable and
# usable for everybody, and runs nothing but its own script. TILLPOST_SHOTS=DIR keeps the screenshots.
. "$(dirname "$0")/lib.sh"
need chromedriver python3
[ "$SANITIZED" = 1 ] && skip "the browser sees no difference; the release tree runs this"
PORT=$((20000 + RANDOM % 12000))
(umask 077 && say the-token-of-the-page >"$W/page-token")
MORE_LISTEN=", \"http\": \"127.0.0.1:$PORT\", \"token_file\": \"$W/page-token\""
sandbox_start
agent_config
agent_start
page=$(curl -s -D "$W/head" -u the-token-of-the-page: "http://127.0.0.1:$PORT/")
[ "${#page}" -lt 40960 ] || fail "the page has ${#page} bytes"
nonce=$(sed -n "s/.*script-src 'nonce-\([0-9a-f]*\)'.*/\1/p" "$W/head")
is "the nonce stands at style and script" "$(grep -c "nonce=\"$nonce\"" <<<"$page")" 2
is "without a token" "$(curl -s -o "$W/no" -w '%{http_code}' "http://127.0.0.1:$PORT/")" 401
post /v1/sync '{}'

sell first
eventually counted first
# One that TikTok will take at the second try, and one whose id would like to be a part of the page.
for bad in bad-one '\"><script>window.foreign=3</script>'; do
    tell script '[{"code": 40002, "message": "events_data.0.value: Not a valid number", "count": 1}]'
    dead=$(status queue.dead)
    sell "$bad"
    eventually status_is queue.dead $((dead + 1))
done
chromedriver=$(PATH=$PATH:/usr/lib/chromium command -v chromedriver)
curl="sh curl -sf --unix-socket $W/till.sock -H 'Content-Type: application/json'"
later() { say "$curl -d '$1' http://till/v1/track"; }
python3 "$(dirname "$0")/page.py" "$chromedriver" "http://127.0.0.1:$PORT/" the-token-of-the-page "$W" \
    'text state=Working; something wants looking at' 'text queued=0' 'text sent=1' 'shown dead' 'shown problems' \
    'text dead-count=2' sound 'look dead' "$(later "$(purchase live-1)")" 'text sent=2' \
    'click #dead-list button' 'text dead-count=1' 'text sent=3' 'click #retry-all' 'hidden dead' 'text sent=4' \
    'hidden problems' 'text state=All is well' \
    "$curl -d '{}' http://till/v1/pause" \
    'text state=Deliveries are paused: sales are kept' 'shown problems' \
    "$(later "$(purchase live-2)")" 'text queued=1' sound 'look paused' \
    "sh kill -STOP $AGENT_PID" 'text state=No contact with tillpost' "sh kill -CONT $AGENT_PID" \
    'text state=Deliveries are paused: sales are kept' closed || fail "the page (above)"
counted bad-one || fail "the retried event did not arrive"
[ -z "${TILLPOST_SHOTS:-}" ] || cp "$W"/*.png "$TILLPOST_SHOTS"
agent_stop
