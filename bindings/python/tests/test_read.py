# SPDX-License-Identifier: Apache-2.0
"""Reads: every form of keys, and every form of answers."""

from __future__ import annotations

import gc
import sys
from array import array
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from conftest import NOON

import libfeature as lf


@pytest.mark.parametrize(
    "keys",
    [
        [2, 1],
        (2, 1),
        array("q", [2, 1]),
        np.array([2, 1]),
        np.array([2, 1], "i4"),
        np.array([2, 1], ">i8"),
        np.array([2, 1], "u2"),
        np.array([2, 0, 1, 0])[::2],
        np.array([2, 1], object),
        range(2, 0, -1),
        [np.int64(2), np.int32(1)],
        np.array([2.0, 1.0]),
        {"driver_id": [2, 1]},
        {"driver_id": np.array([2, 1])},
    ],
)
def test_integer_keys_come_in_many_forms(filled: lf.Store, keys: Any) -> None:
    rows = filled.query("stats:trips").read(keys)
    assert rows["trips"].tolist() == [20, 10]


@pytest.mark.parametrize(
    "names",
    [
        ["b", "a"],
        ("b", "a"),
        np.array(["b", "a"]),
        np.array(["b", "a"], object),
        {"card_id": ["b", "a"]},
    ],
)
def test_text_keys_come_in_many_forms(store: lf.Store, names: Any) -> None:
    store.write(
        "cards", {"card_id": ["a", "b"], "amount": [1, 2], "merchant": None}
    )
    assert store.query("cards:amount").read(names).column("amount") == [2, 1]


@pytest.mark.parametrize("count", [1, 7, 1000])
@pytest.mark.parametrize("form", ["card-%d", "città-%d", "\0%d\0", "日本%d"])
def test_texts_are_cut_where_they_end(
    store: lf.Store, count: int, form: str
) -> None:
    names = [form % number if number else "" for number in range(count)]
    store.write(
        "cards", {"card_id": names, "amount": range(count), "merchant": names}
    )
    rows = store.query("cards(*)").read(names[::-1])
    assert rows["amount"].tolist() == list(range(count))[::-1]
    assert rows["merchant"].tolist() == names[::-1]
    assert rows.column("merchant") == names[::-1]


def test_one_key_answers_one_row(filled: lf.Store) -> None:
    query = filled.query("stats:trips")
    for key in (2, np.int64(2), {"driver_id": 2}, np.array(2)):
        assert query.read(key)["trips"].tolist() == [20]


def test_one_key_stands_for_all_rows(filled: lf.Store) -> None:
    filled.write("cards", {"card_id": ["a"], "amount": [1], "merchant": None})
    query = filled.query("stats(trips), cards(amount)")
    rows = query.read({"driver_id": [1, 2], "card_id": "a"})
    assert rows.to_dicts() == [
        {"trips": 10, "amount": 1},
        {"trips": 20, "amount": 1},
    ]
    with pytest.raises(lf.Invalid, match="which view"):
        rows.states()
    assert rows.states("cards").tolist() == [1, 1]
    with pytest.raises(lf.NotFound):
        rows.states("other")


def test_a_null_key_has_a_state(filled: lf.Store) -> None:
    rows = filled.query("stats:rate").read([1, None, 9])
    assert rows.states().tolist() == [
        lf.State.PRESENT,
        lf.State.NO_KEY,
        lf.State.NOT_FOUND,
    ]
    rows = filled.query("cards:amount").read([None, "x"])
    assert rows.states().tolist() == [lf.State.NO_KEY, lf.State.NOT_FOUND]
    assert filled.query("stats:rate").read(None).states().tolist() == [6]


def test_no_keys_answer_no_rows(filled: lf.Store) -> None:
    rows = filled.query("stats(*)").read([])
    assert len(rows) == 0 and rows.to_dicts() == []
    for name, values in rows.to_numpy().items():
        assert len(values) == 0, name
    assert rows.states().tolist() == [] and len(rows.timestamps()) == 0
    assert rows["embedding"].shape == (0, 3)
    wide = filled.query("stats(trips, embedding)", matrix=True)
    assert wide.matrix(np.array([], "i8")).shape == (0, 4)
    assert "0 rows" in repr(rows)


