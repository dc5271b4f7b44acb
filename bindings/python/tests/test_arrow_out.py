# SPDX-License-Identifier: Apache-2.0
"""Arrow out: reads, scans, and Parquet on its way in."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any, List

import pytest
from arrow_table import FEATURES, ROWS, TYPES, check, pa, table
from conftest import NOON

import libfeature as lf

# --- out ----------------------------------------------------------------------


def answer(store: lf.Store) -> lf.Rows:
    store.write("stats", table())
    return store.query(FEATURES, fill="nulls").read([1, 2, 3])


def test_a_read_goes_to_pyarrow(store: lf.Store) -> None:
    rows = answer(store)
    batch = rows.to_arrow()
    batch.validate(full=True)
    assert batch.to_pydict() == {
        name: values for name, values in ROWS.items() if name in rows
    }
    for name in batch.schema.names:
        found = str(batch.schema.field(name).type)
        assert found.replace(" not null", "") == str(TYPES[name])
    more = rows.to_arrow(states=True, timestamps=True)
    more.validate(full=True)
    assert more["stats__state"].to_pylist() == [1, 2, 1]
    assert more["stats__event_timestamp"].to_pylist() == [NOON] * 3


def test_a_read_goes_to_polars(store: lf.Store) -> None:
    pl = pytest.importorskip("polars")
    rows = answer(store)
    frame = rows.to_polars(states=True)
    assert frame["stats__state"].to_list() == [1, 2, 1]
    assert frame.select(rows.columns).to_dict(as_series=False) == (
        rows.to_pydict()
    )
    assert pl.DataFrame(rows).equals(rows.to_polars())


def test_a_read_goes_to_nanoarrow(store: lf.Store) -> None:
    na = pytest.importorskip("nanoarrow")
    rows = answer(store)
    array = na.c_array(rows)
    array.view()  # validates
    assert [row["trips"] for row in na.Array(rows).to_pylist()] == [
        10,
        None,
        30,
    ]


def test_a_read_goes_to_pandas(store: lf.Store) -> None:
    pd = pytest.importorskip("pandas")
    rows = answer(store)
    frame = rows.to_pandas(states=True, timestamps=True)
    assert frame["trips"].dtype == "Int64" and frame["ok"].dtype == "boolean"
    assert frame["rate"].dtype == "float32"
    assert str(frame["seen"].dtype) == "datetime64[us, UTC]"
    assert frame["stats__state"].tolist() == [1, 2, 1]
    assert frame["stats__event_timestamp"].tolist() == [NOON] * 3
    assert frame["name"].isna().tolist() == [False, True, False]
    assert pd.isna(frame["seen"][1]) and frame["seen"][0] == NOON
    whole = store.query("stats(trips, small)").read([1, 3]).to_pandas()
    assert whole["small"].dtype == "int32"
    again = frame.drop(columns=["stats__state", "stats__event_timestamp"])
    store.write(
        "stats", again.assign(driver_id=[1, 2, 3], event_timestamp=NOON)
    )
    check(store)


def test_arrow_answers_outlive_everything(store: lf.Store) -> None:
    rows = answer(store)
    batch = rows.to_arrow()
    capsules = rows.__arrow_c_array__()
    wanted = batch.to_pydict()
    store.close()
    del rows
    gc.collect()
    assert batch.to_pydict() == wanted
    found = pa.RecordBatch._import_from_c_capsule(*capsules)
    assert found.to_pydict() == wanted
    held = [found, batch]
    del found, capsules, batch
    thread = threading.Thread(target=held.clear)  # released over there
    thread.start()
    thread.join()
    assert not held


# --- scans --------------------------------------------------------------------


def test_a_scan_gives_every_row_in_key_order(store: lf.Store) -> None:
    store.write("stats", table())
    store.write("stats", {"driver_id": [-5, 40], "trips": [1, 2]}, "patch")
    scan = store.scan("stats", fill="nulls")
    whole = scan.to_arrow()
    whole.validate(full=True)
    assert whole["driver_id"].to_pylist() == [-5, 1, 2, 3, 40]
    assert whole.column_names == list(TYPES)
    assert whole.slice(1, 3).to_pydict() == ROWS
    assert scan.to_arrow().equals(whole)  # a scan can be read again
    for batch in scan.reader():
        assert batch.num_rows == 5
    part = store.scan("stats(trips)", start="2", stop="40", chunk_rows=1)
    assert part.to_arrow()["driver_id"].to_pylist() == [2, 3]
    assert part.to_arrow().column_names == [
        "driver_id",
        "event_timestamp",
        "trips",
    ]


def test_scans_go_everywhere(store: lf.Store) -> None:
    pl = pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    na = pytest.importorskip("nanoarrow")
    store.write("stats", table())
    scan = store.scan("stats", fill="nulls", chunk_rows=2, one_snapshot=True)
    assert scan.to_polars()["trips"].to_list() == [10, None, 30]
    assert pl.DataFrame(scan).height == 3
    assert scan.to_pandas()["name"][0] == "Ann"
    found = duckdb.sql("select driver_id, trips, name from scan order by 1")
    assert found.fetchall() == [
        (1, 10, "Ann"),
        (2, None, None),
        (3, 30, "Zoë\0z"),
    ]
    assert len(na.Array(scan)) == 3


def test_a_scan_ends_with_its_store(store: lf.Store) -> None:
    store.write("stats", table())
    reader = store.scan("stats", chunk_rows=1).reader()
    kept = reader.read_next_batch()
    store.close()
    with pytest.raises(Exception, match="closed"):
        reader.read_next_batch()
    assert kept["name"].to_pylist() == ["Ann"]
    del reader, kept
    gc.collect()


def test_a_scan_keeps_its_store(store: lf.Store) -> None:
    store.write("stats", table())
    path = store.path
    store.close()

    def scan() -> Any:
        opened = lf.Store.open(path)
        stores.append(weakref.ref(opened))
        return opened.scan("stats", chunk_rows=1)

    stores: List[Any] = []
    reader = scan().reader()
    gc.collect()
    assert reader.read_next_batch().num_rows == 1
    assert reader.read_all().num_rows == 2
    capsule = scan().__arrow_c_stream__()
    gc.collect()
    moved = pa.RecordBatchReader._import_from_c_capsule(capsule)
    assert moved.read_all().num_rows == 3
    unused = scan().__arrow_c_stream__()
    kept = scan()
    assert kept.to_arrow().num_rows == 3
    assert all(ref() is not None for ref in stores)
    del reader, capsule, moved, unused, kept  # no cycles: nothing to collect
    assert [ref() for ref in stores] == [None] * 4


def test_scans_are_checked(store: lf.Store) -> None:
    for features, options in (
        ("nothing", {}),
        ("stats(nothing)", {}),
        ("stats(*), cards(*)", {}),
        ("stats", {"start": "'text'"}),
        ("stats", {"stop": "1, 2"}),
        ("stats", {"chunk_rows": -1}),
        ("stats", {"fill": "x"}),
        ("stats(*", {}),
        ("", {}),
    ):
        with pytest.raises(lf.Error):
            store.scan(features, **options).__arrow_c_stream__()


def test_unused_capsules_are_released(store: lf.Store) -> None:
    from libfeature._arrow import _live

    rows = answer(store)
    before = len(_live)
    for _ in range(50):
        store.scan("stats").__arrow_c_stream__()
        rows.__arrow_c_array__()
    held = [
        store.scan("stats", one_snapshot=True).__arrow_c_stream__()
        for _ in range(3)
    ]
    assert len(_live) == before + 3
    scanning = store.stats().readers
    for _ in range(20):
        store.scan("stats", one_snapshot=True).__arrow_c_stream__()
    assert store.stats().readers < scanning + 10  # not one for each
    threads = [threading.Thread(target=held.pop) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    gc.collect()
    assert len(_live) == before


# --- Parquet ------------------------------------------------------------------


@pytest.mark.parametrize("engine", [None, "pyarrow", "duckdb"])
def test_parquet_is_loaded(store: lf.Store, engine: Any, tmp_path: Any) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("duckdb")
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    parquet.write_table(table().slice(0, 2), paths[0])
    parquet.write_table(table().slice(2), paths[1])
    commit = lf.load_parquet(store, "stats", paths, engine=engine)
    assert commit.applied == 3
    check(store)
    renamed = tmp_path / "c.parquet"
    parquet.write_table(
        table().rename_columns(["c " + name for name in TYPES]), renamed
    )
    store.load_parquet(
        "stats",
        renamed,
        "patch",
        engine=engine,
        columns={"driver_id": "c driver_id", "trips": "c trips"},
    )
    assert store.query("stats:trips").read([1]).column("trips") == [10]


def test_parquet_that_cannot_be_read(store: lf.Store, tmp_path: Any) -> None:
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 not at all")
    with pytest.raises(lf.NotFound):
        store.load_parquet("stats", tmp_path / "nothing")
    for path, engine in (
        (bad, None),
        (bad, "duckdb"),
        (bad, "other"),
        ([], None),
    ):
        with pytest.raises(lf.Error):
            store.load_parquet("stats", path, engine=engine)
