#!/bin/bash
# The doctor: each seeded fault is found and named, with a verdict, a stable code and one thing to do, within 15 s,
# with and without an agent; the bundle holds nothing of a customer.
. "$(dirname "$0")/lib.sh"
need nginx openssl strace
: "${WIRE:?is e2e_wire; ctest names it}"
PRESETS='["Complete Payment"]'
. "$(dirname "$0")/doctor.sh"
need_faketime
# libfaketime does not go together with sanitizers, nor does it reach a static program.
clock_moves() { [ "${SANITIZED:-0}${STATIC:-0}" = 00 ]; }
at_time() { # OFFSET COMMAND…
    local offset=$1
    shift
    env LD_PRELOAD="$FAKETIME_LIBRARY" FAKETIME="$offset" FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"
}

# --- servers --------------------------------------------------------------------------------------

tls_make
(
    cd "$W" || exit 1
    certificate() { # NAME SUBJECT_ALT_NAME [COMMAND…]
        local name=$1 names=$2
        shift 2
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout "$name.key" \
            -out "$name.csr" &&
            printf 'subjectAltName=%s\nbasicConstraints=CA:false\n' "$names" >"$name.ext" &&
            "$@" openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
                -extfile "$name.ext" -out "$name.pem"
    }
    certificate hotel DNS:login.hotel && certificate later DNS:localhost at_time +40d &&
        certificate soon DNS:localhost at_time -25d &&
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=other CA" \
            -keyout other.key -out other.pem
) >"$W/openssl.log" 2>&1 || fail "openssl makes no certificates: $(tail -n 3 "$W/openssl.log")"
BASE=$((20000 + RANDOM % 12000))
HOTEL=$BASE LATER=$((BASE + 1)) PLAIN=$((BASE + 2)) OLD_TLS=$((BASE + 3)) PROXY=$((BASE + 4)) LOCKED=$((BASE + 5))
SOON=$((BASE + 6))
server() { # PORT CERTIFICATE MORE
    printf 'server { listen 127.0.0.1:%s ssl; ssl_certificate %s.pem; ssl_certificate_key %s.key; %s\n' \
        "$1" "$W/$2" "$W/$2" "$3"
    printf 'location / { proxy_pass http://127.0.0.1:%s; proxy_pass_header Date; } }\n' "$SANDBOX_PORT"
}
eval "plain_$(declare -f tls_config)"
tls_config() {
    plain_tls_config
    {
        sed '$d' "$W/nginx.conf"
        server $HOTEL hotel ''
        server $LATER later ''
        server $SOON soon ''
        server $OLD_TLS server 'ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;'
        printf 'server { listen 127.0.0.1:%s; location / { return 200 "<html>sign in</html>"; } }\n}\n' $PLAIN
    } >"$W/nginx.more" && mv "$W/nginx.more" "$W/nginx.conf"
}
sandbox_start
tls_up
"$WIRE" proxy 127.0.0.1 $PROXY 127.0.0.1 "$W/proxy.log" &
OTHER_PIDS="$OTHER_PIDS $!"
"$WIRE" proxy 127.0.0.1 $LOCKED 127.0.0.1 "$W/locked.log" "$(printf 'till:open sesame' | base64)" &
OTHER_PIDS="$OTHER_PIDS $!"
HOME_ENDPOINT=$ENDPOINT

# --- nothing is wrong -----------------------------------------------------------------------------

say "all is well, with an agent and before the first start: nothing has failed, and each check says something"
MORE_QUEUE=',"max_size":"4M"'
CHECKS="clock configuration database disk dns permissions portal proxy queue route socket tiktok tls"
healthy() {
    is "exit" "$EXIT $(grep '|failed|' "$W/found")" "$1 $2"
    is "checks" "$(cut -d '|' -f 1 "$W/found" | sort -u | tr '\n' ' ')" "$CHECKS "
    found not_checked && fail "not looked at: $(cat "$W/doctor.json")"
    true
}
fresh
agent_start
doctor
healthy 0 ''
probes=$(seen probes)
[ "$probes" -ge 1 ] && [ "$(seen accepted)" = 0 ] || fail "the probe: $(ask stats)"
"$TILLPOST" doctor --config "$W/tillpost.json" >"$W/words"
is "lines" "$(grep -c '^ok ' "$W/words")" "$(grep -c '|ok|' "$W/found")"
with_queue
doctor
fails agent_stopped
healthy 1 "$(grep '|agent_stopped|' "$W/found")"

# --- configuration and permissions ----------------------------------------------------------------

