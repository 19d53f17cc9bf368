#!/bin/sh
# The manuals are clean under mandoc's lint. "Referenced manual not found" is left out: ours are not installed yet.
set -eu
command -v mandoc >/dev/null || {
    echo "skipped: mandoc is not installed (toolchains/setup)"
    exit 77
}
found=$(mandoc -T lint -W style src/man/* | grep -v "referenced manual not found" || true)
[ -z "$found" ] && exit 0
echo "$found"
exit 1
