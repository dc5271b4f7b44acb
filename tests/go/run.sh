# SPDX-License-Identifier: Apache-2.0
#
# Sourced: runs `go vet` and `go test` offline, and says ok or not ok for each
# test. The library and its .pc files are under $PREFIX.
export PKG_CONFIG_PATH="$PREFIX/lib/pkgconfig"
export LD_LIBRARY_PATH="$PREFIX/lib"
export GOPROXY=off GOTOOLCHAIN=local GOWORK=off GOFLAGS='-mod=readonly -buildvcs=false'
export FEATURE_GOLDEN="$PWD/tests/golden/vectors"

go_test() { # go_test DIRECTORY FLAG...
    (
        cd "$1"
        shift
        "$GO" vet "$@" ./...
        "$GO" test -v -count=1 "$@" ./... >"$TMPDIR/tests.txt" 2>&1 || echo failed >>"$TMPDIR/tests.txt"
        awk '
            / --- (PASS|FAIL): |^--- (PASS|FAIL): / {
                sub(/^ */, ""); verdict = $2 == "PASS:" ? "ok" : "not ok"; print verdict, $3; seen = 1; next
            }
            /^ *=== / { next }
            /--- SKIP/ || /^failed$/ { failed = failed "\n" $0 }
            { print }
            END { if (failed != "" || !seen) { print "not ok: skipped or failed" failed; exit 1 } }' \
            "$TMPDIR/tests.txt"
    )
}