say "configuration and permissions"
mv "$W/tillpost.json" "$W/aside" && doctor
fails config_missing
warns not_checked
say '{"tiktok":{},}' >"$W/tillpost.json" && doctor
fails config_broken
MORE_SYNC=',"batch_events":5000' && fresh && doctor
fails config_broken
is "the rest is looked at" "$(grep -c '^tiktok|ok' "$W/found")" 1
MORE_SYNC='' && PRESETS='["Page View"]' && fresh && doctor
warns config_odd
PRESETS='["Complete Payment"]'

fresh && rm "$W/token" && doctor
fails token_missing
fresh && chmod 644 "$W/token" && doctor
fails token_exposed
fresh && say "Bearer $TOKEN" >"$W/token" && doctor
fails token_malformed
fresh && rmdir "$W/state" && doctor
fails state_missing
fresh && chmod 777 "$W/state" && doctor
fails state_exposed
with_queue && chmod 644 "$W/state/queue.db" && doctor
fails state_exposed
with_queue && mv "$W/state/key" "$W/aside" && doctor
fails key_missing
with_queue && say nonsense >"$W/state/key" && doctor
fails key_malformed
with_queue && chmod 644 "$W/state/key" && doctor
fails key_unreadable

MORE=", \"import\": { \"folder\": \"$W/no-drop\" }" && with_queue && doctor
fails import_folder
MORE=''

# --- disk and database ----------------------------------------------------------------------------

say "disk and database"
MORE_QUEUE=',"max_size":"64G"' && fresh && doctor
[ "$(df --output=avail -BG "$W" | tail -n 1 | tr -dc 0-9)" -gt 63 ] || warns disk_low
MORE_QUEUE=',"max_size":"4M"' && with_queue
slow() { strace -f -o /dev/null -e trace=fsync -e inject=fsync:delay_enter=400000 "$@"; }
broken() { strace -f -o /dev/null -e trace=fsync -e inject=fsync:error=EIO "$@"; }
opens='?open,openat' # glibc's call and musl's
read_only() { strace -f -o /dev/null -P "$W/state/doctor.new" -e "trace=$opens" -e "inject=$opens:error=EROFS" "$@"; }
no_space() { strace -f -o /dev/null -e trace=write -P "$W/state/doctor.new" -e inject=write:error=ENOSPC "$@"; }
if [ "${SANITIZED:-0}" = 0 ] && strace -o /dev/null true 2>/dev/null; then
    doctor slow
    warns disk_slow
    doctor broken
    fails disk_failing
    doctor read_only
    fails disk_read_only
    doctor no_space
    fails disk_full
fi
[ ! -e "$W/state/doctor" ] || fail "the doctor leaves its file behind"
with_queue && printf 'no database at all, but long enough to be taken for one' |
    dd of="$W/state/queue.db" conv=notrunc bs=1 status=none && doctor
fails database_damaged
fresh && agent_start
doctor env TILLPOST_SOCKET="$W/nowhere.sock"
fails database_locked

# --- the socket -----------------------------------------------------------------------------------

say "the socket"
chmod 666 "$W/till.sock" && doctor
warns socket_mode
chmod 660 "$W/till.sock" && chmod 700 "$W" && doctor
warns socket_folder
chmod 755 "$W" && kill -STOP "$AGENT_PID" && doctor
fails agent_silent
kill -CONT "$AGENT_PID"
free_port
(umask 077 && echo key-of-the-register >"$W/write-key")
MORE_LISTEN=",\"http\":\"127.0.0.1:$PORT\",\"token_file\":\"$W/write-key\"" fresh && agent_start
says_tokens() { call GET /v1/status | "$TOOL" column problems code | grep -qx listen_tokens; }
echo short >"$W/write-key" && eventually says_tokens && doctor
warns listen_tokens

# --- the way to TikTok ----------------------------------------------------------------------------

