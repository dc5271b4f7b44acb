# SPDX-License-Identifier: Apache-2.0
"""Bad input: a named exception or the right answer, never a crash."""

from __future__ import annotations

import math
from array import array
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from conftest import NOON

import libfeature as lf


def refused(
    store: lf.Store, error: Any = lf.Invalid, row: Any = None, **columns: Any
) -> lf.Error:
    """Writes columns, which has to fail and change nothing."""
    before = store.stats().sequence
    with pytest.raises(error) as caught:
        store.write("stats", {"driver_id": [1, 2], **columns}, "patch")
    assert store.stats().sequence == before
    if row is not None:
        assert caught.value.row == row, caught.value
    return caught.value


@pytest.mark.parametrize(
    "name, values, row",
    [
        ("trips", [1, "2"], 1),
        ("trips", [1, 2.5], 1),
        ("trips", [1, 2**63], 1),
        ("trips", [None, b"1"], 1),
        ("trips", [None, True], 1),
        ("trips", [1, [2]], 1),
        ("trips", [1, NOON], 1),
        ("trips", [1, object()], 1),
        ("trips", [1, Decimal("1.5")], 1),
        ("trips", [1, np.datetime64(1, "s")], 1),
        ("score", [1, np.datetime64(1, "s")], 1),
        ("small", [1, 2**31], 1),
        ("small", [1, math.nan], 1),
        ("rate", [1.0, "x"], 1),
        ("rate", [1.0, 1e39], 1),
        ("score", [None, 10**400], 1),
        ("ok", [True, 1], 1),
        ("ok", ["yes", None], 0),
        ("name", ["a", 1], 1),
        ("name", ["a", b"b"], 1),
        ("name", ["a", "\ud800"], 1),
        ("raw", [b"a", "b"], 1),
        ("raw", [None, 7], 1),
        ("seen", [NOON, "2026-01-01"], 1),
        ("seen", [NOON, 1.5], 1),
        ("seen", [7, -(2**63)], 1),
        ("seen", [None, -(2**63)], 1),
        ("seen", array("q", [7, -(2**63)]), 1),
        ("seen", np.array([7, -(2**63)]), 1),
        ("seen", np.ma.array([-(2**63), -(2**63)], mask=[True, False]), 1),
        ("embedding", [[1, 2, 3], [1, 2]], 1),
        ("embedding", [[1, 2, 3], [1, None, 3]], 1),
        ("embedding", [[1, 2, 3], "abc"], 1),
        ("embedding", [[1, 2, 3], 5], 1),
        ("embedding", [None, [1, 2, "x"]], 1),
        ("tags", [["a"], "b"], 1),
        ("tags", [["a"], ["b", None]], 1),
        ("tags", [["a"], ["b", 3]], 1),
        ("tags", [["a"], 3], 1),
        ("counts", [[], [1, "2"]], 1),
        ("counts", [None, [None]], 1),
        ("counts", [[1], [2**63]], 1),
    ],
)
def test_a_wrong_value_names_its_row(
    store: lf.Store, name: str, values: Any, row: int
) -> None:
    error = refused(store, row=row, **{name: values})
    assert name in str(error) and error.reason == "argument"


@pytest.mark.parametrize(
    "name, values",
    [
        ("trips", np.array([1.5, 2.0])),
        ("trips", np.array([1.0, np.nan])),
        ("trips", np.array([1, 2**63], "u8")),
        ("trips", np.array([1e19, 0])),
        ("trips", np.array([True, False])),
        ("trips", np.array(["1", "2"])),
        ("trips", np.array([1, 2], "M8[s]")),
        ("trips", np.array([1j, 2j])),
        ("trips", np.array([(1, 2), (3, 4)], "i4,i4")),
        ("trips", np.array([1, "x"], object)),
        ("trips", np.array([[1], [2]])),
        ("trips", np.array(5).reshape(())[None, None]),
        ("small", np.array([2**31, 0])),
        ("rate", np.array([1e300, 0])),
        ("rate", np.array([2**24 + 1, 0])),
        ("ok", np.array([0, 1])),
        ("seen", np.array([1.0, 2.0])),
        ("seen", np.array([1, 2], "m8[s]")),
        ("seen", np.array([10**18, 0], "M8[s]")),
        ("name", np.array([1, 2])),
        ("embedding", np.zeros((2, 4), "f4")),
        ("embedding", np.zeros(6, "f4")),
        ("embedding", np.zeros((2, 3, 1), "f4")),
        ("embedding", np.array([["a", "b", "c"]] * 2)),
    ],
)
def test_a_wrong_array_is_refused(
    store: lf.Store, name: str, values: Any
) -> None:
    assert name in str(refused(store, **{name: values}))


