#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The README's Go program, outside the repository: linked either way it prints
# what the README says, and without cgo the build stops with a name that says so.
set -eu
. tests/go/run.sh
repository=$PWD
mkdir "$TMPDIR/first"
cd "$TMPDIR/first"
block() { # block LANGUAGE: the first fenced block of that language
    awk -v open="^\`\`\`$1\$" '
        $0 ~ open && !seen { seen = inside = 1; next }
        /^```/ { inside = 0 }
        inside' "$repository/README.md"
}
block go >main.go
block text >expected.txt
test -s main.go && test -s expected.txt
sed -n "s|/path/to/libfeature|$repository|; s/^    go \(mod .*\)/\1/p" \
    "$repository/README.md" >commands.txt
test "$(grep -c . commands.txt)" -eq 3
while read -r command; do
    # shellcheck disable=SC2086 # words of a command
    "$GO" $command
done <commands.txt
echo "ok the module is made as the README says"
"$GO" vet .
"$GO" build -o shared .
"$GO" build -tags feature_static -o static .
ldd shared | grep -q libfeature
echo "ok the shared library is linked"
! ldd static | grep -q libfeature
echo "ok the archive is linked"
./shared >shared.txt
diff expected.txt shared.txt
echo "ok it prints what the README says"
rm -rf go.store
env -u LD_LIBRARY_PATH ./static >static.txt
diff expected.txt static.txt
echo "ok so it does with the archive"
if CGO_ENABLED=0 "$GO" build -o without . 2>without.txt; then
    echo "not ok a build without cgo succeeds"
    exit 1
fi
grep -q libfeature_needs_CGO_ENABLED_1 without.txt
test "$(grep -c undefined without.txt)" -eq 1
echo "ok without cgo the build says what it needs"

cd "$repository/bindings/go"
"$GO" test -tags feature_static -count=1 -run 'Example|Allocates|Golden' \
    -bench . -benchtime 1x . ./bench
