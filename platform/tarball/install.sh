#!/bin/sh
# Installs tillpost from this folder on a system with BusyBox or more; run it again to upgrade.
#
#   ./install.sh              the program, its user, its folders, an init script that is run at boot; what is
#                             configured stays as it is
#   ./install.sh --remove     the program and the init script; settings and queue stay
#   ./install.sh --purge      and settings and queue: what was not delivered is lost
#
# ROOT=/mnt/image installs into an image. On a read-only root, /etc/tillpost/tillpost.json may name another queue.path.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=${ROOT:-}
init=$root/etc/init.d

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

free_id() {
    id=900
    while grep -q ":$id:" "$root/etc/passwd" "$root/etc/group"; do id=$((id - 1)); done
    echo $id
}

# By shadow's tools, or where there are none (BusyBox, an image) straight into the tables.
add_user() {
    if [ -z "$root" ] && command -v useradd >/dev/null; then
        grep -q '^tillpost-register:' /etc/group || groupadd -r tillpost-register
        grep -q '^tillpost:' /etc/passwd ||
            useradd -r -U -d /var/lib/tillpost -s /bin/false -G tillpost-register tillpost
        return
    fi
    grep -q '^tillpost-register:' "$root/etc/group" ||
        echo "tillpost-register:x:$(free_id):tillpost" >>"$root/etc/group"
    id=$(free_id)
    grep -q '^tillpost:' "$root/etc/passwd" || {
        echo "tillpost:x:$id:" >>"$root/etc/group"
        echo "tillpost:x:$id:$id:tillpost agent:/var/lib/tillpost:/bin/false" >>"$root/etc/passwd"
    }
}

running() { [ -z "$root" ] && [ -x "$init/tillpost" ] && "$init/tillpost" status >/dev/null 2>&1; }

# The new file is whole before it takes the old one's place, which may be running.
put() { # mode file place
    mkdir -p "$(dirname "$3")"
    cp "$here/$2" "$3.new"
    chmod "$1" "$3.new"
    mv "$3.new" "$3"
}

# Who runs the init script: sysvinit, by links that a tool makes, or an rcS as Buildroot's, which runs S??* in order.
by_links() { [ -z "$root" ] && command -v update-rc.d >/dev/null; }
start_at_boot() {
    if by_links; then
        update-rc.d tillpost defaults >/dev/null
    elif grep -q 'init\.d/S' "$init/rcS" 2>/dev/null; then
        ln -sf tillpost "$init/S80tillpost"
    else
        echo "Nobody is known here who runs it at boot: let a start script call /etc/init.d/tillpost start"
    fi
}

remove() {
    if running; then "$init/tillpost" stop; fi
    rm -f "$root/usr/bin/tillpost" "$init/tillpost" "$init/S80tillpost"
    if by_links; then update-rc.d -f tillpost remove >/dev/null; fi
    rm -rf "$root/usr/share/doc/tillpost"
}

[ "$(id -u)" = 0 ] || [ -n "$root" ] || fail "run it as root"
case ${1:-} in
'') ;;
--remove) remove && exit ;;
--purge) remove && rm -rf "$root/etc/tillpost" "$root/var/lib/tillpost" && exit ;;
*) fail "unknown option \"$1\"; see its head" ;;
esac

[ -n "$root" ] || "$here/tillpost" version >/dev/null || fail "this program is for another processor than this machine's"
add_user
put 755 tillpost "$root/usr/bin/tillpost"
put 755 init "$init/tillpost"
start_at_boot
[ -e "$root/etc/tillpost/tillpost.json" ] || put 644 tillpost.json "$root/etc/tillpost/tillpost.json"
for file in "$here"/doc/*; do put 644 "doc/${file##*/}" "$root/usr/share/doc/tillpost/${file##*/}"; done
if running; then
    "$init/tillpost" restart
elif [ -e "$root/etc/tillpost/access-token" ]; then
    echo "Installed. Start it: $init/tillpost start"
else
    echo "Installed. Put the event set into /etc/tillpost/tillpost.json, the token into /etc/tillpost/access-token"
    echo "(owner tillpost, mode 600), then: tillpost check && $init/tillpost start"
fi
