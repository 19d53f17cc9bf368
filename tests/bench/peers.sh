#!/bin/bash
# peers.sh: tillpost beside others that take events, keep them and hand them on: one machine, disk and run. No test
# runs it; it is for maintainers. The peers are Debian 12's, each of them optional (policy-rc.d keeps daemons down):
#
#   apt-get install --no-install-recommends curl strace rsyslog rsyslog-relp rsyslog-elasticsearch \
#       mosquitto mosquitto-clients nats-server
#   syslog-ng-core and syslog-ng-mod-http, which conflict with rsyslog: apt-get download them, dpkg -x them into
#       SYSLOG_NG=FOLDER (needs libivykis0 libnet1 libjson-c5)
#
#   [BUILD=build/release] [SECONDS_EACH=2] [KILLS=5] [EVENTS=100000] [DIR=/var/tmp] tests/bench/peers.sh [PEER…]
#
# Each peer runs in the foreground, as root, with a configuration, folder and ports of its own, as careful as it can be
# told to be. Sales are the bench's, of 700 bytes; each connection waits for its answer before it says the next.
#
#   disk/s       what the disk takes just then: writes of 4 KiB, each synced
#   acked/s      on 1 and on 64 connections; the sink is down
#   synced       before the answer? fsync, fdatasync, msync, sync_file_range (strace) for each event on 1 connection:
#                below 1 an answer can leave before its event is on the disk
#   acked, lost  in KILLS kill -9 under 64 connections and before them; lost: not at the sink after the last start and
#                the delivery of all (which is over when nothing has come for 10 s)
#   drained      EVENTS queued ones to a sink on loopback: from the first arrival to the last; and the peer's CPU. HTTP
#                in batches; mosquitto: mosquitto_sub, QoS 1; NATS: a push consumer that acknowledges nothing
#   PSS          MiB, at rest and with EVENTS queued
# syslog-ng has no protocol with answers: what the kernel took from a sender counts as acknowledged there.
set -u -o pipefail
BUILD=${BUILD:-build/release} BENCH=$BUILD/tests/bench/bench_peers TILLPOST=${TILLPOST:-$BUILD/tillpost}
SECONDS_EACH=${SECONDS_EACH:-2} KILLS=${KILLS:-5} EVENTS=${EVENTS:-100000}
PEERS=${*:-tillpost rsyslog syslog_ng mosquitto nats} PATH=$PATH:/usr/sbin

W=$(mktemp -d "${DIR:-/var/tmp}/tillpost-peers.XXXXXX") && MEMORY=$(mktemp -d /dev/shm/tillpost-peers.XXXXXX) || exit 1
PIDS=''
trap 'end; rm -rf "$W" "$MEMORY"' EXIT
trap 'exit 130' INT TERM
fail() { echo "$peer: $*" >&2 && tail -n 5 "$D/log" >&2 && exit 1; }

# --- the peers: X_version (fails where it is not installed), X_config, X_run; what else one of them needs ----------

installed() { dpkg-query -W "$@" >/dev/null 2>&1 && dpkg-query -W -f '${Package} ${Version}' "$1"; }

