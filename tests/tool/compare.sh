#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# feature compare: equal stores in one line, and in which rows others differ.
. "$(dirname "$0")/command.inc"
cat >all.sql <<'END'
STORE WITH (changes = '3 days');
CREATE ENTITY driver (driver_id INT64);
CREATE ENTITY place (city STRING, street STRING);
CREATE FEATURE VIEW stats (
    trips INT64 DEFAULT 0, rate FLOAT32, city STRING, seen TIMESTAMP
) FOR driver WITH (ttl = '2 hours');
CREATE FEATURE VIEW places (
    tags STRING[], at FLOAT32[2], open BOOL, levels INT64[]
) FOR place WITH (history = '30 days');
END
cat >places.csv <<'END'
city,street,event_timestamp,tags,at,open,levels
Oslo,A,2026-01-01T12:00:00Z,"[""x"",""y""]","[1,2]",true,"[1,2,3]"
Oslo,AB,2026-01-01T12:00:00Z,"[""x""]","[1,2]",false,"[]"
Bergen,B,2026-01-01T12:00:00Z,,,,
END
run 0 apply --create a all.sql
run 0 load a stats good.csv
run 0 load a places places.csv
run 0 changes a
cp out records
run 0 follow b <records
run 0 compare a b
is out "equal: 6 rows of 2 views, commits 3 and 3"
run 0 snapshot a snap
run 0 compare a snap
run 0 compare snap b --view places
is out "equal: 3 rows of 1 views, commits 3 and 3"
run 0 compare a b --json
says out '"equal":true}' '"view":"places","equal":true,"rows":[3,3]'
check "a store, its follower and its snapshot are equal"

run 0 follow b --promote
cat >other.csv <<'END'
driver_id,event_timestamp,trips,rate,city,seen
1,2026-01-01T12:00:01Z,6,0.5,Oslo,2026-01-01T11:00:00Z
-4,2026-01-01T12:00:00Z,1,,,
9,2026-01-01T12:00:00Z,1,,,
END
run 0 load b stats other.csv
cat >more.csv <<'END'
driver_id,event_timestamp,trips,rate,city,seen
5,2026-01-01T12:00:00Z,1,,,
END
run 0 load a stats more.csv
run 1 compare a b
cat >expected <<'END'
stats: 1 mismatch, 1 missing, 2 extra, 2 equal
  extra    driver_id=-4
  mismatch driver_id=1: event_timestamp, trips
  missing  driver_id=5
  extra    driver_id=9
END
cmp -s out expected || note "the rows: $(cat out)"
run 1 compare b a --examples 1
says out "stats: 1 mismatch, 2 missing, 1 extra, 2 equal" "missing  driver_id=-4"
[ "$(wc -l <out)" -eq 2 ] || note "one example"
run 0 compare a b --view places
run 1 compare a b --json
says out '{"kind":"mismatch","key":{"driver_id":1},"columns":["event_timestamp","trips"]}' \
    '"mismatch":1,"missing":1,"extra":2' '"equal":false}'
python3 -m json.tool out >/dev/null || note "no JSON"
check "rows that differ are told by their keys"

for cell in 'z|tags' '9|at' '4|levels'; do
    run 0 restore snap "c${cell#*|}"
    sed -e "/,A,/{$(case $cell in z*) echo 's/y/z/' ;; 9*) echo 's/\[1,2\]/[1,9]/' ;;
    *) echo 's/1,2,3/1,2,4/' ;; esac)}" places.csv | sed 's/:00Z/:01Z/' >changed.csv
    run 0 load "c${cell#*|}" places changed.csv
    run 1 compare snap "c${cell#*|}"
    says out 'mismatch city="Oslo", street="A": event_timestamp, '"${cell#*|}" \
        'mismatch city="Oslo", street="AB": event_timestamp' \
        'mismatch city="Bergen", street="B": event_timestamp' \
        'places: its history differs: 3 and 6 entries'
done
check "lists and vectors are compared, and history"

for side in e f; do
    run 0 apply --create $side all.sql
done
grep -v ',AB,' places.csv >short.csv
grep -v ',A,' places.csv >long.csv
run 0 load e places short.csv
run 0 load f places long.csv
run 1 compare e f
says out "places: 0 mismatch, 1 missing, 1 extra, 1 equal" \
    'missing  city="Oslo", street="A"' 'extra    city="Oslo", street="AB"'
check "a key that begins another one is another one"

run 0 apply --create d trips.sql
run 1 compare a d
says out "places: only in a" "definitions differ"
run 1 compare d a
says out "places: only in a"
run 2 compare a none
run 2 compare a
run 2 compare a b --view nothing
run 2 compare a good.csv
run 2 compare a b --examples x
check "what cannot be compared"

[ "$failures" -eq 0 ]
