# SPDX-License-Identifier: Apache-2.0
"""Writes: every form of rows, and what is refused of each."""

from __future__ import annotations

from array import array
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from conftest import NOON

import libfeature as lf


def read(store: lf.Store, features: str, keys: Any) -> Any:
    return store.query(features).read(keys)


def trips(store: lf.Store, *keys: int) -> Any:
    return read(store, "stats:trips", list(keys)).column("trips")


def test_a_dict_of_lists_becomes_rows(filled: lf.Store) -> None:
    rows = read(filled, "stats(*)", [1, 2, 3]).to_pydict()
    assert rows == {
        "trips": [10, 20, 7],
        "rate": [0.5, 0.25, None],
        "score": [1e100, -0.0, None],
        "small": [-1, 2**31 - 1, None],
        "ok": [True, False, None],
        "name": ["Ann", "Zoë\0z", None],
        "raw": [b"\0\xff", b"", None],
        "seen": [NOON, datetime(1969, 12, 31, tzinfo=timezone.utc), None],
        "embedding": [[1, 2, 3], [4, 5, 6], None],
        "tags": [["gold", "città"], [], None],
        "counts": [[1, 2], [-3], None],
    }


def test_commit_tells_what_it_did(store: lf.Store) -> None:
    first = store.write(
        "cards", {"card_id": ["a"], "amount": [1], "merchant": ["m"]}
    )
    assert (first.sequence, first.applied) == (2, 1)
    assert first.time == NOON + timedelta(microseconds=1)
    late = store.write(
        "cards",
        {
            "card_id": ["a"],
            "amount": [2],
            "event_timestamp": NOON - timedelta(1),
        },
        "patch",
    )
    assert (late.applied, late.late) == (0, 1)


def test_rows_that_lack_features_have_to_say_so(store: lf.Store) -> None:
    short = {"card_id": ["a"], "amount": [1]}
    with pytest.raises(lf.Invalid, match="lack merchant .*patch"):
        store.write("cards", short)
    assert store.stats().rows == 0
    whole = {"card_id": ["a"], "amount": [5], "merchant": ["m"]}
    store.write("cards", whole)
    store.write("cards", short, "patch")
    assert read(store, "cards(*)", "a").to_dicts() == [
        {"amount": 1, "merchant": "m"}
    ]
    store.write("cards", short, "upsert")
    assert read(store, "cards(*)", "a").to_dicts() == [
        {"amount": 1, "merchant": None}
    ]


def test_dicts_become_rows(store: lf.Store) -> None:
    store.write(
        "cards",
        (
            {"card_id": "c%d" % i, "amount": i, "merchant": None}
            for i in range(3)
        ),
    )
    assert read(store, "cards:amount", ["c2", "c0"]).column("amount") == [2, 0]


@pytest.mark.parametrize(
    "rows, row",
    [
        ([{"card_id": "a", "amount": 1}, {"card_id": "b"}], 1),
        ([{"card_id": "a"}, {"card_id": "b", "amount": 1}], 1),
        ([{"card_id": "a", "amount": 1}, "b"], 1),
    ],
)
def test_dicts_of_different_names_are_refused(
    store: lf.Store, rows: Any, row: int
) -> None:
    with pytest.raises(lf.Invalid) as caught:
        store.write("cards", rows, "patch")
    assert caught.value.row == row


def test_what_an_upserted_dict_lacks_is_null(store: lf.Store) -> None:
    store.write(
        "cards",
        [{"card_id": "a", "amount": 1}, {"card_id": "b", "merchant": "m"}],
        "upsert",
    )
    assert read(store, "cards(*)", ["a", "b"]).to_dicts() == [
        {"amount": 1, "merchant": None},
        {"amount": 0, "merchant": "m"},
    ]


def test_columns_pick_and_rename(store: lf.Store) -> None:
    rows = {"id": ["a"], "amount": [3], "noise": [object()]}
    store.write(
        "cards", rows, "patch", columns={"card_id": "id", "amount": "amount"}
    )
    assert read(store, "cards:amount", "a").column("amount") == [3]
    with pytest.raises(lf.NotFound, match='no column "idd"'):
        store.write("cards", rows, "patch", columns={"card_id": "idd"})


