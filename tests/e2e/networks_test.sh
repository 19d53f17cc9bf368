#!/bin/bash
# What a store's network does: a till and a town, two network namespaces with one line between them.
. "$(dirname "$0")/lib.sh"

need ip nginx openssl unshare mount
: "${WIRE:?is e2e_wire; ctest names it}"
[ "$(id -u)" = 0 ] || skip "network namespaces need root"
TILL=tillpost-$$-till TOWN=tillpost-$$-town
netns_end() {
    local status=$?
    ip netns del $TILL 2>/dev/null
    ip netns del $TOWN 2>/dev/null
    (exit $status)
    world_end
}
trap netns_end EXIT
{ ip netns add $TILL && ip netns add $TOWN; } 2>"$W/netns.err" ||
    skip "no network namespaces here: $(cat "$W/netns.err")"
{ [ -e /etc/hosts ] && [ -e /etc/resolv.conf ]; } || skip "no /etc/hosts or /etc/resolv.conf to lay others over"
ip netns exec $TILL true 2>"$W/netns.err" || skip "no programs in namespaces here: $(tail -1 "$W/netns.err")"
ip link add tp$$ type veth peer name tq$$ 2>"$W/netns.err" || skip "no veth here: $(cat "$W/netns.err")"

# --- the line -------------------------------------------------------------------------------------
# town: 10.77.0.1 and fd77::1. At .66 and ::66 is nobody: a neighbour whose address no one has, so packets just vanish.

HERE4=10.77.0.2/24 HERE6=fd77::2/64
till() { ip -netns $TILL "$@"; }
town() { ip -netns $TOWN "$@"; }
black_hole() { till neigh replace "$1" lladdr 02:00:00:00:00:66 dev line nud permanent; }
addresses() { # what the till has: 4, 6 or "4 6"
    till addr flush dev line scope global
    case $1 in *4*) till addr add $HERE4 dev line && black_hole 10.77.0.66 ;; esac
    case $1 in *6*) till addr add $HERE6 dev line nodad && black_hole fd77::66 ;; esac
}
ip link set tp$$ netns $TILL name line
ip link set tq$$ netns $TOWN name line
town addr add 10.77.0.1/24 dev line
town addr add fd77::1/64 dev line nodad
town link set lo up
town link set line up
till link set lo up
till link set line up
addresses "4 6"
# The usual times between SYNs, on kernels that have others too (since 6.5).
linear=/proc/sys/net/ipv4/tcp_syn_linear_timeouts
[ ! -e $linear ] || ip netns exec $TILL sh -c "echo 0 >$linear" || fail "$linear cannot be written"

cat >"$W/hosts" <<'HOSTS'
127.0.0.1 localhost
10.77.0.1 tiktok.test
fd77::1 six.test
fd77::66 both.test
10.77.0.1 both.test
10.77.0.66 hole.test
HOSTS
say "nameserver 10.77.0.66" >"$W/resolv.conf"

# For `&` only: it becomes the command.
in_till() {
    exec ip netns exec $TILL sh -c 'mount --bind "$0/hosts" /etc/hosts &&
        mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"' "$W" "$@"
}

# --- the town -------------------------------------------------------------------------------------

# certificate NAME CA SUBJECT_ALT_NAME
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$W/$1.key" \
        -out "$W/$1.csr" &&
        printf 'subjectAltName=%s\nbasicConstraints=CA:false\n' "$3" >"$W/$1.ext" &&
        openssl x509 -req -in "$W/$1.csr" -CA "$W/$2.pem" -CAkey "$W/$2.key" -CAcreateserial -days 30 \
            -extfile "$W/$1.ext" -out "$W/$1.pem"
}
certificates() {
    certificate town ca DNS:tiktok.test,DNS:six.test,DNS:both.test,DNS:far.test,DNS:hole.test &&
        certificate hotel ca DNS:login.hotel &&
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=inspection CA" \
            -keyout "$W/inspector.key" -out "$W/inspector.pem" &&
        certificate inspected inspector DNS:tiktok.test
}
tls_make
certificates >"$W/openssl.log" 2>&1 || fail "openssl makes no certificates: $(tail -n 3 "$W/openssl.log")"

