#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# feature changes and feature follow: a leader, its followers, a pipe.
. "$(dirname "$0")/command.inc"
echo "STORE WITH (changes = '3 days');" >feed.sql
run 0 apply --create a trips.sql feed.sql
run 0 load a stats good.csv

run 0 changes a --json
[ "$(wc -l <out)" -eq 2 ] || note "two commits are two lines"
says out '"sequence":1' '"operation":"DEFINE","kind":"feature view"' \
    '"operation":"UPSERT","view":"stats","key":{"driver_id":3}' '"rate":-0.001'
cp out a.json
run 0 changes a --json --since 2
empty out
run 1 changes a --since 3
says err "the change feed ends at sequence 2"
check "records are lines of JSON"

run 0 follow b --print-since
is out 0
run 0 changes a
cp out records
run 0 follow b <records
run 0 follow b <records
run 0 follow b --print-since
is out 2
run 0 changes b --json
cmp -s out a.json || note "the follower's records differ"
run 0 get a 'stats(*)' driver_id=3
cp out a.answer
run 0 get b 'stats(*)' driver_id=3
cmp -s out a.answer || note "the follower answers otherwise"
run 0 verify b
run 1 load b stats good.csv
says err "promote it"
"$tool" doctor b >out 2>err
says out "follows another one" "change records 1 to 2"
check "a follower holds what its leader holds"

size=$(wc -c <records)
head -c $((size - 1)) records >cut
run 1 follow c <cut
says err "standard input ends within a change record"
run 0 follow c --print-since
is out 1
head -c 5 records >cut
run 1 follow c <cut
says err "ends within a change record"
run 1 follow c <good.csv
says err "no change records"
check "half a record is an error and changes nothing"

# The tail ends by a signal; what came before has arrived by then.
"$tool" changes a --since 1 --follow >pipe.out 2>pipe.err &
tail=$!
run 0 load a stats good.csv
tries=0
until [ "$tries" -gt 300 ] ||
    { "$tool" follow d <records && cat pipe.out | "$tool" follow d &&
        [ "$("$tool" follow d --print-since)" -eq 3 ]; } >/dev/null 2>&1; do
    tries=$((tries + 1))
    sleep 0.1
done
kill "$tail"
wait "$tail" 2>/dev/null
run 0 follow d --print-since
is out 3
check "--follow prints what is written later"

run 0 changes a --consumer replica-1 --json
[ "$(wc -l <out)" -eq 3 ] || note "a new consumer begins at the first record"
run 0 changes a --consumer replica-1 --json
empty out
run 0 load a stats good.csv
run 0 changes a --consumer replica-1 --json
[ "$(wc -l <out)" -eq 1 ] || note "a consumer goes on where it was"
run 0 metrics a
says out 'feature_feed_consumer_lag{consumer="replica-1"} 0' 'feature_feed_head 4'
run 1 changes a --consumer 'a b'
says err "a consumer's name"
run 2 changes a --since x
says err '"x" is no number'
check "a consumer is remembered"

run 0 follow b --promote
is out 2
run 0 load b stats good.csv
run 0 changes b --since 2
cp out fork
run 1 follow a <fork
says err "not of this store's history"
check "a promoted follower writes, and its old leader does not follow"

run 0 apply --create off trips.sql
run 1 changes off
says err "keeps no change feed"
check "without a feed there is a sentence"

[ "$failures" -eq 0 ]
