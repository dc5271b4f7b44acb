#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 45-model.sh ci|release: random operations against the model, more of them than
# `make test` has time for.
set -u
model=${B:-build}/tests/model/model
operations=200000
[ "$1" = ci ] || operations=2000000
TMPDIR=$(mktemp -d "${TMPDIR:-/dev/shm}/trust-model.XXXXXX") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' INT TERM

verdict=pass found=found
if ! timeout 1200 "$model" --seed 20261121 --operations $operations >"$TMPDIR/out" 2>&1; then
    verdict=FAIL
    tail -n 40 "$TMPDIR/out" >&2
fi
cells=$(sed -n 's/.* \([0-9]*\) cells compared.*/\1/p' "$TMPDIR/out")
[ -n "$cells" ] || verdict=FAIL
timeout 300 "$model" --self-test >"$TMPDIR/plants" 2>&1 || {
    found='NOT FOUND' verdict=FAIL
    tail -n 20 "$TMPDIR/plants" >&2
}
printf 'trust\tmodel\t%s\t%s\t%s\t%s\t%s\n' $verdict \
    'every answer is that of a model written from the rules' \
    'random writes, reads, definitions, reopenings and processes' \
    "operations=$operations cells=${cells:-0} seed=20261121" \
    "faults put into the model, one after the other: $found"
[ $verdict = pass ]
