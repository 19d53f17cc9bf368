#!/bin/bash
# A full disk: on a small tmpfs, on a small ext4 and under a limit of file sizes, tills hand in sales until
# there is no room. Each is answered soon, with "queued" or with 507; nothing that was acknowledged is lost;
# the queue drains with 0 bytes free; and with room again, sales are taken again without a restart.
#
# CONTROL: the mutant that $TILLPOST is; then deliveries must be found standing still.
. "$(dirname "$0")/lib.sh"

SCENES=${SCENES:-limit tmpfs ext4}
SOON_MS=1000 # the bar is 250 ms; the machine may be busy
AGAIN_S=20   # the bar is 5 s
PRESETS='["Complete Payment"]'
[ -z "${CONTROL:-}" ] || DEADLINE_S=15
# The file-size limit takes SIGXFSZ too: ulimit counts KiB.
LIMIT_KIB=1024

room_end() {
    local status=$?
    [ -z "$AGENT_PID" ] || { kill -KILL "$AGENT_PID" && wait "$AGENT_PID"; } 2>/dev/null
    umount "$W/state" 2>/dev/null
    (exit $status)
    world_end
}
trap room_end EXIT

drained() { status_is queue.queued 0; }
still() { # WHAT: what the control is found out by
    [ -n "${CONTROL:-}" ] || fail "$1"
    say "found out, as it must be: $CONTROL: $1"
    exit 0
}
# Everything but the queue's own files has what is left, to the last byte.
fill() {
    dd if=/dev/zero of="$W/state/other" bs=64K 2>/dev/null
    dd if=/dev/zero of="$W/state/rest" bs=512 2>/dev/null
    say "$1: $(stat -f -c '%a blocks of %S bytes' "$W/state") are free"
}

scene() { # NAME SALES BYTES AT-ONCE
    local queued late id end
    rm -f "$W"/answers "$W"/more
    tell line '{"down":true}'
    "$REGISTER" "$W/till.sock" "$W/answers" --prefix "$1" --count "$2" --bytes "$3" --at-once "$4" ||
        fail "$1: a till got no answer"
    queued=$(grep -c ' 200 queued ' "$W/answers")
    [ "$(grep -c ' 507 queue_full ' "$W/answers")" -gt 0 ] || fail "$1: it never got full"
    grep -vE ' (200 queued|507 queue_full) ' "$W/answers" >"$W/odd" && fail "$1: $(head -n 3 "$W/odd")"
    late=$(awk '$4 > most { most = $4 } END { print most + 0 }' "$W/answers")
    [ "$late" -le $SOON_MS ] || fail "$1: an answer took $late ms"
    [ "$1" = limit ] || fill "$1"
    "$REGISTER" "$W/till.sock" "$W/more" --prefix "full-$1" --count 20 || fail "$1: a till got no answer"
    tell line '{"down":false}'
    try_now
    end=$((SECONDS + DEADLINE_S))
    until drained; do
        [ $SECONDS -lt $end ] || still "$1: deliveries stand still with 0 bytes free"
        sleep 0.1
    done
    grep -h ' 200 queued ' "$W/answers" "$W/more" | cut -d ' ' -f 1 | sort >"$W/promised"
    ask received | "$TOOL" column events event_id | sort >"$W/counted"
    id=$(comm -23 "$W/promised" "$W/counted" | head -n 1)
    [ -z "$id" ] || fail "$1: acknowledged and is lost: $id"
    say "$1: $queued queued, $(grep -c ' 507 ' "$W/answers") refused, each answered within $late ms, all drained"
}
takes_again() { # NAME
    "$REGISTER" "$W/till.sock" "$W/again" --prefix "again-$1" --count 2 --patient $AGAIN_S ||
        fail "$1: no answer with room again"
    [ "$(grep -c "^again-$1-. 200 queued" "$W/again")" = 2 ] || fail "$1: $(cat "$W/again")"
}

sandbox_start
agent_config
for name in $SCENES; do
    sales='150 20000 4'
    rm -rf "$W/state"
    mkdir -m 700 "$W/state"
    case $name in
    limit) agent_start bash -c "ulimit -S -f $LIMIT_KIB; exec \"\$@\"" bash ;;
    tmpfs)
        sales='300 700 1'
        [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=256k,mode=700 tmpfs "$W/state" 2>"$W/mount.err" ||
            { say "skipped: $name: root may mount, nobody else" && continue; }
        ;;
    ext4)
        sales='1000 20000 4'
        [ "$(id -u)" = 0 ] && truncate -s 16M "$W/image" && mkfs.ext4 -q -m 0 "$W/image" &&
            mount -o loop "$W/image" "$W/state" 2>"$W/mount.err" ||
            { say "skipped: $name: no mkfs.ext4, root or loop device" && continue; }
        ;;
    esac
    [ $name = limit ] || agent_start
    # shellcheck disable=SC2086 # three words
    scene $name $sales
    case $name in
    limit) prlimit --pid "$AGENT_PID" --fsize=unlimited ;;
    *) rm -f "$W/state/other" "$W/state/rest" ;;
    esac
    takes_again $name
    agent_stop
    umount "$W/state" 2>/dev/null
    tell reset
done
[ -z "${CONTROL:-}" ] || fail "the control passes: $CONTROL was not found out"
