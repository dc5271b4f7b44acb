#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 of a process whose threads write at the same time: calls that share a
# commit are each acknowledged only when it is durable, and are there as a whole.
set -u
. "$(dirname "$0")/promise.inc"
kill=$B/tests/crash/kill_group
count=300
[ "$1" = release ] && count=3000

attempt "kill -9 of a process of which four threads write, $count times" \
    "$kill" $count
control 'an acknowledgement before the commit' "$kill" 300 7 early
control 'a call in two commits' "$kill" 300 7 torn
promise kill-9-group \
    'Calls of several threads that share a commit survive as one that is alone does.'
exit $failed
