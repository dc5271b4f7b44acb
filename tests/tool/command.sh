#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The feature command as people run it: help, apply, plan, describe, infer, stats,
# metrics and verify; what they print, where, and how they exit.
. "$(dirname "$0")/command.inc"

# --- the command line -----------------------------------------------------------

"$tool" >out 2>err
[ $? -eq 2 ] || note "no command at all is no wrong usage"
says err "Usage: feature COMMAND"
empty out
run 2 fly
says err 'there is no command "fly"'
check "without a command, or with a wrong one, it exits 2"

run 0 --help
says out "Usage: feature COMMAND" "load a CSV file"
run 0 help
says out "Usage: feature COMMAND"
empty err
check "help goes to standard output"

for name in apply plan describe infer load get history join stats metrics doctor maintain check \
    verify snapshot restore compact changes follow compare export version; do
    run 0 $name --help
    says out "Usage: feature $name" "Example: feature $name"
    empty err
    run 0 help $name
    says out "Usage: feature $name"
done
check "every command has a help text with an example"

run 0 --version
says out "feature 0."
cp out version
run 0 version
cmp -s out version || note "--version and version differ"
check "the version is printed"

for name in apply plan describe infer load get history join stats metrics doctor maintain check \
    verify snapshot restore compact changes follow; do
    run 2 $name --no-such-option
    says err "there is no option --no-such-option" "feature $name --help"
    run 2 $name -x
    says err "there is no option -x"
    run 2 $name
    empty out
done
run 2 load s v f --chunk
says err "--chunk needs a value"
run 2 load s v f --json=yes
says err "no value belongs there"
check "wrong options and missing arguments exit 2"

# --- apply, plan, describe ------------------------------------------------------

run 1 apply store trips.sql
says err "there is no store in store" "--create"
[ ! -e store ] || note "a store was made"
run 0 apply --create store trips.sql
says out "driver" "stats" "commit 1 at "
run 0 apply store trips.sql
is out "no change"
check "apply creates only when asked to, and says what it did"

run 0 plan store trips.sql
is out "no change"
run 0 plan --exit-code store trips.sql
echo "CREATE ENTITY driver (driver_id INT64);" >part.sql
run 0 plan --exit-code store part.sql
says out "kept"
echo "CREATE ENTITY rider (rider_id STRING);" >more.sql
run 2 plan --exit-code store more.sql
says out "rider"
run 0 plan store more.sql
echo "CREATE NONSENSE;" >bad.sql
run 1 plan --exit-code store bad.sql
run 1 plan --exit-code store missing.sql
run 1 plan --exit-code nowhere trips.sql
run 1 plan --exit-code --exitcode store trips.sql
run 2 plan --exitcode store trips.sql
check "plan --exit-code: 0 the same, 2 differs, 1 an error"

printf '\357\273\277-- one\n-- two' >first.sql
printf 'CREATE ENTITY rider (rider_id STRING);\nCREATE ENTITY x (y FLOAT);' >second.sql
run 1 apply store first.sql second.sql
says err "second.sql:2:"
grep -q '^second.sql:2:[0-9]*: [^0-9]' err || note "not file:line:column: text"
run 1 apply store bad.sql first.sql
says err "bad.sql:1:"
run 0 describe store
grep -q rider out && note "half of a text was applied"
printf 'CREATE ENTITY a (b INT64);\n\0' >nul.sql
run 1 apply store nul.sql
says err "nul.sql:2: a NUL byte"
check "several files are one text, and errors find their file and line"

run 2 plan --exit-code store - <more.sql
echo 'CREATE ENTITY;' >bad.sql
run 1 plan store - <bad.sql
says err "standard input:1:"
check "definitions are read from standard input"

run 0 describe store
cp out all.sql
run 0 apply store all.sql
is out "no change"
run 0 describe store stats
says out "CREATE FEATURE VIEW stats"
run 1 describe store nothing
check "describe prints what apply takes"

# --- the rest ---------------------------------------------------------------------

run 0 stats store
says out "rows" "views             1"
run 0 stats store --json
says out '"views":1' '"services":1' '"commit_time":"20'
run 2 metrics store --json
run 0 metrics store
says out "# EOF"
run 1 stats nowhere
run 1 metrics nowhere
run 2 stats store store
check "stats and metrics"

run 0 verify store
says out "store: good: commit"
empty err
run 0 verify store --json
says out '"good":true,"held":true,"found":0' '"findings":[]'
run 0 verify --quiet store
empty out
rm -rf bad
mkdir -m 700 bad
(umask 077 && head -c 20000 store/data.mdb >bad/data.mdb)
run 1 verify bad
says out "past the end of the file" "bad: damaged" "restore a snapshot"
run 1 verify bad --json --lines 1
says out '"good":false' '"findings":[{"kind":"' '{"kind":"more","count":'
run 1 verify -q bad
empty out
empty err
run 2 verify nowhere
says err "there is no store in nowhere"
run 2 verify store store
run 2 verify store --lines none
check "verify tells good, damaged and neither apart"

