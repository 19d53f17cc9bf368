#!/bin/sh
# A third party's headers are included by the file that is its door, and by no other; nobody climbs out of a room.
#
# The build hides the bundled headers from everyone else; this also holds where a distribution's lie in /usr/include.
set -eu
plan=${BUILD_DIR:?}/rooms/plan
wrong=0

# header (as grep -E after `#include <` or `"`)   library of the plan
headers='
cJSON\.h|cjson/             cjson
mbedtls/|psa/               mbedtls
sqlite3                     sqlite
curl/                       curl
microhttpd                  microhttpd
zlib\.h|zconf\.h            zlib
'
doors=$(while IFS='|' read -r room _ list; do
    [ "$room" = platform ] && folder=platform || folder=src/$room
    for door in $list; do echo "$folder/$door"; done
done <"$plan")

while read -r header library; do
    [ -n "$header" ] || continue
    for hit in $(grep -rlE "^ *# *include *[<\"]($header)" --include='*.[ch]' src platform include); do
        echo "$doors" | grep -qx "$hit:$library" && continue
        echo "$hit: includes a header of $library, but is not its door (section 4 of CMakeLists.txt)"
        wrong=1
    done
done <<END
$headers
END

if grep -rnE '^ *# *include *"[^"]*\.\./' --include='*.[ch]' src platform include tests; then
    echo "an include climbs out of its room with ../ (above)"
    wrong=1
fi
[ "$wrong" = 0 ]
