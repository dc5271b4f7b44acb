# SPDX-License-Identifier: Apache-2.0
"""Lake tables: what DuckDB reads of them, and what interruptions leave."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, List

import duckdb
import pytest
from pyarrow import parquet

import libfeature as lf

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
DEFINITIONS = """
STORE WITH (changes = '3 days');
CREATE ENTITY driver (driver_id INT64, city STRING);
CREATE FEATURE VIEW v (a INT32, b FLOAT64, name STRING, tags STRING[],
    e FLOAT32[2]) FOR driver WITH (changes = 'before_after');
CREATE FEATURE VIEW other (x INT64) FOR driver;
"""
CELLS = "a b name tags"
KEYS = {"driver_id": [1, 2], "city": ["x", "y"]}

# The newest write of each cell, ties to the later one; a row is there unless
# the newest write to it deleted it.
CELL = """last(%s ORDER BY _event_timestamp, _seq, _ordinal)
    FILTER (_op <> 'PATCH' OR list_contains(_written, '%s')) AS %s"""
STATE = """SELECT * EXCLUDE (newest) FROM (
    SELECT driver_id, city, %s,
        last(_op ORDER BY _event_timestamp, _seq, _ordinal) AS newest
    FROM read_parquet(%r, union_by_name = true, hive_partitioning = true)
    GROUP BY driver_id, city) WHERE newest <> 'DELETE' ORDER BY ALL"""


@pytest.fixture
def lake(tmp_path: Path) -> Any:
    with lf.Store.open(tmp_path / "s", create=True, fixed_now=NOON) as store:
        store.apply(DEFINITIONS)
        yield store, tmp_path / "lake"


def at(**past: float) -> datetime:
    return NOON - timedelta(**past)


def put(store: lf.Store, when: datetime, a: List[Any], **more: Any) -> Any:
    rows: Dict[str, Any] = {**KEYS, "event_timestamp": when, "a": a, **more}
    return store.write("v", rows, "patch")


def state_of(files: Any, columns: str) -> Any:
    names = columns.split()
    cells = ", ".join(CELL % (name, name, name) for name in names)
    return duckdb.sql(STATE % (cells, [str(file) for file in files]))


def same(store: lf.Store, directory: Path, columns: str = CELLS) -> int:
    """Compares the table with the store; the number of rows."""
    scan = store.scan("v(%s)" % ", ".join(columns.split()))
    wanted = scan.to_arrow().drop_columns(["event_timestamp"]).to_pylist()
    files = lf.lake_files(directory)
    got = state_of(files, columns).to_arrow_table().to_pylist()
    key = lambda row: (row["driver_id"], row["city"])  # noqa: E731
    assert sorted(got, key=key) == sorted(wanted, key=key)
    # A reader that lists the directory sees the same files.
    assert set(files) == {str(path) for path in directory.rglob("*.parquet")}
    lf.check_lake(directory)
    return len(got)


def test_duckdb_reads_what_the_store_holds(lake: Any) -> None:
    store, directory = lake
    chance = random.Random(7)
    for step in range(60):
        count = chance.randint(1, 20)
        keys = {
            "driver_id": [chance.randrange(30) for _ in range(count)],
            "city": ["c%d" % chance.randrange(3) for _ in range(count)],
            "event_timestamp": [
                at(seconds=chance.randrange(20_000)) for _ in range(count)
            ],
        }
        cells = {
            "a": [chance.choice([None, 1, 2]) for _ in range(count)],
            "b": [chance.random() for _ in range(count)],
            "name": [chance.choice([None, "", "é"]) for _ in range(count)],
            "tags": [chance.choice([None, [], ["p"]]) for _ in range(count)],
        }
        choice = chance.randrange(4)
        if choice == 0:
            store.delete("v", keys)
        elif choice == 1:
            store.write("v", {**keys, **cells}, "upsert")
        else:
            name = chance.choice(list(cells))
            store.write("v", {**keys, name: cells[name]}, "patch")
        if chance.random() < 0.3:
            store.export("v", directory, maximum_rows=7)
            same(store, directory)
    done = store.export("v", directory, maximum_rows=7)
    assert done.until == store.stats().sequence
    assert same(store, directory) > 30
    files = lf.check_lake(directory)
    assert max(file.rows for file in files) == 7
    for path in lf.lake_files(directory):
        table = parquet.read_table(path, columns=["_seq", "_ordinal"])
        places = list(zip(*table.to_pydict().values()))
        assert places == sorted(set(places))
    assert len({file.partition for file in files}) > 3


def bytes_of(directory: Path) -> Dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*.*")}


def test_a_second_export_of_a_range_does_nothing(lake: Any) -> None:
    store, directory = lake
    put(store, at(hours=1), [1, 2])
    put(store, at(hours=0), [3, 4])
    first = store.export("v", directory, until=2)
    assert (first.since, first.until, first.rows) == (0, 2, 2)
    listed = bytes_of(directory)
    for until in (1, 2):
        again = store.export("v", directory, until=until)
        assert (again.until, again.rows, again.files) == (2, 0, [])
    assert listed == bytes_of(directory)
    rest = store.export("v", directory, since=1)
    assert (rest.since, rest.until, rest.rows) == (2, 3, 2)
    assert same(store, directory) == 2
    with pytest.raises(lf.Gap):
        store.export("v", directory, since=4)
    with pytest.raises(lf.Conflict):
        store.export("v", directory, partition_by="day")
    with pytest.raises(lf.Conflict):
        store.export("other", directory)
    with pytest.raises(lf.Conflict):
        store.export("v", directory, until=9)


def test_a_table_goes_on_with_its_own_store_only(
    lake: Any, tmp_path: Path
) -> None:
    store, directory = lake
    put(store, at(hours=2), [1, 2])
    assert store.export("v", directory).rows == 2
    store.snapshot(tmp_path / "snapshot")
    with lf.Store.open(tmp_path / "o", create=True, fixed_now=NOON) as other:
        other.apply(DEFINITIONS)
        for a in (3, 4):
            put(other, at(hours=1), [a, a])
        with pytest.raises(lf.Conflict, match="store="):
            other.export("v", directory)
    lf.restore(tmp_path / "snapshot", tmp_path / "copy")
    with lf.Store.open(tmp_path / "copy", fixed_now=NOON) as copy:
        put(copy, at(hours=1), [5, 6])
        assert copy.export("v", directory).rows == 2
        assert same(copy, directory) == 2


CRASH = """
import os, sys
import libfeature as lf
from libfeature import _lake_files
point, calls = sys.argv[3], 0
def stop(*arguments):
    os._exit(9)
