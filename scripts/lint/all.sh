#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs every check of this folder, and the self test that shows that each of
# them can fail. Results go to $B/lint, for run-summary.sh.
set -eu
here=$(dirname "$0")
export RESULTS="$B/lint"
run() {
    name=$1
    shift
    scripts/run-test.sh "$name" sh "$@"
}
run lint/layers "$here/layers.sh"
run lint/sizes "$here/sizes.sh"
grep '^median' "$B/log/lint-sizes.log" | sed 's/^/      /' || true
run lint/openings "$here/openings.sh"
run lint/markers "$here/markers.sh"
run lint/format "$here/format.sh"
run lint/symbols "$here/symbols.sh" include/libfeature.h lib/libfeature.map \
    "$B/libfeature.so"
run lint/analyse "$here/analyse.sh"
run lint/self-test tests/lint/self-test.sh
run lint/runner tests/lint/runner.sh
run lint/trust tests/lint/trust.sh
