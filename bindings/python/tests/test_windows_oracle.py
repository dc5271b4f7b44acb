# SPDX-License-Identifier: Apache-2.0
"""Windows of the taxi trips against DuckDB, which reads the same file.

FEATURE_JOIN_LABELS asks for another number of labels, FEATURE_JOIN_PLANT for a
wrong oracle, which has to be found: ``before`` opens windows at the left,
``first`` closes them at the right.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any, List

import duckdb
import numpy
import pyarrow
import pyarrow.compute as compute
import pytest

import libfeature as lf

LABELS = int(os.environ.get("FEATURE_JOIN_LABELS", "20000"))
PLANT = os.environ.get("FEATURE_JOIN_PLANT", "")
LEFT = ">" if PLANT == "before" else ">="
RIGHT = "<=" if PLANT == "first" else "<"
TAXI = Path("../shared/data/green_tripdata_2020-04.csv")
CLOCK = datetime(2026, 6, 1, tzinfo=timezone.utc)
HOUR, DAY = 3_600_000_000, 86_400_000_000
TIMES = 1000
COLUMNS = ["trips_7d", "cents_7d", "fare_7d", "top_7d", "trips_1h"]

DEFINITIONS = """
CREATE ENTITY zone (zone INT64);
CREATE EVENT trip (zone INT64, fare FLOAT64, cents INT64);
CREATE FEATURE VIEW traffic (
    trips_7d = COUNT(*)   OVER '7 days' DEFAULT 0,
    cents_7d = AVG(cents) OVER '7 days',
    fare_7d  = AVG(fare)  OVER '7 days',
    top_7d   = MAX(fare)  OVER '7 days',
    trips_1h = COUNT(*)   OVER '1 hour' EXACT DEFAULT 0
) FOR zone FROM trip WITH (history = '36500 days');
"""

#: The hop of a window of 7 days is 3 hours.
SQL = """
SELECT l.n,
    count(*) FILTER (r.ts {left} tail_7d) AS trips_7d,
    avg(r.cents) FILTER (r.ts {left} tail_7d) AS cents_7d,
    sum(r.exact) FILTER (r.ts {left} tail_7d) AS fare_7d,
    max(r.fare) FILTER (r.ts {left} tail_7d) AS top_7d,
    count(*) FILTER (r.ts {left} tail_1h) AS trips_1h
FROM (SELECT *, (t - 7 * {day}) // (3 * {hour}) * (3 * {hour}) AS tail_7d,
        t - {hour} AS tail_1h
    FROM labels) l
LEFT JOIN trips r ON r.zone = l.zone AND r.ts {right} t AND r.ts >= tail_7d
GROUP BY l.n ORDER BY l.n
"""


def read_trips(base: Any) -> pyarrow.Table:
    """In the order of the file."""
    base.execute(
        "CREATE TABLE trips AS SELECT trip_id, PULocationID::BIGINT AS zone,"
        " epoch_us(lpep_pickup_datetime) AS ts, fare_amount::DOUBLE AS fare,"
        " round(fare * 100)::BIGINT AS cents,"
        # Exact: a fare is below 2^11 and no multiple of less than 2^-60.
        " (fare * 2::DOUBLE ** 60)::HUGEINT AS exact"
        " FROM read_csv('%s') ORDER BY trip_id" % TAXI
    )
    trips = base.sql(
        "SELECT zone, fare, cents, ts FROM trips ORDER BY trip_id"
    ).to_arrow_table()
    times = trips["ts"].cast(pyarrow.timestamp("us", "UTC"))
    return trips.drop(["ts"]).append_column("event_timestamp", times)


def make_labels(trips: pyarrow.Table) -> pyarrow.Table:
    """1,000 times, each of several zones: any time, that of a trip, or an hour
    after one; half of the zones are that of the trip."""
    random = numpy.random.default_rng(7)
    at = compute.cast(trips["event_timestamp"], "int64").to_numpy()
    zones = trips["zone"].to_numpy()
    april = at[at >= 1_585_699_200_000_000]
    first, last = int(april.min()), int(april.max()) + 8 * DAY
    picked = random.integers(0, len(at), TIMES)
    kind = random.integers(0, 3, TIMES)
    times = numpy.where(
        kind == 0,
        random.integers(first, last, TIMES),
        at[picked] + numpy.where(kind == 1, 0, HOUR),
    )
    each = min(max(LABELS // TIMES, 2), len(set(zones.tolist())))
    asked = random.choice(zones, (TIMES, each))
    asked[:, 0] = zones[picked]
    return pyarrow.table(
        {
            "n": numpy.arange(TIMES * each),
            "zone": asked.ravel(),
            "event_timestamp": pyarrow.array(
                numpy.repeat(times, each), pyarrow.timestamp("us", "UTC")
            ),
        }
    )


def mean(scaled: Any, count: int) -> Any:
    """Without rounding before the end."""
    return float(Fraction(scaled, count << 60)) if count else None


def wrong_rows(got: Any, wanted: List[Any]) -> int:
    columns = [got[name].to_pylist() for name in COLUMNS]
    assert len(columns[0]) == len(wanted) > 0
    return sum(a != b for a, b in zip(zip(*columns), wanted))


def test_taxi_windows_equal_duckdb(tmp_path: Path) -> None:
    if not TAXI.exists():
        pytest.skip("no %s" % TAXI)
    base = duckdb.connect()
    trips = read_trips(base)
    store = lf.Store.open(tmp_path / "store", create=True, fixed_now=CLOCK)
    store.apply(DEFINITIONS)
    for at in range(0, len(trips), 3000):
        store.write(
            "trip", trips.slice(at, 3000), operation=lf.Operation.EVENT
        )
    labels = make_labels(trips)
    base.register(
        "labels",
        labels.drop(["event_timestamp"]).append_column(
            "t", labels["event_timestamp"].cast("int64")
        ),
    )
    sql = SQL.format(left=LEFT, right=RIGHT, hour=HOUR, day=DAY)
    wanted = [
        (row[1], row[2], mean(row[3], row[1]), row[4], row[5])
        for row in base.sql(sql).fetchall()
    ]
    query = store.query("traffic(%s)" % ", ".join(COLUMNS))
    read = query.read(
        {"zone": labels["zone"]}, as_of=labels["event_timestamp"]
    ).to_arrow()
    joined = query.join(labels)
    for name, got in (("read", read), ("join", joined)):
        count = wrong_rows(got, wanted)
        print("%s: %d rows compared, %d different" % (name, len(got), count))
        assert bool(count) == bool(PLANT), "%d of %d" % (count, len(got))
    # Not all of them are empty.
    assert sum(row[0] > 0 for row in wanted) > len(wanted) // 2
    assert sum(row[4] > 0 for row in wanted) > len(wanted) // 20