@pytest.mark.parametrize("values", [[1], [1, 2, 3], np.arange(3), []])
def test_columns_of_unequal_length_are_refused(
    store: lf.Store, values: Any
) -> None:
    refused(store, trips=values)


@pytest.mark.parametrize(
    "rows",
    [
        None,
        7,
        "text",
        b"bytes",
        object(),
        [1, 2],
        [["driver_id", 1]],
        {},
        {"trips": [1]},
        {"driver_id": [1], "trips": object()},
        {"driver_id": [1], "nothing": [1]},
        {"driver_id": [None], "trips": [1]},
        {"driver_id": [1], "event_timestamp": [None], "trips": [1]},
        {"driver_id": [1], "event_timestamp": [-(2**63)], "trips": [1]},
        {"driver_id": ["1"], "trips": [1]},
        {"driver_id": [1], 5: [1]},
        {"driver_id": [1], "trips, rate": [1]},
        {"driver_id": [1], "": [1]},
        {"driver_id": [1], "tri\0ps": [1]},
        {"driver_id": 1, "trips": [1, 2, 3], "rate": [1]},
    ],
)
def test_what_is_no_table_is_refused(store: lf.Store, rows: Any) -> None:
    with pytest.raises(lf.Error):
        store.write("stats", rows, "patch")
    assert store.stats().sequence == 1


@pytest.mark.parametrize("view", ["nothing", "", "a\0b", "x" * 1000, None, 7])
def test_a_wrong_view_is_refused(store: lf.Store, view: Any) -> None:
    for write in (
        lambda: store.write(view, {"driver_id": [1], "trips": [1]}),
        lambda: store.batch(view),
        lambda: store.query(view),
        lambda: store.describe(view if view is not None else "no"),
    ):
        with pytest.raises(lf.Error):
            write()


@pytest.mark.parametrize(
    "keys",
    [
        ["1"],
        [1.5],
        [2**63],
        [b"1"],
        np.array([1.5]),
        np.array(["1"]),
        np.array([1], "M8[s]"),
        np.array([[1]]),
        np.array([True]),
        "1",
        b"1",
        1.5,
        {},
        {"other": [1]},
        {"driver_id": [1], "other": [1]},
        {"driver_id": {}},
        object(),
        [object()],
        np.array([2**63], "u8"),
        {"driver_id": object()},
        np.zeros(2, "i4,i4"),
        {1: [1]},
    ],
)
def test_wrong_keys_are_refused(filled: lf.Store, keys: Any) -> None:
    query = filled.query("stats:trips")
    with pytest.raises(lf.Error):
        query.read(keys)
    assert query.read([1])["trips"].tolist() == [10]  # and it still works


@pytest.mark.parametrize(
    "keys",
    [
        [1],
        [b"a", "b"],
        ["\ud800"],
        np.array([1]),
        1,
        [["a"]],
        np.array([b"a"]),
    ],
)
def test_wrong_text_keys_are_refused(store: lf.Store, keys: Any) -> None:
    with pytest.raises(lf.Error):
        store.query("cards:amount").read(keys)


def test_unequal_keys_are_refused(filled: lf.Store) -> None:
    query = filled.query("stats(trips), cards(amount)")
    with pytest.raises(lf.Invalid):
        query.read({"driver_id": [1, 2], "card_id": ["a", "b", "c"]})
    with pytest.raises(lf.Invalid, match="dict or a frame"):
        query.read([1, 2])


