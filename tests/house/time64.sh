#!/bin/sh
# time64.sh: a target whose time_t has 32 bits is refused when it is configured, in words. The target is this machine
# with another time.h before its own.
set -eu
W=$(mktemp -d "${TMPDIR:-/tmp}/tillpost-time64.XXXXXX")
trap 'rm -rf "$W"' EXIT

compiles() { # TYPE: of time_t
    echo "typedef $1 time_t;" >"$W/time.h"
    "${CC:-cc}" -isystem "$W" -fsyntax-only toolchains/time64.c 2>"$W/said"
}
compiles 'long long' || { cat "$W/said" && echo "64 bits are refused" && exit 1; }
if compiles int; then echo "toolchains/time64.c compiles with 32 bits" && exit 1; fi

deps=$(sed -n 's/^TILLPOST_DEPS:[A-Z]*=//p' "${BUILD_DIR:?}/CMakeCache.txt")
if cmake -S . -B "$W/build" -G Ninja -DTILLPOST_DEPS="$deps" -DCMAKE_C_COMPILER="${CC:-cc}" \
    -DCMAKE_C_FLAGS="-isystem $W" >"$W/said" 2>&1; then
    echo "CMakeLists.txt accepts a time_t of 32 bits"
    exit 1
fi
grep -q 'time_t has 32 bits on this target' "$W/said" || {
    cat "$W/said"
    exit 1
}
