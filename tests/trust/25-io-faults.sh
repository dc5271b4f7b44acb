#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 25-io-faults.sh ci|release: a failing write or sync is an error and nothing
# else.
set -u
. tests/trust/disk.inc
faults=$B/tests/disk/io_faults
once=--once faulty=150 workers=1
what='every write, sync, creation, rename and removal during open, apply, writes in both levels, snapshot, restore and compaction fails once: EIO, ENOSPC, a short count, done but answered with EIO'
if [ "$tier" = release ]; then
    once=
    what="$what; and again, twice in a row, and from there on for good"
    faulty=5000 workers=2
fi

control 95 "$faults" full --lie
note="a write dropped and answered as done, seen in $bad of $of"
run "$faults" all $once
print io-faults \
    'an I/O error or a full disk is an error: reads stay right, the next write works, what was acknowledged is there and what failed is not' \
    "$what" "$line" "$note"

control 95 "$cuts" faulty_last_txn 100 "$seed" --ignore-syncs
note="syncs ignored, $bad of $of failed"
run "$cuts" faulty $faulty "$seed" --workers $workers
full=$status
run "$cuts" faulty_last_txn $faulty "$seed" --workers $workers
status=$((status + full))
print failed-sync-power-cut \
    'after a sync that failed, of which the system forgets the pages, a power cut takes no more than without it' \
    "one sync in six fails during recorded writes; then as power-cut: $faulty cuts with FULL, $faulty with LAST_TXN" \
    "$line" "$note"
exit $failed
