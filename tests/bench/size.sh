#!/bin/sh
# size.sh PROGRAM [MAX_KIB]: where the bytes of a static tillpost are, by room and library, from the linker's map beside
# it (PROGRAM.map). Fails when the file is larger than MAX_KIB or when more than 2 % of it has no name.
#
# file: what the section contents take in the file; bss: memory that is zero at start and not in the file.
set -eu
program=$1 max_kib=${2:-1536}
bytes=$(wc -c <"$program")

awk -v bytes="$bytes" -v max_kib="$max_kib" '
function owner(file) {
    sub(/\(.*/, "", file) # archive(member)
    sub(/.*\//, "", file)
    if (file ~ /^libroom_/) {
        sub(/^libroom_/, "room ", file)
        sub(/\.a$/, "", file)
        return file
    }
    if (file in library) return library[file]
    if (file ~ /crt.*\.o$/) return "musl (libc)"
    return file ~ /^main\.c\.o$/ ? "room main" : "other: " file
}
function hex(text,   i, value) { # 0x…
    for (i = 3; i <= length(text); i++) value = value * 16 + index("123456789abcdef", substr(text, i, 1))
    return value + 0
}
function add(name, size, section) {
    if (size == 0) return
    if (section == ".bss" || section == ".tbss") bss[name] += size
    else if (section ~ /^\.rela?\./) in_file["relocations (the program may lie anywhere)"] += size
    else in_file[name] += size
    seen[name] = 1
}
BEGIN {
    library["libsqlite3.a"] = "SQLite"; library["libcurl.a"] = "curl"; library["libmicrohttpd.a"] = "libmicrohttpd"
    library["libmbedcrypto.a"] = "mbedTLS, crypto"; library["libmbedx509.a"] = "mbedTLS, certificates"
    library["libmbedtls.a"] = "mbedTLS, TLS"; library["libcjson.a"] = "cJSON"; library["libz.a"] = "zlib"
    library["libc.a"] = "musl (libc)"; library["libgcc.a"] = library["libgcc_eh.a"] = "libgcc"
}
/^Linker script and memory map/ { started = 1; next }
!started { next }
/^OUTPUT\(/ { exit }
/^[.\/]/ { section = $1; next } # an output section
section ~ /^(\.debug|\.comment|\.ARM\.attributes|\.note\.GNU|\/DISCARD)/ { next }
/size before relaxing/ { next } # strings that were merged into another one
/^ \*fill\*/ { add("alignment", hex($3), section); next }
/^ [.A-Z]/ && NF >= 4 && $2 ~ /^0x/ { add(owner($4), hex($3), section); next }
/^ +0x[0-9a-f]+ +0x[0-9a-f]+ [^ ]/ && waiting { add(owner($3), hex($2), section) }
{ waiting = /^ [.A-Z][^ ]*$/ }
END {
    printf "  %-48s %9s %9s\n", "", "file", "bss"
    sort = "sort -k1,1nr | cut -d\" \" -f2-"
    for (name in in_file) seen[name] = 1
    for (name in seen) {
        printf "%d   %-48s %9d %9d\n", in_file[name], name, in_file[name], bss[name] | sort
        total += in_file[name]
        total_bss += bss[name]
    }
    close(sort)
    printf "  %-48s %9d\n", "ELF headers, padding; less merged strings", bytes - total
    printf "  %-48s %9d %9d   (%d KiB of at most %d)\n", "all", bytes, total_bss, bytes / 1024, max_kib
    if (bytes > max_kib * 1024) { print "size: the program is larger than promised"; exit 1 }
    unnamed = bytes > total ? bytes - total : total - bytes
    if (unnamed > bytes / 50) { print "size: the table does not explain the file"; exit 1 }
}' "$program.map"
