#!/bin/sh
# Every C file is laid out as .clang-format says. Says so and passes where clang-format is not version 14.
#   tests/house/format.sh         shows what differs
#   tests/house/format.sh --fix   lays the files out
set -eu
cd "$(dirname "$0")/../.."
version=$(clang-format --version 2>/dev/null | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
if [ "$version" != 14 ]; then
    echo "format: skipped, as clang-format is version ${version:-none} here and the layout is that of 14"
    exit 0
fi
files=$(find src platform include tests -name '*.[ch]')
if [ "${1:-}" = --fix ]; then
    echo "$files" | xargs clang-format -i
    exit
fi
echo "$files" | xargs -P 2 -n 16 clang-format --dry-run --Werror || {
    echo "format: tests/house/format.sh --fix lays them out"
    exit 1
}
echo "format: $(echo "$files" | wc -l) files are well laid out"
