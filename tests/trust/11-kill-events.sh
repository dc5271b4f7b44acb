#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 of a writer of events: what was acknowledged is in the windows once, and
# its ids are known. Each store that is left is compared with one to which nothing
# happened.
set -u
. "$(dirname "$0")/promise.inc"
kill=$B/tests/crash/kill_events
count=300
[ "$1" = release ] && count=3000

attempt "kill -9 of a writer of events, $count times" "$kill" $count
control 'an acknowledgement before the commit' "$kill" 300 7 early
control 'events sent again without their ids' "$kill" 300 7 twice
promise kill-9-events \
    'Events that returned OK count once, whatever became of the process.'
exit $failed
