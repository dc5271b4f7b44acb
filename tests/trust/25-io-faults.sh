#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 25-io-faults.sh ci|release: a failing write or sync is an error and nothing
# else.
set -u
. tests/trust/disk.inc
faults=$B/tests/disk/io_faults
once=--once
what='every write, sync, creation, rename and removal during open, apply, writes in both levels, snapshot, restore and compaction fails once: EIO, ENOSPC, a short count'
if [ "$tier" = release ]; then
    once=
    what="$what; and again, from there on for good"
fi

control 95 "$faults" full --lie
note="a write dropped and answered as done, seen in $bad of $of"
run "$faults" all $once
print io-faults \
    'an I/O error or a full disk is an error: reads stay right, the next write works, what was acknowledged is there and what failed is not' \
    "$what" "$line" "$note"
exit $failed
