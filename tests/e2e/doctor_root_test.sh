#!/bin/bash
# The doctor where faults need root: other users' files, small and read-only disks, networks without a way out, another
# battery-backed clock. All in mount and network namespaces of its own.
if [ "$(id -u)" = 0 ] && [ -z "${INSIDE:-}" ]; then
    unshare -mn true 2>/dev/null && exec unshare -mn env INSIDE=1 "$0"
fi
. "$(dirname "$0")/lib.sh"
[ -n "${INSIDE:-}" ] || skip "namespaces need root, and a kernel that lets it"
need ip mount setpriv nginx openssl
[ "$(head -c 2 "$TILLPOST")" != '#!' ] || skip "an emulated program is not one file that another user could run"
. "$(dirname "$0")/doctor.sh"
PRESETS='["Complete Payment"]' MORE_QUEUE=',"max_size":"4M"'
NOBODY=65534
chmod 755 "$W"
cp "$TILLPOST" "$W/tillpost" && TILLPOST=$W/tillpost
ip link set lo up
sandbox_start

as_nobody() { setpriv --reuid $NOBODY --regid $NOBODY --clear-groups "$@"; }
nobodys() { fresh && chown $NOBODY:$NOBODY "$W/state" "$W/token"; }

say "users: root looks as the owner of the state directory"
nobodys && doctor
is "who owns what the doctor wrote" "$(find "$W/state" ! -user $NOBODY)" ""
fails agent_stopped
found not_the_owner && fail "root is the owner of everything"
nobodys && chown 0 "$W/token" && doctor
warns token_roots
is "the probe goes with it" "$(grep -c '^tiktok|ok|' "$W/found")" 1
nobodys && chown $NOBODY "$W" && agent_start setpriv --reuid $NOBODY --regid $NOBODY --clear-groups
chown 0 "$W/token" && doctor
is "an agent that has it" "$(grep -c '^permissions|ok|' "$W/found")" 1
agent_stop && chown 0 "$W" && nobodys && chown 1 "$W/token" && chmod 640 "$W/token" && chgrp 1 "$W/token" && doctor
fails token_unreadable
nobodys && chmod 500 "$W/state" && doctor
fails state_unwritable
with_queue && chown $NOBODY "$W/state" && doctor
fails state_owner
fresh && agent_start && doctor as_nobody
fails socket_denied
warns not_the_owner
found token_unreadable && fail "that nobody may not read the token is no fault"

say "disks"
fresh
mount -t tmpfs -o size=6M,mode=700 none "$W/state" || fail "no tmpfs here"
doctor
warns disk_in_memory
warns disk_low
agent_start
grep -q 'lies on a file system in memory: sales are lost at power off' "$W/agent.log" || fail "the start does not warn"
call GET /v1/status | grep '"code":"queue_in_memory"' >/dev/null || fail "status does not warn"
agent_stop
head -c 4M /dev/zero >"$W/state/else" && doctor
fails disk_full
rm "$W/state/else" && mount -o remount,ro "$W/state" && doctor
fails disk_read_only
umount "$W/state"

say "networks"
tls_make
towards() {
    ENDPOINT=$1 fresh
    doctor
}
towards "https://10.77.0.1$TRACK"
fails route_none
ip link add line type dummy 2>"$W/ip.err" || ip link add line type veth peer name other 2>>"$W/ip.err" ||
    skip "no link can be made here: $(cat "$W/ip.err")"
ip link set line up && ip addr add 10.77.0.2/24 dev line
ip neigh replace 10.77.0.66 lladdr 02:00:00:00:00:66 dev line nud permanent
towards "https://10.77.0.66$TRACK"
fails route_silent
say "nameserver 10.77.0.66" >"$W/resolv.conf"
mount --bind "$W/resolv.conf" /etc/resolv.conf || fail "resolv.conf cannot be laid over"
towards "https://tiktok.test$TRACK"
fails dns_failed

say "a system without a CA bundle"
tls_up
fresh
sed -i 's/"ca_file": "[^"]*"/"ca_file": null/' "$W/tillpost.json"
for place in /etc/ssl /etc/pki; do
    [ ! -d $place ] || mount -t tmpfs none $place || fail "$place cannot be hidden"
done
doctor env -u SSL_CERT_FILE
fails tls_no_ca

say "a battery-backed clock with an empty battery"
mount -t tmpfs none /sys/class && mkdir -p /sys/class/rtc/rtc0 || fail "/sys/class cannot be laid over"
date +%s >/sys/class/rtc/rtc0/since_epoch
doctor
found clock_rtc && fail "a clock that is right is called wrong"
echo 86400 >/sys/class/rtc/rtc0/since_epoch
doctor
warns clock_rtc
found_at_least 16
