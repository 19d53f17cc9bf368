#!/bin/sh
# Words that must not stand in the tree: banned functions, leftovers, addresses of the machine it was written on.
set -eu
wrong=0

refuse() { # explanation; the hits on standard input
    hits=$(cat)
    [ -n "$hits" ] || return 0
    echo "$hits"
    echo "  -> $1"
    wrong=1
}

calls_of() { # functions folder...; comments do not count
    functions=$1
    shift
    grep -rnE "(^|[^a-zA-Z0-9_.>])($functions)\(" --include='*.[ch]' "$@" |
        grep -vE '^[^:]*:[0-9]+: *(\*|/\*|//)' || true
}

# where   function                                          instead
banned='
tests     sprintf|vsprintf|strcpy|strcat|strncat|stpcpy     buf_printf, buf_add of base/text.h, or snprintf
tests     gets|atoi|atol|atof|strtok                        the checked parsers of base
src       system|popen|tmpnam|tempnam|mktemp                posix_spawn, mkstemp
src       scanf|sscanf|fscanf                               the checked parsers of base
src       alloca|setjmp|rand|srand                          a limit; a return; platform_random
'
while read -r where functions instead; do
    case $where in
    '') continue ;;
    src) folders='src platform include' ;;
    tests) folders='src platform include tests' ;;
    esac
    # shellcheck disable=SC2086 # folders are words
    refuse "banned; use $instead" <<HITS
$(calls_of "$functions" $folders)
HITS
done <<END
$banned
END

refuse "finish it, or file an issue" <<END
$(grep -rnwE 'TO''DO|FIX''ME|X''XX' src platform include || true)
END

# Everything that git would take, but not what builds leave.
files=$(find . \( -path ./.git -o -path ./.deps -o -path ./build -o -path ./LICENSE \) -prune -o -type f -print)

refuse "a path of the machine it was written on" <<END
$(echo "$files" | xargs grep -nIE '/[w]ork/(main|shared)' || true)
END

# The hosts that this machine's package managers talk to; apt knows them, the tree must not.
hosts=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | sed 's|^[a-z]*://||; s|/.*||' | sort -u)
for host in $hosts; do
    refuse "a package registry's host name" <<END
$(echo "$files" | xargs grep -nIF "$host" || true)
END
done
[ "$wrong" = 0 ]
