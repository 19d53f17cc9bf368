#!/bin/sh
# An include against the direction does not compile.
#
# For every room with sources, takes the compiler flags that the build really uses for it (compile_commands.json), and
# for every other room tries to include its headers with them: each header of a room that the plan does not show must
# be unknown; as a control, of a room that it does show at least one must compile.
set -eu
commands=${BUILD_DIR:?}/compile_commands.json
plan=$BUILD_DIR/rooms/plan
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tried=0 wrong=0

folder_of() { if [ "$1" = platform ]; then echo platform; else echo "src/$1"; fi; }

# Include flags and definitions of the first file of a room.
flags_of() {
    sed -n "s|^ *\"command\": \"\(.* -c [^ ]*/$(folder_of "$1")/.*\)\",\{0,1\}\$|\1|p" "$commands" | head -n 1 |
        tr ' ' '\n' | grep -E '^(-I|-std|-D_)' | tr '\n' ' '
}

compiles() { # flags header
    echo "#include \"$2\"" >"$work/probe.c"
    # shellcheck disable=SC2086 # flags are words
    ${CC:-cc} $1 -fsyntax-only "$work/probe.c" 2>"$work/why"
}

try_arrow() { # flags from to allowed
    opened=0
    for header in "$(folder_of "$3")"/*.h; do
        [ -f "$header" ] || return 0
        tried=$((tried + 1))
        if compiles "$1" "$3/$(basename "$header")"; then
            opened=1
            [ "$4" = yes ] && return 0
            echo "$2 can include $3/$(basename "$header"), against the plan in CMakeLists.txt"
            wrong=1
        elif [ "$4" = no ] && ! grep -q "No such file\|file not found" "$work/why"; then
            echo "$2 finds $3/$(basename "$header"), against the plan in CMakeLists.txt"
            wrong=1
        fi
    done
    [ "$4" = no ] || [ "$opened" = 1 ] || {
        echo "$2 may include headers of $3, but none compiles there:"
        cat "$work/why"
        wrong=1
    }
}

rooms=$(cut -d'|' -f1 "$plan")
while IFS='|' read -r room sees _; do
    flags=$(flags_of "$room")
    [ -n "$flags" ] || continue
    for other in $rooms; do
        case " $sees $room " in
        *" $other "*) allowed=yes ;;
        *) allowed=no ;;
        esac
        try_arrow "$flags" "$room" "$other" "$allowed"
    done
done <"$plan"
echo "$tried includes tried"
[ "$tried" -gt 0 ] && [ "$wrong" = 0 ]
