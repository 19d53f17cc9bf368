#!/bin/sh
# clang-tidy over the rooms and the platform, with the flags of a configured tree (default build/release).
# Says so and passes where clang-tidy is not version 14: other versions know other checks.
set -eu
cd "$(dirname "$0")/../.."
tree=${1:-build/release}
version=$(clang-tidy --version 2>/dev/null | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
if [ "$version" != 14 ]; then
    echo "tidy: skipped, as clang-tidy is version ${version:-none} here and the checks are those of 14"
    exit 0
fi
files=$(find src platform -name '*.c')
echo "$files" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "$tree" 2>/dev/null || {
    echo "tidy: findings above"
    exit 1
}
echo "tidy: $(echo "$files" | wc -l) files are clean"
