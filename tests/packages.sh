#!/bin/bash
# packages.sh BUILD: makes the packages of a static build and tries them. Of every one: lintian, the unit's exposure. Of
# this machine's own, in chroots: install, upgrade, downgrade, remove, purge of the .deb, and the tarball on a system of
# BusyBox alone; the queue survives all but the purge, also one of an older schema, and one of a newer is left alone.
# Needs root, lintian, systemd-analyze, debootstrap, python3, a static busybox (toolchains/setup --all); 77: they are
# not there. TILLPOST_BARE: where the base system is (see try-bare).
set -eu
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
bare=${TILLPOST_BARE:-/var/tmp/tillpost-bare}
exposure_max=1.5

say() { echo "packages: $*"; }
fail() {
    say "FAILED: $*"
    exit 1
}
skip() {
    say "skipped: $*"
    exit 77
}
[ "$(id -u)" = 0 ] || skip "chroots need root"
for tool in curl lintian systemd-analyze debootstrap python3 busybox; do
    command -v $tool >/dev/null || skip "$tool is not installed (toolchains/setup --all)"
done
W=$(mktemp -d "${TMPDIR:-/var/tmp}/tillpost-packages.XXXXXX")
agent=
finish() {
    status=$?
    [ -z "$agent" ] || kill -KILL "$agent" 2>/dev/null || true # unshare lets no other through
    rm -rf "$W"
    exit "$status"
}
trap finish EXIT

cmake --build "$build" --target packages >"$W/build.log" 2>&1 || { cat "$W/build.log" && fail "no packages"; }
deb=$(ls "$build"/packages/tillpost_*.deb)
tarball=$(ls "$build"/packages/tillpost-*.tar.gz)

say "lintian, and the unit's exposure"
lintian --allow-root --fail-on error "$deb"
exposure=$(systemd-analyze security --offline=yes "$source/platform/systemd/tillpost.service" |
    sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
say "exposure $exposure"
awk -v is="$exposure" -v most=$exposure_max 'BEGIN { exit !(is != "" && is <= most) }' ||
    fail "exposure over $exposure_max"

if [ "$(dpkg-deb -f "$deb" Architecture)" != "$(dpkg --print-architecture)" ]; then
    say "for another processor: not tried further"
    exit
fi

# A later release with the same content, to upgrade to.
dpkg-deb -R "$deb" "$W/later"
sed -i 's/^Version: .*/Version: 99.0.0/' "$W/later/DEBIAN/control"
dpkg-deb --root-owner-group -b "$W/later" "$W/later.deb" >/dev/null

root=$W/machine
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ "$@"; }
# An agent in the chroot that has no service manager, as its own user.
start() {
    mkdir -p "$root/run/tillpost"
    inside chown tillpost /run/tillpost
    "$@" </dev/null >>"$W/agent.log" 2>&1 &
    agent=$!
    answers
}
# Asked from outside: a verb would look into the queue itself while no agent runs, and so keep it from starting.
answers() {
    eventually curl -s -o "$W/health" --unix-socket "$root/run/tillpost/tillpost.sock" http://till/healthz
}
eventually() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { cat "$W/agent.log" && fail "it does not come to this: $*"; }
        sleep 0.1
    done
}
stop() {
    kill -TERM "$agent"
    wait "$agent" || true
    agent=
}
# For `&` only: it becomes the agent.
as_user() {
    exec chroot --userspec=tillpost:tillpost --groups="$(inside getent group tillpost-register | cut -d: -f3)" \
        "$root" /usr/bin/tillpost run
}
sell() { # ID
    printf '{"type":"track","event":"Order Completed","messageId":"%s","properties":{"email":"a@example.com"}}\n' "$1" |
        inside tillpost track | grep -q '"status":"queued"' || fail "$1 is not queued"
}
queued_are() {
    found=$(inside tillpost events --json | grep -o '"event_id":"[^"]*"' | sort | tr '\n' ' ')
    [ "$found" = "$1" ] || fail "queued are $found, not $1"
}
configure() {
    sed -i 's/"event_set_id": "0"/"event_set_id": "7000000000000000001", "endpoint": "http:\/\/127.0.0.1:1\/"/' \
        "$root/etc/tillpost/tillpost.json"
    (umask 077 && echo token >"$root/etc/tillpost/access-token")
    inside chown tillpost /etc/tillpost/access-token
}

