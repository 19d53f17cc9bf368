#!/bin/bash
# newcomer.sh BUILD: somebody with the package, the README and no Internet: the commands of README's "First event",
# typed as they stand into a bare Debian, end with an event that is queued. At most 3 commands and 5 minutes.
# The system has neither sudo nor a running systemd: a stand-in for each does what the unit file says. Needs root,
# debootstrap, unshare (toolchains/setup --all); 77: they are not there. TILLPOST_BARE: the base system (see try-bare).
set -eu
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
bare=${TILLPOST_BARE:-/var/tmp/tillpost-bare}
commands_max=3
seconds_max=300

say() { echo "newcomer: $*"; }
fail() {
    say "FAILED: $*"
    [ ! -s "$W/machine/tmp/agent.log" ] || cat "$W/machine/tmp/agent.log"
    exit 1
}
skip() {
    say "skipped: $*"
    exit 77
}
[ "$(id -u)" = 0 ] || skip "chroots need root"
for tool in debootstrap unshare; do
    command -v $tool >/dev/null || skip "$tool is not installed (toolchains/setup --all)"
done
W=$(mktemp -d "${TMPDIR:-/var/tmp}/tillpost-newcomer.XXXXXX")
root=$W/machine
finish() {
    status=$?
    [ ! -s "$root/tmp/agent.pid" ] || kill "$(cat "$root/tmp/agent.pid")" 2>/dev/null || true
    umount -l "$root/dev" "$root/proc" 2>/dev/null || true
    rm -rf "$W"
    exit "$status"
}
trap finish EXIT

cmake --build "$build" --target packages >"$W/build.log" 2>&1 || { cat "$W/build.log" && fail "no packages"; }
deb=$(ls "$build"/packages/tillpost_*.deb)
[ "$(dpkg-deb -f "$deb" Architecture)" = "$(dpkg --print-architecture)" ] || skip "a package for another processor"
[ -e "$bare/bookworm.base/ready" ] || "$source/toolchains/try-bare" --base bookworm
cp -a "$bare/bookworm.base" "$root"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
cp "$deb" "$root/srv/"

cat >"$root/usr/local/bin/sudo" <<'END'
#!/bin/sh
exec "$@"
END
cat >"$root/usr/local/bin/systemctl" <<'END'
#!/bin/sh
# What the unit says: its user, its directories, its credential; ready when the socket is there.
unit=/usr/lib/systemd/system/tillpost.service
[ -e $unit ] || unit=/lib/systemd/system/tillpost.service
[ "$*" = "start tillpost" ] || exit 0
for needed in $(sed -n 's/^ConditionPathExists=//p' $unit); do [ -e "$needed" ] || exit 0; done
mkdir -p /run/tillpost /var/lib/tillpost /run/credentials
token=$(sed -n 's/^LoadCredential=tiktok-access-token://p' $unit)
install -m 400 -o tillpost "$token" /run/credentials/tiktok-access-token
chown tillpost /run/tillpost /var/lib/tillpost /run/credentials
CREDENTIALS_DIRECTORY=/run/credentials setpriv --reuid tillpost --regid tillpost --init-groups \
    $(sed -n 's/^ExecStart=//p' $unit) >/tmp/agent.log 2>&1 </dev/null &
echo $! >/tmp/agent.pid
for _ in $(seq 600); do [ -S /run/tillpost/tillpost.sock ] && exit 0; sleep 0.1; done
exit 1
END
chmod +x "$root/usr/local/bin/sudo" "$root/usr/local/bin/systemctl"
# What every Debian outside of a bare base has.
grep -q '^Package: ca-certificates$' "$root/var/lib/dpkg/status" ||
    printf 'Package: ca-certificates\nStatus: install ok installed\nMaintainer: -\nArchitecture: all\nVersion: 1\n\n' \
        >>"$root/var/lib/dpkg/status"

# The commands: the first block of code under the heading; a command may go on behind a backslash.
awk '/^## First event/ { in_it = 1 } in_it && /^```$/ { exit } in_it && body { print } in_it && /^```sh/ { body = 1 }' \
    "$source/README.md" >"$W/commands"
count=$(grep -cv '\\$' "$W/commands")
[ "$count" -ge 1 ] && [ "$count" -le $commands_max ] || fail "$count commands, wanted at most $commands_max"
cp "$W/commands" "$root/tmp/commands"
began=$(date +%s)
unshare -n chroot "$root" env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/srv \
    sh -exc 'cd /srv; . /tmp/commands' >"$W/out" 2>&1 || { cat "$W/out" && fail "a command"; }
took=$(($(date +%s) - began))
grep -q '"status":"queued"' "$W/out" || { cat "$W/out" && fail "no event is queued"; }
[ $took -le $seconds_max ] || fail "it took $took s"
say "an event is queued after $count commands and $took s, without a network"