cut -d, -f1,2,3 good.csv >part.csv
printf 'driver_id,event_timestamp,trips,trips\n' >twice.csv
printf 'driver_id,event_timestamp,trips\n1,%s,1\n2,%s\n' $noon $noon >mixed.csv
printf 'driver\n1\n' >keys.csv
run 0 infer good.csv --key driver_id --view inferred --entity someone
says out "CREATE ENTITY someone (" "driver_id INT64" "CREATE FEATURE VIEW inferred (" \
    "-- INT64: 2 whole numbers up to 5, some written 2.0; 1 empty (33.3 %)" \
    "-- TIMESTAMP: 2 times; 1 empty" "feature load STORE inferred good.csv"
cp out inferred.sql
run 0 apply --create second inferred.sql
run 0 load second inferred good.csv
says out "3 rows read"
run 2 infer good.csv
run 1 infer good.csv --key nothing
says err 'good.csv has no column "nothing"'
run 1 infer part.csv --key driver_id --timestamp when
run 1 infer twice.csv --key driver_id
run 1 infer good.csv --key driver_id,driver_id
says err "twice"
run 1 infer good.csv --key driver_id,event_timestamp
says err "cannot be a key and the timestamp"
run 1 infer keys.csv --key driver
says err "no column that would be a feature"
run 1 infer mixed.csv --key driver_id
says err "mixed.csv:3:1: 2 cells, where the header has 3"
run 0 infer - --key driver_id <good.csv
says out "CREATE FEATURE VIEW driver_features ("
printf 'Id No,2nd value,for\n007,[1.5],x\n' >odd.csv
run 0 infer odd.csv --key "Id No"
cp out inferred.sql
says inferred.sql 'Id_No STRING' 'titled "Id No"' 'n2nd_value FLOAT64[]' "--at-commit"
run 0 apply --create third inferred.sql
check "infer proposes what apply and load take"

# A store in memory is worth a warning.
case $(stat -f -c %T .) in
    tmpfs | ramfs) sound=1 ;;
    *) sound=0 ;;
esac
run $sound doctor store
says out "ok " "it opens" "reader slots are taken" "address space" "LMDB" "hold nothing"
run $sound doctor store --json
says out '"store":"store"' '"sound":' '"topic":"readers","level":"ok"'
run $sound doctor store --immutable
says out "the store is immutable"
run 1 doctor nowhere
says out "WARNING" "no-store" "-> look at the path" "1 thing needs doing."
mkdir broken
echo "no store, but long enough to look like one" >broken/data.mdb
run 1 doctor broken --json
says out '"sound":false' '"level":"warning"' '"advice":' "is not a libfeature store"
run 2 doctor
run 2 doctor store second
check "doctor says what is sound and what needs doing"
# --- snapshot, restore, compact ---------------------------------------------------

run 0 snapshot store monday.snapshot --level 3 --workers 1
says out "wrote" "rows of 1 views, commit "
run 0 restore --verify-only monday.snapshot
says out "checked"
run 0 restore monday.snapshot restored --json
says out '"sequence":' '"rows":'
run 0 describe store
cp out first
run 0 describe restored
cmp -s first out || note "a restored store has other definitions"
run 1 restore monday.snapshot restored
says err "restored is there already"
run 1 snapshot nowhere a.snapshot
run 1 restore trips.sql other
says err "byte 0: this is no snapshot"
[ ! -e other ] || note "a store was made of no snapshot"
printf x >>monday.snapshot
run 1 restore --verify-only monday.snapshot
says err "bytes follow the trailer"
run 0 compact restored
says out "rewrote" "became"
run 0 stats restored
for level in 0 20 x -1; do
    run 2 snapshot store a.snapshot --level $level
    says err "--level is a number from 1 to 19"
done
run 2 restore --verify-only monday.snapshot other
check "snapshot, restore and compact say what they did"
printf 'id,ended at,paid,note\n1,2026-01-01 10:00:00,2026-01-01T09:00:00Z,a\n' >naive.csv
run 0 infer naive.csv --key id
says out 'load STORE naive naive.csv --at-commit --time-zone UTC' \
    "-- Is \"ended at\" or \"paid\" the event time? Then use -t 'ended at'"
cp out inferred.sql
run 0 apply --create naive inferred.sql
run 1 load naive naive naive.csv --at-commit
says err "--time-zone"
run 0 load naive naive naive.csv --at-commit --time-zone UTC
run 0 infer naive.csv --key id -t paid
says out 'naive.csv --timestamp paid:iso --time-zone UTC'
grep -q "the event time?" out && note "asked for what was said"
cut -d, -f1,3,4 naive.csv >zoned.csv
run 0 infer zoned.csv --key id
says out 'zoned.csv --at-commit' 'Is "paid" the event time? Then use -t paid:'
grep -q time-zone out && note "a zone for times that have one"
run 0 infer odd.csv --key "Id No"
grep -q "the event time?" out && note "no column has times"
check "infer asks for the event time, and for the zone of any column"

if [ -w /dev/full ]; then
    "$tool" describe store >/dev/full 2>err
    [ $? -eq 1 ] || note "a full standard output is not told"
    says err "standard output"
    check "a full standard output exits 1"
fi

[ "$failures" -eq 0 ]
