#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# load.sh [BUILD]: `feature load` against `sqlite3 .import`, the same file into
# the same columns under the same key, on tmpfs where there is one; and the heap
# of a process that reads (bench/heap.c). Prints medians, writes
# BUILD/bench/load.json.
set -eu
cd "$(dirname "$0")/.."
build=${1:-${B:-build}}
tool=${FEATURE_TOOL:-$build/feature}
data=../shared/data/green_tripdata_2020-04.csv
copies=20
rounds=${ROUNDS:-9}
json=$build/bench/load.json

skip() {
    echo "skip: $*"
    exit 0
}
[ -r "$data" ] || skip "no $data, the taxi trips this loads"
command -v sqlite3 >/dev/null || skip "no sqlite3 to compare with"
[ -x "$tool" ] || { echo "no $tool: run make" >&2; exit 1; }

base=${TMPDIR:-/tmp}
[ -d /dev/shm ] && [ -w /dev/shm ] && base=/dev/shm
work=$(mktemp -d "$base/libfeature-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir -p "$build/bench"
rm -f "$json"

# The trips again and again, with trip_ids that go on rising.
files=
for i in $(seq "$copies"); do
    files="$files $data"
done
# shellcheck disable=SC2086
awk 'FNR == 1 { if (NR == 1) print; next }
     { print rows++ substr($0, index($0, ",")) }' $files >"$work/trips.csv"
rows=$(($(wc -l <"$work/trips.csv") - 1))

cat >"$work/trips.sql" <<'END'
CREATE ENTITY trip (trip_id INT64);
CREATE FEATURE VIEW trips (
    VendorID INT64, lpep_dropoff_datetime TIMESTAMP, store_and_fwd_flag STRING,
    RatecodeID INT64, PULocationID INT64, DOLocationID INT64,
    passenger_count INT64, trip_distance FLOAT64, fare_amount FLOAT64,
    extra FLOAT64, mta_tax FLOAT64, tip_amount FLOAT64, tolls_amount FLOAT64,
    ehail_fee FLOAT64, improvement_surcharge FLOAT64, total_amount FLOAT64,
    payment_type INT64, trip_type INT64, congestion_surcharge FLOAT64
) FOR trip;
END
cat >"$work/trips-sqlite.sql" <<'END'
CREATE TABLE trips (
    trip_id INTEGER PRIMARY KEY, VendorID INTEGER, lpep_pickup_datetime TEXT,
    lpep_dropoff_datetime TEXT, store_and_fwd_flag TEXT, RatecodeID INTEGER,
    PULocationID INTEGER, DOLocationID INTEGER, passenger_count INTEGER,
    trip_distance REAL, fare_amount REAL, extra REAL, mta_tax REAL,
    tip_amount REAL, tolls_amount REAL, ehail_fee REAL,
    improvement_surcharge REAL, total_amount REAL, payment_type INTEGER,
    trip_type INTEGER, congestion_surcharge REAL);
END

expect_rows() {
    [ "$2" = "$rows" ] || { echo "$1 has $2 rows, not $rows" >&2; exit 1; }
}
# Both begin with an empty table under its definition; each sets $took to the
# seconds of the import alone.
took=
stop_watch() {
    took=$(awk -v from="$1" -v to="$(date +%s%N)" \
        'BEGIN { printf "%.4f", (to - from) / 1e9 }')
}
load_feature() {
    rm -rf "$work/store"
    "$tool" apply --create "$work/store" "$work/trips.sql" >/dev/null
    from=$(date +%s%N)
    "$tool" load "$work/store" trips "$work/trips.csv" \
        --timestamp lpep_pickup_datetime:iso --time-zone UTC --json \
        >"$work/summary"
    stop_watch "$from"
    expect_rows "the store" "$(sed 's/.*"applied":\([0-9]*\).*/\1/' \
        "$work/summary")"
}
load_sqlite() {
    rm -f "$work/trips.db"
    sqlite3 "$work/trips.db" <"$work/trips-sqlite.sql"
    from=$(date +%s%N)
    sqlite3 "$work/trips.db" ".mode csv" \
        ".import --skip 1 $work/trips.csv trips"
    stop_watch "$from"
    expect_rows "the table" "$(sqlite3 "$work/trips.db" \
        'SELECT count(*) FROM trips')"
}

echo "loading $rows rows, $(wc -c <"$work/trips.csv") bytes, in $work"
load_feature && load_sqlite # both warm
for i in $(seq "$rounds"); do
    load_feature
    echo "$took" >>"$work/feature.times"
    load_sqlite
    echo "$took" >>"$work/sqlite.times"
done
heap=$("$build/bench/heap" "$work/heap")

# median, least and most of a file of numbers
three() {
    sort -n "$1" | awk '{ v[NR] = $1 }
        END { printf "%.3f %.3f %.3f", v[int((NR + 1) / 2)], v[1], v[NR] }'
}
list() {
    paste -sd, "$1"
}
# shellcheck disable=SC2046
set -- $(three "$work/feature.times") $(three "$work/sqlite.times")
ratio=$(awk -v a="$1" -v b="$4" 'BEGIN { printf "%.3f", a / b }')
cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
machine="$(uname -srm), $(nproc) x ${cpu:-CPU}"
versions="$("$tool" version), sqlite3 $(sqlite3 --version | cut -d' ' -f1)"

cat <<END
$machine
$versions
                    median    least    most   (s, $rounds rounds each)
feature load        $1    $2    $3
sqlite3 .import     $4    $5    $6
load_vs_sqlite      $ratio   (goal: at most 1.0)
heap_mib            $heap   (100 views open, 1000 x 100 read; goal: under 16)
END
cat >"$json" <<END
{"ratios": {"load_vs_sqlite": $ratio, "heap_mib": $heap},
 "rounds": {"feature": [$(list "$work/feature.times")],
            "sqlite": [$(list "$work/sqlite.times")]},
 "rows": $rows, "machine": "$machine", "versions": "$versions"}
END
