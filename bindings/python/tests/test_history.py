# SPDX-License-Identifier: Apache-2.0
"""Versions of rows, upkeep, and what a store says it holds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Iterator, List

import pytest

import libfeature as lf

from conftest import NOON

TRIPS = """
CREATE ENTITY trip (trip_id INT64, leg STRING);
CREATE FEATURE VIEW trips (n INT64) FOR trip WITH (history = '90 days');
CREATE FEATURE VIEW plain (n INT64) FOR trip WITH (ttl = '1 hour');
"""
SECOND = timedelta(seconds=1)


@pytest.fixture
def trips(tmp_path: Path) -> Iterator[lf.Store]:
    """Three versions of (1, "x"), one of (2, "y")."""
    with lf.Store.open(
        tmp_path / "trips", create=True, fixed_now=NOON
    ) as opened:
        opened.apply(TRIPS)
        for i, leg in enumerate("xxxy"):
            write(opened, "trips", 1 + i // 3, leg, NOON + i * SECOND, 10 + i)
        yield opened


def write(
    store: lf.Store, view: str, key: int, leg: str, time: datetime, n: int
) -> None:
    rows = {"trip_id": [key], "leg": [leg], "event_timestamp": time, "n": [n]}
    store.write(view, rows)


def cells(history: lf.History, column: str = "n") -> List[Any]:
    return list(history.to_arrow()[column].to_pylist())


def test_versions_are_listed_the_newest_first(trips: lf.Store) -> None:
    pytest.importorskip("pyarrow")
    query = trips.query("trips(*)")
    keys = {"trip_id": [2, 1, 1], "leg": ["y", "x", "gone"]}
    history = query.history(keys)
    assert cells(history) == [13, 12, 11, 10] == cells(history)
    assert cells(history, "trip_id") == [2, 1, 1, 1]
    assert cells(history, "event_timestamp")[0] == NOON + 3 * SECOND
    assert cells(query.history(keys, last=1, chunk_rows=1)) == [13, 12]
    second = NOON + SECOND
    between = query.history(keys, since=second, until=second)
    assert cells(between) == [11]
    assert cells(query.history({"trip_id": [1, None], "leg": "x"})) == [
        12,
        11,
        10,
    ]


def test_a_report_says_how_far_back_history_goes(trips: lf.Store) -> None:
    query = trips.query("trips(*)")
    report = query.history({"trip_id": 1, "leg": "x"}).report
    assert report.sequence == trips.stats().sequence
    assert report.since is not None and NOON <= report.since < NOON + SECOND
    assert report.horizon is None


def test_keys_come_from_arrays_and_arrow(trips: lf.Store) -> None:
    pa = pytest.importorskip("pyarrow")
    np = pytest.importorskip("numpy")
    query = trips.query("trips(*)")
    ids, legs = np.array([1, 2]), pa.array(["x", "y"])
    expected = [12, 11, 10, 13]
    assert cells(query.history({"trip_id": ids, "leg": legs})) == expected
    table = pa.table({"trip_id": ids, "leg": legs, "note": legs})
    assert cells(query.history(table)) == expected


def test_a_reader_keeps_a_forgotten_query(trips: lf.Store) -> None:
    pytest.importorskip("pyarrow")
    keys = {"trip_id": 1, "leg": "x"}
    reader = trips.query("trips(*)").history(keys, chunk_rows=1).reader()
    assert [len(batch) for batch in reader] == [1, 1, 1]


def test_what_cannot_be_listed_is_refused(trips: lf.Store) -> None:
    query, keys = trips.query("trips(*)"), {"trip_id": 1, "leg": "x"}
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    for options in (
        {"since": epoch},
        {"until": 0},
        {"since": "then"},
        {"last": -1},
        {"chunk_rows": 2**32},
    ):
        with pytest.raises(lf.Invalid):
            query.history(keys, **options).report
    for bad in ({"trip_id": 1}, {**keys, "more": 1}, 1, {**keys, "leg": 1}):
        with pytest.raises(lf.Invalid):
            query.history(bad).report
    with pytest.raises(lf.NotFound) as caught:
        trips.query("plain(*)").history(keys).report
    assert caught.value.reason == "history"
    trips.close()
    with pytest.raises(lf.Closed):
        query.history(keys).report


def test_upkeep_removes_what_is_past_its_ttl(trips: lf.Store) -> None:
    for key in range(3):
        write(trips, "plain", key, "x", NOON, 1)
    assert trips.maintain().rows_expired == 0
    path = trips.path
    trips.close()
    later = NOON + timedelta(hours=2)
    with lf.Store.open(path, fixed_now=later) as store:
        done = store.maintain(all_views=True, max_rows=1)
        assert done.rows_seen == 1
        assert done.passes_left > 0
        done = store.maintain(budget=1e-9, wait_ms=1000)
        assert done.sequence == store.stats().sequence
        assert store.maintain().passes_left == 0
        assert store.stats().rows == 2
        for options in ({"budget": -1}, {"max_rows": -1}):
            with pytest.raises(lf.Invalid):
                store.maintain(**options)


def test_equal_stores_have_equal_content(
    trips: lf.Store, tmp_path: Path
) -> None:
    def views(store: lf.Store) -> List[str]:
        first, *rest = store.content().splitlines()
        assert first.startswith("store\t") and rest[0].startswith("view\t")
        return rest

    trips.snapshot(tmp_path / "file")
    lf.restore(tmp_path / "file", tmp_path / "copy")
    with lf.Store.open(tmp_path / "copy", fixed_now=NOON) as copy:
        assert views(copy) == views(trips)
        write(copy, "trips", 1, "x", NOON, 99)
        assert views(copy) != views(trips)
