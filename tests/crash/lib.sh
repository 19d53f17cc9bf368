# lib.sh: what the crash tests share; on the ground of e2e/lib.sh, which it sources.
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

# old_queue: the state directory (or another) holds the queue of a till that a program of schema 1 left; its first rows were under
# way. Events gone-101 to gone-103 are those of the person who will be erased.
old_queue() { # [DIRECTORY]
    local to=${1:-$W/state}
    rm -rf "$to"
    mkdir -m 700 "$to"
    (umask 077 && gunzip -c "$OLD_QUEUE" >"$to/queue.db" &&
        printf %s 'the key of the queue in the test' | od -An -v -tx1 | tr -d ' \n' >"$to/key") &&
        "$RENEW" "$to/queue.db" || fail "the old queue cannot be made"
}

# Its events as lines of a register's log.
old_promises() {
    local n
    for n in {1..12}; do say "old-$n 200 queued 0"; done
}
