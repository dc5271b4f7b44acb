#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# examples/spark: what Spark's partitions built and one process swapped in is, byte
# for byte, what one process loads alone; a second run changes nothing.
set -u
. "$(dirname "$0")/tool/command.inc"
root=$(cd "$OLDPWD" && pwd)
data=$root/examples/data/aircraft_activity.csv
nightly="$SPARK_PYTHON $root/examples/spark/nightly.py"
export PYTHONPATH=$root/bindings/python PYSPARK_PYTHON=$SPARK_PYTHON

$nightly spark "$data" --partitions 5 >out 2>err || note "$(tail -n 3 err)"
says out 'rows from 5 pieces, swapped in by commit'
check 'pieces of five partitions are swapped in'

"$tool" apply alone "$root/examples/flights.sql" --create >out 2>err
"$tool" load alone aircraft_activity "$data" >out 2>err
"$tool" compare spark alone --view aircraft_activity >out 2>err ||
    note "$(head -n 5 out)"
check 'they are what one process loads'

$nightly spark "$data" >out 2>err || note "$(tail -n 3 err)"
is out 'night-1 was loaded before: nothing changed'
check 'the same night once more changes nothing'
[ $failures -eq 0 ]