def test_a_key_over_the_limit_is_refused_on_write_and_not_found(
    store: lf.Store,
) -> None:
    with pytest.raises(lf.Invalid) as caught:
        store.write("cards", {"card_id": ["k" * 500], "amount": 1}, "patch")
    assert caught.value.reason == "key-size"
    rows = store.query("cards:amount").read(["k" * 500])
    assert rows.states().tolist() == [lf.State.NOT_FOUND]


def test_texts_may_hold_nul(store: lf.Store) -> None:
    names = ["a\0b", "a", "\0", "a\0"]
    store.write(
        "cards", {"card_id": names, "amount": [1, 2, 3, 4], "merchant": names}
    )
    rows = store.query("cards(*)").read(names)
    assert rows.column("amount") == [1, 2, 3, 4]
    assert rows.column("merchant") == names


def test_definitions_say_where_they_are_wrong(store: lf.Store) -> None:
    with pytest.raises(lf.Conflict) as caught:
        store.apply("CREATE FEATURE VIEW stats (trips STRING) FOR driver;")
    error = caught.value
    assert (error.status, error.line, error.column) == (3, 1, 28)
    assert error.reason == "definition" and "STRING" in str(error)
    for text in (
        "CREATE",
        "\0",
        "x" * 100,
        "CREATE ENTITY e (k INT32);",
        None,
        "\ud800",
        7,
    ):
        with pytest.raises(lf.Error):
            store.apply(text)  # type: ignore[arg-type]
    with pytest.raises(lf.Conflict):
        store.apply("CREATE ENTITY e (k INT64);", expect=77)


@pytest.mark.parametrize(
    "options",
    [
        {"map_size": -1},
        {"max_readers": 2**32},
        {"mode": 0o7777777},
        {"sync": "never"},
        {"sync": 9},
        {"write_wait_ms": 1.5},
        {"max_row_size": "1"},
        {"create": True, "read_only": True},
        {"fixed_now": "noon"},
    ],
)
def test_wrong_options_are_refused(tmp_path: Any, options: Any) -> None:
    with pytest.raises((lf.Invalid, TypeError)):
        lf.Store.open(tmp_path / "s", **{"create": True, **options}).close()


def test_a_store_that_is_not_there(tmp_path: Any) -> None:
    with pytest.raises(lf.NotFound) as caught:
        lf.Store.open(tmp_path / "nothing")
    assert caught.value.reason == "no-store"
    with pytest.raises(LookupError):
        lf.Store.open(tmp_path / "nothing")
    for path in ("", "a\0b"):
        with pytest.raises(lf.Error):
            lf.Store.open(path + "\0", create=True)


def test_after_close_everything_is_closed(filled: lf.Store) -> None:
    query, batch = filled.query("stats:trips"), filled.batch("stats")
    reader = filled.query("stats:trips", matrix=True).reader()
    batches = filled.batches()
    scan = filled.scan("stats")
    rows = query.read([1])
    filled.close()
    filled.close()
    for use in (
        lambda: filled.apply(""),
        lambda: filled.plan(""),
        filled.describe,
        filled.stats,
        filled.metrics,
        filled.sync,
        filled.__enter__,
        lambda: filled.query("stats:trips"),
        lambda: filled.batch("stats"),
        lambda: filled.write("stats", {"driver_id": [1]}),
        lambda: query.read([1]),
        lambda: reader.matrix([1]),
        lambda: batch.set("driver_id", [1]),
        batch.write,
        lambda: batches.upsert("cards", {"card_id": ["a"]}),
        scan.__arrow_c_stream__,
    ):
        with pytest.raises(lf.Closed) as caught:
            use()
        assert isinstance(caught.value, lf.Invalid)
        assert caught.value.reason == "closed"
    assert rows.column("trips") == [10]
    assert "closed" in repr(filled) and filled.closed
    assert "closed" in filled._repr_html_()


