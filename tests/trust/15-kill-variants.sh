#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 within the long calls: each leaves all of its work, or none.
set -u
. "$(dirname "$0")/promise.inc"
kill=$B/tests/crash/kill
count=100
[ "$1" = release ] && count=1000

attempt "kill -9 of a writer that changes definitions, $count times" \
    "$kill" apply $count
control 'an apply in two calls' "$kill" apply 300 7 torn
promise kill-9-apply 'A change of definitions is made as a whole, or not at all.'

attempt "kill -9 of a process that takes snapshots, and of the writer beside it, \
$count times" "$kill" snapshot $count
control 'a snapshot copied to its name' "$kill" snapshot 1000 7 copy
promise kill-9-snapshot \
    'A snapshot file is whole: the one that was there before, or the new one.'

attempt "kill -9 of a restore, $count times" "$kill" restore $count
control 'a restored file copied to its name' "$kill" restore 300 7 copy
promise kill-9-restore 'A restored store is whole, or not there.'

attempt "kill -9 of a compaction, $count times" "$kill" compact $count
control 'a data file rewritten in its place' "$kill" compact 300 7 copy
promise kill-9-compact 'A compaction leaves the store as it was, or compacted.'
exit $failed
