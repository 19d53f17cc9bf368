#!/bin/bash
# The examples in src/client/examples, as a register's developer would run them: each hands in a sale, is told "queued",
# and "duplicate" for its repeat; a call that is wrong and an agent that is away have their exit status. libtillpost is
# installed first, and found by pkg-config and by CMake. Java and PHP are run where they are installed, which
# toolchains/setup --all sees to.
. "$(dirname "$0")/lib.sh"
need cc pkg-config cmake
: "${BUILD:?the build tree; ctest names it}" "${SOURCE:?the source tree; ctest names it}"
examples=$SOURCE/src/client/examples
ran=''

cmake --install "$BUILD" --component client --prefix "$W/usr" >"$W/install.log" || fail "nothing is installed"
libdir=$(dirname "$(find "$W/usr" -name libtillpost.a)")
export PKG_CONFIG_PATH=$libdir/pkgconfig TILLPOST_SOCKET=$W/till.sock
sanitize=''
[ "$SANITIZED" = 1 ] && sanitize=-fsanitize=address,undefined

# shellcheck disable=SC2046,SC2086 # flags are words
build_shared() {
    cc $sanitize -Wall -Wextra -Werror -o "$W/shared" "$examples/purchase.c" \
        $(pkg-config --cflags --libs tillpost) "-Wl,-rpath,$libdir"
}
build_shared || fail "purchase.c does not build with pkg-config"
# shellcheck disable=SC2086
cc $sanitize -Wall -Wextra -Werror -I"$W/usr/include" -o "$W/static" "$examples/purchase.c" "$libdir/libtillpost.a" \
    -pthread || fail "purchase.c does not build with the static library"
mkdir "$W/project"
cat >"$W/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.13)
project(register C)
find_package(tillpost 1 REQUIRED)
add_executable(shared $examples/purchase.c)
target_link_libraries(shared tillpost::tillpost)
add_executable(static $examples/purchase.c)
target_link_libraries(static tillpost::static)
END
{
    cmake -S "$W/project" -B "$W/project/b" -DCMAKE_PREFIX_PATH="$W/usr" "-DCMAKE_C_FLAGS=$sanitize" &&
        cmake --build "$W/project/b"
} >"$W/cmake.log" 2>&1 || {
    cat "$W/cmake.log"
    fail "a project does not build with find_package"
}

# Nothing but libc: neither from the shared library nor beside the program.
# The agent's own names stay inside.
foreign=$(nm -g --defined-only "$libdir/libtillpost.a" | awk 'NF == 3 && $3 !~ /^tillpost_/ { print $3 }')
[ "$SANITIZED" = 1 ] || is "names that libtillpost.a shows beside its own" "$foreign" ""
if [ "$SANITIZED" != 1 ]; then
    is "libraries that libtillpost.so needs" \
        "$(readelf -d "$libdir/libtillpost.so" | grep -c NEEDED)" 1
fi

sandbox_start
agent_config
agent_start

# runs NAME COMMAND…: a sale, its repeat.
runs() {
    local name=$1 out status
    shift
    out=$("$@" "sale-$name") || fail "$name: exit status $?: $out"
    case $out in *queued*) ;; *) fail "$name: $out" ;; esac
    out=$("$@" "sale-$name") || fail "$name, repeated: exit status $?: $out"
    case $out in *duplicate*) ;; *) fail "$name, repeated: $out" ;; esac
    out=$(TILLPOST_SOCKET=$W/nobody "$@" "sale-$name")
    status=$?
    is "$name without an agent: $out" $status 75
    # An id over the limit is the call's own fault.
    out=$("$@" "$(printf '%0300d' 1)@example.com")
    status=$?
    is "$name, a wrong call: $out" $status 65
    eventually counted "sale-$name"
    ran="$ran $name"
}
runs shared "$W/shared"
runs static "$W/static"
runs cmake-shared "$W/project/b/shared"
runs cmake-static "$W/project/b/static"
runs shell sh "$examples/purchase.sh"
need python3 node
runs python python3 "$examples/purchase.py"
runs node node "$examples/purchase.mjs"
if [ -n "${TILLPOST_SOAK:-}" ]; then need java php; fi
command -v php >/dev/null && runs php php "$examples/purchase.php"
command -v java >/dev/null && runs java java "$examples/Purchase.java"

# The bytes, as they stand.
tr '\n' '\r' <"$examples/purchase.http" | sed 's/\r/\r\n/g' >"$W/request"
is "Content-Length" "$(sed -n 's/^Content-Length: //p' "$examples/purchase.http")" \
    "$(tail -n 1 "$examples/purchase.http" | wc -c)"
out=$("$WIRE" ask "$TILLPOST_SOCKET" "$W/request") || fail "the bytes got no answer"
case $out in *'"status":"queued"'*) ;; *) fail "bare bytes: $out" ;; esac
ran="$ran bytes"
agent_stop
say "ran:$ran"
