#!/bin/sh
# Every shell script is clean under shellcheck (its errors and warnings) and starts with a line that says which shell.
# SC2034 is left out: variables that a sourced library reads look unused.
set -eu
command -v shellcheck >/dev/null || {
    echo "skipped: shellcheck is not installed (toolchains/setup --checks)"
    exit 77
}
scripts=$(find .ci toolchains tests platform -type f -exec grep -lE -m1 '^#!.*(/sh|/bash|env sh)$' {} +)
echo "$scripts" | xargs shellcheck -S warning -e SC2034
