#!/bin/bash
# How much of a disk's own rate tillpost makes, by how long the disk's syncs take: `bench --record` with syncs that
# take so many microseconds more, for SQLite and tillpost alike. In brackets the ceiling: SQLite's commit and an empty
# answer.
#
#   tests/bench/disks.sh build/release [SECONDS of each measurement [US…]]
build=$(realpath "$1") seconds=${2:-4}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- 0 500 1000 2000 5000 10000

printf '%-16s %28s   %28s\n' 'a commit takes' '1 connection, of 1 row' '64 connections, of 64 rows'
for us; do
    table=$(SYNC_US=$us LD_PRELOAD=$build/tests/bench/libbench_slow_sync.so \
        "$build/tests/bench/bench" --tillpost "$build/tillpost" --record --seconds "$seconds") || exit
    printf '%s\n' "$table" | awk '
        / SQLite alone, 1 row / { one = $NF }
        / of SQLite, / { ratio[++n] = $(NF - 4) }
        END {
            if (n != 4 || !one) exit 1
            printf "%10.2f ms    %19s (%s)   %21s (%s)\n", 1e3 / one, ratio[1], ratio[2], ratio[3], ratio[4]
        }' || exit
done
