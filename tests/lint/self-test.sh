#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Shows that each lint check can fail: plants one violation at a time in a small
# clean tree, and wants the check to name its file and line.
set -eu
checks=$(pwd)/scripts/lint
style=$(pwd)/.clang-format
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

module() { # module FILE: a library module that every check likes
    mkdir -p "$(dirname "$1")"
    cat >"$1" <<'END'
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module.
 *
 * Owns a number.
 * Keeps it.
 * Never loses it.
 */
#include "base/thing.h"

int
lf_thing(void)
{
    return 7;
}
END
}

plant() { # a fresh, clean tree in $work/tree
    rm -rf "$work/tree"
    mkdir -p "$work/tree/lib/base" "$work/tree/include" "$work/tree/tests"
    cd "$work/tree"
    cp "$style" .
    module lib/base/thing.c
    cat >lib/base/thing.h <<'END'
/* SPDX-License-Identifier: Apache-2.0 */
int lf_thing(void);
END
    cat >include/libfeature.h <<'END'
/* SPDX-License-Identifier: Apache-2.0 */
FEATURE_API int feature_one(int value);
END
    printf 'FEATURE_0.1 {\n    global:\n        feature_one;\n};\n' >lib/map
    echo 'int feature_one(int value); int feature_one(int v) { return v; }' |
        cc -shared -fPIC -Wl,--version-script=lib/map -x c -o library.so -
}

clean() { # clean CHECK ARGUMENTS...: the clean tree passes
    check=$1
    shift
    plant
    if B=$work/build sh "$checks/$check.sh" "$@" >"$work/out" 2>&1; then
        echo "ok $check accepts a clean tree"
    else
        echo "not ok $check refuses a clean tree"
        cat "$work/out"
        failures=1
    fi
}

finds() { # finds PLACE CHECK ARGUMENTS...: it fails, and names the place
    place=$1
    check=$2
    shift 2
    if B=$work/build sh "$checks/$check.sh" "$@" >"$work/out" 2>&1; then
        echo "not ok $check misses $place"
        failures=1
    elif grep -q "^$place: " "$work/out"; then
        echo "ok $check finds $place"
    else
        echo "not ok $check fails without naming $place"
        cat "$work/out"
        failures=1
    fi
}

symbols='symbols include/libfeature.h lib/map library.so'
for check in layers sizes openings markers format analyse "$symbols"; do
    clean $check # word splitting is meant
done

# add FILE: a good module of another folder, with standard input after it
add() {
    module "$1"
    cat >>"$1"
}
plant; echo '#include "store/write.h"' | add lib/format/row.c
finds lib/format/row.c:16 layers
plant; echo '#include "format/row.h"' | add lib/model/type.c
finds lib/model/type.c:16 layers
plant; echo '#include <lmdb.h>' | add lib/engine/a.c
echo '#include <lmdb.h>' | add lib/store/b.c
finds lib/store/b.c:16 layers
plant; echo '#include "base/thing.h"' | add tools/feature.c
finds tools/feature.c:9 layers
plant; echo '#include <time.h>' | add lib/model/time.c
finds lib/model/time.c:16 layers
plant; echo 'int t(void) { return (int)time(0); }' | add lib/store/time.c
finds lib/store/time.c:16 layers

plant; { echo 'int'; echo 'lf_long(void)'; echo '{'
    yes '    lf_thing();' | head -n 58; echo '}'; } | add lib/base/long.c
finds lib/base/long.c:17 sizes
plant; yes '' | head -n 486 | add lib/base/file.c
finds lib/base/file.c:501 sizes

plant; sed -i 1d lib/base/thing.c
finds lib/base/thing.c:1 openings
plant; sed -i '/Never/d' lib/base/thing.c
finds lib/base/thing.c:2 openings
plant; echo "/* FIX""ME later */" >>lib/base/thing.h
finds lib/base/thing.h:3 markers
plant; echo 'int  x;' >>lib/base/thing.h
finds lib/base/thing.h:3 format

plant; printf 'FEATURE_API int\nfeature_two(void);\n' >>include/libfeature.h
finds include/libfeature.h:4 $symbols
plant; sed -i 's/feature_one;/&\n        feature_two;/' lib/map
finds lib/map:4 $symbols
plant; sed 's/feature_one/lf_thing; &/' lib/map >map
echo 'int feature_one(int v) { return v; } int lf_thing(void) { return 7; }' |
    cc -shared -fPIC -Wl,--version-script=map -x c -o library.so -
finds library.so $symbols

plant; echo 'int lf_x(void) { int a[2]; a[2] = 1; return a[2]; }' |
    add lib/base/x.c
finds lib/base/x.c:16 analyse
plant; echo '/* cppcheck-suppress nullPointer */' | add lib/base/y.c
finds lib/base/y.c:16 analyse
exit $failures
