#!/bin/sh
# Runs one fuzz target: run.sh fuzz|replay PROGRAM CORPUS WORK
#
# fuzz: 10 seconds from the committed corpus on, 600 with TILLPOST_SOAK=1; what it finds on its way goes to WORK, an
# input that stops the program to WORK.found-*. replay: once through the committed corpus.
set -eu
mode=$1 program=$2 corpus=$3 work=$4
if [ "$mode" = replay ]; then
    exec "$program" "$corpus"/*
fi
seconds=10
[ "${TILLPOST_SOAK:-0}" = 0 ] || seconds=600
mkdir -p "$work"
exec "$program" -max_total_time=$seconds -max_len=4096 -timeout=5 -print_final_stats=1 \
    -artifact_prefix="$work.found-" "$work" "$corpus"
