#!/bin/bash
# What hostile software on the till and hostile pages in its browser try: one row an attack, none is
# taken (attacks.c). Then other users on the Unix socket, a gzip bomb, and that the rightful still get in.
. "$(dirname "$0")/lib.sh"

sandbox_start
tell line '{"down":true}'
free_port
KEY=attack-suite-write-key
(umask 077 && echo $KEY >"$W/write-key")
MORE_LISTEN=", \"http\": \"127.0.0.1:$PORT\", \"token_file\": \"$W/write-key\", \"socket_mode\": \"0666\",
    \"allow_origins\": [\"https://till.example\"]"
PRESETS='["Complete Payment"]'
agent_config
agent_start

"$ATTACKS" "$W/till.sock" "$PORT" $KEY || fail "an attack is not answered as it should be"
is "queued after the attacks" "$(status queue.queued)" 0

# tcp [curl arguments]: $STATUS of a call over TCP with the token
tcp() {
    STATUS=$(curl -s --max-time 60 -o "$W/answer" -D "$W/headers" -w '%{http_code}' \
        -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' "$@" "http://127.0.0.1:$PORT/v1/track")
}

say "a gzip bomb: 64 MiB in 64 KiB, and one that fits the wire's limit"
head -c 67108864 /dev/zero | gzip -9 >"$W/bomb.gz"
head -c 30000000 /dev/zero | gzip -9 >"$W/small-bomb.gz"
before=$(awk '/^VmHWM/ { print $2 }' "/proc/$AGENT_PID/status")
for bomb in bomb small-bomb; do
    tcp -H 'Content-Encoding: gzip' --data-binary "@$W/$bomb.gz"
    is "$bomb" "$STATUS" 413
done
after=$(awk '/^VmHWM/ { print $2 }' "/proc/$AGENT_PID/status")
[ "$SANITIZED" = 1 ] || [ $((after - before)) -le 4096 ] || fail "the bombs took $((after - before)) KiB of memory"

say "another user on the Unix socket, though the file's mode lets everybody connect"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 711 "$W"
    ANSWER=$(purchase other-user | setpriv --reuid 65534 --regid 65534 --clear-groups curl -s --max-time 60 \
        --unix-socket "$W/till.sock" -H 'Content-Type: application/json' --data-binary @- http://till/v1/track)
    is "what nobody is told" "$(said code)" forbidden
else
    say "not tried: it needs root and setpriv"
fi
is "queued" "$(status queue.queued)" 0

say "a preflight of the allowed origin is answered, and its call taken"
is "the preflight" "$(curl -s --max-time 60 -o /dev/null -D "$W/headers" -w '%{http_code}' -X OPTIONS \
    -H 'Origin: https://till.example' -H 'Access-Control-Request-Method: POST' \
    -H 'Access-Control-Request-Headers: authorization,content-type' \
    -H 'Access-Control-Request-Private-Network: true' "http://127.0.0.1:$PORT/v1/track")" 204
for header in 'Access-Control-Allow-Origin: https://till.example' 'Access-Control-Allow-Private-Network: true'; do
    grep -qi "^$header" "$W/headers" || fail "the preflight lacks $header"
done
tcp -H 'Origin: https://till.example' -d "$(purchase from-a-page)"
is "the page's sale" "$STATUS" 200
grep -qi '^Access-Control-Allow-Origin: https://till.example' "$W/headers" || fail "the page cannot read its answer"
sell by-socket
is "queued" "$(status queue.queued)" 2

agent_stop
