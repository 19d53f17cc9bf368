#!/bin/bash
# A backlog through TLS: nginx before the bench's own sink. One connection, and so one handshake, for all of it.
#
#   BENCH=build/release/tests/bench/bench TILLPOST=… SANDBOX=… TOOL=… ROWS=100000 tests/bench/backlog_tls_test.sh
. "$(dirname "$0")/../e2e/lib.sh"
need nginx openssl
SANDBOX_PORT=$((32000 + RANDOM % 500))
# Until the file has shrunk, half a minute at most, sales come one by one; nginx would end a connection behind 1,000.
TLS_REQUESTS_MAX=100000
tls_up
connections() { cut -d' ' -f1 "$W/nginx-connections.log" | sort -u | wc -l; }
before=$(connections)

"$BENCH" --tillpost "$TILLPOST" --backlog "${ROWS:-1000000}" \
    --sink "$SANDBOX_PORT" --tls "$TLS_PORT" --ca "$W/ca.pem" ||
    fail "the backlog costs more than is promised"
made=$(($(connections) - before))
echo "  TLS connections: $made"
[ "$made" = 1 ] || fail "$made connections were made, each with a handshake: one would have done"
