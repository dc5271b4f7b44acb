#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh BUILD: loads the flights of examples/data into a fresh store, scores
# some of them, and ends with a command to try.
set -eu
build=$1
store=$build/demo/store
rm -rf "$build/demo"
mkdir -p "$build/demo"

run() {
    echo
    echo "\$ $*"
    "$@"
}
run "$build/feature" apply --create "$store" examples/flights.sql
for view in aircraft_profile aircraft_activity airport_traffic; do
    run "$build/feature" load "$store" $view examples/data/$view.csv
done
run "$build/examples/score" "$store" examples/data/departures.csv
run "$build/examples/latency" "$store" examples/data/departures.csv

cat <<END

The store is in $store. Ask it yourself:

    $build/feature get $store departure_v1 tailnum=N473UA origin_faa=LGA destination_faa=IAH --as-of 2013-07-01T21:00:00Z
END
