# SPDX-License-Identifier: Apache-2.0
"""Arrow in: rows and keys of pyarrow, polars, duckdb, nanoarrow and pandas."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np
import pytest
from arrow_table import ROWS, check, pa, table

import libfeature as lf

# --- in -----------------------------------------------------------------------


def test_columns_of_a_stream_may_be_one_text(store: lf.Store) -> None:
    rows = pa.table({"driver_id": [1], "trips": [2], "small": [3]})
    store.write("stats", rows, "patch", columns=" driver_id , trips ")
    read = store.query("stats(trips, small)").read([1])
    assert read.column("trips") == [2] and read.column("small") == [None]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"name": pa.large_string(), "raw": pa.large_binary()},
        {"name": pa.string_view(), "raw": pa.binary_view()},
        {"name": pa.dictionary(pa.int8(), pa.string())},
        {"tags": pa.large_list(pa.string()), "counts": pa.list_(pa.int32())},
        {"tags": pa.list_(pa.large_string())},
        {"tags": pa.list_(pa.string_view())},
        {"embedding": pa.list_(pa.float64(), 3)},
        {
            "seen": pa.timestamp("ns"),
            "event_timestamp": pa.timestamp("ms", "Asia/Tokyo"),
        },
        {"seen": pa.timestamp("s", "+05:30")},
        {
            "driver_id": pa.uint8(),
            "trips": pa.float64(),
            "small": pa.int64(),
            "score": pa.float64(),
            "rate": pa.float64(),
        },
    ],
    ids=str,
)
def test_pyarrow_types_come_in(store: lf.Store, changed: Any) -> None:
    commit = store.write("stats", table(**changed))
    assert commit.applied == 3
    check(store)


@pytest.mark.parametrize(
    "form",
    [
        lambda t: t,
        lambda t: t.to_batches()[0],
        lambda t: t.to_reader(1),
        lambda t: pa.concat_tables([t.slice(2), t.slice(0, 2)]),
        lambda t: pa.concat_tables([t, t]).slice(3),
        lambda t: t.select(list(reversed(t.column_names))),
        lambda t: pa.concat_tables([t.slice(0, 0), t, t.slice(0, 0)]),
    ],
    ids=["table", "batch", "reader", "chunks", "slice", "order", "empty"],
)
def test_pyarrow_forms_come_in(store: lf.Store, form: Any) -> None:
    store.write("stats", form(table()))
    check(store)


def test_pandas_comes_in_with_and_without_pyarrow(
    store: lf.Store, monkeypatch: Any
) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            **ROWS,
            "embedding": pd.Series(
                [np.array([1, 2, 3]), None, [4.0, 5.0, 6.0]], [7, 8, 9], object
            ),
        },
        index=[7, 8, 9],
    )
    frame["name"] = frame["name"].astype("category")
    assert frame["trips"].dtype == "f8" and frame["seen"].dt.tz is not None
    for _ in range(2):
        store.delete("stats", frame[["driver_id", "event_timestamp"]])
        store.write("stats", frame)
        check(store)
        nullable = frame.astype(
            {
                "trips": "Int64",
                "ok": "boolean",
                "small": "Int32",
                "name": "string",
            }
        )
        store.write("stats", nullable)
        check(store)
        for bad in ([1, "2", None], [1.5, 2, 3], [object()] * 3):
            with pytest.raises(lf.Error):
                store.write(
                    "stats",
                    frame.assign(
                        trips=pd.Series(bad, dtype=object, index=[7, 8, 9])
                    ),
                )
        monkeypatch.setattr("libfeature._write.has_pyarrow", lambda: False)


def test_polars_comes_in(store: lf.Store) -> None:
    pl = pytest.importorskip("polars")
    frame = pl.from_arrow(table())
    store.write("stats", frame)  # strings as views
    check(store)
    store.delete("stats", frame.select("driver_id", "event_timestamp"))
    store.write(
        "stats", frame.with_columns(pl.col("name").cast(pl.Categorical))
    )
    check(store)
    store.write("stats", pl.concat([frame, frame], rechunk=False))
    with store.batches() as batches:
        batches.upsert("stats", frame)
    check(store)


def test_duckdb_comes_in(store: lf.Store) -> None:
    duckdb = pytest.importorskip("duckdb")
    source = table()
    store.write("stats", duckdb.sql("from source"))
    check(store)
    assert source.num_rows == 3


def test_nanoarrow_comes_in(store: lf.Store) -> None:
    na = pytest.importorskip("nanoarrow")
    store.write("stats", na.ArrayStream(table()))
    check(store)
    store.write("stats", na.c_array(table().to_batches()[0]))
    check(store)


class Only:
    """Offers nothing but one method of the protocol."""

    def __init__(self, inner: Any, name: str) -> None:
        self._inner, self._name = inner, name

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            return getattr(self._inner, name)
        raise AttributeError(name)


@pytest.mark.parametrize("name", ["__arrow_c_stream__", "__arrow_c_array__"])
def test_any_producer_will_do(store: lf.Store, name: str) -> None:
    batch = table().to_batches()[0]
    for _ in range(3):
        store.write("stats", Only(batch, name))
        check(store)
    with store.batches() as batches:
        batches.upsert("stats", Only(batch, name))
    check(store)


def test_rows_of_a_read_and_a_scan_can_be_written(store: lf.Store) -> None:
    store.write("stats", table())
    rows = store.query("stats(*)", fill="nulls").read([1, 2, 3])
    with_keys = rows.to_arrow().append_column("driver_id", pa.array([4, 5, 6]))
    store.write("stats", with_keys)
    assert store.query("stats:trips").read([4, 5, 6]).column("trips") == [
        10,
        7,
        30,
    ]
    store.write("stats", store.scan("stats"))  # this very store
    assert store.stats().rows == 6


def test_streams_lack_features_too(store: lf.Store) -> None:
    short = table().drop_columns(["tags", "raw"])
    with pytest.raises(lf.Invalid, match="lack raw, tags"):
        store.write("stats", short)
    store.write("stats", table())
    store.write("stats", short, "patch")
    check(store)
    extra = short.append_column("nothing", pa.array([1, 2, 3]))
    with pytest.raises(lf.NotFound, match="nothing"):
        store.write("stats", extra, "patch")
    store.write("stats", extra, "patch", columns=["driver_id", "trips"])
    renamed = extra.rename_columns(
        ["it's " + name for name in extra.column_names]
    )
    store.write(
        "stats",
        renamed,
        "patch",
        columns={"driver_id": "it's driver_id", "trips": "it's trips"},
    )


def failing(batches: int) -> Iterator[Any]:
    for batch in table().to_batches(1) * batches:
        yield batch
    raise ValueError("the producer fell over")


@pytest.mark.parametrize("batches", [0, 1, 2])
def test_a_stream_that_fails_writes_nothing(
    store: lf.Store, batches: int
) -> None:
    reader = pa.RecordBatchReader.from_batches(table().schema, failing(batches))
    with pytest.raises(lf.IO, match="fell over") as caught:
        store.write("stats", reader)
    assert caught.value.reason == "stream" and caught.value.kept is None
    assert store.stats().rows == 0


def test_a_stream_that_fails_reports_what_was_kept(store: lf.Store) -> None:
    one = table().slice(0, 1).to_batches()[0]

    def batches() -> Iterator[Any]:
        for key in range(5):
            yield one.set_column(0, "driver_id", pa.array([key], pa.int64()))
        raise ValueError("late")

    reader = pa.RecordBatchReader.from_batches(table().schema, batches())
    with pytest.raises(lf.IO) as caught:
        store.write("stats", reader, commit_rows=2)
    kept = caught.value.kept
    assert kept is not None and kept.applied == store.stats().rows >= 4
    with pytest.raises(lf.Invalid, match="commit_rows"):
        store.write("stats", ROWS, commit_rows=2)


def test_batches_of_another_schema_are_refused(store: lf.Store) -> None:
    class Odd:
        def __arrow_c_stream__(self, requested: Any = None) -> Any:
            return pa.RecordBatchReader.from_batches(
                table().schema,
                iter([table().to_batches()[0], pa.record_batch({"x": [1]})]),
            ).__arrow_c_stream__()

    with pytest.raises(lf.Error):
        store.write("stats", Odd())
    assert store.stats().rows == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"trips": pa.decimal128(10, 2)},
        {"trips": pa.duration("s")},
        {"counts": pa.list_(pa.decimal128(10, 2))},
    ],
    ids=str,
)
def test_types_that_are_not_taken_are_named(
    store: lf.Store, changed: Any
) -> None:
    with pytest.raises((lf.Invalid, lf.Unsupported), match=next(iter(changed))):
        store.write("stats", table(**changed))
    assert store.stats().rows == 0


def test_a_value_that_does_not_fit_names_its_row(store: lf.Store) -> None:
    wide = table().set_column(5, "small", pa.array([1, 2, 2**31]))
    with pytest.raises(lf.Invalid) as caught:
        store.write("stats", wide)
    assert caught.value.row == 2
    assert store.write("stats", wide, skip_invalid=True).rejected == 1


class Broken:
    """Producers that keep no promise."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def __arrow_c_stream__(self, requested: Any = None) -> Any:
        if isinstance(self._made, Exception):
            raise self._made
        return self._made


