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

# A start that may fail has come to something: an end, or an agent. Where its socket or its memory fails for good, it
# answers nobody: then its word that it takes events will do. $before: the starts until then.
starts() { grep -c 'takes events at' "$W/agent.log"; }
start_settled() { [ "$(starts)" -gt "$before" ] || agent_settled; }

# A start that ended did so with a status behind which the service manager starts it again.
GIVEN_UP=$(given_up)
[ -n "$GIVEN_UP" ] || fail "tillpost.service does not say behind which status a person is waited for"
is_tried_again() { # STATUS POINT
    [[ " $GIVEN_UP " != *" $1 "* && $1 -lt 128 ]] || fail "a start ended with $1: $2"
}

# Once the fault is over, a start that did not end lacks nothing: it takes a sale, and reads its token to deliver it.
serves() {
    eventually agent_settled
    kill -0 "$AGENT_PID" 2>/dev/null || return 0
    eventually sells
    touch "$W/token"
    try_now
    eventually attempted
}
sells() {
    [ "$(purchase after | call POST /v1/track -H 'Content-Type: application/json' --data-binary @- -o /dev/null \
        -w '%{http_code}')" = 200 ]
}
attempted() { [ "$(status delivery.last_attempt_at)" != null ]; }