def test_numpy_shows_nulls(filled: lf.Store) -> None:
    rows = filled.query("stats(*)").read([1, 3])
    assert rows["trips"].dtype == "i8" and rows["trips"].tolist() == [10, 7]
    assert np.isnan(rows["rate"]).tolist() == [False, True]
    assert rows["rate"].dtype == "f4"
    assert np.isnat(rows["seen"]).tolist() == [False, True]
    assert rows["small"].mask.tolist() == [False, True]
    assert rows["ok"].mask.tolist() == [False, True]
    assert rows["name"].tolist() == ["Ann", None]
    assert rows["tags"][1] is None and rows["tags"][0] == ["gold", "città"]
    assert rows["counts"][0].tolist() == [1, 2] and rows["counts"][1] is None
    assert np.isnan(rows["embedding"][1]).all()
    assert rows.valid("rate").tolist() == [True, False]
    assert rows.defaulted("trips").tolist() == [False, True]
    assert rows.defaulted("rate").tolist() == [False, False]
    assert rows["rate"] is rows["rate"]
    whole = rows.to_numpy()
    assert list(whole) == list(rows.columns) and whole["rate"] is rows["rate"]


def test_fill_chooses_what_is_served(filled: lf.Store) -> None:
    nulls = filled.query("stats:trips", fill="nulls").read([3, 9])
    assert nulls.column("trips") == [None, None]
    with pytest.raises(lf.Invalid, match="defaults, nulls, stale"):
        filled.query("stats:trips", fill="zeros")


def test_answers_are_not_changed_by_later_reads(filled: lf.Store) -> None:
    query = filled.query("stats(trips, rate)")
    kept = [query.read([1, 2]) for _ in range(3)]
    arrays = [rows["trips"] for rows in kept]
    del kept
    gc.collect()
    for _ in range(10):
        assert query.read([2, 2])["trips"].tolist() == [20, 20]
    assert [values.tolist() for values in arrays] == [[10, 20]] * 3
    pool = query._ready()[1]
    del arrays
    gc.collect()
    assert 1 <= len(pool) <= 4  # all of them are back


def test_answers_outlive_query_and_store(filled: lf.Store) -> None:
    query = filled.query("stats(*)")
    rows = query.read([1, 3])
    values = rows["rate"]
    query.close()
    filled.close()
    del query
    gc.collect()
    assert values[0] == 0.5 and rows.column("name") == ["Ann", None]
    assert rows.to_pandas()["trips"].tolist() == [10, 7]


def test_as_of(filled: lf.Store) -> None:
    query = filled.query("stats:trips")
    times = [NOON, NOON - timedelta(hours=1)]
    rows = query.read([1, 1], as_of=times)
    assert rows.states().tolist() == [lf.State.PRESENT, lf.State.NO_HISTORY]
    rows = query.read([1, 2], as_of=NOON + timedelta(hours=3))
    assert rows.states().tolist() == [lf.State.OUTSIDE_MAX_AGE] * 2
    assert query.read([1, 2]).states().tolist() == [lf.State.PRESENT] * 2
    for form in (
        np.array([t.replace(tzinfo=None) for t in times], "M8[us]"),
        [1767268800000000, 1767265200000000],
    ):
        assert query.read([1, 1], as_of=form).states().tolist() == [1, 5]
    assert query.read(1, as_of=times).states().tolist() == [1, 5]
    for wrong in ("now", [None], [], 1.5, [NOON] * 3):
        with pytest.raises(lf.Invalid):
            query.read([1, 1], as_of=wrong)


def test_as_of_a_scalar_of_arrow(filled: lf.Store) -> None:
    pa = pytest.importorskip("pyarrow")
    query = filled.query("stats:trips")
    noon = pa.scalar(NOON, pa.timestamp("us", "UTC"))
    assert query.read([1], as_of=noon).states().tolist() == [1]
    with pytest.raises(lf.Invalid):
        query.read([1], as_of=pa.scalar(None, pa.timestamp("us")))


