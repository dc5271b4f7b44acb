# SPDX-License-Identifier: Apache-2.0
"""Joins against DuckDB's ASOF JOIN and sqlite3's window functions.

FEATURE_JOIN_LABELS asks for another number of labels, FEATURE_JOIN_PLANT for a
wrong oracle, which has to be found: ``before`` takes < for <=, ``first`` the
earlier commit of a tie.
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List, Tuple

import duckdb
import numpy
import pyarrow
import pytest

import libfeature as lf

LABELS = int(os.environ.get("FEATURE_JOIN_LABELS", "20000"))
PLANT = os.environ.get("FEATURE_JOIN_PLANT", "")
AT = "<" if PLANT == "before" else "<="
LATER = "ASC" if PLANT == "first" else "DESC"
START = 1_767_225_600_000_000
CLOCK = datetime(2026, 6, 1, tzinfo=timezone.utc)
TTL = 40_000_000
TAXI = Path("../shared/data/green_tripdata_2020-04.csv")


def open_store(path: Path, definitions: str) -> lf.Store:
    store = lf.Store.open(path, create=True, fixed_now=CLOCK)
    store.apply(definitions)
    return store


def times_of(values: Any) -> Any:
    return pyarrow.array(values, pyarrow.timestamp("us", "UTC"))


def differences(got: Any, wanted: Any) -> int:
    """Rows of two tables that are not the same, in any column."""
    assert len(got) == len(wanted) > 0
    wrong = numpy.zeros(len(got), bool)
    for name in wanted.column_names:
        left, right = got[name].to_pylist(), wanted[name].to_pylist()
        wrong |= numpy.array([a != b for a, b in zip(left, right)])
    return int(wrong.sum())


def judge(got: Any, wanted: Any) -> None:
    """No row differs; with a plant one has to."""
    count = differences(got, wanted)
    print("%d rows compared, %d different" % (len(got), count))
    assert bool(count) == bool(PLANT), "%d of %d" % (count, len(got))


def pack(path: Path) -> int:
    """Old versions into blocks, by the tool that lies beside the library."""
    tool = Path(os.environ["LIBFEATURE_PATH"]).parent / "feature"
    clock = CLOCK.strftime("%Y-%m-%dT%H:%M:%SZ")
    done = subprocess.run(
        [str(tool), "maintain", str(path), "--all", "--json", "--clock", clock],
        check=True,
        stdout=subprocess.PIPE,
    )
    return int(json.loads(done.stdout)["versions_packed"])


@pytest.mark.parametrize("versions", [25, 200])
def test_random_rows_equal_an_asof_join(tmp_path: Path, versions: int) -> None:
    if PLANT == "first":
        pytest.skip("times are unique here: there is no tie")
    random = numpy.random.default_rng(20260101)
    entities = max(LABELS // 2 // versions, 1)
    # Times of an entity are drawn without repeats, written in any order.
    span = 2000
    drawn = random.random((entities, span)).argsort(axis=1)[:, :versions]
    keys = numpy.repeat(numpy.arange(entities), versions)
    times = START + drawn.ravel() * 1_000_000
    order = random.permutation(len(keys))
    rows = pyarrow.table(
        {
            "k": keys[order],
            "event_timestamp": times_of(times[order]),
            "a": random.integers(-1000, 1000, len(keys)),
            "b": pyarrow.array(
                random.random(len(keys)), mask=random.random(len(keys)) < 0.2
            ),
        }
    )
    store = open_store(
        tmp_path / "store",
        "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW v (a INT64, b FLOAT64)"
        " FOR e WITH (history = '36500 days');",
    )
    for at in range(0, len(rows), 50_000):
        store.write("v", rows.slice(at, 50_000))
    packed = pack(tmp_path / "store")
    assert packed == (versions - 16) // 64 * 64 * entities
    labels = pyarrow.table(
        {
            "n": numpy.arange(LABELS),
            "k": random.integers(-5, entities + 5, LABELS),
            "event_timestamp": times_of(
                START + random.integers(-5, span, LABELS) * 1_000_000
            ),
        }
    )
    got = store.query("v(a, b)").join(labels, chunk_rows=max(LABELS // 3, 1))
    base = duckdb.connect()
    base.register("rows", rows)
    base.register("labels", labels)
    wanted = base.sql(
        "SELECT l.*, r.a, r.b FROM labels l ASOF LEFT JOIN rows r ON l.k = r.k"
        " AND r.event_timestamp %s l.event_timestamp ORDER BY n" % AT
    ).to_arrow_table()
    judge(got, wanted.select(["n", "k", "a", "b"]))


#: Commits of rows (key, time, operation, a, b); times repeat often.
Write = Tuple[int, int, str, Any, Any]


def random_commits(random: Any, entities: int) -> List[List[Write]]:
    commits = []
    for _ in range(40):
        kind = str(random.choice(["upsert", "upsert", "patch", "delete"]))
        commits.append(
            [
                (
                    int(random.integers(0, entities)),
                    START + int(random.integers(0, 60)) * 4_000_000,
                    kind,
                    int(random.integers(0, 1000)),
                    None if random.random() < 0.2 else float(random.random()),
                )
                for _ in range(max(entities // 2, 1))
            ]
        )
    return commits


def write_commit(store: lf.Store, rows: List[Write]) -> lf.Commit:
    kind = rows[0][2]
    columns: Dict[str, Any] = {
        "k": [row[0] for row in rows],
        "event_timestamp": times_of([row[1] for row in rows]),
    }
    if kind != "delete":
        columns["a"] = [row[3] for row in rows]
    if kind == "upsert":
        columns["b"] = [row[4] for row in rows]
    operation = {
        "upsert": lf.Operation.UPSERT,
        "patch": lf.Operation.PATCH,
        "delete": lf.Operation.DELETE,
    }[kind]
    return store.write("v", columns, operation=operation)


#: Cell by cell the newest write at or before the label, of equal ones the later;
#: a patch writes a alone, a delete makes all null. State and ttl follow.
SQL = """
WITH writes AS (
    SELECT *, 'a' AS cell FROM history
    UNION ALL SELECT *, 'b' FROM history WHERE op <> 'patch'),
