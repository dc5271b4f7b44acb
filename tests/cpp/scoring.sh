#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The scoring example on the flights of examples/data: the scores are those of
# the example in C, and mistakes are told.
set -eu
store=$TMPDIR/store
"$B/feature" apply --create "$store" examples/flights.sql >/dev/null
for view in aircraft_profile aircraft_activity airport_traffic; do
    "$B/feature" load "$store" $view examples/data/$view.csv >/dev/null
done
"$B/examples/score" "$store" examples/data/departures.csv >"$TMPDIR/c.txt"
"$B/examples/cpp-scoring/score" "$store" examples/data/departures.csv \
    >"$TMPDIR/cpp.txt"
cat "$TMPDIR/cpp.txt"

# A flight's score stands before what became of it: "101 min" or "cancelled".
scores() {
    awk '$NF == "min" { print $1, $(NF - 2) }
         $NF == "cancelled" { print $1, $(NF - 1) }' "$1" | sort
}
scores "$TMPDIR/c.txt" >"$TMPDIR/c"
scores "$TMPDIR/cpp.txt" >"$TMPDIR/cpp"
join "$TMPDIR/c" "$TMPDIR/cpp" | awk '
    $2 != $3 { print "scores differ: " $0; bad = 1 }
    END { exit bad || NR < 2 }'
echo "ok flights have the score that the example in C gives them"

grep -qE 'p50 [1-9][0-9]* +p90 [1-9][0-9]* +p99 [1-9][0-9]* ' "$TMPDIR/cpp.txt"
echo "ok latencies are printed"

status=0
"$B/examples/cpp-scoring/score" "$TMPDIR/none" examples/data/departures.csv \
    2>"$TMPDIR/error" || status=$?
test $status -eq 1
grep -q '^score: NOT_FOUND: ' "$TMPDIR/error"
echo "ok a missing store is told"
