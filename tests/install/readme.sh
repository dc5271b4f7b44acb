#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The example of the README, as printed: compiled by the command printed below
# it, it prints what the README says.
set -eu
block() { # block LANGUAGE: the first fenced block of that language
    awk -v open="^\`\`\`$1\$" '
        $0 ~ open && !seen { seen = inside = 1; next }
        /^```/ { inside = 0 }
        inside' README.md
}
block c >"$TMPDIR/first.c"
block text >"$TMPDIR/expected.txt"
command=$(sed -n 's/^    \(cc first\.c .*\)$/\1/p' README.md)
test -s "$TMPDIR/first.c" && test -s "$TMPDIR/expected.txt" && test -n "$command"
lines=$(grep -c . "$TMPDIR/first.c") # those with something on them
test "$lines" -le 30 || { echo "not ok the example has $lines lines"; exit 1; }

$MAKE -s --no-print-directory B="$B" install PREFIX="$TMPDIR/prefix"
cd "$TMPDIR"
export PKG_CONFIG_PATH="$TMPDIR/prefix/lib/pkgconfig"
export LD_LIBRARY_PATH="$TMPDIR/prefix/lib"
eval "$command -Wall -Wextra -Werror"
./first >printed.txt
diff expected.txt printed.txt
