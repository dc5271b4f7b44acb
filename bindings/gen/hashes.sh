#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# hashes.sh [--list]: each generated file was made from the header that lies
# beside it. Needs no libclang: the file names its header and that one's hash.
set -eu
files='lib/libfeature.map
docs/api.md
bindings/python/libfeature/_ffi.py
bindings/go/zz_generated.go
tests/abi/layout_check.c
tests/abi/baseline.json'
if [ "${1-}" = --list ]; then
    echo "$files"
    exit 0
fi
status=0
for file in $files; do
    header=$(sed -n 's/.*enerated by bindings\/gen from \([^ ;]*\);.*/\1/p' "$file")
    told=$(sed -n 's/.*header-sha256"\{0,1\}: "\{0,1\}\([0-9a-f]*\).*/\1/p' "$file")
    found=$(sha256sum <"${header:-/dev/null}")
    if [ "$told" = "${found%% *}" ]; then
        echo "ok $file is of ${header}"
    else
        echo "not ok $file is not of ${header:-any header}: run make gen"
        status=1
    fi
done
exit $status