def test_closed_queries_and_readers(filled: lf.Store) -> None:
    query = filled.query("stats:trips", matrix=True)
    reader = query.reader()
    reader.close()
    reader.close()
    with pytest.raises(lf.Closed):
        reader.matrix([1])
    with query:
        pass
    query.close()
    for use in (
        lambda: query.read([1]),
        lambda: query.columns,
        query.reader,
        lambda: query.matrix([1]),
    ):
        with pytest.raises(lf.Closed):
            use()
    assert "Query" in repr(query)


def test_a_batch_goes_into_a_write_once(store: lf.Store) -> None:
    batch = store.batch("stats", "patch", ["driver_id", "trips"])
    with pytest.raises(lf.NotFound):
        batch.set("rate", [1])
    with pytest.raises(lf.Invalid, match="not set"):
        batch.write()
    batch.set("driver_id", [1])
    batch.set("trips", [1])
    with pytest.raises(lf.Invalid, match="in use"):
        store.write_batches([batch, batch], False, 0)
    batch.write()


def test_a_closed_batch_is_closed(store: lf.Store) -> None:
    with store.batch("stats", "patch", ["driver_id", "trips"]) as batch:
        batch.set("driver_id", [1])
        batch.set("trips", [1])
        assert batch.write().applied == 1
    batch.close()
    for use in (batch.write, batch.outcomes, batch.clear, batch.__enter__):
        with pytest.raises(lf.Closed):
            use()


def test_a_dropped_feature_is_a_conflict(filled: lf.Store) -> None:
    query = filled.query("stats(trips, rate)")
    filled.apply("DROP FEATURE stats:rate;")
    with pytest.raises(lf.Conflict) as caught:
        query.read([1])
    assert caught.value.reason == "schema-changed"


def test_times_beyond_a_datetime_are_numbers(store: lf.Store) -> None:
    far = 2**62
    store.write("stats", {"driver_id": [1, 2], "seen": [far, -far]}, "patch")
    rows = store.query("stats:seen").read([1, 2])
    assert rows.column("seen") == [far, -far]
    assert rows["seen"].astype("i8").tolist() == [far, -far]
    assert str(far)[:4] in repr(rows)


def test_a_time_far_ahead_is_counted(store: lf.Store) -> None:
    commit = store.write(
        "stats",
        {
            "driver_id": [1],
            "event_timestamp": NOON + timedelta(days=9),
            "trips": [1],
        },
        "patch",
    )
    assert (commit.applied, commit.future) == (0, 1)


def test_errors_can_be_pickled(store: lf.Store) -> None:
    import copy
    import pickle

    error = refused(store, trips=[1, "x"])
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is lf.Invalid and str(again) == str(error)
        assert (again.row, again.reason) == (1, "argument")


def test_every_status_has_its_class() -> None:
    from libfeature import _ffi
    from libfeature._errors import make_error

    seen = set()
    for status in lf.Status:
        if status:
            error = _ffi.feature_error(
                status=status, row=-1, reason=b"x", message="naïve".encode()
            )
            made = make_error(error)
            assert made.status == status and str(made) == "naïve"
            assert type(made) is not lf.Error
            seen.add(type(made))
    assert len(seen) == len(lf.Status) - 1
    unknown = make_error(_ffi.feature_error(status=77, row=3))
    assert type(unknown) is lf.Error and unknown.status == 77
    assert datetime and unknown.row == 3


def test_over_two_gigabytes_of_text_are_refused() -> None:
    from libfeature._columns import lists
    from libfeature._scalars import pack

    with pytest.raises(lf.Invalid, match="2\\^31"):
        pack(b"", [2**31 - 1, 1], lf.Type.STRING, "name")
    huge = np.broadcast_to(np.int64(0), (2**31,))  # takes no memory

    class Long:
        """A list that says it is long; its elements are never asked for."""

        def __len__(self) -> int:
            return len(huge)

        def __iter__(self) -> Any:
            return iter(())

    with pytest.raises(lf.Invalid, match="2\\^31"):
        lists([Long()], lf.Type.INT64, "counts")
