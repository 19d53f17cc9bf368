#!/bin/bash
# Servers that are not TikTok's, or not as they should be (reliability S4): each is refused in the
# handshake, its fault is named, and it has seen neither the token nor any other byte of HTTP. Good ones
# then get what the bad ones did not.
. "$(dirname "$0")/lib.sh"

need openssl
C=$W/certs
mkdir "$C"
sh "$SOURCE/tests/data/certs.sh" "$C" >"$W/openssl.log" 2>&1 || fail "no certificates: $(tail -n 5 "$W/openssl.log")"
sandbox_start
free_port
ENDPOINT=https://localhost:$PORT$TRACK
PRESETS='["Complete Payment"]'
cp "$C/root.crt" "$W/ca.pem"
mkfifo "$W/silence"
exec 9<>"$W/silence" # an input that neither says anything nor ends

listens() { grep -q ACCEPT "$W/server.log" || ! kill -0 "$OTHER_PIDS" 2>/dev/null; }

# serve NAME [s_server arguments]: a server with this certificate; what it is sent goes to $W/server.log
serve() {
    local name=$1
    shift
    openssl s_server -accept "127.0.0.1:$PORT" -cert "$C/$name.crt" -key "$C/$name.key" -msg \
        -cipher 'ALL:@SECLEVEL=0' "$@" <&9 >"$W/server.log" 2>&1 &
    OTHER_PIDS=$!
    eventually listens
    kill -0 "$OTHER_PIDS" 2>/dev/null || fail "no server with $name: $(cat "$W/server.log")"
}

serve_no_more() {
    kill -KILL "$OTHER_PIDS"
    wait "$OTHER_PIDS" 2>/dev/null
    OTHER_PIDS=''
}

heard() { grep -aq 'Access-Token\|POST\|Content-Type' "$W/server.log"; }
named() { grep 'try failed' "$W/agent.log" | tail -n +$((TRIED + 1)) | grep -- "$1" >/dev/null; }

# refuses WHAT WORDS SERVER…: WORDS are in the log, or the test waits for ever
refuses() {
    local what=$1 words=$2
    shift 2
    serve "$@"
    TRIED=$(grep -c 'try failed' "$W/agent.log")
    try_now
    eventually named "$words"
    grep -q 'TLS 1\.\|ClientHello' "$W/server.log" || fail "$what: nobody came"
    heard && fail "$what: the server heard $(grep -a 'Access-Token\|POST' "$W/server.log")"
    is "$what: still queued" "$(status queue.queued)" 1
    PROBLEM=$(status problems.0.code)
    [ "$PROBLEM" ] || fail "$what: status names no problem"
    serve_no_more
    say "refused: $what ($PROBLEM)"
}
problem_was() { is "the problem that status names" "$PROBLEM" "$1"; }
doctor_names_it() { # of a server that is still to be served
    serve client
    run doctor --config "$W/tillpost.json" --json
    has "the doctor" "$OUT" '"tls_unfit"'
    has "the doctor" "$OUT" 'is not one for a server'
    serve_no_more
}

accepts() {
    local what=$1
    shift
    serve "$@"
    eventually heard_token
    serve_no_more
    say "accepted: $what"
}
heard_token() {
    try_now
    grep -aq "Access-Token: $TOKEN" "$W/server.log"
}

agent_config
agent_start
sell waits-1

#       what                                  words                    server
refuses "an expired certificate"              'has expired'            expired
refuses "a certificate of the future"         'begins later'           future
refuses "a certificate of another host"       'is for another host'    other
refuses "a self-signed certificate"           'no CA trusted here'     self
refuses "a certificate of an unknown CA"      'no CA trusted here'     untrusted
refuses "a chain without its intermediate"    'no CA trusted here'     good
refuses "an expired intermediate"             'has expired'            behind_old -cert_chain "$C/middle_old.crt"
refuses "an intermediate of the future"       'begins later'           behind_future -cert_chain "$C/middle_future.crt"
refuses "an RSA key of 1,024 bits"            'weak key or digest'     weak -tls1_2
refuses "an RSA key of 1,536 bits"            'weak key or digest'     rsa1536 -tls1_2
problem_was certificate
refuses "a CA with an RSA key of 1,024 bits"  'weak key or digest'     behind_weak -cert_chain "$C/middle_weak.crt"
refuses "a signature with SHA-1"              'weak\|no CA trusted\|tls' sha1
refuses "a certificate for clients"           'not one for a server'   client
problem_was certificate
doctor_names_it
refuses "an issuer that is no CA"             'no CA trusted here'     behind_leaf -cert_chain "$C/good.chain"
refuses "a CA that is for other names"        'certificate\|tls'       behind_fenced -cert_chain "$C/middle_fenced.crt"
refuses "TLS 1.0"                             ' tls: '                 rsa -tls1
refuses "TLS 1.1"                             ' tls: '                 rsa -tls1_1
refuses "a cipher without encryption"         ' tls: '                 rsa -tls1_2 -cipher 'eNULL:@SECLEVEL=0'
refuses "a server without a certificate"      ' tls: '                 rsa -tls1_2 -nocert -cipher 'aNULL:@SECLEVEL=0'

accepts "a good chain by TLS 1.2" good -cert_chain "$C/middle.crt" -tls1_2
agent_stop
# What went out whole without an answer is in doubt; a new sale for the next.
rm -r "$W/state"
agent_config
agent_start
sell waits-2
accepts "an RSA key of 2,048 bits" rsa -tls1_2
agent_stop