@pytest.mark.parametrize(
    "dtype",
    [
        "i1",
        "i2",
        "i4",
        "i8",
        "u1",
        "u2",
        "u4",
        "u8",
        ">i4",
        ">i8",
        "f4",
        "f8",
        ">f8",
    ],
)
def test_arrays_of_any_number_become_the_features_type(
    store: lf.Store, dtype: str
) -> None:
    values = np.array([3, 0, 100], dtype)
    store.write(
        "stats",
        {
            "driver_id": np.array([1, 2, 3], dtype),
            "trips": values,
            "rate": values,
            "score": values,
            "small": values,
        },
        "patch",
    )
    rows = read(store, "stats(trips, rate, score, small)", [1, 2, 3])
    for name in rows:
        assert rows[name].tolist() == [3, 0, 100]


def test_arrays_need_not_be_contiguous(store: lf.Store) -> None:
    grid = np.arange(24, dtype="f4").reshape(4, 6)
    store.write(
        "stats",
        {
            "driver_id": np.arange(8)[::-2],
            "trips": np.arange(8)[::2],
            "embedding": grid[:, ::2],
            "rate": np.asfortranarray(grid)[:, 1],
            "ok": np.array([True, False] * 4)[::2],
            "seen": np.arange(8).astype("M8[s]")[::2],
        },
        "patch",
    )
    rows = read(
        store, "stats(trips, embedding, rate, ok, seen)", np.arange(8)[::-2]
    )
    assert rows["trips"].tolist() == [0, 2, 4, 6]
    assert np.array_equal(rows["embedding"], grid[:, ::2])
    assert np.array_equal(rows["rate"], grid[:, 1])
    assert rows["ok"].tolist() == [True] * 4
    assert rows["seen"].astype("i8").tolist() == [0, 2000000, 4000000, 6000000]


def test_read_only_and_other_buffers_are_taken(store: lf.Store) -> None:
    frozen = np.arange(3)
    frozen.flags.writeable = False
    store.write(
        "stats",
        {
            "driver_id": frozen,
            "trips": array("q", [5, 6, 7]),
            "rate": memoryview(array("f", [0.5, 1, 2])),
            "small": range(3),
        },
        "patch",
    )
    rows = read(store, "stats(trips, rate, small)", frozen).to_pydict()
    assert rows == {
        "trips": [5, 6, 7],
        "rate": [0.5, 1.0, 2.0],
        "small": [0, 1, 2],
    }


def test_masked_and_object_arrays_have_nulls(store: lf.Store) -> None:
    store.write(
        "stats",
        {
            "driver_id": np.arange(3),
            "trips": np.ma.array([1, 2, 3], mask=[0, 1, 0]),
            "rate": np.array([1, None, 0.5], object),
            "name": np.array(["a", None, "b"], object),
            "ok": np.array([True, None, False], object),
            "seen": np.array(["2026-01-01", "NaT", "2026-01-02"], "M8[D]"),
        },
        "patch",
    )
    rows = read(store, "stats(trips, rate, name, ok, seen)", [0, 1, 2])
    assert rows.column("trips") == [1, 7, 3]
    assert rows.defaulted("trips").tolist() == [False, True, False]
    assert rows.column("rate") == [1, None, 0.5]
    assert rows.column("name") == ["a", None, "b"]
    assert rows.column("ok") == [True, None, False]
    assert rows.column("seen") == [
        datetime(2026, 1, 1, tzinfo=timezone.utc),
        None,
        datetime(2026, 1, 2, tzinfo=timezone.utc),
    ]


def test_nan_is_a_value_and_null_is_none(store: lf.Store) -> None:
    store.write(
        "stats", {"driver_id": [1, 2], "score": [float("nan"), None]}, "patch"
    )
    rows = read(store, "stats:score", [1, 2])
    assert rows.valid("score").tolist() == [True, False]


