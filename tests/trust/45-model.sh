#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 45-model.sh ci|release: random operations against the models, more of them than
# `make test` has time for: rows first, then events and windows.
set -u
programs=${B:-build}/tests/model
rows=200000 events=60000
[ "$1" = ci ] || rows=2000000 events=800000
seed=20261121
TMPDIR=$(mktemp -d "${TMPDIR:-/dev/shm}/trust-model.XXXXXX") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' INT TERM
all=pass

# name, program, operations, promise, what was tried
judge() {
    verdict=pass found=found
    if ! timeout 1200 "$programs/$2" --seed $seed --operations "$3" >"$TMPDIR/out" 2>&1; then
        verdict=FAIL
        tail -n 40 "$TMPDIR/out" >&2
    fi
    cells=$(sed -n 's/.* \([0-9]*\) cells compared.*/\1/p' "$TMPDIR/out")
    [ -n "$cells" ] || verdict=FAIL
    timeout 300 "$programs/$2" --self-test >"$TMPDIR/plants" 2>&1 || {
        found='NOT FOUND' verdict=FAIL
        tail -n 20 "$TMPDIR/plants" >&2
    }
    printf 'trust\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" $verdict "$4" "$5" \
        "operations=$3 cells=${cells:-0} seed=$seed" \
        "faults put into the model, one after the other: $found"
    [ $verdict = pass ] || all=FAIL
}

judge model model $rows 'every answer is that of a model written from the rules' \
    'random writes, reads, definitions, reopenings and processes'
judge model-events events $events \
    'every answer of a window is the fold of the events of its rule, or says that it is not known' \
    'random events, retracts, deletes, definitions, upkeep, scored reads, joins, scans, followers, snapshots and merged tiles'
[ $all = pass ]