say "the .deb: install"
[ -e "$bare/bookworm.base/ready" ] || "$source/toolchains/try-bare" --base bookworm
cp -a "$bare/bookworm.base" "$root"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
trap 'umount -l "$root/dev" "$root/proc"; finish' EXIT
cp "$deb" "$root/first.deb"
cp "$W/later.deb" "$root/later.deb"
install_deb() { # its dependency, CA certificates, is not in the base
    inside dpkg -i --force-depends "/$1.deb" >"$W/dpkg.log" 2>&1 || { cat "$W/dpkg.log" && fail "dpkg -i $1"; }
}
install_deb first
configure
start as_user
sell before
stop
say "upgrade, downgrade: the queue stays, and so does the configuration"
install_deb later
start as_user
queued_are '"event_id":"before" '
sell between
stop
install_deb first
start as_user
queued_are '"event_id":"before" "event_id":"between" '
stop
grep -q 7000000000000000001 "$root/etc/tillpost/tillpost.json" || fail "the configuration was overwritten"
say "a queue of schema 1 is taken over; one of a newer schema is refused, and nothing in it is touched"
state=$root/var/lib/tillpost
rm "$state"/*
cp "$source/tests/data/queue/schema-1.db" "$state/queue.db"
printf 'the key of the queue in the test' | od -An -v -tx1 | tr -d ' \n' >"$state/key"
chmod 600 "$state"/*
inside sh -c 'chown tillpost:tillpost /var/lib/tillpost/*'
start as_user
queued_are '"event_id":"doubtful" "event_id":"queued" '
stop
python3 - "$state/queue.db" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
version = db.execute("PRAGMA user_version").fetchone()[0]
db.execute("UPDATE value SET value = value + 1 WHERE slot = 101")
db.commit()
db.execute("PRAGMA user_version = %d" % (version + 1))
END
content() { (cd "$state" && find . -type f -size +0 -exec sha256sum {} + | sort); } # SQLite makes an empty WAL
before=$(content)
status=0
(as_user) >"$W/newer.log" 2>&1 || status=$?
[ $status = 78 ] && grep -q 'a newer tillpost wrote it' "$W/newer.log" || { cat "$W/newer.log" && fail "exit $status"; }
[ "$(content)" = "$before" ] || fail "a newer queue was touched"
say "remove, purge"
inside dpkg -r tillpost >"$W/dpkg.log" 2>&1 || { cat "$W/dpkg.log" && fail "dpkg -r"; }
[ -e "$root/var/lib/tillpost/queue.db" ] || fail "remove took the queue"
[ ! -e "$root/usr/bin/tillpost" ] || fail "remove left the program"
inside dpkg -P tillpost >"$W/dpkg.log" 2>&1 || { cat "$W/dpkg.log" && fail "dpkg -P"; }
left=$(cd "$root" && find etc usr/bin usr/lib usr/share var/lib -name '*tillpost*' -not -path 'var/lib/dpkg/*')
[ -z "$left" ] || fail "purge left $left"
umount -l "$root/dev" "$root/proc"
trap finish EXIT

say "the tarball, on BusyBox alone"
root=$W/box
mkdir -p "$root/bin" "$root/etc/init.d" "$root/dev" "$root/proc" "$root/run" "$root/tmp" "$root/var/lib" "$root/usr/bin"
cp "$(command -v busybox)" "$root/bin/busybox"
chroot "$root" /bin/busybox --install -s /bin
echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
# Its init, and the scripts that Buildroot gives it.
cat >"$root/etc/inittab" <<'END'
::sysinit:/etc/init.d/rcS
::shutdown:/etc/init.d/rcK
END
cat >"$root/etc/init.d/rcS" <<'END'
#!/bin/sh
for i in /etc/init.d/S??*; do "$i" start; done
END
cat >"$root/etc/init.d/rcK" <<'END'
#!/bin/sh
for i in $(ls -r /etc/init.d/S??*); do "$i" stop; done
END
chmod +x "$root/etc/init.d/rcS" "$root/etc/init.d/rcK"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
trap 'umount -l "$root/dev" "$root/proc"; finish' EXIT
tar -xf "$tarball" -C "$root/tmp"
folder=/tmp/$(basename "$tarball" .tar.gz)
inside "$folder/install.sh" || fail "install.sh"
configure
init_does() { inside /etc/init.d/tillpost "$1" || fail "/etc/init.d/tillpost $1"; }
init_does start
answers
sell before
inside "$folder/install.sh" >/dev/null || fail "install.sh again, as an upgrade"
answers
queued_are '"event_id":"before" '
stopped() { [ ! -e "$root/run/tillpost.pid" ] || fail "stop left something that runs"; }
init_does stop
stopped
# One that is hit before it listens to signals ends by them: it was told to stop all the same.
mv "$root/usr/bin/tillpost" "$W/tillpost"
printf '#!/bin/sh\nexec sleep 1000\n' >"$root/usr/bin/tillpost"
chmod +x "$root/usr/bin/tillpost"
init_does start
sleep 1
init_does stop
stopped
mv "$W/tillpost" "$root/usr/bin/tillpost"
say "BusyBox's init: started at boot, though a power cut left a pid; again when killed; stopped before the power goes"
# In namespaces, where it is process 1, and what it powers off is they.
power_on() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --pid --mount --kill-child sh -c 'mount -t proc proc "$1/proc" &&
        exec env -i CONSOLE=/dev/null TERM=dumb PATH=/sbin:/bin:/usr/sbin:/usr/bin chroot "$1" /bin/busybox init' \
        sh "$root" &
    agent=$!
    answers
}
in_machine() { nsenter --target "$(pgrep -P $agent)" --pid --mount --root /bin/busybox "$@"; }
echo 1 >"$root/run/tillpost.pid"
power_on
sell booted
before=$(in_machine pidof tillpost)
in_machine kill -KILL "$before"
again() { pid=$(in_machine pidof tillpost) && [ "$pid" != "$before" ]; }
eventually again
answers
queued_are '"event_id":"before" "event_id":"booted" '
in_machine poweroff
wait "$agent" || true
agent=
[ ! -e "$root/run/tillpost.pid" ] || fail "the power went before the agent"
power_on
queued_are '"event_id":"before" "event_id":"booted" '
in_machine poweroff
wait "$agent" || true
agent=
inside "$folder/install.sh" --remove
[ -e "$root/var/lib/tillpost/queue.db" ] || fail "--remove took the queue"
inside "$folder/install.sh" --purge
[ ! -e "$root/var/lib/tillpost" ] || fail "--purge left the queue"
umount -l "$root/dev" "$root/proc"
trap finish EXIT
say "all is well"
