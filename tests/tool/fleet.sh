#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# examples/fleet: three followers of one writer, one of them killed.
fleet=$PWD/examples/fleet/fleet.sh
. "$(dirname "$0")/command.inc"
FEATURE_TOOL=$tool TMPDIR=$work sh "$fleet" 40 >out 2>err || note "it failed"
says out "second was killed at commit " "third begins with a snapshot"
[ "$(grep -c '^equal: 40 rows of 1 views, commits 41 and 41$' out)" -eq 3 ] ||
    note "not three equal followers: $(cat out err)"
check "three followers hold what the leader holds"

[ "$failures" -eq 0 ]
