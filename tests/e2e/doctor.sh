# shellcheck shell=bash
# doctor.sh: how a test looks through the doctor's eyes. Sourced after lib.sh.
DOCTOR_MAX_S=15 # the contract's
FOUND_CODES=''

# doctor [COMMAND…]: $EXIT, and the findings in $W/found, one a line: check verdict code "do" detail. The command is
# put before tillpost.
doctor() {
    local began=$SECONDS
    "$@" "$TILLPOST" doctor --json --config "$W/tillpost.json" >"$W/doctor.json" 2>"$W/doctor.words"
    EXIT=$?
    [ $((SECONDS - began)) -le $DOCTOR_MAX_S ] || fail "the doctor took $((SECONDS - began)) s"
    [ -s "$W/doctor.json" ] || fail "the doctor is silent: $EXIT $(cat "$W/doctor.words")"
    paste -d '|' <(column check) <(column verdict) <(column code) <(column do) >"$W/found"
}
column() { "$TOOL" column findings "$1" <"$W/doctor.json"; }
found() { grep -q "^[a-z]*|[a-z]*|$1|" "$W/found"; }

# finds CODE VERDICT: of the last look. Each code counts once as a fault that was seeded and found.
finds() {
    found "$1" || fail "$1 is not found: $(cat "$W/found" "$W/doctor.json")"
    grep -q "^[a-z]*|$2|$1|." "$W/found" || fail "$1: $(grep "|$1|" "$W/found")"
    grep -q "|$1|null" "$W/found" && fail "$1 says nothing to do"
    if grep -q '|failed|' "$W/found"; then is "exit, $1" "$EXIT" 1; else is "exit, $1" "$EXIT" 0; fi
    case " $FOUND_CODES " in *" $1 "*) ;; *) FOUND_CODES="$FOUND_CODES $1" ;; esac
}
fails() { say "  $1" && finds "$1" failed; }
warns() { say "  $1" && finds "$1" warning; }

# A state directory and a configuration as on the first day; settings as the variables say.
fresh() {
    [ -z "$AGENT_PID" ] || agent_stop
    rm -rf "$W/state" "$W/token"
    agent_config
}
# with_queue: the agent has run once and has stopped.
with_queue() {
    fresh
    agent_start
    agent_stop
}

found_at_least() {
    local count
    count=$(printf '%s\n' "$FOUND_CODES" | wc -w)
    say "$count kinds of faults were seeded, each was found and named:$FOUND_CODES"
    [ "$count" -ge "$1" ] || fail "$count kinds of faults are fewer than $1"
}
