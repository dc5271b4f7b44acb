#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 21-power-cut-last-txn.sh ci|release: with FEATURE_SYNC_LAST_TXN a power cut
# takes at most the last commit, none that feature_store_sync() was called after,
# and never leaves damage.
set -u
. tests/trust/disk.inc
case $tier in
release) writes=20000 life=3000 nosync=2000 workers=2 ;;
*) writes=500 life=100 nosync=100 workers=1 ;;
esac

control 95 "$cuts" last_txn $nosync "$seed" --ignore-syncs
note="syncs ignored, $bad of $of failed"
run "$cuts" life_last_txn $life "$seed" --workers $workers
life_line=$line life_status=$status
run "$cuts" last_txn $writes "$seed" --workers $workers
status=$((status + life_status))
print power-cut-last-txn \
    'with LAST_TXN a power cut takes at most the last commit, and never leaves damage' \
    "as power-cut; $(value cuts "$life_line") cuts more within snapshots, restores and compactions, of which $(value bad "$life_line") were bad" \
    "$line" "$note"
exit $failed
