# SPDX-License-Identifier: Apache-2.0
"""Columns of values in any sequence: lists, numpy arrays of any dtype and
layout, pandas and polars series, Arrow arrays."""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, AbstractSet, Any, Dict, Mapping, Tuple

from ._errors import Invalid
from ._ffi import Type
from ._scalars import (
    FLOATS,
    MOST_ROWS,
    UNSET,
    Buffers,
    address,
    fail,
    listed,
    numpy_loaded,
    shown,
    type_name,
    wrong,
)

if TYPE_CHECKING:
    import numpy

__all__ = ["cells", "plain"]

_NUMPY: Dict[int, str] = {
    Type.INT32: "<i4",
    Type.INT64: "<i8",
    Type.FLOAT32: "<f4",
    Type.FLOAT64: "<f8",
    Type.TIMESTAMP: "<i8",
}
_RANGES: Dict[int, Tuple[int, int]] = {
    Type.INT32: (-(2**31), 2**31 - 1),
    Type.INT64: (-(2**63), 2**63 - 1),
    Type.TIMESTAMP: (UNSET + 1, 2**63 - 1),
}
# --- numpy -------------------------------------------------------------------


def _first(flags: Any) -> int:
    return int(flags.argmax())


def _integers(values: Any, type: int, name: str, skip: Any) -> Any:
    """An array of any numeric dtype as integers of a type, all of them exact."""
    low, high = _RANGES.get(type, _RANGES[Type.INT64])
    if values.dtype.kind == "f":
        # The end of the range is no float; the next power of two is.
        bad = ~(
            (values >= low)
            & (values < float(high + 1))
            & (values == values.round())
        )
    elif values.dtype.kind == "u":
        bad = values > high
    else:
        bad = (values < low) | (values > high)
    if skip is not None:
        bad &= ~skip
        values = values.copy()
        values[skip] = 0
    if bad.any():
        row = _first(bad.reshape(len(bad), -1).any(1))
        value = values[row] if values.ndim == 1 else values[row][bad[row]][0]
        raise fail(name, wrong(value.item(), type), row)
    return values.astype(_NUMPY[type])


def _reals(values: Any, type: int, name: str, skip: Any) -> Any:
    numpy = numpy_loaded()
    with numpy.errstate(over="ignore", invalid="ignore"):
        made = values.astype(_NUMPY[type])
    if values.dtype.kind == "f":
        bad = numpy.isinf(made) & ~numpy.isinf(values)
    else:  # 2^24 and 2^53: below, every integer is a float
        limit = 2**24 if type == Type.FLOAT32 else 2**53
        bad = (values > limit) | (
            (values < -limit) if values.dtype.kind == "i" else False
        )
        bad &= (
            numpy.array(
                [
                    int(a) != int(b)
                    for a, b in zip(
                        values.ravel().tolist(), made.ravel().tolist()
                    )
                ],
                bool,
            ).reshape(values.shape)
            if bad.any()
            else False
        )
    if skip is not None:
        bad &= ~skip
    if bad.any():
        row = _first(bad.reshape(len(bad), -1).any(1))
        raise fail(
            name,
            "%s does not fit %s"
            % (shown(values[row].tolist()), type_name(type)),
            row,
        )
    return made


def _times(values: Any, name: str) -> Any:
    """datetime64 of any unit, in microseconds, rounded down; NaT stays."""
    numpy = numpy_loaded()
    try:
        made = values.astype("M8[us]")
    except OverflowError:  # newer versions of numpy look
        raise fail(name, "a time is out of the range of TIMESTAMP") from None
    ahead = made.astype(values.dtype) > values
    made = numpy.where(ahead, made - numpy.timedelta64(1, "us"), made)
    coarse = numpy.datetime_data(values.dtype)[0] not in (
        "us",
        "ns",
        "ps",
        "fs",
        "as",
    )
    bad = (made.astype(values.dtype) != values) & ~numpy.isnat(values)
    if coarse and bad.any():
        row = _first(bad)
        raise fail(
            name, "%s is out of the range of TIMESTAMP" % values[row], row
        )
    return made


def _has_unset(values: Any, type: int) -> bool:
    """Whether a time is INT64_MIN; too many rows are the caller's to refuse."""
    return bool(
        type == Type.TIMESTAMP
        and len(values) <= MOST_ROWS
        and (values == UNSET).any()
    )


