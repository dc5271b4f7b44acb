# SPDX-License-Identifier: Apache-2.0
"""Query.join: labels of any kind in, the same kind with features out."""

from __future__ import annotations

import gc
from datetime import datetime, timedelta
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest

import libfeature as lf

from conftest import NOON

HOUR = timedelta(hours=1)
TIMES = [NOON, NOON - HOUR, NOON + HOUR, NOON]
LABELS = {
    "outcome": [True, False, None, True],
    "driver_id": [2, 1, 9, 1],
    "event_timestamp": TIMES,
}
TRIPS = [20, None, 7, 10]


def table() -> pyarrow.Table:
    return pyarrow.table(
        {
            **LABELS,
            "event_timestamp": pyarrow.array(
                TIMES, pyarrow.timestamp("us", "UTC")
            ),
            "code": pyarrow.array([1, 2, None, 4], pyarrow.decimal128(9, 2)),
            "nested": pyarrow.array([{"a": [1]}, None, {"a": []}, {"a": None}]),
        }
    )


@pytest.fixture
def query(filled: lf.Store) -> lf.Query:
    return filled.query("stats(trips, name)")


def test_a_table_comes_back_with_features(query: lf.Query) -> None:
    labels = table()
    joined = query.join(labels)
    assert isinstance(joined, pyarrow.Table)
    assert joined.select(labels.column_names).equals(labels)
    assert joined["trips"].to_pylist() == TRIPS
    assert joined["name"].to_pylist() == ["Zoë\0z", None, None, "Ann"]
    assert joined.schema.metadata[b"libfeature.fingerprint"]


def test_values_of_labels_are_not_copied(query: lf.Query) -> None:
    labels = table()
    joined = query.join(labels)
    for name in ("driver_id", "outcome"):
        (before,), (after,) = labels[name].chunks, joined[name].chunks
        assert before.buffers()[1].address == after.buffers()[1].address


def test_chunks_and_slices_keep_their_order(query: lf.Query) -> None:
    labels = pyarrow.concat_tables([table().slice(1), table()] * 3)
    wanted = (TRIPS[1:] + TRIPS) * 3
    for chunk_rows in (0, 1, 3, 5):
        joined = query.join(labels, chunk_rows=chunk_rows)
        joined.validate(full=True)
        assert joined["trips"].to_pylist() == wanted
        assert joined.select(labels.column_names).equals(labels)


def test_each_kind_gives_its_own(query: lf.Query) -> None:
    labels = table()
    batch = query.join(labels.to_batches()[0])
    assert isinstance(batch, pyarrow.RecordBatch)
    assert batch["trips"].to_pylist() == TRIPS
    reader = query.join(labels.to_reader())
    assert isinstance(reader, pyarrow.RecordBatchReader)
    assert reader.read_all()["trips"].to_pylist() == TRIPS
    frame = query.join(polars.DataFrame(LABELS))
    assert isinstance(frame, polars.DataFrame)
    assert frame["trips"].to_list() == TRIPS
    columns = query.join(LABELS)
    assert columns["trips"] == TRIPS and columns["outcome"] == LABELS["outcome"]


def test_a_data_frame_keeps_its_index_and_types(query: lf.Query) -> None:
    labels = pandas.DataFrame(LABELS, index=["w", "x", "y", "z"])
    joined = query.join(labels, states=True, timestamps=True)
    assert list(joined.index) == ["w", "x", "y", "z"]
    pandas.testing.assert_frame_equal(joined[list(labels.columns)], labels)
    assert joined["trips"].tolist()[:1] == [20]
    assert joined["trips"].isna().tolist() == [False, True, False, False]
    assert joined["stats__state"].tolist() == [
        lf.State.PRESENT,
        lf.State.NO_HISTORY,
        lf.State.NOT_FOUND,
        lf.State.PRESENT,
    ]


def test_another_column_may_have_the_times(query: lf.Query) -> None:
    labels = table().rename_columns(
        ["outcome", "driver_id", "at", "code", "nested"]
    )
    joined = query.join(labels, timestamp="at", states=True)
    assert joined["trips"].to_pylist() == TRIPS
    assert joined["stats__state"].to_pylist() == [1, 5, 3, 1]
    with pytest.raises(lf.NotFound, match="event_timestamp"):
        query.join(labels)
    with pytest.raises(lf.NotFound, match="event_timestamp"):
        query.join(labels.to_pandas())


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_any_unit_is_taken(query: lf.Query, unit: str) -> None:
    labels = table()
    times = labels["event_timestamp"].cast(pyarrow.timestamp(unit, "UTC"))
    at = labels.column_names.index("event_timestamp")
    labels = labels.set_column(at, "event_timestamp", times)
    joined = query.join(labels)
    assert joined["trips"].to_pylist() == TRIPS
    assert joined["event_timestamp"].type == pyarrow.timestamp(unit, "UTC")


def test_a_part_of_a_microsecond_is_refused(query: lf.Query) -> None:
    odd = pyarrow.array([1_000, 1_001], pyarrow.timestamp("ns", "UTC"))
    labels = pyarrow.table({"driver_id": [1, 2], "event_timestamp": odd})
    with pytest.raises(
        pyarrow.ArrowInvalid, match="row 1.*whole number of microseconds"
    ):
        query.join(labels)


def test_a_name_of_both_is_a_conflict(query: lf.Query) -> None:
    for labels in (
        table().append_column("trips", [[1, 2, 3, 4]]),
        pandas.DataFrame({**LABELS, "trips": 1}),
        {**LABELS, "trips": [1, 2, 3, 4]},
    ):
        with pytest.raises(lf.Conflict, match="trips already"):
            query.join(labels)


def test_what_is_no_table_is_refused(query: lf.Query) -> None:
    for labels in (7, [1, 2], None):
        with pytest.raises(lf.Invalid):
            query.join(labels)


def test_a_stream_outlives_its_query(filled: lf.Store) -> None:
    def lazy() -> Any:
        return filled.query("stats:trips").join(
            table().to_reader(), chunk_rows=2
        )

    reader = lazy()
    gc.collect()
    assert reader.read_all()["trips"].to_pylist() == TRIPS


def test_a_failing_producer_is_quoted(query: lf.Query) -> None:
    def batches() -> Any:
        yield table().to_batches()[0]
        raise RuntimeError("the lake is dry")

    reader = pyarrow.RecordBatchReader.from_batches(table().schema, batches())
    with pytest.raises(Exception, match="the lake is dry"):
        query.join(reader).read_all()


def test_many_labels_equal_single_reads(filled: lf.Store) -> None:
    random = numpy.random.default_rng(7)
    keys = random.integers(0, 300, 5000)
    filled.write(
        "stats",
        {
            "driver_id": range(200),
            "trips": range(200),
            "event_timestamp": [NOON - i * HOUR / 60 for i in range(200)],
        },
        operation=lf.Operation.UPSERT,
    )
    hours = random.integers(-5, 5, 5000)
    times = numpy.datetime64(NOON.replace(tzinfo=None), "us") + hours.astype(
        "m8[h]"
    )
    query = filled.query("stats:trips")
    joined = query.join(
        pyarrow.table({"driver_id": keys, "event_timestamp": times}),
        chunk_rows=700,
    )
    one = [
        query.read(int(key), as_of=time.astype(datetime)).column("trips")[0]
        for key, time in zip(keys[:200], times[:200])
    ]
    assert joined["trips"].to_pylist()[:200] == one
    rows = query.read(keys, as_of=times)
    assert joined["trips"].to_pylist() == rows.column("trips")
