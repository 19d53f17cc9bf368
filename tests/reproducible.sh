#!/bin/sh
# reproducible.sh PRESET: builds the program twice, here and from a copy of the sources in another folder with
# libraries (and libc) of its own, and compares the two bit by bit. The packages are compared too.
set -eu
cd "$(dirname "$0")/.."
root=$PWD preset=$1
other=$(mktemp -d "${TMPDIR:-/var/tmp}/tillpost-reproducible.XXXXXX")
trap 'rm -rf "$other"' EXIT
trap 'exit 130' INT TERM

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
tar --exclude=./.deps --exclude=./build --exclude=./.git -cf - . | tar -C "$other" -xf -
(
    cmake --preset "$preset"
    cmake --build --preset "$preset" --target packages
    cd "$other"
    export TILLPOST_DEPS_TARBALLS="$root/.deps/tarballs"
    cmake --preset "$preset"
    cmake --build --preset "$preset" --target packages
) >"$other/log" 2>&1 || {
    tail -n 30 "$other/log"
    exit 1
}
status=0
for file in tillpost $(cd "build/$preset" && ls packages/*.deb packages/*.tar.gz); do
    if cmp "build/$preset/$file" "$other/build/$preset/$file"; then
        echo "the same: $(sha256sum "$other/build/$preset/$file" | cut -c1-16) $file"
    else
        status=1
    fi
done
exit $status