SPEECH_tillpost=track
tillpost_version() { "$TILLPOST" version | cut -d' ' -f1-2; }
tillpost_config() {
    (umask 077 && echo bench-token >"$D/token")
    cat >"$D/conf" <<-END
	{"tiktok": {"event_set_id": "7000000000000000001", "access_token_file": "$D/token",
	            "endpoint": "http://127.0.0.1:$SINK_PORT/open_api/v1.3/event/track/"},
	 "listen": {"socket": "$D/socket"}, "queue": {"path": "$D/queue.db", "max_size": "4G"}}
	END
}
tillpost_run() { exec "$TILLPOST" run --config "$D/conf"; }
tillpost_ready() { curl -fs --unix-socket "$D/socket" http://till/healthz >/dev/null; }
tillpost_sink() {
    sink_http
    curl -s --unix-socket "$D/socket" -X POST -H 'Content-Type: application/json' -d '{}' http://till/v1/sync >/dev/null
}

SPEECH_rsyslog=relp
rsyslog_version() { installed rsyslog rsyslog-relp rsyslog-elasticsearch; }
rsyslog_config() { # the queue is the ruleset's: imrelp answers once the event is in it
    cat >"$D/conf" <<-END
	global(workDirectory="$D" net.enableDNS="off")
	module(load="imrelp") module(load="omelasticsearch")
	main_queue(queue.type="Direct") template(name="event" type="string" string="%msg%")
	ruleset(name="in" queue.type="Disk" queue.filename="in" queue.size="10000000" queue.maxFileSize="64m"
	        queue.syncQueueFiles="on" queue.checkpointInterval="1" queue.dequeueBatchSize="1000") {
	    action(type="omelasticsearch" server="127.0.0.1" serverport="$SINK_PORT" bulkmode="on" template="event"
	           searchIndex="bench" searchType="" action.resumeRetryCount="-1" action.resumeInterval="1")
	}
	input(type="imrelp" address="127.0.0.1" port="$PORT" ruleset="in")
	END
}
rsyslog_run() { exec rsyslogd -n -f "$D/conf" -i "$D/pid"; }

SPEECH_syslog_ng=line
SYSLOG_NG=${SYSLOG_NG:-} LIBRARIES=${SYSLOG_NG:-}/usr/lib/syslog-ng
syslog_ng() {
    LD_LIBRARY_PATH=$LIBRARIES exec "$SYSLOG_NG/usr/sbin/syslog-ng" --module-path "$LIBRARIES/3.38" "$@"
}
syslog_ng_version() { (syslog_ng -V) 2>/dev/null | sed -n 's/^syslog-ng.*(\(.*\))$/syslog-ng \1/p' | grep .; }
syslog_ng_config() {
    cat >"$D/conf" <<-END
	@version: 3.38
	options { keep-hostname(yes); use-dns(no); dns-cache(no); stats-freq(0); time-reopen(1); };
	source in { network(ip("127.0.0.1") port($PORT) max-connections(1000) log-iw-size(100000)); };
	destination out {
	    http(url("http://127.0.0.1:$SINK_PORT/") method("POST") body("\${MSG}") delimiter("\n") batch-lines(1000)
	         batch-timeout(100) disk-buffer(reliable(yes) disk-buf-size(8589934592) dir("$D")));
	};
	log { source(in); destination(out); flags(flow-control); };
	END
}
syslog_ng_run() { syslog_ng -F --no-caps -f "$D/conf" -R "$D/persist" -p "$D/pid" -c "$D/control"; }

SPEECH_mosquitto=mqtt
mosquitto_version() { installed mosquitto mosquitto-clients; }
mosquitto_config() { # it saves all that it holds, every second or two
    cat >"$D/conf" <<-END
	listener $PORT 127.0.0.1
	allow_anonymous true
	user root
	persistence true
	persistence_location $D/
	autosave_interval 1
	max_queued_messages 0
	max_inflight_messages 0
	END
}
mosquitto_run() { exec mosquitto -c "$D/conf"; }
mosquitto_prepare() { # a subscriber, saved, that is away for as long as there is no sink
    mosquitto_sub -p "$PORT" -i sink -c -q 1 -t bench -E && kill -USR1 "$PEER_PID" && sleep 1
}
mosquitto_sink() { sink_input mosquitto_sub -p "$PORT" -i sink -c -q 1 -t bench; }

SPEECH_nats=nats
nats_version() { installed nats-server; }
nats_config() { # this version has no sync_interval
    cat >"$D/conf" <<-END
	listen: 127.0.0.1:$PORT
	max_pending: 1GB
	jetstream { store_dir: "$D", max_file_store: 16GB }
	END
}
nats_run() { exec nats-server -c "$D/conf"; }
nats_ask() { # SUBJECT JSON: what comes back, comes on descriptor 3
    exec 3<>"/dev/tcp/127.0.0.1/$PORT"
    printf 'CONNECT {"verbose":false}\r\nSUB sink 1\r\nPUB %s sink %d\r\n%s\r\n' "$1" ${#2} "$2" >&3
}
nats_prepare() {
    nats_ask '$JS.API.STREAM.CREATE.bench' '{"name":"bench","subjects":["bench"],"storage":"file"}'
    timeout 10 grep -q did_create <&3
}
nats_deliver() {
    nats_ask '$JS.API.CONSUMER.CREATE.bench' \
        '{"stream_name":"bench","config":{"deliver_subject":"sink","ack_policy":"none","deliver_policy":"all"}}'
    exec cat <&3
}
nats_sink() { sink_input nats_deliver; }

# --- what is done to each ------------------------------------------------------------------------------------------

# its WHAT [ELSE]: what the peer has of its own for that, or else what all others do.
its() { if declare -F "${peer}_$1" >/dev/null; then "${peer}_$1"; else "${2:-true}"; fi; }
listens() { (: <"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; }
start() {
    ("${peer}_run") >>"$D/log" 2>&1 &
    PEER_PID=$! PIDS=$!
    until its ready listens; do
        kill -0 $PEER_PID 2>/dev/null || fail "it does not start"
        sleep 0.01
    done
}
begin() { # NAME: in a new folder, with a new ledger
    D=$W/$peer-$1 LEDGER=$MEMORY/$peer-$1
    mkdir "$D" && "${peer}_config" && start
    its prepare || fail "it cannot be prepared"
}
end() {
    # shellcheck disable=SC2086 # several words
    [ -z "$PIDS" ] || { kill $PIDS && wait $PIDS; } 2>/dev/null
    PIDS=''
    rm -rf "${D:-}" "${LEDGER:-}"
}
sink_http() {
    "$BENCH" sink "$LEDGER" "$SINK_PORT" & PIDS="$PIDS $!"
}
sink_input() { # COMMAND…: what it prints is what arrives
    rm -f "$W/fifo" && mkfifo "$W/fifo"
    "$BENCH" sink "$LEDGER" - <"$W/fifo" & PIDS="$PIDS $!"
    "$@" >"$W/fifo" & PIDS="$PIDS $!"
}
sell() { # CONNECTIONS SECONDS [MOST]: acknowledged, and a second
    local speech=SPEECH_$peer where=$PORT
    [ "$peer" != tillpost ] || where=$D/socket
    "$BENCH" sell "$LEDGER" "${!speech}" "$where" "$@"
}
disk() { # into a file that has its length already
    dd if=/dev/zero of="$W/disk" bs=4k count=500 2>/dev/null
    LC_ALL=C dd if=/dev/zero of="$W/disk" bs=4k count=500 oflag=dsync conv=notrunc 2>&1 |
        awk '/copied/ { sub(/.*copied, /, ""); printf "%.0f", 500 / $1 }'
}
tally() { read -r ACKED ARRIVED LOST _ TOOK_S < <("$BENCH" tally "$LEDGER"); }
delivered() { # until nothing that was acknowledged is missing, or nothing has come for 10 s
    local before=-1 still=0
    while tally && [ "$LOST" != 0 ]; do
        still=$((ARRIVED == before ? still + 1 : 0)) before=$ARRIVED
        [ $still -lt 100 ] || return
        sleep 0.1
    done
}
cpu_s() { awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f", ($14 + $15) / hz }' "/proc/$PEER_PID/stat"; }
pss_mib() { awk '/^Pss:/ { printf "%.1f", $2 / 1024 }' "/proc/$PEER_PID/smaps_rollup"; }

backlog() {
    begin backlog
    sleep 1 && PSS=$(pss_mib)
    sell 64 600 "$EVENTS" >/dev/null || fail "it does not take $EVENTS"
    sleep 1 && PSS="$PSS / $(pss_mib)"
    before=$(cpu_s)
    its sink sink_http
    delivered && DRAINED=$TOOK_S || DRAINED="no: $LOST"
    CPU=$(cpu_s | awk -v before="$before" '{ printf "%.2f", $1 - before }')
    end
}
synced() { # and how often for each event
    strace -f -qq -o "$W/trace" -e trace=fsync,fdatasync,msync,sync_file_range -p $PEER_PID 2>"$W/strace.err" &
    tracer=$!
    sleep 0.5 # until it is attached
    read -r acked _ < <(sell 1 1)
    { kill -0 $tracer && kill -INT $tracer && wait $tracer; } 2>/dev/null
    [ -s "$W/strace.err" ] && echo unknown && return
    grep -cE '(fsync|fdatasync|msync|sync_file_range)\(' "$W/trace" |
        awk -v n="$acked" '{ printf "%s, %.2f", $1 < 0.99 * n ? "no" : "yes", $1 / n }'
}
kills() {
    begin kills
    DISK=$(disk)
    read -r _ ALONE < <(sell 1 "$SECONDS_EACH")
    SYNCED=$(synced)
    read -r _ CROWD < <(sell 64 "$SECONDS_EACH")
    for ((i = 0; i < KILLS; i++)); do
        sell 64 10 >/dev/null 2>>"$D/log" &
        sleep "0.$((3 + RANDOM % 6))"
        kill -0 $! 2>/dev/null || fail "it took no more"
        kill -KILL "$PEER_PID"
        wait "$PEER_PID" $! 2>/dev/null
        start
    done
    its sink sink_http
    delivered
    end
}

# --- the table -----------------------------------------------------------------------------------------------------

row() { printf '%-27s %7s %16s %9s %8s %8s %8s %6s %12s\n' "$@"; }
[ -x "$BENCH" ] && [ -x "$TILLPOST" ] || { echo "peers.sh: build bench_peers and tillpost first" && exit 1; }
found=''
for peer in $PEERS; do
    if "${peer}_version" >/dev/null; then found="$found $peer"; else echo "$peer: not installed"; fi
done
[ "${found# tillpost}" ] || exit 77
row '' disk/s acked/s synced acked lost drained 'CPU s' 'PSS, MiB'
row "$(date '+%F %R')" '' '1 / 64' /event '' "$KILLS kills" "$EVENTS" '' 'rest / full'
for peer in $found; do
    PORT=$((20000 + RANDOM % 6000)) SINK_PORT=$((26000 + RANDOM % 6000))
    backlog
    kills
    row "$("${peer}_version")" "$DISK" "$ALONE / $CROWD" "$SYNCED" "$ACKED" "$LOST" "$DRAINED" "$CPU" "$PSS"
done
