#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The public header compiles without a remark in every language it promises,
# alone and first, has no implicit padding, and its frozen structs their sizes.
set -eu
cat >"$TMPDIR/header.c" <<'END'
#include <libfeature.h>
int main(void) { return (int)feature_version(); }
END
cat >"$TMPDIR/sizes.c" <<'END'
#include <libfeature.h>
_Static_assert(sizeof(struct feature_error) == 256, "frozen");
_Static_assert(sizeof(struct feature_column) == 56, "frozen");
_Static_assert(sizeof(struct feature_field) == 32, "frozen");
_Static_assert(sizeof(struct feature_source) == 40, "frozen");
END
status=0
try() { # try NAME COMMAND...
    name=$1
    shift
    if "$@" -pedantic-errors -Wall -Wextra -Werror -Wpadded -Iinclude -c -o /dev/null; then
        echo "ok $name"
    else
        echo "not ok $name"
        status=1
    fi
}
for std in c99 c11 c17; do
    try "$std" "$CC" -std=$std "$TMPDIR/header.c"
done
for std in c++11 c++17 c++20; do
    try "$std" "$CXX" -std=$std -x c++ "$TMPDIR/header.c"
done
try 'frozen sizes' "$CC" -std=c11 "$TMPDIR/sizes.c"
exit $status