EAST = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 1, 10, 30),  # naive: UTC
        datetime(2026, 1, 1, 10, 30, tzinfo=timezone.utc),
        datetime(2026, 1, 1, 16, tzinfo=EAST),
        np.datetime64("2026-01-01T10:30"),
        np.datetime64("2026-01-01T10:30:00.000000000"),
        1767263400000000,
        np.int64(1767263400000000),
    ],
)
def test_a_moment_is_the_same_in_every_form(
    store: lf.Store, moment: Any
) -> None:
    for times in (moment, [moment], np.array([moment])):
        if getattr(moment, "tzinfo", None) and isinstance(times, np.ndarray):
            times = np.array([moment], object)
        store.write(
            "stats",
            {"driver_id": [1], "event_timestamp": times, "seen": times},
            "patch",
        )
        rows = read(store, "stats:seen", [1])
        assert rows.column("seen") == [
            datetime(2026, 1, 1, 10, 30, tzinfo=timezone.utc)
        ]
        assert rows.timestamps().astype("i8").tolist() == [1767263400000000]
        store.delete(
            "stats", {"driver_id": [1], "event_timestamp": [1767263400000000]}
        )


def test_dates_and_times_before_1970_round_down(store: lf.Store) -> None:
    store.write(
        "stats",
        {
            "driver_id": [1, 2, 3],
            "seen": [date(1969, 12, 31), np.datetime64(-1, "ns"), None],
        },
        "patch",
    )
    rows = read(store, "stats:seen", [1, 2])
    assert rows["seen"].astype("i8").tolist() == [-86400000000, -1]
    store.write(
        "stats", {"driver_id": [1], "seen": np.array([-1], "M8[ns]")}, "patch"
    )
    assert read(store, "stats:seen", [1])["seen"].astype("i8")[0] == -1


def test_batches_are_one_commit(store: lf.Store) -> None:
    with store.batches() as batches:
        batches.patch("stats", {"driver_id": [1], "trips": [1]})
        batches.upsert(
            "cards", [{"card_id": "a", "amount": 2, "merchant": None}]
        )
        batches.delete("stats", {"driver_id": [2]})
    assert batches.commit.sequence == 2
    assert batches.commit.applied == 3
    with pytest.raises(ZeroDivisionError), store.batches() as batches:
        batches.patch("stats", {"driver_id": [1], "trips": [9]})
        1 / 0
    assert trips(store, 1) == [1]
    assert store.stats().sequence == 2


def test_a_view_of_rows_takes_no_events(store: lf.Store) -> None:
    with pytest.raises(lf.Invalid), store.batches() as batches:
        batches.event("stats", {"driver_id": [1], "trips": [9]})


def test_delete_removes_rows(filled: lf.Store) -> None:
    assert filled.delete("stats", {"driver_id": [1, 9]}).applied == 2
    rows = read(filled, "stats:trips", [1, 2])
    assert rows.states().tolist() == [lf.State.NOT_FOUND, lf.State.PRESENT]


def test_a_batch_tells_each_row(store: lf.Store) -> None:
    batch = store.batch(
        "stats", "patch", ["driver_id", "event_timestamp", "trips"]
    )
    batch.set("driver_id", [1, None, 3])
    batch.set("event_timestamp", [NOON, NOON, NOON + timedelta(days=3)])
    batch.set("trips", 5)
    assert batch.outcomes() == []
    with pytest.raises(lf.Invalid) as caught:
        batch.write()
    assert (caught.value.row, caught.value.column) == (1, 0)
    commit = batch.write(skip_invalid=True)
    assert (commit.applied, commit.future, commit.rejected) == (1, 1, 1)
    assert batch.outcomes() == [
        lf.Outcome.APPLIED,
        lf.Outcome.REJECTED,
        lf.Outcome.FUTURE,
    ]
    problem = batch.problem(1)
    assert isinstance(problem, lf.Invalid) and problem.row == 1
    assert batch.problem(0) is None
    batch.clear()
    assert batch.outcomes() == []
    batch.set("driver_id", [4])
    batch.set("event_timestamp", NOON)
    batch.set("trips", [1])
    assert batch.write().applied == 1


def test_a_value_can_be_handed_over_as_another_type(store: lf.Store) -> None:
    batch = store.batch("stats", "patch", ["driver_id", "small"])
    batch.set("driver_id", [1], lf.Type.INT32)
    with pytest.raises(lf.Invalid, match="INT32 and cannot take INT64"):
        batch.set("small", [1], lf.Type.INT64)