@pytest.mark.parametrize(
    "made",
    [
        None,
        7,
        "capsule",
        RuntimeError("no"),
        KeyError("x"),
        pa.schema([]).__arrow_c_schema__(),
    ],
    ids=repr,
)
def test_broken_producers_are_refused(store: lf.Store, made: Any) -> None:
    with pytest.raises(lf.Invalid):
        store.write("stats", Broken(made))


def test_a_stream_is_used_once(store: lf.Store) -> None:
    reader = table().to_reader()
    capsule = reader.__arrow_c_stream__()
    store.write("stats", Broken(capsule))
    with pytest.raises(lf.Invalid, match="consumed"):
        store.write("stats", Broken(capsule))
    not_structs = pa.chunked_array([[1, 2]])
    with pytest.raises(lf.Invalid):
        store.write("stats", not_structs, "patch")


@pytest.mark.parametrize(
    "unit, value, micro",
    [("ns", -1, -1), ("ns", 1999, 1), ("ms", -1, -1000), ("s", 1, 1000000)],
)
def test_arrow_and_numpy_round_times_alike(
    store: lf.Store, unit: str, value: int, micro: int
) -> None:
    store.write(
        "stats",
        {"driver_id": [1], "seen": np.array([value], "M8[%s]" % unit)},
        "patch",
    )
    store.write(
        "stats",
        pa.table(
            {"driver_id": [2], "seen": pa.array([value], pa.timestamp(unit))}
        ),
        "patch",
    )
    rows = store.query("stats:seen").read([1, 2])
    assert rows["seen"].astype("i8").tolist() == [micro, micro]


