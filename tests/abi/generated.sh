#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What is committed is what bindings/gen writes: by the hashes, which needs no
# libclang, and byte for byte, which does.
set -eu
status=0
sh bindings/gen/hashes.sh || status=1

"$GEN_PYTHON" bindings/gen/generate.py --out "$TMPDIR/out"
(cd "$TMPDIR/out" && find . -type f | sed 's|^\./||' | sort) >"$TMPDIR/written"
sh bindings/gen/hashes.sh --list | sort >"$TMPDIR/listed"
if ! diff "$TMPDIR/listed" "$TMPDIR/written"; then
    echo "not ok hashes.sh lists what the generator writes"
    status=1
fi
while read -r file; do
    if cmp "$file" "$TMPDIR/out/$file"; then
        echo "ok $file is what the generator writes"
    else
        echo "not ok $file is not what the generator writes: run make gen"
        status=1
    fi
done <"$TMPDIR/written"
exit $status
