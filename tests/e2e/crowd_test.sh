#!/bin/bash
# A thousand stalled connections on one listener delay nobody (reliability S2; 60 s in the soak). The
# register's own, meanwhile, goes on selling on the other.
. "$(dirname "$0")/lib.sh"

sandbox_start
free_port
(umask 077 && echo crowded-register-key >"$W/write-key")
MORE_LISTEN=", \"http\": \"127.0.0.1:$PORT\", \"token_file\": \"$W/write-key\""
PRESETS='["Complete Payment"]'
agent_config
agent_start
for i in 1 2 3; do sell "before-$i"; done

seconds=12
[ -z "${TILLPOST_SOAK:-}" ] || seconds=60
kib=4096
[ "$SANITIZED" = 0 ] || kib=262144 # they keep what was freed
"$CROWD" "$W/till.sock" "$PORT" "$AGENT_PID" $seconds $kib >"$W/crowd" &
OTHER_PIDS=$!
for i in $(seq 20); do sell "meanwhile-$i"; done
wait "$OTHER_PIDS" || fail "$(cat "$W/crowd")"
OTHER_PIDS=''
cat "$W/crowd"
try_now
eventually counted meanwhile-20
agent_stop
