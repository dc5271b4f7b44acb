#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a user of the installed library does: finds it with pkg-config alone,
# links it either way, and takes it away again without a trace.
set -eu
prefix=$TMPDIR/prefix
make_quiet() { $MAKE -s --no-print-directory B="$B" "$@"; }

make_quiet install DESTDIR="$TMPDIR/stage" PREFIX=/opt/feature libdir=/opt/feature/lib64
test -f "$TMPDIR/stage/opt/feature/lib64/pkgconfig/libfeature.pc"
grep -q '^libdir=${prefix}/lib64$' \
    "$TMPDIR/stage/opt/feature/lib64/pkgconfig/libfeature.pc"
echo "ok DESTDIR, PREFIX and libdir are honoured"
make_quiet uninstall DESTDIR="$TMPDIR/stage" PREFIX=/opt/feature libdir=/opt/feature/lib64
test -z "$(find "$TMPDIR/stage" ! -type d)"
echo "ok uninstall removes what install put there"

make_quiet install PREFIX="$prefix"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
unset LD_LIBRARY_PATH
version=$(sed -n 's/^.define FEATURE_VERSION_[A-Z]* //p' include/libfeature.h |
    paste -sd.)
test "$(pkg-config --modversion libfeature)" = "$version"
echo "ok the .pc file has the header's version"

# Word splitting is meant: the answers of pkg-config are lists.
for example in examples/*.c; do
    name=$(basename "$example" .c)
    common=
    ! grep -q common/ "$example" || common=examples/common/*.c
    "$CC" -O1 $(pkg-config --cflags libfeature) "$example" $common \
        -o "$TMPDIR/$name" $(pkg-config --libs libfeature) -lm
    echo "ok $name links the shared library"
    "$CC" -O1 $(pkg-config --cflags libfeature-static) "$example" $common \
        -o "$TMPDIR/$name-static" $(pkg-config --libs libfeature-static) -lm
    ! ldd "$TMPDIR/$name-static" | grep -q libfeature
    echo "ok $name links the archive"
done
for library in libfeature libfeature-static; do
    "$CXX" -std=c++17 $(pkg-config --cflags $library) \
        examples/cpp-scoring/score.cpp -o "$TMPDIR/scoring" \
        $(pkg-config --libs $library) -pthread
    echo "ok the C++ example links $library"
done
cd "$TMPDIR"
LD_LIBRARY_PATH=$prefix/lib ./define define.store >shared.txt
./define-static define2.store >static.txt
cmp shared.txt static.txt
echo "ok a program prints the same, linked either way"

# No private name of the archive can clash with a program's.
nm -g --defined-only "$prefix/lib/libfeature.a" | awk 'NF == 3 { print $3 }' |
    grep -v '^feature_' && exit 1
echo "ok the archive shows public names only"
! readelf -d "$prefix/bin/feature" | grep -qE 'RPATH|RUNPATH'
LD_LIBRARY_PATH=$prefix/lib "$prefix/bin/feature" version >/dev/null
echo "ok the installed tool runs, without an rpath"
