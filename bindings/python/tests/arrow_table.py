# SPDX-License-Identifier: Apache-2.0
"""One table of every type, as Python and as Arrow have it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from conftest import NOON

import libfeature as lf

pa = pytest.importorskip("pyarrow")

ROWS = {
    "driver_id": [1, 2, 3],
    "event_timestamp": [NOON] * 3,
    "trips": [10, None, 30],
    "rate": [0.5, None, -0.0],
    "score": [1e100, None, 2.5],
    "small": [-1, None, 2**31 - 1],
    "ok": [True, None, False],
    "name": ["Ann", None, "Zoë\0z"],
    "raw": [b"\0\xff", None, b""],
    "seen": [NOON, None, datetime(1969, 12, 31, tzinfo=timezone.utc)],
    "embedding": [[1.0, 2.0, 3.0], None, [4.0, 5.0, 6.0]],
    "tags": [["gold", "città"], None, []],
    "counts": [[1, 2], None, [-3]],
}
TYPES = {
    "driver_id": pa.int64(),
    "event_timestamp": pa.timestamp("us", "UTC"),
    "trips": pa.int64(),
    "rate": pa.float32(),
    "score": pa.float64(),
    "small": pa.int32(),
    "ok": pa.bool_(),
    "name": pa.string(),
    "raw": pa.binary(),
    "seen": pa.timestamp("us", "UTC"),
    "embedding": pa.list_(pa.float32(), 3),
    "tags": pa.list_(pa.string()),
    "counts": pa.list_(pa.int64()),
}
FEATURES = "stats(*)"


def table(**changed: Any) -> Any:
    types = {**TYPES, **changed}
    return pa.table(
        {name: pa.array(ROWS[name], type) for name, type in types.items()}
    )


def check(store: lf.Store) -> None:
    """The store holds ROWS, bit for bit."""
    rows = store.query(FEATURES, fill="nulls").read(ROWS["driver_id"])
    assert rows.to_pydict() == {
        name: values for name, values in ROWS.items() if name in rows
    }
    assert repr(rows.column("rate")[2]) == "-0.0"
    assert rows.timestamps().tolist() == [NOON.replace(tzinfo=None)] * 3
