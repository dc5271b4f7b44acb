#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# libfeature.hpp compiles without a remark with gcc and clang, as C++17 and as the
# newest C++ there is, with exceptions and without; its tests run as clang builds
# them as C++20, with checks for undefined behaviour.
set -eu
library=$(cd "$B" && pwd)
strict='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Werror
    -Iinclude -Itests/cpp'
gcc_only='-Weffc++ -Wuseless-cast -Wduplicated-cond -Wlogical-op'

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

cat >"$TMPDIR/alone.cpp" <<'END'
#include <libfeature.hpp>
int main() { return static_cast<int>(feature::version() >> 31); }
END
# A second unit of the same program: no symbol is there twice.
cat >"$TMPDIR/other.cpp" <<'END'
#include <libfeature.hpp>
feature::result<feature::store> open_other();
feature::result<feature::store> open_other() { return feature::store::try_open(""); }
END

# Word splitting is meant: lists of options.
compile() { # compile COMPILER FLAGS...: all that one compiler has to do
    cxx=$1
    shift
    for std in c++17 c++2b; do
        try "$cxx $std" $cxx -std=$std "$@" -fsyntax-only tests/cpp/writes.cpp \
            tests/cpp/reads.cpp tests/cpp/sequences.cpp
    done
    try "$cxx without exceptions" $cxx -std=c++17 "$@" -fno-exceptions \
        -fno-rtti -fsyntax-only tests/cpp/status_style.cpp
    try "$cxx two units" $cxx -std=c++17 "$@" "$TMPDIR/alone.cpp" \
        "$TMPDIR/other.cpp" "$library/libfeature.so" -o "$TMPDIR/two-$cxx"
    return $status
}

with_gcc() {
    compile g++ $strict $gcc_only
    try 'g++ -O2' g++ -std=c++20 -O2 $strict $gcc_only -c tests/cpp/reads.cpp \
        -o /dev/null
    return $status
}

with_clang() {
    compile clang++ $strict
    for test in writes reads sequences; do
        try "clang++ builds $test" clang++ -std=c++20 -pthread $strict \
            -fsanitize=undefined,integer -fsanitize-trap=all \
            -fno-sanitize=unsigned-integer-overflow,implicit-conversion,unsigned-shift-base \
            tests/cpp/$test.cpp "$B/tests/support.a" "$library/libfeature.so" \
            -Wl,-rpath,"$library" -o "$TMPDIR/$test"
        # It prints a line for each of its own tests as well.
        try "clang++ runs $test" "$TMPDIR/$test"
    done
    return $status
}

# The program of docs/cpp.md prints what stands below it.
block() { # block LANGUAGE: the first fenced block of that language
    awk -v open="^\`\`\`$1\$" '
        $0 ~ open && !seen { seen = inside = 1; next }
        /^```/ { inside = 0 }
        inside' docs/cpp.md
}
page() {
    block cpp >"$TMPDIR/first.cpp"
    block text >"$TMPDIR/expected.txt"
    test -s "$TMPDIR/first.cpp" && test -s "$TMPDIR/expected.txt"
    try 'the program of docs/cpp.md builds' g++ -std=c++17 $strict \
        "$TMPDIR/first.cpp" "$library/libfeature.so" -Wl,-rpath,"$library" \
        -o "$TMPDIR/first"
    (cd "$TMPDIR" && ./first) >"$TMPDIR/printed.txt"
    try 'the program of docs/cpp.md prints its output' \
        diff "$TMPDIR/expected.txt" "$TMPDIR/printed.txt"
}

# The two at once: two cores are usual.
with_clang >"$TMPDIR/clang.txt" 2>&1 &
clang=$!
with_gcc || status=1
page
wait $clang || status=1
cat "$TMPDIR/clang.txt"
exit $status
