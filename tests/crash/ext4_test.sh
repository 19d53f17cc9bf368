#!/bin/bash
# Power cuts by the real kernel: the queue lies on an ext4 of its own, four tills hand in sales, bad calls, imports
# and erasures, deliveries go on, and at a moment of chance the file system is shut down without a flush of its
# journal (EXT4_IOC_SHUTDOWN). The agent is killed, the disk mounted again as after a power cut, and the queue must
# open, be sound and know whatever a till had read an answer to before the cut. Each fifth life begins with the
# queue of a program of schema 1, and is cut off on its first steps.
#
# CUTS: how many (200 with TILLPOST_SOAK=1). CONTROL: the mutant that $TILLPOST is; then a loss must be found.
. "$(dirname "$0")/lib.sh"

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
: >"$W/before"
tills() { # MORE: until the cut
    "$REGISTER" "$W/till.sock" "$W/answers" --prefix "cut$cut" --count 100000 --at-once 4 --bytes 700 --bad-every 13 \
        --import-every 7 --erase-every 11 --cut "$W/state" "$@" || skip "this kernel shuts no ext4 down"
}
migrate() {
    cat "$W/answers" >>"$W/before"
    old_queue "$W/old"
    rm -f "$W"/state/queue.db*
    cp -p "$W/old/key" "$W/key"
    cp -p "$W/old/queue.db" "$W/state/queue.db" && sync -f "$W/state" || fail "the old queue cannot be put there"
    old_promises >"$W/answers"
    "$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1 &
    AGENT_PID=$!
}
for ((cut = 1; cut <= CUTS; cut++)); do
    if [ $((cut % 5)) = 0 ]; then
        migrate
        tills --after 0 --delay-us $((RANDOM * 2))
    else
        agent_start
        tills --after $((RANDOM % 60)) --delay-us $((RANDOM % 8000))
    fi
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
say "$CUTS cuts: $(cat "$W/before" "$W/answers" | grep -c ' 200 ') answers were promises, all are kept"
