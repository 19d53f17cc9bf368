#!/bin/sh
# sbom.sh MAP: the bill of materials names what the linker took in from elsewhere, and nothing else. The map is the
# linker's; $TILLPOST prints the bill.
set -eu
said=$("${TILLPOST:?}" version --sbom | sed -n 's/.*"type":"library","name":"\([^"]*\)".*/\1/p' | sort)
archives=$(awk '
    /^(Discarded input|Memory Config)/ { exit }
    /^[^ ]*\.a\(/ { sub(/\(.*/, ""); print }' "$1" | sort -u)
linked=$(for archive in $archives; do
    case $archive in
    *libroom_*) ;;
    *libsqlite3.a) echo sqlite ;;
    *libmbed*.a) echo mbedtls ;;
    *libcurl.a) echo curl ;;
    *libcjson.a) echo cjson ;;
    *libmicrohttpd.a) echo microhttpd ;;
    *libz.a) echo zlib ;;
    */musl-*/libc.a) echo musl ;;
    *libgcc*.a) case $archives in */musl-*) echo libgcc ;; esac ;; # elsewhere the system's, as its libc is
    *libc_nonshared.a) ;;
    *) echo "unknown: $archive" ;;
    esac
done | sort -u)
[ -n "$linked" ] || linked='nothing: is this a map?'
[ "$said" = "$linked" ] && exit
printf 'the bill of materials says:\n%s\nlinked are:\n%s\n' "$said" "$linked"
exit 1
