#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the demo installs is what the build needs: on a system with nothing else,
# scripts/deps.sh has nothing to do for it, and names the rest for the tests.
set -eu
deps=$(pwd)/scripts/deps.sh
system=$TMPDIR/system
mkdir -p "$system"
for tool in sh cat sort tr; do
    ln -s "$(command -v $tool)" "$system/$tool"
done
has() { # has COMMAND [SCRIPT]: the system has it
    printf '#!/bin/sh\n%s\n' "${2:-}" >"$system/$1"
    chmod +x "$system/$1"
}
for tool in gcc g++ cc make protoc-c; do
    has $tool
done
has pkg-config '[ "$2" != cmocka ]'

ask() { # ask ARGUMENT...: what is said to be missing; empty: nothing
    PATH=$system GEN_PYTHON=false sh "$deps" "$@" 2>&1 >/dev/null |
        sed -n 's/^    //p'
}
check() { # check PROMISE WANTED FOUND
    if [ "$2" = "$3" ]; then
        echo "ok $1"
    else
        echo "not ok $1: $3"
        exit 1
    fi
}
check 'a build needs no tool of the tests' '' "$(ask build)"
check 'the tests need theirs' 'abigail-tools clang clang-format cppcheck libcmocka-dev mold python3 python3-clang redis-server sqlite3 valgrind' "$(ask)"
rm "$system/protoc-c"
check 'a build needs its own' protobuf-c-compiler "$(ask build)"
