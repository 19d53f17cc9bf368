#!/bin/bash
# The command line against a running agent, and without one: what each verb prints and its exit status.
. "$(dirname "$0")/lib.sh"

sandbox_start
agent_config
agent_start
export TILLPOST_CONFIG=$W/tillpost.json

say "track: one answer a line, a refused line does not stop the rest"
{
    purchase one
    echo
    echo '{"event":"Order Completed"}'
    purchase two
} >"$W/lines"
INPUT=$W/lines run track
is "exit" "$EXIT" 65
is "lines" "$(printf '%s\n' "$OUT" | wc -l)" 3
has "first" "$(printf '%s\n' "$OUT" | sed -n 1p)" '"queued"'
has "second" "$(printf '%s\n' "$OUT" | sed -n 2p)" '"missing_pii"'
has "third" "$(printf '%s\n' "$OUT" | sed -n 3p)" '"queued"'
run track "$W/lines"
is "exit of a repeat" "$EXIT" 65
has "a repeat" "$OUT" '"duplicate"'
run track /does/not/exist
is "no input" "$EXIT" 66
INPUT=$W/lines run track --dry-run
has "dry run" "$OUT" '"mapping":"Complete Payment"'
eventually counted one
eventually counted two

say "status: at most 12 lines of 80 columns, ending with the one thing to do"
run status
is "exit" "$EXIT" 0
[ "$(printf '%s\n' "$OUT" | wc -l)" -le 12 ] || fail "more than 12 lines: $OUT"
[ "$(printf '%s\n' "$OUT" | awk '{ print length }' | sort -n | tail -1)" -le 80 ] || fail "wide: $OUT"
has "last line" "$(printf '%s\n' "$OUT" | tail -1)" "Do:"
run status --json
is "state" "$(printf %s "$OUT" | "$TOOL" get state)" ok

say "a dead letter is listed, shown, retried and dropped"
tell script '[{"code":40002,"message":"Batch.0.user: no","events_only":true}]'
sell dead-1
eventually status_is queue.dead 1
run events --state dead
has "events" "$OUT" dead-1
has "its reason" "$OUT" tiktok_40002
run status
is "a problem" "$EXIT" 1
run retry dead-1
is "retry" "$EXIT $OUT" "0 1 back in the queue"
eventually counted dead-1
run retry dead-1
is "retry of a sent one" "$EXIT" 1
run show dead-1
has "show" "$OUT" "sent"
run show nobody
is "no such id" "$EXIT" 1
tell script '[{"code":40002,"message":"Batch.0.user: no","events_only":true}]'
sell dead-2
eventually status_is queue.dead 1
run drop dead-2
is "drop" "$EXIT $OUT" "0 1 given up"
post /v1/track "$(purchase dead-2)"
is "a dropped id stays known" "$(said status)" duplicate
is "dead" "$(status queue.dead)" 0

say "pause, resume, sync, version, help, usage"
run pause
is "pause" "$EXIT $(status state)" "0 paused"
sell waiting
run resume
is "resume" "$EXIT" 0
eventually counted waiting
run sync
is "sync" "$EXIT" 0
run version
has "version" "$OUT" "tillpost "
run help track
has "help" "$OUT" "--dry-run"
for wrong in "" "frobnicate" "status --frob" "status extra" "events --state odd" "retry" "track --type buy"; do
    # shellcheck disable=SC2086 # the words of a command
    run $wrong
    is "usage of \"$wrong\"" "$EXIT" 64
done
TILLPOST_CONFIG=/does/not/exist run check
is "check" "$EXIT" 78
has "check says" "$OUT" "no such file"

say "a second agent is refused, and the first goes on"
run run
is "exit" "$EXIT" 75
sell still-here
eventually counted still-here

say "without an agent: the queue itself answers"
agent_stop
run status
is "status" "$EXIT" 69
has "status" "$OUT" "stopped"
run events --state sent
is "events" "$EXIT" 0
has "events" "$OUT" still-here
run show one
is "show" "$EXIT" 0
run sync
is "sync" "$EXIT" 69
run track "$W/lines"
is "track" "$EXIT" 69
