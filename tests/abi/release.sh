#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The library as it was built keeps what each release promised: its header, its
# symbols, the layout of its structs, and its programs.
set -eu
. tests/abi/gates.inc
so=$(realpath "$B")/$(readelf -d "$B/libfeature.so" |
    sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
include=include
map=lib/libfeature.map

gate 'debug information is there to compare' gate_debug
gate 'the exported symbols are those of the version script' gate_symbols
gate 'the header takes nothing away' gate_header
for frozen in tests/abi/[0-9]*; do
    release=${frozen##*/}
    gate "abidiff sees nothing that breaks $release" gate_abidiff
    gate "a program of $release runs" gate_client
done
gate 'the layout, compiled as C11' "$CC" -std=c11 -Wall -Wextra \
    -pedantic-errors -Werror -Iinclude -fsyntax-only tests/abi/layout_check.c
gate 'the layout, compiled as C++17' "$CXX" -std=c++17 -Wall -Wextra \
    -pedantic-errors -Werror -Iinclude -fsyntax-only -x c++ \
    tests/abi/layout_check.c
test -z "$failed"
