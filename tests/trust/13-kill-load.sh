#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 of a process that loads versions of a view and rolls back, and of one that
# writes rows of it meanwhile: the view is one whole version and the rows since then.
set -u
. "$(dirname "$0")/promise.inc"
kill=$B/tests/crash/kill_load
count=150
[ "$1" = release ] && count=1000

attempt "kill -9 of a loader and a writer of one view, $count times" \
    "$kill" $count
control 'an acknowledgement before the commit' "$kill" 300 7 early
control 'rows of a load that are written on their own' "$kill" 300 7 mix
control 'a way back that loses what was written since' "$kill" 300 7 lose
promise kill-9-load \
    'A view is one whole version and what was written since, at any moment.'
attempt "the same of a view that keeps history, $count times" \
    "$kill" $count 20261124 none history
control 'rows of a load that are written on their own' \
    "$kill" 300 7 mix history
promise kill-9-load-history \
    'The history of a view stays right when a whole version is swapped in.'
kill=$B/tests/crash/kill_kept
attempt "kill -9 of a loader of events and a writer of more, $count times" \
    "$kill" $count
control 'an acknowledgement before the commit' "$kill" 300 7 early
control 'events of a load that are written on their own' "$kill" 300 7 mix
control 'events that count before they were known' "$kill" 300 7 late
promise kill-9-load-kept \
    'A view that keeps events is one load and the events since, now and as known.'
exit $failed