def from_numpy(
    values: "numpy.ndarray[Any, Any]", type: int, name: str, width: int = 1
) -> Buffers:
    """A numpy array of any dtype and layout; masked rows are null."""
    numpy = numpy_loaded()
    if values.ndim != (2 if width > 1 else 1):
        raise fail(
            name,
            "an array of %d dimensions, %d are needed"
            % (values.ndim, 2 if width > 1 else 1),
        )
    if width > 1 and values.shape[1] != width:
        raise fail(
            name,
            "vectors of %d values, %d are needed" % (values.shape[1], width),
        )
    mask = None
    if isinstance(values, numpy.ma.MaskedArray):
        mask = numpy.ma.getmaskarray(values)
        values = (
            values.filled(values.dtype.type(0))
            if values.dtype.kind in ("iufb")
            else numpy.asarray(values.astype(object).filled(None))
        )
    kind = values.dtype.kind
    if kind in "OUTS" or type in (Type.STRING, Type.BYTES):
        return listed(values.tolist(), type, name, width)
    if type == Type.BOOL:
        if kind != "b":
            raise fail(name, "an array of %s is no BOOL" % values.dtype)
        made = numpy.packbits(values, bitorder="little")
    elif kind == "M" and type == Type.TIMESTAMP:
        made = _times(values, name)
        absent = numpy.isnat(made)
        mask = absent if mask is None else mask | absent
        made = made.astype("<i8")
    elif kind not in "iuf" or (kind == "f" and type == Type.TIMESTAMP):
        raise fail(
            name, "an array of %s is no %s" % (values.dtype, type_name(type))
        )
    elif values.dtype == _NUMPY[type] and not _has_unset(values, type):
        made = values
    elif type in FLOATS:
        made = _reals(values, type, name, mask)
    else:
        made = _integers(values, type, name, mask)
    made = numpy.ascontiguousarray(made)
    validity = None
    if mask is not None and mask.any():
        rows = mask.any(1) if width > 1 else mask
        validity = numpy.packbits(~rows, bitorder="little").tobytes()
    return Buffers(
        type, address(made), len(values), validity=validity, keep=made
    )


# --- any sequence ------------------------------------------------------------


def _from_series(values: Any) -> Any:
    """A pandas Series as a list or an array; what pandas calls missing is
    null."""
    dtype = values.dtype
    kind = getattr(dtype, "kind", "O")
    if getattr(dtype, "tz", None) is not None:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
        kind = "M"
    missing = values.isna().to_numpy()
    if kind == "M":
        return values.to_numpy()
    if kind in "iufb" and dtype.__class__.__module__.startswith("numpy"):
        numpy = numpy_loaded()
        made = values.to_numpy()
        return numpy.ma.array(made, mask=missing) if missing.any() else made
    return [
        None if absent else value
        for value, absent in zip(values.tolist(), missing.tolist())
    ]


def _names_of(values: object) -> str:
    return "%s.%s" % (type(values).__module__, type(values).__name__)


def plain(values: Any) -> Any:
    """A sequence as a list, a tuple, an array or a numpy array."""
    if isinstance(values, (list, tuple, array)):
        return values
    if isinstance(values, (Mapping, AbstractSet)):
        raise Invalid("%s is not a column of values" % _names_of(values))
    root = type(values).__module__.partition(".")[0]
    if root == "numpy":
        return values
    if root == "pandas":
        if hasattr(values, "isna") and hasattr(values, "to_numpy"):
            if not hasattr(values, "dt"):  # an Index or an array
                values = sys.modules["pandas"].Series(values)
            return _from_series(values)
    for method in ("to_pylist", "to_list", "tolist"):  # pyarrow, polars
        if hasattr(values, method):
            return getattr(values, method)()
    if isinstance(values, (memoryview, range)) or hasattr(values, "__iter__"):
        return list(values)
    raise Invalid("%s is not a column of values" % _names_of(values))


def cells(values: Any, type: int, name: str, width: int = 1) -> Buffers:
    """A column of scalars or of vectors from any sequence."""
    values = plain(values)
    if hasattr(values, "dtype"):
        return from_numpy(values, type, name, width)
    return listed(values, type, name, width)
