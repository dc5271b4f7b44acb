#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 16-follow.sh ci|release: a leader and a follower, each killed by kill -9 at
# random. The follower has no gap and does nothing twice; a third store, made of
# all records, equals the leader; a record that is missing is noticed.
set -u
. "$(dirname "$0")/promise.inc"
rig=$B/tests/unit/follow_kill
TMPDIR=$(mktemp -d "${TMPDIR:-/dev/shm}/trust-follow.XXXXXX") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' INT TERM
rounds=30
[ "$1" = release ] && rounds=1000

attempt "kill -9 of a leader and its follower at random, $rounds rounds" \
    "$rig" $rounds
control 'an acknowledgement before the commit' "$rig" 100 7 early
promise follow \
    'A follower equals its leader after any record; what is missing is an error.'
exit $failed
