#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# wheel.sh PYTHON LIBRARY DIRECTORY: makes the wheel for this platform, with
# LIBRARY and what it needs inside.
#
# Debian's static lmdb, zstd and protobuf-c are not position-independent, so
# they cannot be linked into a shared library. auditwheel copies the shared ones
# into the wheel instead, under names of their own (so that they meet no other
# copy in the process), with an $ORIGIN path to find them by, and tags the wheel
# with the oldest glibc that has every symbol.
set -eu
python=$1
library=$2
out=$3

rm -rf "$out"
mkdir -p "$out/raw"
cp "$library" "$out/raw/libfeature.so"
objcopy --strip-debug "$out/raw/libfeature.so"
notices=$(ls /usr/share/doc/liblmdb0/copyright \
    /usr/share/doc/libprotobuf-c1/copyright \
    /usr/share/doc/libzstd1/copyright 2>/dev/null || true)
LIBFEATURE_NOTICES=$notices LIBFEATURE_BUNDLE=$out/raw/libfeature.so \
    "$python" "$(dirname "$0")/backend.py" "$out/raw" >/dev/null
PATH=$(dirname "$python"):$PATH
export PATH
"$python" -m auditwheel repair --wheel-dir "$out" "$out"/raw/*.whl \
    >"$out/auditwheel.log" 2>&1 || {
    cat "$out/auditwheel.log" >&2
    exit 1
}
rm -r "$out/raw"
ls "$out"/*.whl