# --- keys ---------------------------------------------------------------------


def key_forms() -> Any:
    keys = pa.array([9, 3, 1, None, 2])
    yield keys.slice(1)
    yield pa.chunked_array([keys]).slice(1)
    yield pa.chunked_array([keys.slice(1, 2), keys.slice(3)])
    yield keys.slice(1).cast(pa.int32())
    yield keys.slice(1).cast(pa.float64())
    pl = pytest.importorskip("polars")
    yield pl.Series([3, 1, None, 2])
    yield pl.Series([9, 3, 1, None, 2]).slice(1)
    pd = pytest.importorskip("pandas")
    yield pd.Series([3, 1, None, 2])
    yield pd.Series([3, 1, None, 2], dtype="Int64")
    yield pd.DataFrame({"x": 1.5, "driver_id": [3, 1, None, 2]})
    yield pl.DataFrame({"driver_id": [3, 1, None, 2]})
    yield pa.table({"driver_id": keys.slice(1), "x": keys.slice(1)})
    na = pytest.importorskip("nanoarrow")
    yield na.Array(keys.slice(1))


@pytest.mark.parametrize("number", range(13))
def test_integer_keys_come_from_arrow(store: lf.Store, number: int) -> None:
    store.write("stats", table())
    keys = list(key_forms())
    assert len(keys) == 13
    rows = store.query("stats:small").read(keys[number])
    assert rows.column("small") == [2**31 - 1, -1, None, None]
    assert rows.states().tolist() == [1, 1, 6, 2]


@pytest.mark.parametrize(
    "type",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
    ],
    ids=str,
)
def test_text_keys_come_from_arrow(store: lf.Store, type: Any) -> None:
    names = ["x" * 20, "b\0", None, "ü", "", "a"]
    store.write(
        "cards",
        {
            "card_id": ["a", "ü", "b\0", ""],
            "amount": [1, 2, 3, 4],
            "merchant": None,
        },
    )
    query = store.query("cards:amount", fill="nulls")
    keys = pa.array(names, pa.string()).cast(type)
    pl = pytest.importorskip("polars")
    for form in (
        keys.slice(1),
        pa.chunked_array([keys]).slice(1),
        pl.Series(names).slice(1),
    ):
        assert query.read(form).column("amount") == [3, None, 2, 4, 1]
        assert query.read(form).states()[1] == lf.State.NO_KEY
    with pytest.raises(lf.Invalid):
        store.query("stats:trips").read(keys)
    with pytest.raises(lf.Invalid):
        query.read(pa.array([1, 2]))


class Once:
    """A column that gives its values once."""

    def __init__(self, *chunks: Any) -> None:
        self._capsule = pa.chunked_array(chunks).__arrow_c_stream__()

    def __arrow_c_stream__(self, requested: Any = None) -> Any:
        return self._capsule

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def test_a_column_that_is_given_once_is_not_cut(store: lf.Store) -> None:
    query = store.query("stats:trips")
    assert len(query.read(Once([1, 2, 3]))) == 3
    batches = table().select(["driver_id"])
    for keys in (Once([1, 2], [3]), batches.to_reader(1), batches.to_reader()):
        with pytest.raises(lf.Invalid, match="one chunk"):
            query.read({"driver_id": keys})
