#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 57-snapshot.sh ci|release: every byte of a snapshot flipped, every truncation;
# what is restored is what was saved.
set -u
B=${B:-build}
rows=300
[ "$1" = release ] || rows=8
mkdir -p "$B/log"
log=$B/log/trust-flips.log
result=FAIL
"$B/tests/fuzz/flips" "$rows" ${SEED:+"$SEED"} >"$log" 2>&1 && result=pass
figures=$(sed -n 's/^.*ok \([0-9]*\) bytes, \([0-9]*\) damaged files: \([0-9]*\) refused, \([0-9]*\) accepted, \([0-9]*\) failed otherwise, \([0-9]*\) crashes, \([0-9]*\) hangs, seed \([0-9]*\)$/bytes=\1 files=\2 refused=\3 accepted=\4 otherwise=\5 crashes=\6 hangs=\7 seed=\8/p' "$log")
back=$(sed -n 's/^ok \([0-9]*\) rows came back.*/\1/p' "$log")
blind=$(sed -n 's/^ok a reader without checksums accepts \(.*\)$/found (\1 accepted)/p' "$log")
[ -n "$figures" ] && [ -n "$back" ] && [ -n "$blind" ] || result=FAIL
printf 'trust\tsnapshot\t%s\t%s\t%s\t%s\tcontrol: %s\n' "$result" \
    'Restore is bit-exact, and any damage to a snapshot is refused' \
    'every byte with one bit flipped and with all, every truncation; rows, counts and content hashes compared after a restore' \
    "$figures rows_back=${back:-0}" \
    "a reader without checksums: ${blind:-NOT FOUND}"
[ "$result" = pass ]
