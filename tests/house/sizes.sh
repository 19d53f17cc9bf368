#!/bin/sh
# Sizes: a header over 150 lines is two rooms; lines of scripts and documents end somewhere.
set -eu
wrong=0
header_lines_max=150
script_columns_max=120

longer_than() { # what max; file:count on standard input
    awk -F: -v what="$1" -v max="$2" '
        $2 > max { print $1 ":" $2 ": longer than " max " " what; bad = 1 } END { exit bad }'
}

find src platform include -name '*.h' -exec wc -l {} \; | awk '{ print $2 ":" $1 }' |
    longer_than lines "$header_lines_max" || wrong=1
{
    find CMakeLists.txt toolchains tests -name CMakeLists.txt -o -name '*.cmake'
    find .ci toolchains tests -type f -exec grep -lE -m1 '^#!.*sh$' {} +
} | xargs awk -v max="$script_columns_max" '
    length($0) > max { print FILENAME ":" FNR ": longer than " max " columns"; bad = 1 } END { exit bad }' || wrong=1
[ "$wrong" = 0 ]
