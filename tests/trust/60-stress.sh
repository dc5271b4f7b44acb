#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Many processes on one store: every snapshot is of one commit, no reader stops a
# writer, and a reader that died does not make the file grow for ever.
set -u
. "$(dirname "$0")/promise.inc"
stress=$B/tests/stress/processes
dead=$B/tests/stress/dead_reader
seconds=10
commits=10000
[ "$1" = release ] && seconds=60 commits=100000

attempt "eleven processes write, read, scan, open, grow the map, change definitions, \
are stopped and killed, for $seconds s" "$stress" $seconds
control 'two requests taken for one snapshot' "$stress" 10 7 split
promise one-snapshot \
    'A request sees one commit, and no reader keeps a writer from committing.'

attempt "the same with every look-up by mdb_get, for $seconds s" \
    env FEATURE_READ_PATH=mdb_get "$stress" $seconds
control 'two requests taken for one snapshot' \
    env FEATURE_READ_PATH=mdb_get "$stress" 10 7 split
promise one-snapshot-mdb_get 'It does so by mdb_get, too.'

attempt "a reader killed while it holds a snapshot, then $commits commits" \
    "$dead" $commits
control 'a reader that lives on' "$dead" 10000 stopped
promise dead-reader 'A dead reader does not make the file grow without bound.'
exit $failed
