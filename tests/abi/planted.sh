#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Shows that the gates can fail, and pass what is allowed: plants one change at
# a time in a copy of the header, builds what it declares, and wants exactly the
# gates that are named to fail.
set -eu
. tests/abi/gates.inc
work=$TMPDIR
frozen=$(ls -d tests/abi/[0-9]* | sort -V | tail -n 1)
real=$(realpath "$B")/libfeature.so
include=$work/include
so=$work/libfeature.so.0
map=$work/libfeature.map
status=0

verdict() { # verdict "WANTED" WHAT: compares with the gates that failed
    wanted=$(printf ' %s' $1)
    [ -n "$1" ] || wanted=
    if [ "$failed" = "$wanted" ]; then
        echo "ok $2: ${1:-nothing} fails"
    else
        echo "not ok $2: failed${failed:- nothing}, not ${1:-nothing}"
        sed 's/^/#   /' "$work/gates.log"
        status=1
    fi
}

plant() { # plant SED-SCRIPT: a changed copy of the frozen header
    mkdir -p "$include"
    sed "$1" "$frozen/include/libfeature.h" >"$include/libfeature.h"
    ! cmp -s "$frozen/include/libfeature.h" "$include/libfeature.h" ||
        [ -z "$1" ] || { echo "not ok the plant $1 takes"; exit 1; }
}

library() { # library [SED-SCRIPT [CFLAG]]: one with the planted interface
    "$GEN_PYTHON" tests/abi/stand_in.py "$include/libfeature.h" "$work"
    [ -z "${1-}" ] || sed -i "$1" "$work/stand_in.c"
    "$CC" "${2:--g}" -shared -fPIC -I"$include" -Wl,-soname,libfeature.so.0 \
        -Wl,--version-script="$map" -o "$so" "$work/stand_in.c"
}

gates() {
    failed=
    for each in debug header abidiff symbols; do
        gate $each gate_$each
    done >"$work/gates.log"
}

change() { # change "GATES" WHAT SED-SCRIPT: of the header
    plant "$3"
    library
    gates
    verdict "$1" "$2"
}

change '' 'the header as it is' ''
renumbered='s/FEATURE_OUTCOME_FUTURE = 4/FEATURE_OUTCOME_FUTURE = 6/'
change 'header' 'an enumerator renumbered' "$renumbered"
moved='/^struct feature_commit {/,/^}/{/ late;/{h;d;};/ future;/G;}'
change 'header abidiff' 'a field moved' "$moved"
change 'header abidiff' 'a parameter narrowed' \
    '/^feature_query_view(/s/uint32_t/uint16_t/'
change 'header abidiff' 'a field more in a frozen struct' \
    's|^    char message\[200\];.*|&\n    int64_t more; /**< more */|'
change 'header' 'an argument kept that was only read' \
    's|\(@param features *\){copied} what|\1{borrowed query} what|'
change 'header' 'a call for one thread that was for any' \
    '/^ \* Counts the join keys/,/threads any/s/threads any/threads one/'
change '' 'a field more in a struct with struct_size' \
    's|^    uint64_t rejected;.*|&\n    uint64_t more; /**< more */|'
change '' 'an enumerator more' \
    's|^    FEATURE_ROLE_EVENT_COLUMN = 5 .*|    FEATURE_ROLE_MORE = 6, /**< more */\n&|'
change '' 'a function more' \
    '/^feature_request_free(/a\
/**\
 * One more.\
 *\
 * @since 0.1\
 * @threads any\
 */\
FEATURE_API uint32_t\
feature_more(void);'

plant ''
library '/feature_store_sync/,/}/d'
gates
verdict 'abidiff symbols' 'a symbol dropped'
library '' -g0
gates
verdict 'debug' 'a library without debug information'

# The old program, on the real library: with the header of the plant it is a
# program that takes the library for what it is not.
cp "$real" "$so"
client() { # client "GATES" WHAT: compiled with the planted header
    failed=
    gate client gate_client "$include" >"$work/gates.log"
    verdict "$1" "$2"
}
client '' 'the program as it is'
plant "$renumbered"
client 'client' 'a program of other numbers'
plant "$moved"
client 'client' 'a program of another layout'
plant ''
sed '/feature_store_sync;/d' lib/libfeature.map >"$map"
# Word splitting is meant: a list of libraries.
"$CC" -shared -Wl,-soname,libfeature.so.0 -Wl,--version-script="$map" -o "$so" \
    -Wl,--whole-archive "$B/libfeature.a" -Wl,--no-whole-archive $LIBS -pthread
client 'client' 'a program that misses a symbol'

# What is generated, when it is no longer of its header.
stale() { # stale WHAT
    if (cd "$work/tree" && sh bindings/gen/hashes.sh) >"$work/gates.log"; then
        echo "not ok $1: the hashes agree"
        status=1
    else
        echo "ok $1: the hashes differ"
    fi
}
mkdir "$work/tree"
sh bindings/gen/hashes.sh --list | tar cf - -T - bindings/gen include tests/abi |
    tar xf - -C "$work/tree"
(cd "$work/tree" && sh bindings/gen/hashes.sh >/dev/null)
echo ' ' >>"$work/tree/include/libfeature.h"
stale 'a header that was edited'
cp include/libfeature.h "$work/tree/include/"
sed -i /sha256/d "$work/tree/docs/api.md"
stale 'a file without its hash'
cp docs/api.md "$work/tree/docs/"
sed -i '/feature_store_sync;/d' "$work/tree/lib/libfeature.map"
(cd "$work/tree" && sh tests/abi/generated.sh) >"$work/gates.log" || true
if [ "$(grep '^not ok' "$work/gates.log" | cut -d' ' -f3)" = lib/libfeature.map ]; then
    echo "ok a file that was edited: the generator writes another"
else
    echo "not ok a file that was edited is taken for what the generator writes"
    sed 's/^/#   /' "$work/gates.log"
    status=1
fi

# The asserts, against another header.
for plant in "$renumbered" "$moved"; do
    plant "$plant"
    if "$CC" -std=c11 -I"$include" -fsyntax-only tests/abi/layout_check.c 2>&1 |
        grep -q 'static assertion failed'; then
        echo "ok the layout check fails: $plant"
    else
        echo "not ok the layout check takes: $plant"
        status=1
    fi
done
exit $status
