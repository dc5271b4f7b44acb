#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Freezes the interface of the release that is being made: its header, what
# abidw sees of its library, and what of both the gates compare with. Only while
# CHANGELOG.md calls the release unreleased: afterwards it is a promise.
#
# $B, VERSION and GEN_PYTHON come from the Makefile.
set -eu
export LC_ALL=C
if ! grep -q "^## $VERSION, unreleased" CHANGELOG.md; then
    echo "abi-baseline: CHANGELOG.md does not call $VERSION unreleased" >&2
    exit 1
fi
release=tests/abi/${VERSION%.*}
mkdir -p "$release/include"
cp include/libfeature.h "$release/include/"
# The public interface alone. Where a type was declared has to stay: without, all
# types count as private, and abidiff compares none. Paths are as compiled, so
# relative.
abidw --headers-dir include --exported-interfaces-only --drop-private-types \
    --drop-undefined-syms --type-id-style hash --no-elf-needed \
    --no-corpus-path --no-comp-dir-path \
    --out-file "$release/libfeature.abi" "$B/libfeature.so"
"$GEN_PYTHON" bindings/gen/generate.py
