# lib.sh: a world for one end-to-end test. For bash (Debian's base has it); needs curl and e2e_tool.
#
# Sourcing it makes a temporary directory, $W, and a trap that ends every process started here and
# removes $W, whatever happens (E2E_KEEP=1 keeps it, to look into). A test reads like a story:
#
#   need nginx openssl                      skip when a tool is missing
#   sandbox_start; tls_up                   TikTok's stand-in, and TLS before it
#   agent_config; agent_start               tillpost, with a configuration made from the variables below
#   post /v1/track "$(purchase sale-1)"     $STATUS and $ANSWER; `said KEY` reads the answer
#   eventually counted sale-1               waits, generously
#   is "copies of sale-1" "$(copies sale-1)" 0
#
# Programs: $TILLPOST $SANDBOX $TOOL (ctest sets them). Nothing here sleeps to be "long enough": it polls
# until a deadline that is far beyond what a loaded machine needs. Pipes end in `grep … >/dev/null`: -q would leave early,
# and pipefail would tell of the writer that nobody listened to.
set -u -o pipefail
: "${SANDBOX:?is the program of tests/sandbox; ctest names it}" "${TOOL:?is e2e_tool; ctest names it}"

DEADLINE_S=${DEADLINE_S:-60}
SKIPPED=77
TOKEN=sandbox-token
EVENT_SET=7000000000000000001
TRACK=/open_api/v1.3/event/track/

# Settings of the configuration; a test sets them before agent_config.
PRESETS='"all"'      # mappings.presets
TIMEOUT=20s          # sync.timeout
MORE_TIKTOK=''       # more members of each section, beginning with a comma
MORE_SYNC=''
MORE_QUEUE=''
MORE_LISTEN=''
MORE=''              # more sections

W=$(mktemp -d "${TMPDIR:-/tmp}/tillpost-e2e.XXXXXX") || exit 1
SANDBOX_PID='' NGINX_PID='' AGENT_PID='' OTHER_PIDS=''
trap world_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

world_end() {
    local status=$?
    for pid in $AGENT_PID $NGINX_PID $SANDBOX_PID $OTHER_PIDS; do
        kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    [ -n "${E2E_KEEP:-}" ] && say "kept: $W" >&2 || rm -rf "$W"
    exit "$status"
}

say() { printf '%s\n' "$*"; }

fail() {
    {
        say "FAILED: $*"
        [ -n "$SANDBOX_PID" ] && say "sandbox: $(ask stats)" && say "requests: $(ask requests | tail -c 2000)"
        [ -n "$AGENT_PID" ] && say "status: $(call GET /v1/status)"
        for log in agent.log server.log nginx.log sandbox.log.err; do
            [ -s "$W/$log" ] && say "--- $log" && tail -n 25 "$W/$log"
        done
    } >&2
    exit 1
}

# has WHAT TEXT PART
has() { case $2 in *"$3"*) ;; *) fail "$1: \"$3\" is not in: $2" ;; esac; }

skip() {
    say "skipped: $*"
    exit $SKIPPED
}

need() {
    for tool; do
        PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || skip "$tool is not installed"
    done
}

need_strace() {
    need strace
    strace -f -o /dev/null true 2>"$W/strace.err" || skip "strace is not permitted here: $(head -n 1 "$W/strace.err")"
}

# The statuses behind which the service manager waits for a person.
given_up() { sed -n 's/^RestartPreventExitStatus=//p' "${BASH_SOURCE%/*}/../../platform/systemd/tillpost.service"; }

# FAKETIME_LIBRARY, to be preloaded. The wrapper `faketime` is not used: it names a semaphore after its process and
# gives up when an earlier one of that number was killed.
need_faketime() {
    FAKETIME_LIBRARY=$(dpkg -L libfaketime 2>/dev/null | grep '/libfaketime\.so\.1$') ||
        skip "libfaketime is not installed"
}

# is WHAT GOT WANTED
is() { [ "$2" = "$3" ] || fail "$1: got \"$2\", wanted \"$3\""; }

