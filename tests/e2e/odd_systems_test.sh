#!/bin/bash
# Systems as terminals have them: a root file system that is read-only but for one directory, no /etc/resolv.conf and no
# known name until later, a kernel of 2013; and a service manager that wants signs of life.
. "$(dirname "$0")/lib.sh"
# LeakSanitizer does not work under ptrace.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
need nginx openssl

sandbox_start
tls_make
printf 'subjectAltName=DNS:localhost,DNS:tiktok.test,IP:127.0.0.1\nbasicConstraints=CA:false\n' >"$W/server.ext"
openssl x509 -req -in "$W/server.csr" -CA "$W/ca.pem" -CAkey "$W/ca.key" -CAcreateserial -days 30 \
    -extfile "$W/server.ext" -out "$W/server.pem" 2>"$W/openssl.log" || fail "no certificate: $(cat "$W/openssl.log")"
tls_up
agent_config

say "a kernel of 2013"
in_2013() { exec "$OLD_KERNEL" "$@"; }
case $( (in_2013 "$OLD_KERNEL" --probe)) in
old)
    agent_start in_2013
    sell in-2013
    eventually counted in-2013
    agent_kill
    agent_start in_2013
    eventually status_is queue.queued 0
    agent_stop
    ;;
new) fail "the old kernel knows new calls" ;;
*) say "  left out: this machine cannot play it" ;;
esac

say "a service manager: started, alive, stopping"
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null && [ "$(id -u)" = 0 ]; then
    agent_start env NOTIFY_SOCKET="$W/manager" WATCHDOG_USEC=3000000 strace -f -s 32 -e trace=sendto -o "$W/notes"
    eventually grep -q '"READY=1"' "$W/notes"
    sell watched
    eventually grep -q '"WATCHDOG=1"' "$W/notes"
    eventually counted watched
    kill -TERM "$(pgrep -P "$AGENT_PID" | head -n 1)"
    agent_wait
    is "exit status" "$EXIT" 0
    grep -q '"STOPPING=1"' "$W/notes" || fail "nobody was told that it stops"
else
    say "  left out: strace must be root's to look into a hardened agent"
fi

say "a read-only root without names"
mkdir -m 755 "$W/etc"
cp -p /etc/passwd /etc/group "$W/etc"
[ ! -e /etc/nsswitch.conf ] || cp /etc/nsswitch.conf "$W/etc"
# For `&` only: it becomes the command. What is written to $W/etc shows in its /etc.
on_terminal() {
    exec unshare --mount sh -c 'mount --bind "$0" "$0" && mount --bind "$0/etc" /etc &&
        mount -o remount,bind,ro / && exec "$@"' "$W" "$@"
}
(on_terminal sh -c '! touch /untouched && ! [ -e /etc/resolv.conf ] && touch "$0/touched"' "$W") 2>"$W/mount.err"
if [ -e "$W/touched" ]; then
    ENDPOINT=https://tiktok.test:$TLS_PORT$TRACK
    agent_config
    agent_start on_terminal
    sell nameless
    eventually status_is state offline
    is "copies of nameless" "$(counted_times nameless)" 0
    say "nameserver 127.0.0.1" >"$W/etc/resolv.conf"
    say "127.0.0.1 tiktok.test" >"$W/etc/hosts"
    try_now
    eventually counted nameless
    eventually status_is state ok
    agent_stop
else
    say "  left out: no mounts here: $(tail -n 1 "$W/mount.err")"
fi
