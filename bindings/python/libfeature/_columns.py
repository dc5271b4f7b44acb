# SPDX-License-Identifier: Apache-2.0
"""Rows to write, from dicts, frames and iterables, to the columns of a batch."""

from __future__ import annotations

import sys
from array import array
from itertools import accumulate
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
)

from ._arrow import array_of
from ._errors import Invalid
from ._ffi import Type
from ._scalars import (
    Buffers,
    bits_of,
    elements,
    elements_of,
    fail,
    is_missing,
    shown,
)
from ._values import cells, plain

if TYPE_CHECKING:
    from ._native import Field

__all__ = [
    "column_buffers",
    "has_pyarrow",
    "is_pandas",
    "is_scalar",
    "lists",
    "table_of",
]

_ARROW = {
    "i": Type.INT32,
    "l": Type.INT64,
    "f": Type.FLOAT32,
    "g": Type.FLOAT64,
    "u": Type.STRING,
    "z": Type.BYTES,
    "tsu:UTC": Type.TIMESTAMP,
    "tsu:": Type.TIMESTAMP,
}


def is_scalar(values: Any) -> bool:
    """A single value, which stands for every row."""
    if isinstance(values, (str, bytes, bytearray)):
        return True
    dimensions = getattr(values, "ndim", None)
    if dimensions is not None:
        return bool(dimensions == 0)
    return not (
        hasattr(values, "__len__")
        or hasattr(values, "__iter__")
        or hasattr(values, "__arrow_c_array__")
        or hasattr(values, "__arrow_c_stream__")
    )


def lists(values: Sequence[Any], type: int, name: str) -> Buffers:
    """A list column; None is a null list."""
    present = [not is_missing(value) for value in values]
    flat: List[Any] = []
    sizes: List[int] = []
    for row, value in enumerate(values):
        if not present[row]:
            sizes.append(0)
            continue
        flat.extend(elements_of(value, name, row))
        sizes.append(len(value))
    ends = list(accumulate(sizes, initial=0))

    def row_of(element: int) -> int:
        return next(row for row, end in enumerate(ends[1:]) if element < end)

    inner = elements(flat, type, name, row_of)
    try:
        offsets = array("i", ends)
    except OverflowError:
        raise fail(name, "over 2^31 elements; write them in parts") from None
    return Buffers(
        type,
        inner.values,
        len(values),
        offsets.buffer_info()[0],
        inner.offsets,
        None if all(present) else bits_of(present),
        (inner.keep, offsets),
    )


def column_buffers(values: Any, field: "Field", rows: Optional[int]) -> Buffers:
    """One column of a batch, for a field that says what it has to be."""
    name = field.name
    if is_scalar(values):
        values = [values] * (1 if rows is None else rows)
    if field.is_list:
        return lists(plain(values), field.type, name)
    arrow = array_of(values) if field.width == 1 else None
    if arrow is not None and _ARROW.get(arrow.format) == field.type:
        return Buffers(
            field.type,
            arrow.values,
            arrow.rows,
            arrow.offsets or None,
            None,
            arrow.validity,
            arrow.keep,
        )
    return cells(values, field.type, name, field.width)


def _columns_of_dicts(rows: Iterable[Any], fill: bool) -> Dict[str, List[Any]]:
    """Dicts, turned by a quarter. Where rows differ in their names, what a row
    lacks is null if ``fill`` says so, and refused otherwise."""
    table: Dict[str, List[Any]] = {}
    count = 0
    for count, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise Invalid(
                "row %d: %s is no dict" % (count - 1, shown(row)), row=count - 1
            )
        for name, value in row.items():
            if name not in table:
                if count > 1 and not fill:
                    raise Invalid(
                        'row %d: "%s" is not in the rows before'
                        % (count - 1, name),
                        row=count - 1,
                    )
                table[name] = [None] * (count - 1)
            table[name].append(value)
        if len(row) != len(table):
            for name, values in table.items():
                if len(values) == count:
                    continue
                if not fill:
                    raise Invalid(
                        'row %d: "%s" is missing' % (count - 1, name),
                        row=count - 1,
                    )
                values.append(None)
    return table


def table_of(rows: Any, fill: bool) -> Mapping[str, Any]:
    """The columns of any kind of rows, by name."""
    if isinstance(rows, Mapping):
        return rows
    root = type(rows).__module__.partition(".")[0]
    if root in ("pandas", "polars") and hasattr(rows, "columns"):
        names = list(rows.columns)
        if len(set(names)) != len(names):
            raise Invalid("the frame has two columns of one name")
        return {name: rows[name] for name in names}
    if hasattr(rows, "__arrow_c_stream__") or hasattr(
        rows, "__arrow_c_array__"
    ):
        return _columns_of_arrow(rows)
    if isinstance(rows, (str, bytes)) or not hasattr(rows, "__iter__"):
        raise Invalid(
            "%s is not rows: give a dict of columns, a frame, an "
            "Arrow stream or an iterable of dicts" % shown(rows)
        )
    return _columns_of_dicts(rows, fill)


def _columns_of_arrow(rows: Any) -> Mapping[str, Any]:
    """Arrow data as columns, for a commit of several batches: by pyarrow or
    polars, whichever there is."""
    try:
        import pyarrow

        table = pyarrow.table(rows)
        return {name: table[name] for name in table.column_names}
    except ImportError:
        pass
    try:
        import polars
    except ImportError:
        raise Invalid(
            "Arrow rows of a commit of several batches need pyarrow "
            "or polars; Store.write takes them as they are"
        ) from None
    frame: Any = polars.DataFrame(rows)
    return {name: frame[name] for name in frame.columns}


def is_pandas(rows: Any) -> bool:
    """A pandas DataFrame, which goes column by column without pyarrow."""
    return type(rows).__module__.partition(".")[0] == "pandas" and hasattr(
        rows, "columns"
    )


def has_pyarrow() -> bool:
    """Whether pyarrow can be imported; it is not."""
    if "pyarrow" in sys.modules:
        return sys.modules["pyarrow"] is not None
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None