seen AS (
    SELECT l.n, w.cell, w.op, w.a, w.b, w.t,
        row_number() OVER (PARTITION BY l.n, w.cell
            ORDER BY w.t DESC, w.seq %s, w.ordinal %s) AS rank
    FROM labels l JOIN writes w ON w.k = l.k AND w.t %s l.t
        AND w.seq <= :known),
newest AS (SELECT * FROM seen WHERE rank = 1)
SELECT l.n,
    (SELECT a FROM newest s WHERE s.n = l.n AND cell = 'a'
        AND op <> 'delete' AND s.t >= l.t - :ttl) AS a,
    (SELECT b FROM newest s WHERE s.n = l.n AND cell = 'b'
        AND op <> 'delete' AND s.t >= l.t - :ttl) AS b
FROM labels l ORDER BY l.n
"""


@pytest.mark.parametrize("ttl", [None, TTL])
@pytest.mark.parametrize("known", [40, 25])
def test_ties_deletes_and_ttl_equal_window_functions(
    tmp_path: Path, ttl: Any, known: int
) -> None:
    random = numpy.random.default_rng(known + (ttl or 0))
    entities = max(LABELS // 200, 3)
    count = LABELS // 4
    store = open_store(
        tmp_path / "store",
        "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW v (a INT64, b FLOAT64)"
        " FOR e WITH (history = '36500 days'%s);"
        % (", ttl = '%d s'" % (ttl // 1_000_000) if ttl else ""),
    )
    base = sqlite3.connect(":memory:")
    base.executescript(
        "CREATE TABLE history (seq, ordinal, k, t, op, a, b);"
        "CREATE INDEX history_key ON history (k, t);"
        "CREATE TABLE labels (n INTEGER PRIMARY KEY, k, t);"
    )
    moments = []
    for number, rows in enumerate(random_commits(random, entities), 1):
        moments.append(write_commit(store, rows).time)
        base.executemany(
            "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (number, at, k, t, op, a, b)
                for at, (k, t, op, a, b) in enumerate(rows)
            ],
        )
    labels = {
        "n": numpy.arange(count),
        "k": random.integers(0, entities + 1, count),
        "t": START + random.integers(-1, 125, count) * 2_000_000,
    }
    base.executemany(
        "INSERT INTO labels VALUES (?, ?, ?)",
        zip(*(labels[name].tolist() for name in ("n", "k", "t"))),
    )
    found = base.execute(
        SQL % (LATER, LATER, AT),
        {"known": known, "ttl": ttl if ttl else 10**15},
    ).fetchall()
    wanted = pyarrow.table(
        dict(zip(("n", "a", "b"), (list(column) for column in zip(*found))))
    )
    given = pyarrow.table({**labels, "t": times_of(labels["t"])})
    query = store.query(
        "v(a, b)", known_by=moments[known - 1] if known < 40 else 0
    )
    judge(query.join(given, timestamp="t"), wanted)


def test_taxi_trips_equal_an_asof_join(tmp_path: Path) -> None:
    """The newest trip from the same zone, before each trip; of equal pickup
    times the later one in the file."""
    if not TAXI.exists():
        pytest.skip("no %s" % TAXI)
    with TAXI.open(newline="") as file:
        trips = list(csv.DictReader(file))
    times = [
        datetime.fromisoformat(trip["lpep_pickup_datetime"]).replace(
            tzinfo=timezone.utc
        )
        for trip in trips
    ]
    rows = pyarrow.table(
        {
            "zone": [int(trip["PULocationID"]) for trip in trips],
            "event_timestamp": times_of(times),
            "trip": [int(trip["trip_id"]) for trip in trips],
            "fare": [float(trip["fare_amount"]) for trip in trips],
        }
    )
    store = open_store(
        tmp_path / "store",
        "CREATE ENTITY z (zone INT64); CREATE FEATURE VIEW v (trip INT64, fare"
        " FLOAT64) FOR z WITH (history = '36500 days');",
    )
    for at in range(0, len(rows), 3000):
        store.write("v", rows.slice(at, 3000))
    random = numpy.random.default_rng(4)
    # Labels at pickup times, of their own zone and of any.
    picked = random.integers(0, len(rows), LABELS)
    zones = rows["zone"].to_numpy()
    labels = pyarrow.table(
        {
            "n": numpy.arange(LABELS),
            "zone": numpy.where(
                random.random(LABELS) < 0.5,
                zones[picked],
                random.choice(zones, LABELS),
            ),
            "event_timestamp": rows["event_timestamp"].take(picked),
        }
    )
    got = store.query("v(trip, fare)").join(labels)
    base = duckdb.connect()
    base.register("raw", rows)
    base.register("labels", labels)
    order = "min" if PLANT == "first" else "max"
    wanted = base.sql(
        "WITH rows AS (SELECT zone, event_timestamp, %s(trip) AS trip,"
        " arg_%s(fare, trip) AS fare FROM raw GROUP BY ALL)"
        " SELECT n, l.zone, r.trip, r.fare FROM labels l ASOF LEFT JOIN rows r"
        " ON l.zone = r.zone AND r.event_timestamp %s l.event_timestamp"
        " ORDER BY n" % (order, order, AT)
    ).to_arrow_table()
    judge(got, wanted)