def test_as_of_a_column_of_the_keys(filled: lf.Store) -> None:
    pa = pytest.importorskip("pyarrow")
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    query = filled.query("stats(trips, seen)")
    table = {
        "driver_id": [1, 1],
        "event_timestamp": [NOON, NOON - timedelta(hours=1)],
    }
    noted = {**table, "note": ["a", "b"]}
    frames = [made(noted) for made in (pd.DataFrame, pl.DataFrame, pa.table)]
    for keys in [table, *frames]:
        rows = query.read(keys, as_of="event_timestamp")
        assert rows.states().tolist() == [1, 5]
        assert rows.matrix()[0].tolist() == [10, 0]
        with pytest.raises(lf.Invalid, match='as_of="event_timestamp"'):
            query.read(keys)
        with pytest.raises(lf.Invalid, match='no column "when"'):
            query.read(keys, as_of="when")
        with pytest.raises(lf.Invalid, match="is a join key"):
            query.read(keys, as_of="driver_id")
    when = {"driver_id": [1, 1], "when": table["event_timestamp"]}
    assert query.read(when, as_of="when").states().tolist() == [1, 5]
    one = {"driver_id": [1, 1], "event_timestamp": NOON}
    assert query.read(one, as_of="event_timestamp").column("trips") == [10, 10]
    assert query.read([1, 1]).states().tolist() == [1, 1]
    for times in (None, NOON):
        with pytest.raises(lf.Invalid, match='no key "note"'):
            query.read({"driver_id": [1], "note": ["a"]}, as_of=times)
    extra = pd.DataFrame({"driver_id": [1], "note": ["a"]})
    assert query.read(extra).states().tolist() == [1]
    wide = filled.query("stats:trips", matrix=True)
    with wide.reader() as reader:
        for read in (wide.matrix, reader.matrix):
            found = read(table, as_of="event_timestamp")
            assert np.isnan(found[:, 0]).tolist() == [False, True]
            with pytest.raises(lf.Invalid, match="as_of="):
                read(pd.DataFrame(table))


def test_a_bool_is_no_key(filled: lf.Store) -> None:
    query = filled.query("stats:trips")
    for key in (True, {"driver_id": False}):
        with pytest.raises(lf.Invalid, match="is no INT64"):
            query.read(key)


@pytest.mark.parametrize("name", ["numpy", "pandas", "polars", "pyarrow"])
def test_a_missing_package_is_named(
    filled: lf.Store, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rows = filled.query("stats:trips").read([1])
    monkeypatch.setitem(sys.modules, name, None)
    give = "to_" + name.replace("pyarrow", "arrow")
    with pytest.raises(ImportError, match=r"pip install %s\); without" % name):
        getattr(rows, give)()
    assert rows.column("trips") == [10]


def test_the_answer_says_what_it_saw(filled: lf.Store) -> None:
    rows = filled.query("stats:trips").read([1, 9])
    assert (rows.commit, rows.now) == (2, NOON)
    assert len(rows) == 2 and list(rows) == ["trips"] and "trips" in rows
    assert rows.views == ("stats",)
    assert rows.timestamps()[0] == np.datetime64("2026-01-01T12:00:00")
    assert np.isnat(rows.timestamps()[1])
    with pytest.raises(lf.NotFound):
        rows["other"]


def test_queries_describe_themselves(filled: lf.Store) -> None:
    query = filled.query("stats(embedding, tags, trips AS n) AS s")
    assert [key.name for key in query.keys] == ["driver_id"]
    assert [(c.name, c.type_name) for c in query.columns] == [
        ("s__embedding", "FLOAT32[3]"),
        ("s__tags", "STRING[]"),
        ("s__n", "INT64"),
    ]
    assert query.views == ("s",)
    assert (
        query.fingerprint
        == filled.query("stats(embedding, tags, trips AS n) AS s").fingerprint
    )
    assert query.matrix_width == 0


# --- the matrix ---------------------------------------------------------------

WIDE = "stats(trips, rate, score, small, ok, seen, embedding)"


def test_the_matrix_is_the_same_three_ways(filled: lf.Store) -> None:
    query = filled.query(WIDE, matrix=True)
    keys = np.array([1, 2, 3, 9])
    with query.reader() as reader:
        out = np.full((4, query.matrix_width), 7, "f4")
        assert reader.matrix({"driver_id": keys}, out) is out
        assert reader.states().tolist() == [1, 1, 2, 3]
        assert reader.commit == 2 and reader.now == NOON
        late = NOON + timedelta(minutes=5)
        older = reader.matrix(keys, as_of=late)
    for other in (query.matrix(keys), query.read(keys).matrix()):
        assert other.dtype == "f4"
        assert np.array_equal(other, out, equal_nan=True)
    assert np.array_equal(
        query.read(keys, late).matrix(), older, equal_nan=True
    )
    assert out[0].tolist() == [10, 0.5, np.inf, -1, 1, 0, 1, 2, 3]


def test_the_matrix_may_be_part_of_a_larger_one(filled: lf.Store) -> None:
    reader = filled.query("stats(trips, small)", matrix=True).reader()
    large = np.zeros((5, 8), "f4")
    reader.matrix([1, 2], large[1:4, 2:6])
    assert large[1:3, 2:4].tolist() == [[10, -1], [20, 2**31]]
    assert large.sum() == large[1:3, 2:4].sum()
    flat = array("f", [0] * 4)
    reader.matrix([1, 2], flat)
    assert flat[2] == 20


def test_only_what_was_written_comes_back(filled: lf.Store) -> None:
    reader = filled.query("stats(trips, small)", matrix=True).reader()
    out = np.full((4, 3), 7, "f4")
    found = reader.matrix([1, 2], out)
    assert found.shape == (2, 2) and found.base is out
    assert found.tolist() == [[10, -1], [20, 2**31]]
    assert reader.matrix([], out).shape == (0, 2)
    flat = array("f", [7] * 6)
    assert list(reader.matrix([1], flat)) == [10, -1]
    assert list(reader.matrix([], flat)) == []
    whole = array("f", [7] * 2)
    assert reader.matrix([1], whole) is whole


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((2, 2), "f8"),
        np.zeros((2, 2), ">f4"),
        np.zeros((2, 1), "f4"),
        np.zeros((1, 2), "f4"),
        np.zeros(4, "f4"),
        np.zeros((2, 4), "f4")[:, ::2],
        np.zeros((4, 2), "f4")[::-1][:2],
        array("d", [0] * 4),
        array("f", [0] * 3),
        b"\0" * 16,
        [0, 0],
        "text",
        np.zeros((2, 2), "f4").T[::-1],
        np.broadcast_to(np.zeros((1, 2), "f4"), (2, 2)),
    ],
)
def test_a_wrong_matrix_is_refused(filled: lf.Store, out: Any) -> None:
    reader = filled.query("stats(trips, small)", matrix=True).reader()
    with pytest.raises(lf.Invalid, match="out"):
        reader.matrix([1, 2], out)
    frozen = np.zeros((2, 2), "f4")
    frozen.flags.writeable = False
    with pytest.raises(lf.Invalid, match="writable"):
        reader.matrix([1, 2], frozen)


