#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# libfeature.hpp compiles without a remark with gcc and clang, as C++17, C++20
# and what comes next, with exceptions and without; its tests run as clang
# builds them, and under clang's checks for undefined behaviour.
set -eu
status=0
try() { # try NAME COMMAND...
    name=$1
    shift
    if "$@"; then
        echo "ok $name"
    else
        echo "not ok $name"
        status=1
    fi
}
strict='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Werror'
gcc_only='-Weffc++ -Wuseless-cast -Wduplicated-cond -Wlogical-op'

cat >"$TMPDIR/alone.cpp" <<'END'
#include <libfeature.hpp>
int main() { return static_cast<int>(feature::version() >> 31); }
END
# Two units of one program, in two languages: no symbol is there twice.
cat >"$TMPDIR/other.cpp" <<'END'
#include <libfeature.hpp>
feature::result<feature::store> open_other();
feature::result<feature::store> open_other() { return feature::store::try_open(""); }
END

# Word splitting is meant: lists of options.
for cxx in g++ clang++; do
    flags="$strict -Iinclude -Itests/cpp"
    [ $cxx = clang++ ] || flags="$flags $gcc_only"
    for std in c++17 c++20 c++2b; do
        try "$cxx $std" $cxx -std=$std $flags -fsyntax-only tests/cpp/wrapper.cpp
    done
    try "$cxx without exceptions" $cxx -std=c++17 $flags -fno-exceptions \
        -fno-rtti -fsyntax-only tests/cpp/status_style.cpp
    try "$cxx two units" $cxx -std=c++17 $flags "$TMPDIR/alone.cpp" \
        "$TMPDIR/other.cpp" "$B/libfeature.so" -o "$TMPDIR/two"
done
run() { # run NAME FLAGS...: builds the tests with clang and runs them
    name=$1
    shift
    try "$name builds" clang++ -std=c++20 -g -pthread "$@" -Iinclude \
        tests/cpp/wrapper.cpp "$B/tests/support.a" "$B/libfeature.so" \
        -Wl,-rpath,"$PWD/$B" -o "$TMPDIR/wrapper"
    try "$name runs" "$TMPDIR/wrapper"
}
run 'clang++ -O2' -O2
run 'clang++ with checks' -O1 -fsanitize=undefined,integer \
    -fno-sanitize=unsigned-integer-overflow,implicit-conversion,unsigned-shift-base \
    -fsanitize-trap=all
exit $status
