#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# feature restore --changes: a snapshot and archived change records become the
# store of a point in time.
. "$(dirname "$0")/command.inc"
echo "STORE WITH (changes = '3 days');" >feed.sql
load() { # load N: a commit whose row has N trips
    printf 'driver_id,event_timestamp,trips\n%s,2026-01-01T12:00:00Z,%s\n' \
        "$1" "$1" >one.csv
    run 0 load --patch a stats one.csv
}
at() { # at STORE SEQUENCE: where it is, and sound
    run 0 follow "$1" --print-since
    is out "$2"
    run 0 verify "$1"
}
run 0 apply --create a trips.sql feed.sql
load 2
run 0 snapshot a snap
mkdir archive
run 0 changes a --since 1
cp out archive/z-first
load 3
load 4
run 0 changes a --since 1
cp out archive/b-second
load 5
load 6
run 0 changes a --since 4
cp out archive/a-third
: >archive/empty
run 0 changes a
cp out all
run 0 changes a --json
cp out a.json

run 0 restore snap whole --changes archive
says out "commit 6 at 2026-01-01T12:00:00.000005Z" \
    "4 change records came after the snapshot"
at whole 6
run 0 get whole 'stats(trips)' driver_id=6
cp out answer
run 0 get a 'stats(trips)' driver_id=6
cmp -s out answer || note "it answers otherwise"
run 1 load whole stats good.csv
says err "promote it"
run 0 follow whole <all
at whole 6
check "all records of a directory, in whatever files they overlap"

run 0 restore snap file --changes all
at file 6
run 0 restore snap five --changes archive --until 5
at five 5
run 0 restore snap two --changes archive --until 2
at two 2
for sequence in 3 4 5; do
    # Noon is the first commit's time, each next one is a microsecond later.
    run 0 restore snap time$sequence --changes archive \
        --until 2026-01-01T12:00:00.00000$((sequence - 1))Z
    at time$sequence $sequence
done
run 0 restore snap json --changes archive --until 4 --json
says out '"sequence":4,'
check "until a sequence, or a time"

run 1 restore snap no --changes archive --until 1
says err "the snapshot is of commit 2"
run 1 restore snap no --changes archive --until 2026-01-01T11:00:00Z
says err "the snapshot is of commit 2"
run 1 restore snap no --changes archive --until 7
says err "end at commit 6"
run 1 restore snap no --changes archive --until 2026-01-01T13:00:00Z
says err "end at commit 6"
run 2 restore snap no --changes archive --until yesterday
run 2 restore snap no --until 4
run 2 restore --verify-only snap --changes archive
run 1 restore snap whole --changes archive
says err "is there already"
run 1 restore snap no --changes none
says err "cannot read none"
check "an end that is not reached is no end"

rm archive/b-second
run 1 restore snap no --changes archive
says err "too early"
run 1 restore snap no --changes archive --until 4
says err "records 3 to 4 are missing"
run 1 restore snap no --changes archive --until 2026-01-01T12:00:00.000003Z
says err "records 3 to 4 are missing"
check "a gap is an error"

head -c $(($(wc -c <all) - 1)) all >cut
run 1 restore snap no --changes cut
says err "cut ends within a change record"
run 0 restore snap cut5 --changes cut --until 5
at cut5 5
mkdir torn
cp cut torn/1
run 0 changes a --since 3
cp out torn/2
run 0 restore snap torn6 --changes torn
says err "torn/1 ends within a change record"
at torn6 6
run 1 restore snap no --changes good.csv
says err "good.csv"
run 0 apply --create other trips.sql feed.sql
run 0 load other stats good.csv
run 0 load other stats good.csv
run 0 changes other
cp out others
run 1 restore snap no --changes others
says err "not of this store's history"
check "half a record, and records of another store"

# shellcheck disable=SC2012 # names of our own
[ "$(ls -d no no.tmp-* whole.tmp-* 2>/dev/null | wc -l)" -eq 0 ] ||
    note "something was left behind"
check "nothing is left behind"

[ "$failures" -eq 0 ]
