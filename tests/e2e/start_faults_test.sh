#!/bin/bash
# What a start cannot read. A fault that passes by itself ends it with a status behind which the service manager starts
# it again; only what a file says, who may read it, or that it is not there, waits for a person (78). Without a fault
# the same agent runs.
. "$(dirname "$0")/lib.sh"

need openssl
need_strace
[ "${SANITIZED:-0}" = 0 ] || skip "LeakSanitizer ends a traced agent"

is "status that the service manager waits behind" "$(given_up)" "64 77 78"

#     fault   status
table='
      EIO     74
      EMFILE  74
      ENFILE  74
      ENOMEM  71
      EACCES  78
      ENOENT  78
'

sandbox_start
tls_make
MORE_TIKTOK=", \"extra_ca_file\": \"$W/ca.pem\""
MORE_LISTEN=', "socket_group": "daemon", "allow_users": ["daemon"]' # which a list names and nobody makes up
agent_config
agent_start
agent_stop

# faulty FAULT FILE: UNDER is then what makes a program fail to open the file.
faulty() { UNDER=(strace -f -o /dev/null -P "$2" -e "trace=?open,openat" -e "inject=?open,openat:error=$1"); }
ends_with() { # FAULT FILE
    faulty "$1" "$2"
    timeout 20 "${UNDER[@]}" "$TILLPOST" run --config "$W/tillpost.json" >>"$W/agent.log" 2>&1
    say $?
}
while read -r fault status; do
    [ -n "$fault" ] || continue
    for file in "$W/tillpost.json" "$W/token" "$W/ca.pem"; do
        is "status when $file gives $fault" "$(ends_with "$fault" "$file")" "$status"
    done
done <<<"$table"
for file in /etc/passwd /etc/group; do
    for fault in EIO EMFILE; do
        is "status when $file gives $fault" "$(ends_with $fault $file)" 74
    done
done

say "a list that cannot be read once is read again"
for file in /etc/passwd /etc/group; do
    faulty EIO:when=1 $file
    agent_start "${UNDER[@]}"
    pkill -TERM -P "$AGENT_PID"
    agent_wait
    is "exit status" "$EXIT" 0
done
