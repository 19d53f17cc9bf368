#!/bin/bash
# systemd_trial.sh: runs as root in the machine that tests/systemd.sh boots. In the first boot the package is installed,
# sells, is stopped, killed and upgraded, until the power is cut with a sale on the disk; the second one finds that
# sale, delivers it, and removes the package.
set -u
PORT=20000
TLS_PORT=20443
TRACK=/open_api/v1.3/event/track/
CA=/etc/tillpost/ca.pem
TOKEN=the-access-token
DEADLINE_S=300
WATCHDOG_S=15
cd "$(dirname "$0")" || exit
HERE=$PWD               # what the trial needs and writes; systemd and nginx want whole paths
LOG=$HERE/requests.log  # of the stand-in
ACCESS=$HERE/access.log # of nginx before it: TLS version, path

say() { echo "trial: $*"; }
end() {
    sync
    echo "$1" >/proc/sysrq-trigger
    sleep 60
}
fail() {
    say "FAILED: $*"
    systemctl --no-pager --full status tillpost
    journalctl --no-pager -u tillpost | tail -n 30
    end o
}
eventually() {
    local end=$((SECONDS + DEADLINE_S))
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "not within $DEADLINE_S s: $*"
        sleep 0.5
    done
}
is() { [ "$2" = "$3" ] || fail "$1: \"$2\", not \"$3\""; }
shown() { systemctl show -P "$1" tillpost; }
shows() { [ "$(shown "$1")" = "$2" ]; }
purchase() {
    printf '{"event":"Order Completed","messageId":"%s","properties":{"email":"a@example.com","value":1}}\n' "$1"
}
sell() { # ID: as a register's user
    purchase "$1" | runuser -u register -- tillpost track >said 2>&1
    grep -q '"status":"queued"' said || fail "$1 is not queued: $(cat said)"
}
delivered() { grep -q "\"$1\"" $LOG 2>/dev/null; }
queued() { tillpost status --json | e2e_tool get queue.queued; }
tiktok() {
    systemd-run -q --unit stand-in sandbox --port $PORT --control "$HERE/control" --token $TOKEN \
        --event-set 7000000000000000001 --log $LOG
    systemd-run -q --unit tls nginx -c "$HERE/nginx.conf"
}
no_tiktok() { systemctl stop tls stand-in; }
dpkg_does() { dpkg "$@" >dpkg.log 2>&1 || fail "dpkg $*: $(cat dpkg.log)"; }

