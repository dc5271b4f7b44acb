#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 between commits and within them: nothing acknowledged is lost, nothing is
# there in part. Once with nobody else, so that the next process rebuilds LMDB's
# lock table, and once beside a process that keeps the store open, so that its
# robust mutex is what recovers.
set -u
. "$(dirname "$0")/promise.inc"
kill=$B/tests/crash/kill
alone=1000
keeper=300
mdb_get=100
[ "$1" = release ] && alone=10000 keeper=3000 mdb_get=1000

attempt "kill -9 of a writer and a reader, $alone times" "$kill" alone $alone
control 'an acknowledgement before the commit' "$kill" alone 300 7 early
control 'a batch in two commits' "$kill" alone 300 7 torn
promise kill-9 'A commit that returned OK survives the death of the process, whole.'

attempt "the same beside a process that has the store open, $keeper times" \
    "$kill" keeper $keeper
control 'an acknowledgement before the commit' "$kill" keeper 300 7 early
control 'a batch in two commits' "$kill" keeper 300 7 torn
promise kill-9-beside-others \
    'It survives also while other processes keep the store open.'

attempt "the same with every look-up by mdb_get, $mdb_get times" \
    env FEATURE_READ_PATH=mdb_get "$kill" keeper $mdb_get
control 'a batch in two commits' \
    env FEATURE_READ_PATH=mdb_get "$kill" keeper 300 7 torn
promise kill-9-mdb_get 'Reads by mdb_get go on beside it, and are right.'
exit $failed