# server PORT CERTIFICATE MORE
server() {
    cat <<CONF
    server {
        listen 10.77.0.1:$1 ssl;
        listen [fd77::1]:$1 ssl;
        ssl_certificate $W/$2.pem;
        ssl_certificate_key $W/$2.key;
        ssl_session_cache shared:s$1:128k;
        $3
        location / { proxy_pass http://127.0.0.1:$SANDBOX_PORT; proxy_pass_header Date; proxy_read_timeout 120s; }
    }
CONF
}
GOOD=443 HOTEL=4443 INSPECTED=4444 PLAIN=4445 TLS11=4411 TLS12=4412 TLS13=4413 ONE_BY_ONE=4414
PROXY=3128 PROXY_LOCKED=3129
town_config() {
    cat <<CONF
daemon off;
master_process off;
pid $W/nginx.pid;
error_log $W/nginx.log warn;
events { worker_connections 256; }
http {
    log_format line '\$server_port \$connection \$ssl_protocol \$ssl_session_reused';
    access_log $W/access.log line;
    client_max_body_size 16m;
    client_body_temp_path $W/nginx-body;
    proxy_temp_path $W/nginx-proxy;
    fastcgi_temp_path $W/nginx-fastcgi;
    uwsgi_temp_path $W/nginx-uwsgi;
    scgi_temp_path $W/nginx-scgi;
$(server $GOOD town 'ssl_protocols TLSv1.2 TLSv1.3;')
$(server $HOTEL hotel '')
$(server $INSPECTED inspected '')
$(server $TLS11 town 'ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;')
$(server $TLS12 town 'ssl_protocols TLSv1.2;')
$(server $TLS13 town 'ssl_protocols TLSv1.3;')
$(server $ONE_BY_ONE town 'ssl_protocols TLSv1.2; keepalive_timeout 0;')
    server { listen 10.77.0.1:$PLAIN; location / { return 200 "<html>sign in</html>"; } }
}
CONF
}
start_town() {
    # The stand-in listens on the town's loopback; its control socket is a file that all can reach.
    printf '#!/bin/sh\nexec ip netns exec %s %s "$@"\n' "$TOWN" "$SANDBOX" >"$W/sandbox"
    chmod +x "$W/sandbox"
    SANDBOX=$W/sandbox
    sandbox_start
    town_config >"$W/nginx.conf"
    PATH=$PATH:/usr/sbin ip netns exec $TOWN nginx -p "$W" -e "$W/nginx.log" -c "$W/nginx.conf" 2>>"$W/nginx.log" &
    NGINX_PID=$!
    ip netns exec $TOWN "$WIRE" proxy 10.77.0.1 $PROXY 10.77.0.1 "$W/proxy.log" &
    OTHER_PIDS="$OTHER_PIDS $!"
    ip netns exec $TOWN "$WIRE" proxy 10.77.0.1 $PROXY_LOCKED 10.77.0.1 "$W/locked.log" \
        "$(printf 'till:open sesame' | base64)" &
    OTHER_PIDS="$OTHER_PIDS $!"
    eventually town_answers
}
town_answers() {
    kill -0 "$NGINX_PID" 2>/dev/null || fail "nginx does not stay"
    ip netns exec $TOWN curl -s --max-time 5 --cacert "$W/ca.pem" -o /dev/null \
        --resolve "tiktok.test:$GOOD:10.77.0.1" "https://tiktok.test:$GOOD/"
}
start_town

# --- scenes ---------------------------------------------------------------------------------------

# scene WORDS HOST PORT [COMMAND…]: a new till, without memory, whose TikTok is there.
scene() {
    say "$1"
    [ -z "$AGENT_PID" ] || agent_stop
    rm -rf "$W/state" "$W/agent.log"
    ENDPOINT=https://$2:$3$TRACK
    shift 3
    tell reset
    agent_config
    sed -i "s/\"retry_first\": \"100ms\", \"retry_most\": \"1s\"/$RETRY/" "$W/tillpost.json"
    chmod 600 "$W/tillpost.json"
    agent_start in_till "$@"
}
QUICK='"retry_first": "100ms", "retry_most": "1s"' SLOW='"retry_first": "1h", "retry_most": "1h"'
RETRY=$QUICK

network_is() { status_is network.state "$1"; }
# Without -q, which leaves before its writer has done: pipefail would take that for a no.
problem() { call GET /v1/status | "$TOOL" column problems code | grep -x "$1" >"$W/problem"; }
attempts() { call GET /metrics | sed -n "s/^tillpost_delivery_attempts_total{outcome=\"$1\"} //p"; }
failed_least() { [ "$(attempts offline)" -ge "$1" ]; }
access() { awk -v port="$1" -v column="$2" '$1 == port { print $column }' "$W/access.log"; }
accessed() { [ "$(access "$1" 1 | wc -l)" -ge "$2" ]; } # nginx writes a line after it has answered
logged() { grep -q -- "$1" "$W/agent.log"; }
waits_least() { local s; s=$(status delivery.next_attempt_in_s) && [ "$s" != null ] && [ "$s" -ge "$1" ]; }

# within MS WORDS COMMAND…: since $SINCE (now_ms) no more than so long.
within() {
    local most=$1 words=$2
    shift 2
    eventually "$@"
    local took=$(($(now_ms) - SINCE))
    [ $took -le "$most" ] || fail "$words took $took ms, more than $most"
    say "  $words: $took ms of $most"
}

# answers_meanwhile COMMAND…: asks the API until the command is true. A loop that waits for the network stands for
# seconds; a machine that is busy may hold one answer in ten up for more than 250 ms.
answers_meanwhile() {
    local end=$((SECONDS + DEADLINE_S)) took all=0 late=0
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "not within $DEADLINE_S s: $*"
        took=$(curl -s --max-time 60 --unix-socket "$W/till.sock" -o /dev/null -w '%{time_total}' http://till/healthz)
        took=$(awk -v s="$took" 'BEGIN { printf "%d", s * 1000 }')
        all=$((all + 1))
        [ "$took" -le 250 ] || late=$((late + 1))
        [ "$took" -le 1500 ] || fail "the API answered after $took ms"
    done
    [ $late -le $((all / 10)) ] || fail "$late of $all answers came after 250 ms"
    [ $all -ge "$ANSWERS_LEAST" ] || fail "only $all answers in that time"
}
ANSWERS_LEAST=5

# Its own IPv6 address comes to the line late, and an agent that is told of one opens a new connection.
line_settled() { [ -z "$(till -6 addr show dev line tentative)" ]; }
eventually line_settled

scene "one connection serves sale after sale; TLS 1.3 where both can" tiktok.test $GOOD
: >"$W/access.log"
for n in 1 2 3; do
    sell "kept-$n"
    eventually counted "kept-$n"
done
eventually status_is queue.queued 0
is "network" "$(status network.state)" direct
eventually accessed $GOOD 3
is "connections for 3 requests" "$(access $GOOD 2 | sort -u | wc -l)" 1
is "protocol" "$(access $GOOD 3 | sort -u)" TLSv1.3

for version in 2 3; do
    port=TLS1$version
    scene "TLS 1.$version alone" tiktok.test "${!port}"
    sell "tls-$version"
    eventually counted "tls-$version"
    eventually accessed "${!port}" 1
    is "protocol" "$(access "${!port}" 3 | sort -u)" TLSv1.$version
done

scene "TLS 1.1 is not spoken" tiktok.test $TLS11
sell tls-1
eventually failed_least 2
is "requests" "$(seen requests)" 0

scene "a session is resumed where connections are not kept" tiktok.test $ONE_BY_ONE
sell resume-1
eventually counted resume-1
sell resume-2
eventually counted resume-2
eventually accessed $ONE_BY_ONE 2
is "resumed" "$(access $ONE_BY_ONE 4 | tr '\n' ' ')" ". r "

scene "IPv6 alone" six.test $GOOD
addresses 6
sell six-1
eventually counted six-1
addresses "4 6"

scene "IPv4 alone" tiktok.test $GOOD
addresses 4
sell four-1
eventually counted four-1
addresses "4 6"

TIMEOUT=60s
scene "IPv6 that leads nowhere does not keep IPv4 waiting" both.test $GOOD
SINCE=$(now_ms)
sell both-1
within 10000 "the way round IPv6" counted both-1

TIMEOUT=4s
scene "a black hole: the timeout is kept, and the API answers" hole.test $GOOD
SINCE=$(now_ms)
sell hole-1
answers_meanwhile failed_least 1
took=$(($(now_ms) - SINCE))
[ $took -ge 1500 ] && [ $took -le 15000 ] || fail "half of $TIMEOUT for connecting took $took ms"
sell hole-2
eventually failed_least 2
is "state, network" "$(status state) $(status network.state)" "offline none"
is "queued" "$(status queue.queued)" 2

scene "a portal with its own certificate" tiktok.test $HOTEL
sell hotel-1
eventually network_is portal
problem portal || fail "no problem says portal"
is "requests" "$(seen requests)" 0

scene "a portal without TLS" tiktok.test $PLAIN
sell plain-1
eventually failed_least 2
is "state" "$(status state)" offline
eventually network_is portal

scene "TLS inspection is named; with its root it is a way" tiktok.test $INSPECTED
sell inspected-1
eventually network_is inspected
problem inspected || fail "no problem says inspected"
is "requests" "$(seen requests)" 0
MORE_TIKTOK=", \"extra_ca_file\": \"$W/inspector.pem\""
agent_config
kill -HUP "$AGENT_PID"
eventually counted inspected-1
eventually network_is direct
say "  beside it the usual CAs are trusted"
ENDPOINT=https://tiktok.test:$GOOD$TRACK
agent_config
kill -HUP "$AGENT_PID"
eventually logged "is in force"
sell inspected-2
eventually counted inspected-2
say "  a CA file without a certificate changes nothing"
say "no certificate" >"$W/empty.pem"
MORE_TIKTOK=", \"extra_ca_file\": \"$W/empty.pem\""
agent_config
kill -HUP "$AGENT_PID"
eventually logged "the old configuration stays"
sell inspected-3
eventually counted inspected-3
problem config_reload || fail "no problem says that the new file is broken"
MORE_TIKTOK=''

# --- proxies --------------------------------------------------------------------------------------

passed_by() { grep -qx "far.test:$GOOD $2" "$W/$1.log"; }
by_proxy() { MORE_TIKTOK=", \"proxy\": \"$1\""; }
by_proxy http://10.77.0.1:$PROXY
scene "a proxy is the only way" far.test $GOOD
sell proxy-1
eventually counted proxy-1
eventually network_is proxy
passed_by proxy 200 || fail "it did not go by the proxy"

by_proxy http://till:open%20sesame@10.77.0.1:$PROXY_LOCKED
scene "a proxy with a password" far.test $GOOD
sell proxy-2
eventually counted proxy-2
passed_by locked 200 || fail "it did not go by the proxy"

by_proxy http://till:wrong@10.77.0.1:$PROXY_LOCKED
scene "a wrong password is named" far.test $GOOD
sell proxy-3
eventually passed_by locked 407
eventually failed_least 1
is "state, network" "$(status state) $(status network.state)" "offline proxy"
problem proxy || fail "no problem says proxy"
grep -q wrong@ "$W/agent.log" && fail "the password is in the log"

by_proxy http://10.77.0.1:9
scene "a proxy that is not there" far.test $GOOD
sell proxy-4
eventually failed_least 1
is "network" "$(status network.state)" proxy

scene "NO_PROXY goes round it" tiktok.test $GOOD env NO_PROXY=other.example,tiktok.test
sell proxy-5
eventually counted proxy-5
is "network" "$(status network.state)" direct
MORE_TIKTOK=''

scene "the proxy of the environment" far.test $GOOD env https_proxy=http://10.77.0.1:$PROXY
sell proxy-6
eventually counted proxy-6
eventually network_is proxy

# --- names ----------------------------------------------------------------------------------------

TIMEOUT=4s
scene "name servers that say nothing: half a minute between tries, the API answers" unknown.test $GOOD
sell dns-1
answers_meanwhile failed_least 1
waits_least 26 || fail "next try in $(status delivery.next_attempt_in_s) s"
logged "dns" || fail "the log does not say dns"
try_now
SINCE=$(now_ms)
agent_stop
within 3000 "the end while a name is looked up" true

say "nameserver 10.77.0.1" >"$W/resolv.conf"
scene "name servers that are not there" unknown.test $GOOD
sell dns-2
eventually failed_least 1
waits_least 26 || fail "next try in $(status delivery.next_attempt_in_s) s"

# --- a line that comes back -----------------------------------------------------------------------

# Bytes of a request that was given up may still arrive when the line is back: what counts is what the agent knows.
delivered() { [ "$(call GET "/v1/events/$1" | "$TOOL" get events.0.state)" = sent ]; }

# failed_for_long: the next try is far away, so that only the line's return can explain a delivery.
failed_for_long() {
    until failed_least 2 && waits_least 60; do
        try_now
        sleep 0.1
        [ $((SECONDS - BEGAN)) -lt $DEADLINE_S ] || fail "the next try is not far away"
    done
}
RETRY=$SLOW TIMEOUT=6s
scene "the line is cut and comes back" tiktok.test $GOOD
town_mac=$(town -o link show line | sed 's/.*link\/ether \([^ ]*\).*/\1/')
# Without asking for it: the kernel holds an answer that it missed while the line was down against the first try after.
till neigh replace 10.77.0.1 lladdr "$town_mac" dev line nud permanent
sell line-1
eventually counted line-1
town link set line down
sell line-2
BEGAN=$SECONDS
failed_for_long
is "state" "$(status state)" offline
SINCE=$(now_ms)
town link set line up
within 5000 "the delivery after the line's return" delivered line-2
is "tries in doubt" "$(attempts doubt)" 0 # never again on the connection of before

scene "a route is gone and comes back, the line being up all the time" tiktok.test $GOOD
sell route-1
eventually counted route-1
till route del 10.77.0.0/24 dev line
sell route-2
BEGAN=$SECONDS
failed_for_long
SINCE=$(now_ms)
till route add 10.77.0.0/24 dev line src "${HERE4%/*}"
within 5000 "the delivery after the route's return" delivered route-2

TIMEOUT=60s
scene "a connect that is stuck is given up when the line changes" tiktok.test $GOOD
till neigh replace 10.77.0.1 lladdr 02:00:00:00:00:66 dev line nud permanent
sell stuck-1
# SYNs leave after 0, 1, 3, 7 and 15 s: for a while after the 7 s only a new connection can come through.
began=$SECONDS
past() { [ $((SECONDS - began)) -ge 9 ]; }
eventually past
till neigh replace 10.77.0.1 lladdr "$town_mac" dev line nud permanent
SINCE=$(now_ms)
till addr add 10.77.0.3/24 dev line
within 5000 "the delivery after the change" delivered stuck-1
till addr del 10.77.0.3/24 dev line
till neigh del 10.77.0.1 dev line

scene "another address: the connection that was kept is not waited for" tiktok.test $GOOD
sell moved-1
eventually counted moved-1
till addr add 10.77.0.4/24 dev line
till addr del $HERE4 dev line
till addr replace 10.77.0.4/24 dev line
SINCE=$(now_ms)
sell moved-2
within 5000 "the delivery from another address" delivered moved-2
is "duplicates" "$(seen duplicates)" 0
agent_stop
