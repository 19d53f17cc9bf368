#!/bin/sh
# target.sh PRESET COMPILER LEFT_OUT: builds everything for another machine and runs its tests here, also the slow ones,
# but for the labels that are left out.
set -eu
cd "$(dirname "$0")/.."
command -v "$2" >/dev/null || {
    echo "skipped: there is no $2 (toolchains/setup --target $1)"
    exit 77
}
unset TILLPOST_TEST_BOTH TILLPOST_SOAK
cmake --preset "$1"
cmake --build --preset "$1"
ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j2 -LE "^($3)\$"
