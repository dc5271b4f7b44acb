# SPDX-License-Identifier: Apache-2.0
"""Answers as a pandas frame, and as a matrix."""

from __future__ import annotations

from ctypes import string_at
from typing import TYPE_CHECKING, Any, Dict

from ._errors import Invalid
from ._ffi import Type
from ._keys import as_of_buffers
from ._packages import require

if TYPE_CHECKING:
    import numpy

    from ._native import Field
    from ._result import Rows

__all__ = ["float_matrix", "pandas_frame"]

_NULLABLE = {Type.BOOL: "boolean", Type.INT32: "Int32", Type.INT64: "Int64"}


def _series(rows: "Rows", field: "Field") -> Any:
    import numpy
    import pandas

    values: Any = rows[field.name]
    if field.is_list:
        return pandas.Series(values, dtype=object)
    if field.width > 1:  # a cell is a vector
        cells = numpy.empty(len(rows), object)
        valid = rows.valid(field.name)
        for row in range(len(rows)):
            cells[row] = values[row] if valid[row] else None
        return pandas.Series(cells, dtype=object)
    if field.type == Type.TIMESTAMP:
        return pandas.Series(values).dt.tz_localize("UTC")
    if isinstance(values, numpy.ma.MaskedArray):
        made = pandas.array(values.data, _NULLABLE[Type(field.type)])
        made[numpy.ma.getmaskarray(values)] = pandas.NA
        return pandas.Series(made)
    if field.type == Type.BYTES:
        return pandas.Series(values, dtype=object)
    return pandas.Series(values)


def pandas_frame(rows: "Rows", states: bool, timestamps: bool) -> Any:
    """A DataFrame with the columns, and what was asked for besides."""
    require("pandas")
    import pandas

    made: Dict[str, Any] = {
        field.name: _series(rows, field) for field in rows.fields
    }
    for view in rows.views:
        if states:
            made[view + "__state"] = rows.states(view).astype("i4")
        if timestamps:
            made[view + "__event_timestamp"] = pandas.Series(
                rows.timestamps(view)
            ).dt.tz_localize("UTC")
    return pandas.DataFrame(made, copy=False)


def _ages(rows: "Rows", values: Any, as_of: Any) -> Any:
    """The age of timestamps in seconds, at the as-of time or the clock."""
    import numpy

    if as_of is None:
        at: Any = numpy.datetime64(rows.now.replace(tzinfo=None), "us")
    else:
        made = as_of_buffers(as_of)
        at = numpy.frombuffer(
            string_at(made.values or 0, 8 * made.rows), "<M8[us]"
        )
    ages = (at - values).astype("m8[us]")
    seconds = ages.astype("i8") / 1e6
    return numpy.where(numpy.isnat(ages), numpy.nan, seconds)


def float_matrix(rows: "Rows", as_of: Any) -> "numpy.ndarray[Any, Any]":
    """The columns as feature_request_read_matrix() would have them."""
    require("numpy")
    import numpy

    parts = []
    for field in rows.fields:
        values: Any = rows[field.name]
        if field.is_list or field.type in (Type.STRING, Type.BYTES):
            raise Invalid(
                'column "%s" is %s: it does not go into a matrix'
                % (field.name, field.type_name)
            )
        if field.type == Type.TIMESTAMP:
            values = _ages(rows, values, as_of)
        with numpy.errstate(over="ignore"):  # as the cast of C
            part = numpy.ma.getdata(values).astype("<f4")
        if numpy.ma.isMaskedArray(values):
            part[numpy.ma.getmaskarray(values)] = numpy.nan
        parts.append(part.reshape(len(rows), field.width))
    return (
        numpy.concatenate(parts, axis=1)
        if parts
        else numpy.empty((len(rows), 0), "<f4")
    )
