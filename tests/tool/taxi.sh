#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every value of 35,612 real taxi trips, loaded by `feature load` and read by
# `feature get`, against what sqlite3 makes of the same file: once by trip, once
# by pickup zone, where the latest pickup wins and of equal ones the later row.
set -u
tool=${FEATURE_TOOL:-${B:-build}/feature}
case $tool in /*) ;; *) tool=$PWD/$tool ;; esac
data=${TAXI_DATA:-../shared/data/green_tripdata_2020-04.csv}
case $data in /*) ;; *) data=$PWD/$data ;; esac
[ -r "$data" ] || { echo "skip: no $data"; exit 77; }
command -v sqlite3 >/dev/null || { echo "skip: no sqlite3"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/feature-taxi.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# equal NAME WANTED GOT
equal() {
    if [ "$2" = "$3" ] && [ -n "$3" ]; then
        echo "ok $1"
    else
        echo "not ok $1: $3, not $2"
        failures=$((failures + 1))
    fi
}
must() {
    "$@" >out 2>err && return
    echo "not ok $*"
    cat err
    exit 1
}
count() {
    sed "s/.*\"$1\":\([0-9]*\).*/\1/" summary
}

columns='VendorID INT64, lpep_dropoff_datetime TIMESTAMP,
    store_and_fwd_flag STRING, RatecodeID INT32, DOLocationID INT64,
    passenger_count INT64, trip_distance FLOAT64, fare_amount FLOAT64,
    extra FLOAT64, mta_tax FLOAT64, tip_amount FLOAT64, tolls_amount FLOAT64,
    ehail_fee FLOAT64, improvement_surcharge FLOAT64, total_amount FLOAT64,
    payment_type INT32, trip_type INT32, congestion_surcharge FLOAT64'
cat >taxi.sql <<END
CREATE ENTITY trip (trip_id INT64);
CREATE ENTITY zone (PULocationID INT64);
CREATE FEATURE VIEW trips (PULocationID INT64, $columns) FOR trip;
CREATE FEATURE VIEW zones (trip_id INT64, $columns) FOR zone;
END
must "$tool" apply --create store taxi.sql

# load VIEW OPTION...: at local times that are taken for UTC
load() {
    view=$1
    shift
    must "$tool" load store "$view" "$data" --json \
        -t lpep_pickup_datetime:iso --time-zone UTC "$@"
    mv out summary
}
# The pickup time is the event timestamp, and not a feature of its own.
dump() {
    must "$tool" get store "$1(*)" --keys "$2" --csv
    mv out "$3"
}
load trips
equal "every trip is read" 35612 "$(count rows)"
equal "every trip is applied" 35612 "$(count applied)"
load zones
zone_late=$(count late)
equal "zones are applied or late" 35612 "$((zone_late + $(count applied)))"
sqlite3 :memory: ".mode csv" ".import $data raw" ".headers on" \
    "SELECT DISTINCT PULocationID FROM raw" | tr -d '\r' >zones.csv
dump trips "$data" trips.csv
dump zones zones.csv zones-got.csv

# Both sides as tables of text; NULL is the empty cell in either.
cat >compare.sql <<END
.mode csv
.import $data raw
.import trips.csv trips
.import zones-got.csv zones
CREATE INDEX trips_key ON trips (trip_id);
CREATE INDEX zones_key ON zones (PULocationID);
CREATE TABLE ranked AS SELECT *, row_number() OVER (
    PARTITION BY PULocationID
    ORDER BY lpep_pickup_datetime DESC, CAST(trip_id AS INTEGER) DESC) AS rank
    FROM raw;
CREATE TABLE latest AS SELECT * FROM ranked WHERE rank = 1;
.mode list
END
whole='VendorID RatecodeID DOLocationID passenger_count payment_type trip_type'
real='trip_distance fare_amount extra mta_tax tip_amount tolls_amount ehail_fee
    improvement_surcharge total_amount congestion_surcharge'
# differ NAME GOT WANTED KEY: counts the rows whose values are not the same
differ() {
    for column in $whole $5; do
        echo "SELECT '$1 $column', count(*) FROM $3 w LEFT JOIN $2 g USING ($4)
            WHERE (g.$column = '') IS NOT (w.$column = '')
            OR CAST(g.$column AS INTEGER) IS NOT CAST(w.$column AS INTEGER);"
    done
    for column in $real; do
        echo "SELECT '$1 $column', count(*) FROM $3 w LEFT JOIN $2 g USING ($4)
            WHERE (g.$column = '') IS NOT (w.$column = '')
            OR CAST(g.$column AS REAL) IS NOT CAST(w.$column AS REAL);"
    done
    echo "SELECT '$1 store_and_fwd_flag', count(*) FROM $3 w
        LEFT JOIN $2 g USING ($4)
        WHERE g.store_and_fwd_flag IS NOT w.store_and_fwd_flag;"
    for pair in lpep_dropoff_datetime:lpep_dropoff_datetime \
        "$2__event_timestamp:lpep_pickup_datetime"; do
        echo "SELECT '$1 ${pair#*:}', count(*) FROM $3 w
            LEFT JOIN $2 g USING ($4) WHERE g.${pair%:*} IS NOT
            replace(w.${pair#*:}, ' ', 'T') || 'Z';"
    done
    echo "SELECT '$1 present', count(*) FROM $3 w LEFT JOIN $2 g USING ($4)
        WHERE g.$2__state IS NOT 'PRESENT';"
}
{
    cat compare.sql
    differ "by trip:" trips raw trip_id PULocationID
    differ "by zone:" zones latest PULocationID trip_id
    echo "SELECT 'by trip: rows', count(*) - 35612 FROM trips;"
    echo "SELECT 'by zone: rows', (SELECT count(*) FROM zones) -
        (SELECT count(DISTINCT PULocationID) FROM raw);"
} >all.sql
must sqlite3 taxi.db ".read all.sql"
mv out differences
equal "sqlite3 compares every column" 44 "$(wc -l <differences)"
while IFS='|' read -r what differences; do
    equal "$what" 0 "$differences"
done <differences

# Late: older than the newest of its zone so far.
late=$(sqlite3 taxi.db "SELECT count(*) FROM (SELECT lpep_pickup_datetime AS at,
    max(lpep_pickup_datetime) OVER (PARTITION BY PULocationID
        ORDER BY CAST(trip_id AS INTEGER)
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest FROM raw)
    WHERE at < newest")
equal "late trips of zones are counted" "$late" "$zone_late"

# The same file in other chunks, and from a pipe, makes the same store.
must "$tool" apply --create again taxi.sql
mv store first
mv again store
load zones --chunk 777
equal "late trips do not depend on chunks" "$late" "$(count late)"
dump zones zones.csv zones-again.csv
sed 's/,[0-9.]*,$//' zones-got.csv >a
sed 's/,[0-9.]*,$//' zones-again.csv >b
cmp -s a b
equal "chunks make no difference" 0 $?

[ "$failures" -eq 0 ]
