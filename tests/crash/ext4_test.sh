#!/bin/bash
# Power cuts by the real kernel: the queue lies on an ext4 of its own, four tills hand in sales, deliveries go
# on, and at a moment of chance the file system is shut down without a flush of its journal
# (EXT4_IOC_SHUTDOWN). The agent is killed, the disk mounted again as after a power cut, and the queue must
# open, be sound and know whatever a till had read an answer to before the cut.
#
# CUTS: how many (200 with TILLPOST_SOAK=1). CONTROL: the mutant that $TILLPOST is; then a loss must be found.
. "$(dirname "$0")/../e2e/lib.sh"

[ "$(id -u)" = 0 ] || skip "only root may mount"
need mkfs.ext4 mount
[ -z "${TILLPOST_SOAK:-}" ] || [ -n "${CONTROL:-}" ] || CUTS=200
PRESETS='["Complete Payment"]'
MORE_QUEUE=", \"key_file\": \"$W/key\""
RANDOM=${TILLPOST_SEED:-1}

cuts_end() {
    local status=$?
    [ -z "$AGENT_PID" ] || { kill -KILL "$AGENT_PID" && wait "$AGENT_PID"; } 2>/dev/null
    umount "$W/state" 2>/dev/null
    (exit $status)
    world_end
}
trap cuts_end EXIT
disk_up() { mount -o loop "$W/image" "$W/state" 2>"$W/mount.err"; }

mkdir -m 700 "$W/state"
truncate -s 32M "$W/image" && mkfs.ext4 -q "$W/image" || fail "mkfs.ext4"
disk_up || skip "no loop device: $(head -n 1 "$W/mount.err")"
sandbox_start
agent_config
: >"$W/answers"
for ((cut = 1; cut <= CUTS; cut++)); do
    agent_start
    "$REGISTER" "$W/till.sock" "$W/answers" --prefix "cut$cut" --count 100000 --at-once 4 --bytes 700 \
        --cut "$W/state" --after $((RANDOM % 60)) --delay-us $((RANDOM % 8000)) ||
        skip "this kernel shuts no ext4 down"
    agent_kill
    umount "$W/state" || fail "umount"
    disk_up || fail "cut $cut: the disk cannot be mounted again: $(cat "$W/mount.err")"
    [ -e "$W/state/queue.db" ] || [ ! -s "$W/answers" ] || fail "cut $cut: the queue has gone"
    [ -e "$W/state/queue.db" ] || continue
    "$KNOWN" "$W/state/queue.db" "$W/key" "$W/answers" >"$W/found" && continue
    [ -n "${CONTROL:-}" ] || fail "cut $cut: $(cat "$W/found")"
    say "found out, as it must be: $CONTROL: $(head -n 1 "$W/found")"
    exit 0
done
[ -z "${CONTROL:-}" ] || fail "the control passes: $CONTROL was not found out"
say "$CUTS cuts: $(cat "$W/found")"