# eventually COMMAND…: true within the deadline, or the test fails.
eventually() {
    local end=$((SECONDS + DEADLINE_S))
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "not within $DEADLINE_S s: $*"
        sleep 0.05
    done
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# --- the stand-in ---------------------------------------------------------------------------------

sandbox_start() {
    rm -f "$W/port"
    "$SANDBOX" --control "$W/tiktok.ctl" --port-file "$W/port" --token $TOKEN --event-set $EVENT_SET \
        --log "$W/requests.log" "$@" 2>"$W/sandbox.log.err" &
    SANDBOX_PID=$!
    eventually test -s "$W/port"
    SANDBOX_PORT=$(cat "$W/port")
    ENDPOINT=http://127.0.0.1:$SANDBOX_PORT$TRACK
}

# $PORT: a free one: the next that a second stand-in would have taken.
free_port() {
    local other others=$OTHER_PIDS
    "$SANDBOX" --control "$W/other.ctl" --port-file "$W/other.port" &
    other=$!
    OTHER_PIDS="$OTHER_PIDS $other"
    eventually test -s "$W/other.port"
    PORT=$(cat "$W/other.port")
    kill -TERM "$other"
    wait "$other"
    OTHER_PIDS=$others
}

# ask received|requests|stats
ask() { curl -s --max-time 30 --unix-socket "$W/tiktok.ctl" "http://sandbox/_sandbox/$1"; }

# tell script|refuse|line|clock|rules|reset JSON
tell() {
    local answer
    answer=$(curl -s --max-time 30 --unix-socket "$W/tiktok.ctl" -d "${2:-}" "http://sandbox/_sandbox/$1")
    is "sandbox, $1" "$answer" '{"ok":true}'
}

seen() { ask stats | "$TOOL" get "$1"; }
seen_is() { [ "$(seen "$1")" = "$2" ]; }
seen_least() { [ "$(seen "$1")" -ge "$2" ]; }

# How often an event id was counted, and how many copies of it came beside.
counted_times() { ask received | "$TOOL" column events event_id | grep -cxF -- "$1"; }
counted() { [ "$(counted_times "$1")" = 1 ]; }

# --- TLS before it --------------------------------------------------------------------------------

tls_make() {
    (
        cd "$W" || exit 1
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
            -subj "/CN=tillpost test CA" -keyout ca.key -out ca.pem &&
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
                -keyout server.key -out server.csr &&
            printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:false\n' >server.ext &&
            openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
                -extfile server.ext -out server.pem
    ) >"$W/openssl.log" 2>&1 || {
        cat "$W/openssl.log" >&2
        fail "openssl makes no certificates"
    }
}

# nginx hands everything on as it comes; where the stand-in hangs up, so does it (444).
tls_config() {
    cat >"$W/nginx.conf" <<CONF
daemon off;
master_process off;
pid $W/nginx.pid;
error_log $W/nginx.log warn;
events { worker_connections 256; }
http {
    log_format connection '\$connection';
    access_log $W/nginx-connections.log connection;
    keepalive_requests ${TLS_REQUESTS_MAX:-1000};
    client_max_body_size 16m;
    client_body_buffer_size 16m;
    client_body_temp_path $W/nginx-body;
    proxy_temp_path $W/nginx-proxy;
    fastcgi_temp_path $W/nginx-fastcgi;
    uwsgi_temp_path $W/nginx-uwsgi;
    scgi_temp_path $W/nginx-scgi;
    server {
        listen 127.0.0.1:$TLS_PORT ssl;
        server_name localhost;
        ssl_certificate $W/server.pem;
        ssl_certificate_key $W/server.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {
            proxy_pass http://127.0.0.1:$SANDBOX_PORT;
            proxy_pass_header Date;
            proxy_buffering off;
            proxy_read_timeout 120s;
            error_page 502 504 = @hang_up;
        }
        location @hang_up { return 444; }
    }
}
CONF
}

nginx_answers() {
    curl -s --max-time 5 --cacert "$W/ca.pem" -o /dev/null "https://localhost:$TLS_PORT/"
    case $? in 0 | 52) return 0 ;; esac # 52: it hung up, because the stand-in's own line is down
    return 1
}

nginx_settled() { nginx_answers || ! kill -0 "$NGINX_PID" 2>/dev/null; }

# Starts nginx, on a free port the first time and on the same one later.
tls_up() {
    [ -s "$W/ca.pem" ] || tls_make
    local tries=0
    until [ -n "$NGINX_PID" ]; do
        [ -n "${TLS_PORT:-}" ] && [ $tries = 0 ] || TLS_PORT=${TLS_FIXED:-$((20000 + RANDOM % 12000))}
        tls_config
        PATH=$PATH:/usr/sbin nginx -p "$W" -e "$W/nginx.log" -c "$W/nginx.conf" 2>>"$W/nginx.log" &
        NGINX_PID=$!
        eventually nginx_settled
        kill -0 "$NGINX_PID" 2>/dev/null || NGINX_PID=''
        tries=$((tries + 1))
        [ $tries -lt 20 ] || fail "nginx does not start"
    done
    TLS_FIXED=$TLS_PORT
    ENDPOINT=https://localhost:$TLS_PORT$TRACK
}