name_tiktok() {
    echo 127.0.0.1 tiktok.test >>/etc/hosts
    cp tiktok.pem $CA
    cat >nginx.conf <<END
daemon off;
events { worker_connections 64; }
http {
    log_format tls '\$ssl_protocol \$uri';
    access_log $ACCESS tls;
    client_max_body_size 16m;
    server {
        listen 127.0.0.1:$TLS_PORT ssl;
        ssl_certificate $HERE/tiktok.pem;
        ssl_certificate_key $HERE/tiktok.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / { proxy_pass http://127.0.0.1:$PORT; proxy_pass_header Date; }
    }
}
END
}

install() {
    say "installed: enabled, and waiting for a token"
    dpkg_does -i ./first.deb
    is "is-enabled" "$(systemctl is-enabled tillpost)" enabled
    is "is-active" "$(systemctl is-active tillpost)" inactive
    is "ConditionResult" "$(shown ConditionResult)" no

    say "started: it says itself that it is ready"
    useradd -G tillpost-register register
    useradd guest
    sed -i -e 's|"event_set_id": "0"|"event_set_id": "7000000000000000001"|' \
        -e "s|\"tiktok\": {|&\"endpoint\": \"https://tiktok.test:$TLS_PORT$TRACK\", \"ca_file\": \"$CA\",|" \
        /etc/tillpost/tillpost.json
    (umask 077 && echo $TOKEN >/etc/tillpost/access-token)
    name_tiktok
    tiktok
    systemctl start tillpost || fail "systemctl start"
    is "Type" "$(shown Type)" notify
    is "is-active" "$(systemctl is-active tillpost)" active
}

sell_one() {
    say "a register's user sells, a guest does not; the sale is delivered, by TLS"
    sell first
    purchase never | runuser -u guest -- tillpost track >said 2>&1 && fail "a guest may sell"
    eventually delivered first
    eventually grep -q "^TLSv1.3 $TRACK" $ACCESS
    [ "$(grep -c '"never"' $LOG)" = 0 ] || fail "a guest's sale was delivered"

    say "in its cage: its own filter within systemd's, no capabilities, a token that it was handed"
    is "its cage" "$(grep -E '^(NoNewPrivs|Seccomp|CapEff|CapBnd):' "/proc/$(shown MainPID)/status" | tr -d '\t\n')" \
        CapEff:0000000000000000CapBnd:0000000000000000NoNewPrivs:1Seccomp:2
    is "confinement.seccomp" "$(tillpost status --json | e2e_tool get confinement.seccomp)" true
    [ "$(tillpost status --json | e2e_tool get confinement.landlock)" -ge 1 ] || fail "no Landlock"
    runuser -u tillpost -- cat /etc/tillpost/access-token 2>/dev/null && fail "the token is the agent's"
    is "owner and mode of the state" "$(stat -c '%U %a' /var/lib/tillpost /var/lib/tillpost/queue.db | tr '\n' ' ')" \
        "tillpost 700 tillpost 600 "

    say "the doctor finds nothing, status tells the same, a reload changes no process"
    tillpost doctor >said 2>&1 || fail "doctor: $(cat said)"
    runuser -u register -- tillpost status >said 2>&1 || fail "status: $(cat said)"
    local pid
    pid=$(shown MainPID)
    systemctl reload tillpost || fail "systemctl reload"
    sell reloaded
    is "MainPID after a reload" "$(shown MainPID)" "$pid"
}

watchdog() {
    say "the watchdog: signs of life keep it, standing still ends it"
    mkdir -p /etc/systemd/system/tillpost.service.d
    printf '[Service]\nWatchdogSec=%ss\n' $WATCHDOG_S >/etc/systemd/system/tillpost.service.d/watchdog.conf
    systemctl daemon-reload
    systemctl restart tillpost || fail "systemctl restart"
    sleep $((3 * WATCHDOG_S))
    is "restarts of a living agent" "$(shown NRestarts)" 0
    kill -STOP "$(shown MainPID)"
    eventually shows NRestarts 1
    eventually systemctl -q is-active tillpost
    journalctl --no-pager -u tillpost | grep 'Watchdog timeout' >/dev/null || fail "that was not the watchdog"
    sell watched
    rm -r /etc/systemd/system/tillpost.service.d
    systemctl daemon-reload

    say "killed: started again"
    kill -KILL "$(shown MainPID)"
    eventually shows NRestarts 2
    eventually systemctl -q is-active tillpost
    sell killed
    eventually delivered killed
    is "limit of starts, for it is never given up" "$(shown StartLimitIntervalUSec)" 0
}

upgrade() {
    say "upgraded: another process, the same queue"
    no_tiktok
    sell kept
    local pid
    pid=$(shown MainPID)
    dpkg_does -i ./later.deb
    is "is-active" "$(systemctl is-active tillpost)" active
    [ "$(shown MainPID)" != "$pid" ] || fail "the old program still runs"
    is "queued" "$(queued)" 1
    tiktok
    tillpost sync >/dev/null
    eventually delivered kept
}

# The disk has what was acknowledged; nothing else is synced.
power_cut() {
    no_tiktok
    sell dark
    say "the power is cut"
    sleep 1
    echo b >/proc/sysrq-trigger
    sleep 60
}

after_the_cut() {
    say "booted: it is there by itself, and so is the sale"
    eventually systemctl -q is-active tillpost
    is "queued" "$(queued)" 1
    tiktok
    tillpost sync >/dev/null
    eventually delivered dark

    say "nothing of a customer in the journal, no call that a filter ended"
    journalctl --no-pager | grep -F example.com >/dev/null && fail "the journal knows a customer"
    dmesg | grep 'type=1326' >/dev/null && fail "$(dmesg | grep 'type=1326')"
    systemctl stop tillpost
    is "Result, status" "$(shown Result) $(shown ExecMainStatus)" "success 0"
    systemctl start tillpost

    say "removed: stopped, the queue stays; purged: it goes"
    dpkg_does -r tillpost
    is "is-active" "$(systemctl is-active tillpost)" inactive
    [ -e /var/lib/tillpost/queue.db ] || fail "remove took the queue"
    dpkg_does -P tillpost
    [ ! -e /var/lib/tillpost ] && [ ! -e /etc/tillpost ] || fail "purge left something"
    systemctl cat tillpost >/dev/null 2>&1 && fail "the unit is still there"
    say "all is well"
    end o
}

if [ -e cut ]; then
    after_the_cut
else
    touch cut
    sync
    install
    sell_one
    watchdog
    upgrade
    power_cut
fi