def test_texts_have_no_matrix(filled: lf.Store) -> None:
    with pytest.raises(lf.Invalid):
        filled.query("stats(name)", matrix=True)
    with pytest.raises(lf.Invalid, match="matrix=True"):
        filled.query("stats(trips)").matrix([1])
    with pytest.raises(lf.Invalid, match="name"):
        filled.query("stats(name)").read([1]).matrix()


def test_the_reader_allocates_no_arrays(filled: lf.Store) -> None:
    import tracemalloc

    reader = filled.query("stats(trips, rate)", matrix=True).reader()
    keys = {"driver_id": np.arange(1000)}
    out = np.empty((1000, 2), "f4")
    for _ in range(3):
        reader.matrix(keys, out)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(50):
            reader.matrix(keys, out)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 2000 and peak - before < 4000


def test_an_event_counts_without_being_stored(tmp_path: Any) -> None:
    at = 1767268800 * 1_000_000
    hour = 3600 * 1_000_000
    with lf.Store.open(
        tmp_path / "events", create=True, fixed_now=at
    ) as store:
        store.apply(
            "CREATE ENTITY card (card_id INT64);"
            "CREATE EVENT payment (card_id INT64, amount INT64);"
            "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour',"
            " last = LAST(amount, 2) OVER '1 hour') FOR card FROM payment;"
        )
        with store.batch(
            "payment",
            operation="event",
            columns=["card_id", "amount", "event_timestamp"],
        ) as batch:
            batch.set("card_id", [1, 1])
            batch.set("amount", [10, 20])
            batch.set("event_timestamp", [at - 2, at - 1])
            batch.write()
            batch.set("card_id", [1, 3])
            batch.set("amount", [5, 6])
            batch.set("event_timestamp", [at, at])
            with store.query("spend(*)") as query:
                scored = query.read([1, 2], events=batch)
                assert scored["n"].tolist() == [3, 0]
                assert scored.window("n", 0) == (at - hour, at + 1)
                with pytest.raises(lf.NotFound):
                    scored.window("m", 0)
                stored = query.read([1, 2])
                assert stored["n"].tolist() == [2, 0]
