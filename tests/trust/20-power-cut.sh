#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 20-power-cut.sh ci|release: with FEATURE_SYNC_FULL a power cut takes nothing
# that was acknowledged, be it a commit, a snapshot, a restore or a compaction.
set -u
. tests/trust/disk.inc
case $tier in
release) writes=20000 life=6000 nosync=2000 torn=1000 names=1000 workers=2 ;;
*) writes=500 life=200 nosync=100 torn=100 names=100 workers=1 ;;
esac

control 95 "$cuts" full $nosync "$seed" --ignore-syncs
note="syncs ignored, $bad of $of failed"
control 1 "$cuts" full $torn "$seed" --tear-meta
note="$note; meta pages torn at 16 bytes, $bad of $of failed"
run "$cuts" full $writes "$seed" --workers $workers
print power-cut \
    'a commit that returned OK survives a power cut (512-byte atomic sectors, an honest flush)' \
    "power cut at random points of recorded creations and writes; each image opened, read, verified, written to and verified again" \
    "$line" "$note"

control 1 "$cuts" life $names "$seed" --ignore-directories
note="syncs of directories ignored, $bad of $of lost a name"
run "$cuts" life $life "$seed" --workers $workers
print power-cut-copies \
    'a snapshot, a restore or a compaction that returned OK survives a power cut; one that did not leaves what was there before, or all of the new' \
    "power cut at random points of a store's life: creation, writes, two snapshots to one name, a restore, a compaction" \
    "$line" "$note"
exit $failed
