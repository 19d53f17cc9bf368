#!/bin/bash
# Plain text: thousands of fuzzed requests with known e-mails and phones, delivered and dead ones among
# them; then none of it is in the state files, in the raw image of their file system, in the log, in the
# memory of the agent that has answered, or in a core of it; and while a request is under way it is in pages alone that
# are locked and in no core dump. Nor are the hashes in clear in a file, nor
# the queue's key anywhere but in its own.
#
# COUNT: requests (100,000 with TILLPOST_SOAK=1). CONTROL: the mutant that $TILLPOST is; then something has
# to be found.
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip "only root may look into the memory of a hardened agent, and mount"
need mkfs.ext4 losetup mount
IMAGE_BYTES=64M
[ -z "${TILLPOST_SOAK:-}" ] || { COUNT=100000 && IMAGE_BYTES=256M; }
image_up() {
    truncate -s $IMAGE_BYTES "$W/image" && mkfs.ext4 -q "$W/image" && mkdir -p "$W/state" &&
        mount -o loop "$W/image" "$W/state" 2>"$W/mount.err"
}
image_down() { umount "$W/state" 2>/dev/null; }
image_end() {
    local status=$?
    [ -z "$AGENT_PID" ] || { kill -KILL "$AGENT_PID" && wait "$AGENT_PID"; } 2>/dev/null
    image_down
    (exit $status)
    world_end
}
trap image_end EXIT
image_up || skip "no loop device: $(head -n 1 "$W/mount.err")"

sandbox_start
MORE_QUEUE=", \"key_file\": \"$W/key\""
agent_config
quietly() {
    "$@" >"$W/hits" && return
    head -n 20 "$W/hits"
    [ -n "${CONTROL:-}" ] || fail "plain text: $*"
    say "found out, as it must be: $CONTROL"
    exit 0
}
cd "$W" || exit 1
ulimit -c unlimited
agent_start
tell script '[{"code":50000,"count":2}]'
quietly "$PLAIN" flood "$W/till.sock" "$AGENT_PID" "$COUNT"
cat "$W/hits"
try_now
drained() { status_is queue.queued 0; }
eventually drained
say "$(seen counted) events arrived"

quietly "$PLAIN" memory "$AGENT_PID"
"$PLAIN" private "$W/till.sock" "$AGENT_PID" || fail "a request under way is not in private memory"
quietly "$PLAIN" memory "$AGENT_PID"
if command -v gcore >/dev/null; then
    gcore -o "$W/gcore" "$AGENT_PID" >"$W/gcore.log" 2>&1 || fail "gcore: $(tail -n 3 "$W/gcore.log")"
    quietly "$PLAIN" scan "$W/gcore.$AGENT_PID"
fi
# The line is down: there are queued rows when the abort comes.
tell line '{"down":true}'
TILLPOST_SEED=2 quietly "$PLAIN" flood "$W/till.sock" "$AGENT_PID" $((COUNT / 10))
kill -ABRT "$AGENT_PID"
agent_wait 2>/dev/null
is "exit status after SIGABRT" "$EXIT" 134
cores=$(find "$W" -name 'core*' -o -name '*.core')
[ -z "$cores" ] || fail "there is a core: $cores"
quietly "$PLAIN" scan "$W"/state/queue.db* "$W/agent.log"
quietly "$PLAIN" hashes "$COUNT" "$W"/state/queue.db* "$W/agent.log"
image_down || fail "umount"
quietly "$PLAIN" scan "$W/image"
quietly "$PLAIN" hashes "$COUNT" "$W/image"
quietly "$PLAIN" key "$W/key" "$W/image" "$W/agent.log"
# The searches find what there is.
KNOWN='KXQZVWJH1@qzjxkfwv.example' sleep 60 &
OTHER_PIDS=$!
eventually grep -q KXQ "/proc/$OTHER_PIDS/environ"
finds() { "$@" >/dev/null && fail "what is there is not found: $*"; }
finds "$PLAIN" memory $OTHER_PIDS
say 'call +49 (0) 1573-0896-12' >"$W/known"
finds "$PLAIN" scan "$W/known"
finds "$PLAIN" key "$W/key" "$W/key"
finds "$PLAIN" hashes "$COUNT" "$W/requests.log"
[ -z "${CONTROL:-}" ] || fail "the control passes: $CONTROL was not found out"
say "$COUNT requests: nothing in clear in memory, files, image, log; no core"
