# SPDX-License-Identifier: Apache-2.0
"""Counts and numbers at the limits of what they become."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np
import pytest
from conftest import NOON
from test_arrow_broken import integers

import libfeature as lf

MANY = 2**32 + 3


def many(type: str = "i8") -> Any:
    """So many values as an array says, in the memory of a few. Whoever cuts the
    count reads three of them."""
    few = np.arange(1, 4, dtype=type)
    return np.lib.stride_tricks.as_strided(few, (MANY,), few.strides)


def test_keys_beyond_32_bits_are_refused(filled: lf.Store) -> None:
    query = filled.query("stats:trips", matrix=True)
    for keys in (many(), integers(length=MANY)):
        for read in (query.read, query.matrix, query.reader().matrix):
            with pytest.raises(lf.Invalid, match="driver_id.*4294967299 rows"):
                read(keys)
    with pytest.raises(lf.Invalid, match="as_of.*4294967299 rows"):
        query.read([1], as_of=many())
    assert query.read([1], as_of=NOON)["trips"].tolist() == [10]


def test_columns_beyond_32_bits_are_refused(store: lf.Store) -> None:
    batch = store.batch("stats", "patch", ["driver_id", "trips", "rate"])
    batch.set("driver_id", [1, 2, 3])
    for name, values in (
        ("trips", many()),
        ("trips", integers(length=MANY)),
        ("rate", many("f4")),
    ):
        with pytest.raises(lf.Invalid, match=name + ".*4294967299 rows"):
            batch.set(name, values)
    assert batch.rows == 3


WHOLE = ("trips", "small", "seen")


@pytest.mark.parametrize("name", [*WHOLE, "rate", "score"])
@pytest.mark.parametrize("rest", [[], [None], [2], [2.0]])
@pytest.mark.parametrize("flag", [True, False, np.True_, np.False_])
def test_a_bool_is_no_number(
    store: lf.Store, name: str, rest: Any, flag: Any
) -> None:
    if name == "seen" and rest == [2.0]:
        rest = [NOON]
    for values, row in (([flag, *rest], 0), ([*rest, flag], len(rest))):
        keys = list(range(len(values)))
        with pytest.raises(lf.Invalid, match=name) as caught:
            store.write("stats", {"driver_id": keys, name: values}, "patch")
        assert caught.value.row == row
    with pytest.raises(lf.Invalid):
        store.write("stats", {"driver_id": [1], name: flag}, "patch")


@pytest.mark.parametrize("flag", [True, np.True_])
def test_a_bool_is_no_key(filled: lf.Store, flag: Any) -> None:
    query = filled.query("stats:trips")
    for keys in ([flag], [2, flag], (flag,), [flag, None], flag):
        with pytest.raises(lf.Invalid):
            query.read(keys)
        with pytest.raises(lf.Invalid):
            filled.write("stats", {"driver_id": keys, "trips": 1}, "patch")
    for times in (flag, [flag]):
        with pytest.raises(lf.Invalid):
            query.read([1], as_of=times)
    assert query.read([1, 0, 2]).column("trips") == [10, 7, 20]


@pytest.mark.parametrize(
    "name, bits", [("rate", 24), ("score", 53)], ids=["FLOAT32", "FLOAT64"]
)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("kind", [int, np.int64])
@pytest.mark.parametrize(
    "rest", [[], [None], [0.1], [7], [math.nan], [np.float32(0.5)]], ids=repr
)
def test_an_integer_has_to_fit_a_float_exactly(
    store: lf.Store, name: str, bits: int, sign: int, kind: Any, rest: Any
) -> None:
    limit = sign * 2**bits
    between, exact = kind(limit + sign), kind(limit + 2 * sign)
    for values, row in (([between, *rest], 0), ([*rest, between], len(rest))):
        keys = list(range(len(values)))
        with pytest.raises(lf.Invalid, match=name) as caught:
            store.write("stats", {"driver_id": keys, name: values}, "patch")
        assert caught.value.row == row
    for value in (kind(limit), kind(limit - sign), exact):
        store.write(
            "stats", {"driver_id": [1, 2], name: [value, 0.5]}, "patch"
        )
        rows = store.query("stats:" + name).read([1, 2])
        assert rows.column(name) == [int(value), 0.5]


def test_elements_are_checked_alike(store: lf.Store) -> None:
    for row in ([1, 2, 2**24 + 1], [1, True, 2], [True, 0.5, 0.5]):
        with pytest.raises(lf.Invalid) as caught:
            store.write(
                "stats",
                {"driver_id": [1, 2], "embedding": [[1, 2.5, 3], row]},
                "patch",
            )
        assert caught.value.row == 1
    with pytest.raises(lf.Invalid):
        store.write("stats", {"driver_id": [1], "counts": [[1, True]]}, "patch")


def test_what_is_no_integer_is_rounded(store: lf.Store) -> None:
    values = [0.1, 1e300, -math.inf, math.nan, np.float64(0.1), 2.0**60]
    store.write(
        "stats",
        {"driver_id": [1, 2, 3, 4, 5, 6], "score": values},
        "patch",
    )
    rows = store.query("stats:score").read([1, 2, 3, 4, 5, 6])
    assert rows.column("score")[:3] == values[:3]
    assert math.isnan(rows.column("score")[3])
    assert rows.column("score")[4:] == values[4:]
    store.write(
        "stats", {"driver_id": [1, 2], "rate": [0.1, 2.0**24 + 1]}, "patch"
    )
    narrow = [ctypes.c_float(0.1).value, 2.0**24]
    assert store.query("stats:rate").read([1, 2]).column("rate") == narrow