say "the way to TikTok"
# towards ENDPOINT [MORE_TIKTOK]: a look with these.
towards() {
    ENDPOINT=$1 MORE_TIKTOK=${2:-} fresh
    doctor
    ENDPOINT=$HOME_ENDPOINT
}
towards "https://localhost:1$TRACK"
fails route_refused
is "what could not be tried" "$(grep -c '^\(proxy\|portal\|tls\|tiktok\)|warning|not_checked|' "$W/found")" 4
towards "https://nobody.invalid$TRACK"
fails dns_failed
towards "$HOME_ENDPOINT" ",\"proxy\":\"http://127.0.0.1:1\""
fails proxy_failed
towards "$HOME_ENDPOINT" ",\"proxy\":\"http://till:wrong@127.0.0.1:$LOCKED\""
fails proxy_password
towards "$HOME_ENDPOINT" ",\"proxy\":\"http://127.0.0.1:$PROXY\""
is "a proxy that works" "$(grep -c '^\(proxy\|tls\|tiktok\)|ok|' "$W/found")" 3
towards "https://localhost:$PLAIN$TRACK"
fails portal_found
towards "http://127.0.0.1:$PLAIN$TRACK"
fails portal_found
towards "https://localhost:$HOTEL$TRACK"
fails tls_wrong_host
towards "https://localhost:$SOON$TRACK"
warns tls_expires_soon
towards "https://localhost:$OLD_TLS$TRACK"
fails tls_failed
cp "$W/ca.pem" "$W/kept.pem" && cp "$W/other.pem" "$W/ca.pem" && towards "$HOME_ENDPOINT"
fails tls_untrusted
say "no certificate" >"$W/ca.pem" && towards "$HOME_ENDPOINT"
fails tls_failed
is "what was not tried" "$(grep -c '^\(dns\|route\)|warning|not_checked|' "$W/found")" 2
cp "$W/kept.pem" "$W/ca.pem"
answers() { # SCRIPT: a look while TikTok answers so
    tell script "$1"
    towards "$HOME_ENDPOINT"
    tell script '[]'
}
answers '[{"code":40105,"forever":true}]'
fails tiktok_token
answers '[{"code":40001,"forever":true}]'
fails tiktok_account
answers '[{"code":40100,"forever":true}]'
warns tiktok_busy
answers '[{"http":502,"body":"<html>bad gateway</html>","forever":true}]'
warns tiktok_unwell
answers '[{"cut":"after","forever":true}]'
fails route_cut
answers '[{"delay_ms":30000,"forever":true}]'
warns tiktok_unwell

# --- clocks ---------------------------------------------------------------------------------------

clocks() {
    doctor at_time '@1970-02-03 04:05:06'
    fails clock_wrong
    doctor at_time +2h
    warns clock_offset
    doctor at_time +60d
    fails tls_expired
    towards "https://localhost:$LATER$TRACK"
    fails tls_not_yet_valid
}
say "clocks"
fresh
if clock_moves && "$TILLPOST" version | grep -i mbedtls >/dev/null; then clocks; fi

# --- the queue ------------------------------------------------------------------------------------

say "the queue"
tls_down
fresh && agent_start
"$TILLPOST" pause --config "$W/tillpost.json" >/dev/null && sell waiting && doctor
warns queue_paused
agent_stop && doctor
warns queue_paused
fails agent_stopped
if clock_moves; then
    doctor at_time +2d
    warns queue_old
    doctor at_time +25d
    fails queue_expiring
fi
agent_start
PADDING=$(head -c 20000 /dev/zero | tr '\0' x)
fill() { # KiB: hands in padded sales until queue.db is so big
    local n=0
    while [ "$(status queue.size_bytes)" -lt $(($1 * 1024)) ]; do
        n=$((n + 1))
        post /v1/track "$(purchase "pad-$1-$n" ",\"query\":\"$PADDING\"")"
        [ "$STATUS" = 200 ] || return 0
    done
}
fill 3200 && doctor
warns queue_filling
fill 4096 && doctor
fails queue_full
fresh && tls_up && agent_start
tell script '[{"code":40002,"message":"Batch.0.user: no","events_only":true}]'
sell dead-1
eventually status_is queue.dead 1
doctor
warns dead_letters

# --- the bundle -----------------------------------------------------------------------------------

say "the bundle: all a helper needs, nothing of a customer"
MORE_TIKTOK=",\"proxy\":\"http://till:open-sesame@127.0.0.1:$PROXY\"" fresh
chmod 600 "$W/tillpost.json"
agent_start
tell script '[{"code":40002,"message":"Batch.0.user: no","events_only":true}]'
sell bundle-sale-1
eventually status_is queue.dead 1
sell bundle-sale-2
eventually counted bundle-sale-2
"$TILLPOST" doctor --config "$W/tillpost.json" --bundle "$W/bundle.json" >/dev/null 2>&1
is "exit" $? 0
for part in findings config status; do
    [ "$("$TOOL" count $part <"$W/bundle.json")" -ge 4 ] || fail "the bundle has no $part: $(cat "$W/bundle.json")"
done
has_metrics() { "$TOOL" get metrics <"$W/bundle.json" | grep '^tillpost_events_received_total' >/dev/null; }
has_metrics || fail "the bundle has no metrics"
hash=$(printf 'bundle-sale-1@example.com' | sha256sum | cut -d ' ' -f 1)
for secret in "$TOKEN" open-sesame bundle-sale example.com "$hash" "$(cat "$W/state/key")"; do
    grep -qF -- "$secret" "$W/bundle.json" && fail "the bundle holds $secret"
done
"$TILLPOST" doctor --config "$W/tillpost.json" --bundle "$W/no/such/place" >/dev/null 2>&1
is "a bundle that cannot be made" $? 73

least=46
[ "${STATIC:-0}" = 0 ] || least=40
[ "${SANITIZED:-0}" = 0 ] || least=35
found_at_least $least
