#!/bin/sh
# The other compiler accepts everything too: each compile command of the build, with clang and no output.
set -eu
command -v clang >/dev/null || {
    echo "skipped: clang is not installed (toolchains/setup --checks)"
    exit 77
}
sed -n 's|^ *"command": "\(.*\)",\{0,1\}$|\1|p' "${BUILD_DIR:?}/compile_commands.json" |
    sed 's|\\\\|\\|g; s|\\"|"|g; s|^[^ ]* |clang -fsyntax-only |; s| -o [^ ]* -c | |' |
    tr '\n' '\0' | xargs -0 -P 2 -n 1 sh -c
