#!/bin/bash
# What an event costs the flash: bytes and flushes at the block layer, on an ext4 of its own on a loop device,
# checkpoints included; alone, 16 and 64 at once, and at rest. Beside them what is allowed (bar Q1).
#
# EVENTS: of each row (10,000 with TILLPOST_SOAK=1). IDLE_S: how long nothing happens (10 minutes then).
. "$(dirname "$0")/../e2e/lib.sh"

[ "$(id -u)" = 0 ] || skip "only root may mount"
need mkfs.ext4 mount losetup
[ -z "${TILLPOST_SOAK:-}" ] || { EVENTS=10000 && IDLE_S=600; }
PRESETS='["Complete Payment"]'
IMAGE_BYTES=256M
CALL_BYTES=700

disk_end() {
    local status=$?
    [ -z "$AGENT_PID" ] || { kill -KILL "$AGENT_PID" && wait "$AGENT_PID"; } 2>/dev/null
    umount "$W/state" 2>/dev/null
    (exit $status)
    world_end
}
trap disk_end EXIT

mkdir -m 700 "$W/state"
truncate -s $IMAGE_BYTES "$W/image" && mkfs.ext4 -q "$W/image" || fail "mkfs.ext4"
# An ext4 that was made in a hurry goes on writing its inode tables unless told otherwise.
mount -o loop,noinit_itable,noatime "$W/image" "$W/state" 2>"$W/mount.err" ||
    skip "no loop device: $(head -n 1 "$W/mount.err")"
STAT=/sys/block/$(basename "$(findmnt -n -o SOURCE "$W/state")")/stat
[ -r "$STAT" ] || skip "no $STAT"

# Sectors of 512 bytes written, and flushes (Documentation/block/stat.rst of Linux, 2026-11).
counters() { sync -f "$W/state" && awk '{ print $7 * 512, $16 }' "$STAT"; }
# row WHAT EVENTS BYTES-MOST FLUSHES-MOST BEFORE…: per event; tells when it is over.
row() {
    local what=$1 events=$2 bytes_most=$3 flushes_most=$4
    shift 4
    # shellcheck disable=SC2046 # two numbers
    echo "$1 $2" $(counters) | awk -v what="$what" -v n="$events" -v b="$bytes_most" -v f="$flushes_most" '{
        bytes = ($3 - $1) / n; flushes = ($4 - $2) / n
        printf "%-18s %10.0f %10s %10.2f %10s\n", what, bytes, b, flushes, f
        exit (b != "-" && bytes > b) || (f != "-" && flushes > f) }' || over="$over $what"
}

sandbox_start
agent_config
agent_start
call POST /v1/pause -H 'Content-Type: application/json' -d '{}' >/dev/null
# Until the WAL has its full length: while a file grows, each sync writes the file system's journal too.
"$REGISTER" "$W/till.sock" "$W/answers" --prefix first --count 600 --bytes $CALL_BYTES ||
    fail "a till got no answer"
over=''
printf '%-18s %10s %10s %10s %10s\n' "per event" bytes allowed flushes allowed
for at_once in 1 16 64; do
    case $at_once in
    1) bars='20000 1.15' ;;
    16) bars='- -' ;;
    64) bars='3500 -' ;;
    esac
    read -r -a before < <(counters)
    "$REGISTER" "$W/till.sock" "$W/answers" --prefix "at$at_once" --count "$EVENTS" --at-once $at_once \
        --bytes $CALL_BYTES || fail "a till got no answer"
    # shellcheck disable=SC2086 # two words
    row "$at_once at once" "$EVENTS" $bars "${before[@]}"
done
grep -v ' 200 queued ' "$W/answers" >"$W/odd" && fail "$(head -n 3 "$W/odd")"
# The one flush that is allowed at rest is that of the measuring.
sleep 35 # what is tidied once after work: an agent looks every 30 s (AGENT_TIDY_EVERY_MS)
read -r -a before < <(counters)
sleep "$IDLE_S"
row "$IDLE_S s at rest" 1 0 1 "${before[@]}"
[ -z "$over" ] || fail "more than allowed:$over"
