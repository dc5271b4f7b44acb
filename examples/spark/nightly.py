#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A nightly batch of Spark, swapped into the store that serves.

    python nightly.py STORE FLIGHTS.csv [--partitions N] [--night NAME]

Spark sorts the newest row of each aircraft by key and cuts the keys into ranges.
Each partition builds its piece, a store of its own, through the Python package;
one process then reads the pieces one after the other, in the order of their keys,
as one load, and swaps it in with one commit. FLIGHTS.csv has the columns of
examples/data/aircraft_activity.csv.

A task that Spark runs again makes its piece anew, under another name; a night that
is run again changes nothing, as its load has a name. Nobody sees half of a night.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any, Iterator, List

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

import libfeature as lf

VIEW = "aircraft_activity"
DEFINITIONS = Path(__file__).resolve().parents[1] / "flights.sql"
# Of a piece: without ttl and DEFAULT, which are for those who read, so that what is
# scanned is what was written.
PARTS = """
CREATE ENTITY aircraft (tailnum STRING);
CREATE FEATURE VIEW aircraft_activity (
    flights_7d INT64, mean_delay_7d FLOAT32, last_delay FLOAT32, miles_7d INT64,
    last_destination STRING
) FOR aircraft;
"""
PIECE = "path string, first_key string, rows long"
TYPES = (
    "tailnum string, event_timestamp timestamp, flights_7d bigint, "
    "mean_delay_7d float, last_delay float, miles_7d bigint, "
    "last_destination string"
)


def newest_rows(spark: SparkSession, flights: str, partitions: int) -> Any:
    """One row a key, in ranges of keys, in order within each of them. Spark and
    the store order texts alike: by their UTF-8."""
    latest = Window.partitionBy("tailnum").orderBy(F.desc("event_timestamp"))
    return (
        spark.read.csv(flights, header=True, schema=TYPES)
        .withColumn("nth", F.row_number().over(latest))
        .where("nth = 1")
        .drop("nth")
        .repartitionByRange(partitions, "tailnum")
        .sortWithinPartitions("tailnum")
    )


def piece_builder(directory: str, definitions: str) -> Any:
    """What runs in the workers: a partition becomes a piece."""

    def build(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        path = os.path.join(directory, uuid.uuid4().hex)
        first, load = None, None
        with lf.Store.open(path, create=True, sync="last_txn") as store:
            store.apply(definitions)
            for batch in batches:
                if not batch.num_rows:
                    continue
                if load is None:
                    first = batch.column(0)[0].as_py()
                    load = store.begin_load(VIEW, in_order=True)
                load.append(pa.Table.from_batches([batch]))
            rows = load.commit().rows if load else 0
        yield pa.RecordBatch.from_pydict(
            {"path": [path], "first_key": [first], "rows": [rows]}
        )

    return build


def swap_in(store: lf.Store, pieces: List[Any], night: str) -> lf.LoadReport:
    """All pieces as one load, whose keys come in order: it is appended to the new
    version as it is read, and nothing is sorted again."""
    with store.begin_load(VIEW, id=night, in_order=True) as load:
        for piece in pieces:
            with lf.Store.open(piece.path, read_only=True) as part:
                load.append(part.scan("%s(*)" % VIEW, fill="nulls"))
    return load.report


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("store")
    arguments.add_argument("flights")
    arguments.add_argument("--partitions", type=int, default=4)
    arguments.add_argument("--night", default="night-1")
    asked = arguments.parse_args()
    definitions = DEFINITIONS.read_text()
    spark = (
        SparkSession.builder.master("local[2]")
        .appName("nightly")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    pieces_at = tempfile.mkdtemp(prefix="pieces-")
    try:
        rows = newest_rows(spark, asked.flights, asked.partitions)
        build = piece_builder(pieces_at, PARTS)
        built = rows.mapInArrow(build, PIECE).where("rows > 0").collect()
        # Keys are texts: the order of their bytes is that of the store.
        pieces = sorted(built, key=lambda piece: piece.first_key.encode())
        with lf.Store.open(asked.store, create=True) as store:
            store.apply(definitions)
            report = swap_in(store, pieces, asked.night)
    finally:
        spark.stop()
        shutil.rmtree(pieces_at)
    if report.duplicate:
        print("%s was loaded before: nothing changed" % asked.night)
    else:
        print(
            "%d rows from %d pieces, swapped in by commit %d in %.1f ms"
            % (report.rows, len(pieces), report.sequence, report.swap_us / 1e3)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
