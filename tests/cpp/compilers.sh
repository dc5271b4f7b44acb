#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# libfeature.hpp compiles without a remark with gcc and clang, as C++17 and as the
# newest C++ there is, with exceptions and without; its tests run as clang builds
# them as C++20, with checks for undefined behaviour.
set -eu
library=$(cd "$B" && pwd)
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
# The tests print a line for each of theirs as well.
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
    for std in c++17 c++2b; do
        try "$cxx $std" $cxx -std=$std $flags -fsyntax-only tests/cpp/writes.cpp \
            tests/cpp/reads.cpp
    done
    try "$cxx without exceptions" $cxx -std=c++17 $flags -fno-exceptions \
        -fno-rtti -fsyntax-only tests/cpp/status_style.cpp
    try "$cxx two units" $cxx -std=c++17 $flags "$TMPDIR/alone.cpp" \
        "$TMPDIR/other.cpp" "$B/libfeature.so" -o "$TMPDIR/two"
done
# The program of docs/cpp.md prints what stands below it.
block() { # block LANGUAGE: the first fenced block of that language
    awk -v open="^\`\`\`$1\$" '
        $0 ~ open && !seen { seen = inside = 1; next }
        /^```/ { inside = 0 }
        inside' docs/cpp.md
}
block cpp >"$TMPDIR/first.cpp"
block text >"$TMPDIR/expected.txt"
test -s "$TMPDIR/first.cpp" && test -s "$TMPDIR/expected.txt"
try 'the program of docs/cpp.md builds' g++ -std=c++17 $strict -Iinclude \
    "$TMPDIR/first.cpp" "$B/libfeature.so" -Wl,-rpath,"$library" -o "$TMPDIR/first"
(cd "$TMPDIR" && ./first) >"$TMPDIR/printed.txt"
try 'the program of docs/cpp.md prints its output' diff "$TMPDIR/expected.txt" \
    "$TMPDIR/printed.txt"

for test in writes reads; do
    try "clang++ builds $test" clang++ -std=c++20 -g -O1 -pthread \
        -fsanitize=undefined,integer -fsanitize-trap=all \
        -fno-sanitize=unsigned-integer-overflow,implicit-conversion,unsigned-shift-base \
        -Iinclude tests/cpp/$test.cpp "$B/tests/support.a" "$B/libfeature.so" \
        -Wl,-rpath,"$library" -o "$TMPDIR/$test"
    try "clang++ runs $test" "$TMPDIR/$test"
done
exit $status