# Nobody listens any more: a connect is refused.
tls_down() {
    kill -KILL "$NGINX_PID"
    wait "$NGINX_PID" 2>/dev/null
    NGINX_PID=''
}

# --- the command line -----------------------------------------------------------------------------

# run VERB...: its output in $OUT, its words in $WORDS, its exit status in $EXIT. INPUT=FILE is its input.
run() {
    OUT=$("$TILLPOST" "$@" 2>"$W/words" <"${INPUT:-/dev/null}")
    EXIT=$?
    WORDS=$(cat "$W/words")
}

# --- the agent ------------------------------------------------------------------------------------

agent_config() {
    local ca=null
    case $ENDPOINT in https:*) ca="\"$W/ca.pem\"" ;; esac
    [ -e "$W/token" ] || (umask 077 && say $TOKEN >"$W/token")
    mkdir -p -m 700 "$W/state"
    cat >"$W/tillpost.json" <<CONF
{
  "tiktok": { "event_set_id": "$EVENT_SET", "access_token_file": "$W/token", "endpoint": "$ENDPOINT",
              "ca_file": $ca $MORE_TIKTOK },
  "listen": { "socket": "$W/till.sock" $MORE_LISTEN },
  "queue": { "path": "$W/state/queue.db" $MORE_QUEUE },
  "sync": { "retry_first": "100ms", "retry_most": "1s", "timeout": "$TIMEOUT" $MORE_SYNC },
  "mappings": { "presets": $PRESETS },
  "log": { "level": "debug" } $MORE
}
CONF
}

# agent_start [COMMAND…]: the command is put before tillpost (env, strace).
agent_start() {
    "$@" "$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1 &
    AGENT_PID=$!
    eventually agent_settled
    kill -0 "$AGENT_PID" 2>/dev/null || fail "tillpost did not stay"
}

agent_answers() { call GET /healthz >/dev/null; }
agent_settled() { agent_answers || ! kill -0 "$AGENT_PID" 2>/dev/null; }

# Waits for the agent's end; $EXIT is its status.
agent_wait() {
    wait "$AGENT_PID"
    EXIT=$?
    AGENT_PID=''
}

agent_stop() {
    kill -TERM "$AGENT_PID"
    agent_wait
    is "exit status after SIGTERM" $EXIT 0
}

agent_kill() {
    kill -KILL "$AGENT_PID"
    wait "$AGENT_PID" 2>/dev/null
    AGENT_PID=''
}

# attach STRACE-ARGUMENTS…: strace on the agent that runs, until detach. Messages about both are in $W/attached.
attach() {
    : >"$W/attached"
    strace -f -p "$AGENT_PID" "$@" 2>"$W/attached" &
    OTHER_PIDS=$!
    eventually grep -q attached "$W/attached"
}
detach() {
    kill -INT $OTHER_PIDS 2>/dev/null
    wait $OTHER_PIDS 2>/dev/null
    OTHER_PIDS=''
}

# call METHOD PATH [curl arguments]: prints the answer's body; false when nobody answers.
call() {
    local method=$1 path=$2
    shift 2
    curl -s --max-time 60 --unix-socket "$W/till.sock" -X "$method" "$@" "http://till$path"
}

# post PATH JSON [curl arguments]: $STATUS and $ANSWER.
post() {
    local path=$1 body=$2
    shift 2
    ANSWER=$(printf %s "$body" | call POST "$path" -H 'Content-Type: application/json' \
        --data-binary @- -w '\n%{http_code}' "$@") || fail "no answer to a POST to $path"
    STATUS=${ANSWER##*$'\n'}
    ANSWER=${ANSWER%$'\n'*}
}

# A backlog at start and a failed try wait by chance for up to ten seconds; a technician does not.
try_now() { call POST /v1/sync -H 'Content-Type: application/json' -d '{}' >/dev/null; }

# said KEY: of the last answer.
said() { printf %s "$ANSWER" | "$TOOL" get "$1"; }

status() { call GET /v1/status | "$TOOL" get "$1"; }
status_is() { [ "$(status "$1")" = "$2" ]; }

# purchase ID [more members of properties, beginning with a comma]
purchase() {
    printf '{"type":"track","event":"Order Completed","messageId":"%s","timestamp":"%s",' "$1" \
        "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    printf '"properties":{"email":"%s@example.com","order_id":"%s","currency":"EUR","value":19.9%s}}' \
        "${1//[^a-z0-9-]/}" "$1" "${2:-}"
}

# Hands in a purchase and wants it queued.
sell() {
    post /v1/track "$(purchase "$@")"
    is "status of $1" "$STATUS $(said status)" "200 queued"
}