def test_no_rows_are_fine(store: lf.Store) -> None:
    store.write("cards", {"card_id": [], "amount": [], "merchant": []})
    store.write(
        "stats",
        {
            "driver_id": np.array([], "i8"),
            "tags": [],
            "embedding": np.empty((0, 3)),
            "ok": np.array([], bool),
        },
        "patch",
    )
    assert store.stats().rows == 0
    with store.batches():
        pass


def test_no_rows_are_no_commit(store: lf.Store) -> None:
    before = store.stats().sequence
    for rows in ([], iter(())):
        for operation in (None, "upsert", "patch", "delete"):
            commit = store.write("stats", rows, operation)
            assert (commit.sequence, commit.applied) == (before, 0)
    with pytest.raises(lf.Invalid, match="lack"):
        store.write("stats", {})


def test_a_batch_counts_the_rows_of_its_last_write(store: lf.Store) -> None:
    batch = store.batch("stats", "patch", ["driver_id", "trips", "small"])
    batch.set("driver_id", list(range(100000)))
    for keys in ([1], [1, 2, 3]):  # set again: fewer rows, and more
        batch.set("driver_id", keys)
        batch.set("trips", keys)
        batch.set("small", 5)
        assert batch.rows == len(keys) and batch.outcomes() == []
        assert batch.write().applied == len(keys)
        assert batch.outcomes() == [lf.Outcome.APPLIED] * len(keys)
    with pytest.raises(lf.Invalid):
        batch.set("trips", ["no number"])
    assert batch.rows == 3


def test_columns_may_be_one_text(store: lf.Store) -> None:
    batch = store.batch("stats", "patch", "driver_id, trips")
    assert [field.name for field in batch.fields] == ["driver_id", "trips"]
    rows = {"driver_id": [1], "trips": [2], "small": [3]}
    store.write("stats", rows, "patch", columns="driver_id,trips")
    read = store.query("stats(trips, small)").read([1])
    assert read.column("trips") == [2] and read.column("small") == [None]
    with pytest.raises(lf.NotFound, match='"driver_i"'):
        store.write("stats", rows, "patch", columns="driver_i, trips")
    with pytest.raises(lf.Error):
        store.write("stats", rows, "patch", columns="driver_id,")


def test_the_least_timestamp_is_refused_and_those_beside_it_are_not(
    store: lf.Store,
) -> None:
    least = -(2**63) + 1
    store.write("stats", {"driver_id": [1, 2], "seen": [least, None]}, "patch")
    read = store.query("stats:seen").read([1, 2])
    assert np.isnat(read["seen"]).tolist() == [False, True]
    masked = np.ma.array([-(2**63), 5], mask=[True, False])
    store.write("stats", {"driver_id": [1, 2], "seen": masked}, "patch")
    read = store.query("stats:seen").read([1, 2])
    assert np.isnat(read["seen"]).tolist() == [True, False]


def test_a_problem_is_that_of_its_row(store: lf.Store) -> None:
    batch = store.batch("stats", "patch", ["driver_id", "trips"])
    batch.set("driver_id", [None, 2])
    batch.set("trips", [1, 2])
    assert batch.write(skip_invalid=True).rejected == 1
    assert isinstance(batch.problem(0), lf.Invalid)
    for row in (1, 2, -1, 2**32):
        assert batch.problem(row) is None


def test_events_are_written_and_taken_back(store: lf.Store) -> None:
    store.apply(
        "CREATE EVENT ride (ride_id STRING, driver_id INT64, fare FLOAT64)"
        " WITH (dedupe = ride_id);"
    )
    rows = {
        "ride_id": ["a", "b", "a"],
        "driver_id": [1, 2, 1],
        "fare": [2.5, None, 2.5],
        "event_timestamp": [NOON] * 3,
    }
    written = store.write("ride", rows, "event")
    assert (written.applied, written.duplicate) == (2, 1)
    again = store.write("ride", rows, "event")
    assert (again.sequence, again.duplicate) == (written.sequence, 3)
    with store.batches() as batches:
        batches.retract("ride", {"ride_id": ["a"], "event_timestamp": [NOON]})
    assert batches.commit.applied == 1
    with pytest.raises(lf.Invalid, match="infinity"):
        store.write("ride", {"fare": [float("inf")]}, "event")
    with pytest.raises(lf.Invalid, match="is an event"):
        store.write("ride", rows, "upsert")