if point == "manifest":
    _lake_files.Manifest.write = stop
elif point == "named":
    replace = os.replace
    def second(*arguments):
        global calls
        calls += 1
        stop() if calls == 2 else replace(*arguments)
    os.replace = second
elif point == "written":
    os.replace = stop
lf.Store.open(sys.argv[1]).export("v", sys.argv[2])
"""


@pytest.mark.parametrize("point", ["written", "named", "manifest"])
@pytest.mark.parametrize("begun", [False, True])
def test_a_killed_export_is_repaired(
    lake: Any, point: str, begun: bool
) -> None:
    store, directory = lake
    put(store, at(hours=3), [1, 2])
    if begun:
        store.export("v", directory)
    put(store, at(hours=2), [1, 2])
    put(store, at(hours=1), [3, 4])
    run = subprocess.run(
        [sys.executable, "-c", CRASH, store.path, str(directory), point],
        env=os.environ,
    )
    assert run.returncode == 9
    if begun:  # whoever goes by the manifest sees none of it
        assert len(lf.check_lake(directory)) == 1
    left = {
        str(path.relative_to(directory))
        for path in directory.rglob("changes-*")
        if not (begun and str(path) in lf.lake_files(directory))
    }
    assert left
    # Other files than those that were left.
    done = store.export("v", directory, maximum_rows=1)
    assert set(done.removed) == left
    assert not list(directory.rglob("*.tmp"))
    assert same(store, directory) == 2
    assert done.rows == (4 if begun else 6)


def test_damage_is_found(lake: Any) -> None:
    store, directory = lake
    put(store, NOON, [1, 2])
    store.export("v", directory)
    path = Path(lf.lake_files(directory)[0])
    content = path.read_bytes()
    path.write_bytes(content[:-9] + b"x" + content[-8:])
    with pytest.raises(lf.Corrupt, match="not what was exported"):
        lf.check_lake(directory)
    path.unlink()
    with pytest.raises(lf.Corrupt, match="lacks"):
        lf.check_lake(directory)
    with pytest.raises(lf.Corrupt, match="lacks"):
        store.export("v", directory)
    (directory / "_manifest.json").write_text("{")
    with pytest.raises(lf.Corrupt, match="damaged"):
        store.export("v", directory)
    with pytest.raises(lf.NotFound):
        lf.lake_files(directory / "none")


@pytest.mark.parametrize("unit", ["minute", "hour", "day", None])
def test_partitions_are_of_event_time(lake: Any, unit: Any) -> None:
    store, directory = lake
    times = [
        NOON,
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc),
        datetime(1970, 1, 1, tzinfo=timezone.utc),
        datetime(1, 2, 3, 4, 5, tzinfo=timezone.utc),
        datetime(2025, 12, 31, 7, 8, 9, tzinfo=timezone.utc),
    ]
    for when in times:
        put(store, when, [1, 2])
    store.export("v", directory, partition_by=unit)
    found = duckdb.sql(
        "SELECT * EXCLUDE (_event_timestamp, _commit_time), epoch_us("
        "_event_timestamp) AS us FROM read_parquet(%r, hive_partitioning=true)"
        % str(directory / "**/*.parquet")
    )
    rows = [dict(zip(found.columns, row)) for row in found.fetchall()]
    assert len(rows) == 10
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    for row in rows:
        when = epoch + timedelta(microseconds=row["us"])
        names = {"day": 1, "hour": 2, "minute": 3}.get(unit, 0)
        wanted = [str(when.date()), when.hour, when.minute][:names]
        got = [row.get(n) for n in ("event_date", "event_hour", "event_minute")]
        got = [str(got[0])] + [None if n is None else int(n) for n in got[1:]]
        assert got[:names] == wanted
    assert len(lf.check_lake(directory)) == (5 if unit else 1)


def test_a_time_without_a_date_has_the_default_partition(lake: Any) -> None:
    store, directory = lake
    rows = {**KEYS, "event_timestamp": [-(2**62), 0], "a": [1, 2]}
    store.write("v", rows, "patch")
    done = store.export("v", directory, partition_by="day")
    assert [file.partition for file in done.files] == [
        "event_date=__HIVE_DEFAULT_PARTITION__",
        "event_date=1970-01-01",
    ]


def test_late_rows_have_files_of_their_own(lake: Any) -> None:
    store, directory = lake
    put(store, at(hours=5), [1, 2])
    put(store, at(hours=3), [3, 4])
    assert store.export("v", directory).late == []
    # Of an hour that was written, of one before that, of the newest, and newer.
    rows = {
        "driver_id": [1, 2, 3, 4],
        "city": ["z"] * 4,
        "event_timestamp": [at(hours=n) for n in (5, 9, 3, 1)],
        "a": [5, 6, 7, 8],
    }
    store.write("v", rows, "patch")
    done = store.export("v", directory)
    assert [file.partition[-2:] for file in done.late] == ["03", "07"]
    assert all("-late" in file.path and file.rows == 1 for file in done.late)
    assert [file.late for file in done.files] == [True, True, False, False]
    listed = [file for file in lf.check_lake(directory) if file.late]
    assert listed == done.late
    assert same(store, directory) == 6


def test_few_bytes_wait_for_more_or_for_time(lake: Any) -> None:
    store, directory = lake
    limits = {"minimum_bytes": 4000, "maximum_wait": 60}
    put(store, NOON, [1, 2])
    for seconds in (0, 59):
        done = store.export(
            "v", directory, now=NOON + timedelta(seconds=seconds), **limits
        )
        assert (done.until, done.files) == (0, []) and 0 < done.held < 4000
        assert not list(directory.rglob("changes-*"))
    done = store.export(
        "v", directory, now=NOON + timedelta(seconds=61), **limits
    )
    assert (done.until, done.rows, done.held) == (2, 2, 0)
    put(store, NOON, [1, 2], name=["x" * 5000, ""])
    assert store.export("v", directory, **limits).rows == 2
    # Commits of other views need no file.
    store.write("other", {**KEYS, "x": [1, 2]})
    done = store.export("v", directory, **limits)
    assert (done.until, done.files) == (4, [])
    assert same(store, directory) == 2


def test_a_long_export_is_written_in_rounds(
    lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, directory = lake
    count = 50_000
    rows = {
        "driver_id": list(range(count)),
        "city": ["x"] * count,
        "event_timestamp": NOON,
        "a": [n % 7 for n in range(count)],
    }
    store.write("v", rows, "patch")
    monkeypatch.setattr("libfeature._lake.ROUND", 1)
    done = store.export("v", directory, maximum_rows=20_000)
    assert len(done.files) > 2 and done.rows == count
    assert same(store, directory) == count


def test_definitions_may_change_between_exports(lake: Any) -> None:
    store, directory = lake
    put(store, at(hours=1), [1, None])
    store.export("v", directory)
    store.apply("""CREATE FEATURE VIEW v (a INT64, b FLOAT64, tags STRING[],
           e FLOAT32[2], more BOOL DEFAULT false) FOR driver
           WITH (changes = 'before_after'); DROP FEATURE v:name;""")
    put(store, at(hours=0), [2**40, None], more=[True, None])
    store.export("v", directory)
    types = [
        str(parquet.read_schema(path).field("a").type)
        for path in lf.lake_files(directory)
    ]
    assert types == ["int32", "int64"]
    assert same(store, directory, "a b tags") == 2
    got = state_of(lf.lake_files(directory), "a more").fetchall()
    assert sorted(got)[0][2:] == (2**40, True)


def test_before_is_exported_where_it_is_asked_for(lake: Any) -> None:
    store, directory = lake
    put(store, at(hours=1), [1, 2], e=[[1, 2], None])
    put(store, at(hours=0), [3, None])
    store.export("v(a, e)", directory, before=True, partition_by=None)
    table = parquet.read_table(lf.lake_files(directory)[0])
    assert table["before.a"].to_pylist() == [None, None, 1, 2]
    assert table["a"].to_pylist() == [1, 2, 3, None]
    assert table["_late"].to_pylist() == [None, None, False, False]
    assert table["e"].to_pylist() == [[1, 2], None, None, None]


def test_view_changes_are_an_arrow_stream(lake: Any) -> None:
    store, _ = lake
    put(store, NOON, [1, 2])
    put(store, NOON, [3, 4])
    changes = store.view_changes("v(a)", since=2)
    for _ in range(2):
        table = changes.to_arrow()
        assert table["a"].to_pylist() == [3, 4]
        assert table["_written"].to_pylist() == [["a"], ["a"]]
    assert duckdb.sql("SELECT sum(a) FROM changes").fetchall() == [(7,)]
    reader, until = store.view_changes("v", until=2).open()
    assert (len(reader.read_all()), until) == (2, 2)


def test_a_consumer_keeps_the_feed_from_being_cut(tmp_path: Path) -> None:
    path, directory = tmp_path / "s", tmp_path / "lake"
    for consumer, gap in ((None, True), ("lake", False)):
        where = str(path) + str(consumer)
        table = str(directory) + str(consumer)
        with lf.Store.open(where, create=True, fixed_now=NOON) as store:
            store.apply(DEFINITIONS)
            put(store, NOON, [1, 2])
            store.export("v", table, consumer=consumer)
            put(store, NOON, [3, 4])
        later = NOON + timedelta(days=5)
        with lf.Store.open(where, fixed_now=later) as store:
            for _ in range(3):
                put(store, later, [5, 6])
            if gap:
                with pytest.raises(lf.Gap):
                    store.export("v", table)
                continue
            done = store.export("v", table, consumer=consumer)
            assert (done.since, done.rows) == (2, 8)


def test_names_and_limits_are_checked(lake: Any) -> None:
    store, directory = lake
    for wrong in (
        {"partition_by": "week"},
        {"maximum_rows": 0},
        {"minimum_bytes": -1},
        {"maximum_wait": -1},
    ):
        with pytest.raises(lf.Invalid):
            store.export("v", directory, **wrong)
    store.write("other", {**KEYS, "x": [1, 2]})
    with pytest.raises(lf.Conflict, match="event_hour"):
        store.export("other(x AS event_hour)", directory)
    store.export("other(x AS event_hour)", directory, partition_by=None)
    manifest = json.loads((directory / "_manifest.json").read_text())
    assert manifest["exported"] == 2
    with pytest.raises(lf.NotFound):
        store.export("nothing", directory / "2")


def test_one_export_at_a_time(lake: Any) -> None:
    import fcntl

    store, directory = lake
    store.export("v", directory)
    with open(directory / "_lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(lf.Busy):
            store.export("v", directory)
    store.export("v", directory)
