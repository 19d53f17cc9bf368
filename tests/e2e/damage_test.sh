#!/bin/bash
# A damaged queue: the agent starts, takes sales at once, saves what can be read, keeps the bad file, says so in its
# status until the file is removed, and counts nothing twice.
. "$(dirname "$0")/lib.sh"

sandbox_start
agent_config
agent_start
post /v1/pause '{}'
for n in 1 2 3 4 5 6 7 8; do sell "kept-$n"; done
agent_stop

say "the first page is overwritten while no agent runs"
dd if=/dev/urandom of="$W/state/queue.db" bs=4096 count=1 conv=notrunc 2>/dev/null
agent_start
sell after
eventually status_is queue.queued 9
has_problem() { call GET /v1/status | grep '"code":"queue_damaged"' >/dev/null; }
has_problem || fail "status does not tell"
ls "$W"/state/queue.db-damaged-* >/dev/null || fail "the bad file is gone"
grep -q 'was damaged' "$W/agent.log" || fail "the log does not tell"
post /v1/track "$(purchase kept-3)"
is "an id of the old file" "$(said status)" duplicate

say "all are delivered, once"
post /v1/resume '{}'
try_now
for n in 1 2 3 4 5 6 7 8; do eventually counted "kept-$n"; done
eventually counted after

say "removing the file acknowledges"
rm "$W"/state/queue.db-damaged-*
has_problem && fail "status still tells"

say "a file of somebody else's is left alone"
agent_stop
rm -f "$W"/state/*
head -c 20000 /dev/zero | tr '\0' x >"$W/state/queue.db"
"$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1
is "exit status" $? 78
is "its size" "$(stat -c %s "$W/state/queue.db")" 20000

say "a newer program's queue, and another program's: left as they are, with what to do"
printf %s 'the key of the queue in the test' | od -An -v -tx1 | tr -d ' \n' >"$W/state/key"
chmod 600 "$W/state/key"
for name in of-a-newer-tillpost another-programs; do
    gunzip -c "$SOURCE/tests/data/damaged/$name.db.gz" >"$W/state/queue.db"
    cp "$W/state/queue.db" "$W/before"
    run run --config "$W/tillpost.json"
    is "exit status with $name" "$EXIT" 78
    case $name in
    of-a*) has "what to do" "$WORDS" "install that tillpost again" ;;
    *) has "what to do" "$WORDS" "set queue.path to a file of its own" ;;
    esac
    cmp "$W/before" "$W/state/queue.db" || fail "$name was touched"
    is "files beside its key" "$(cd "$W/state" && echo queue*)" queue.db
done
