# SPDX-License-Identifier: Apache-2.0
"""Answers: rows of features, in every form that people use.

A result keeps the request that answered it, whose memory is nobody else's until
the result and the arrays made from it are gone. So numbers are not copied:
arrays lie where the library put them.
"""

from __future__ import annotations

import sys
from array import array
from ctypes import addressof, string_at
from datetime import datetime
from typing import (TYPE_CHECKING, Any, Callable, Deque, Dict, Iterator, List,
                    Optional, Tuple, Union)

from . import _ffi
from ._arrow import export_names
from ._errors import Invalid, NotFound
from ._ffi import ExportFlag, State, Type
from ._library import lib
from ._native import Field, call
from ._values import CODES, moment

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import pyarrow
    from ._query import Request

    Array = numpy.ndarray[Any, Any]

__all__ = ["DTYPES", "Lease", "Rows", "states_of", "timestamps_of"]

#: Columns of these types are arrays as they lie.
DTYPES: Dict[int, str] = {Type.INT32: "<i4", Type.INT64: "<i8", Type.FLOAT32: "<f4",
           Type.FLOAT64: "<f8", Type.TIMESTAMP: "<M8[us]"}
_FLOATS = (Type.FLOAT32, Type.FLOAT64)
_TEXTS = (Type.STRING, Type.BYTES)
# A row of feature_column as seven words: the last two hold two members each.
_VALUES, _OFFSETS, _CHILD, _VALIDITY, _DEFAULTED, _ROWS, _NULLS = range(7)
_WORDS = 7
_LOW = 0xFFFFFFFF


class Lease:
    """A request that is lent out; it goes back to its pool at the end of the
    lease, when no result and no array needs its memory any more."""

    __slots__ = ("__array_interface__", "pool", "request")

    __array_interface__: Dict[str, Any]

    def __init__(self, request: "Request", pool: "Deque[Request]") -> None:
        self.request, self.pool = request, pool

    def __del__(self) -> None:
        self.pool.append(self.request)


def _view_index(request: "Request", view: Optional[str]) -> int:
    views = request.plan.view_index
    if view is None:
        if len(views) == 1:
            return 0
        raise Invalid("which view? The query has %s" % ", ".join(views))
    try:
        return views[view]
    except KeyError:
        raise NotFound('the query has no view "%s", it has %s'
                       % (view, ", ".join(views)), reason="name") from None


def _copied(address: Optional[int], rows: int, size: int) -> bytearray:
    return bytearray(string_at(address, rows * size) if address else b"")


def _row_count(request: "Request") -> int:
    return lib.feature_request_row_count(request.address)


def states_of(request: "Request", view: Optional[str]) -> "Array":
    """The states of the last read, as numpy has them."""
    import numpy
    index = _view_index(request, view)
    return numpy.frombuffer(_copied(
        lib.feature_request_states(request.address, index),
        _row_count(request), 1), "u1")


def timestamps_of(request: "Request", view: Optional[str]) -> "Array":
    """The event timestamps of the last read; INT64_MIN is numpy's NaT."""
    import numpy
    index = _view_index(request, view)
    return numpy.frombuffer(_copied(
        lib.feature_request_timestamps(request.address, index),
        _row_count(request), 8), "<M8[us]")


class Rows:
    """The answer of one read: a row per key, a column per feature.

    ``rows["name"]`` is a numpy array: NaN, NaT or None where the value is null,
    a masked array for whole numbers and booleans that have nulls. Values that
    the fill policy chose are in it; :meth:`defaulted` tells them apart, and
    :meth:`states` tells why.

    The arrays belong to the result: no later read changes them.
    """

    def __init__(self, lease: Lease, cells: Tuple[int, ...],
                 as_of: Any) -> None:
        self._lease, self._cells, self._as_of = lease, cells, as_of
        self._rows = cells[_ROWS] & _LOW
        self._arrays: Dict[str, Any] = {}
        self._span: Any = None

    # --- what it is ---

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._lease.request.plan.column_index)

    def __contains__(self, name: object) -> bool:
        return name in self._lease.request.plan.column_index

    @property
    def fields(self) -> Tuple[Field, ...]:
        """The columns with their types."""
        return self._lease.request.plan.columns

    @property
    def columns(self) -> Tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self._lease.request.plan.column_index)

    @property
    def views(self) -> Tuple[str, ...]:
        """The views, or their aliases."""
        return tuple(self._lease.request.plan.view_index)

    @property
    def commit(self) -> int:
        """The commit that was read; with :attr:`now` the answer can be
        reproduced."""
        return lib.feature_request_commit(self._lease.request.address)

    @property
    def now(self) -> datetime:
        """The clock that was used."""
        return moment(lib.feature_request_now(self._lease.request.address))

    def _at(self, name: str) -> int:
        try:
            return self._lease.request.plan.column_index[name]
        except KeyError:
            raise NotFound('the query has no column "%s", it has %s'
                           % (name, ", ".join(self)), reason="name") from None

    # --- numpy ---

    def __getitem__(self, name: str) -> "Array":
        made: Optional["Array"] = self._arrays.get(name)
        if made is None:
            made = self._arrays[name] = self._array(self._at(name))
        return made

    def to_numpy(self) -> "Dict[str, Array]":
        """All columns as numpy arrays."""
        made: Dict[str, Any] = {}
        cells, at, shape = self._cells, 0, (self._rows,)
        span, first, new = self._span or self._memory()
        for name, dtype, width in self._lease.request.plan.arrays:
            if dtype is None or width > 1 or cells[at + _NULLS] > _LOW or (
                    name in self._arrays):
                made[name] = self[name]
            else: # the usual case, in as few steps as there can be
                made[name] = self._arrays[name] = new(shape, dtype, span,
                                                      cells[at] - first)
            at += _WORDS
        return made

    def _memory(self) -> Any:
        """All that the answer may lie in, as one array of bytes: the memory
        between the columns is not ours, and nobody looks there. Arrays cut from
        it keep the lease."""
        numpy = sys.modules.get("numpy") or _numpy()
        starts = self._cells[_VALUES::_WORDS]
        first = min(starts)
        size = max(starts) - first + (
            8 * self._lease.request.plan.widest * self._rows + 8)
        self._lease.__array_interface__ = {
            "version": 3, "typestr": "|u1", "shape": (size,),
            "data": (first, False)}
        self._span = (numpy.asarray(self._lease), first, numpy.ndarray)
        return self._span

    def _array(self, index: int) -> "Array":
        plan = self._lease.request.plan
        field, (_, dtype, width) = plan.columns[index], plan.arrays[index]
        nulls = self._cells[index * _WORDS + _NULLS] >> 32
        if dtype is None:
            return self._converted(index, field, nulls)
        span, first, new = self._span or self._memory()
        made: "Array" = new((self._rows, width) if width > 1 else (self._rows,), dtype,
                   span, self._cells[index * _WORDS] - first)
        return self._with_nulls(index, made, field) if nulls else made

    def _with_nulls(self, index: int, values: Any, field: Field) -> Any:
        numpy = _numpy()
        absent = ~self._mask(index, _VALIDITY)
        if field.type not in _FLOATS and field.type != Type.TIMESTAMP:
            if values.ndim > 1:
                absent = numpy.repeat(absent[:, None], field.width, axis=1)
            return numpy.ma.array(values, mask=absent)
        values = values.copy()
        values[absent] = (numpy.datetime64("NaT")
                          if field.type == Type.TIMESTAMP else numpy.nan)
        return values

    def _converted(self, index: int, field: Field, nulls: int) -> Any:
        numpy = _numpy()
        if field.type == Type.BOOL and not field.is_list:
            bits = string_at(self._cells[index * _WORDS], (self._rows + 7) // 8)
            made = numpy.unpackbits(numpy.frombuffer(bits, "u1"), bitorder=
                                    "little", count=self._rows).view(bool)
            return (numpy.ma.array(made, mask=~self._mask(index, _VALIDITY))
                    if nulls else made)
        values: List[Any] = self._texts(index, field) if (
            field.type in _TEXTS) else self._number_lists(index, field)
        made = numpy.empty(len(values), object)
        for row, value in enumerate(values):
            made[row] = value
        return made

    def _number_lists(self, index: int, field: Field) -> List[Any]:
        """A list column of numbers: an array for each row."""
        numpy = _numpy()
        ends = self._offsets(index, self._rows)
        flat = numpy.frombuffer(bytearray(string_at(
            self._cells[index * _WORDS],
            ends[-1] * (4 if "4" in DTYPES[field.type] else 8))),
            DTYPES[field.type])
        made: List[Any] = [flat[a:b] for a, b in zip(ends, ends[1:])]
        return self._nulled(index, made)

    def _mask(self, index: int, member: int) -> "Array":
        numpy = _numpy()
        bits = string_at(self._cells[index * _WORDS + member],
                         (self._rows + 7) // 8)
        made: "Array" = numpy.unpackbits(
            numpy.frombuffer(bits, "u1"), count=self._rows, bitorder="little")
        return made.view(bool)

    def valid(self, name: str) -> "Array":
        """Which rows of a column are not null."""
        return self._mask(self._at(name), _VALIDITY)

    def defaulted(self, name: str) -> "Array":
        """Which values of a column the fill policy chose."""
        index = self._at(name)
        if self._cells[index * _WORDS + _DEFAULTED]:
            return self._mask(index, _DEFAULTED)
        made: "Array" = _numpy().zeros(self._rows, bool)
        return made

    def states(self, view: Optional[str] = None) -> "Array":
        """What each row met in one view (or alias): numbers of
        :class:`libfeature.State`. The view may be left out if there is one."""
        return states_of(self._lease.request, view)

    def timestamps(self,
                   view: Optional[str] = None) -> "Array":
        """The event timestamp of each row in one view, as datetime64[us] in
        UTC; NaT where no row answered."""
        return timestamps_of(self._lease.request, view)

    def matrix(self) -> "Array":
        """The columns as one float32 matrix: numbers cast, vectors flattened,
        a TIMESTAMP as its age in seconds, null as NaN."""
        from ._frames import float_matrix
        return float_matrix(self, self._as_of)

    # --- Python values ---

    def _bits(self, index: int, member: int) -> List[bool]:
        at = self._cells[index * _WORDS + member]
        if not at:
            return [False] * self._rows
        number = int.from_bytes(string_at(at, (self._rows + 7) // 8), "little")
        text = bin(number | 1 << self._rows)[3:] # the first bit holds the width
        return [bit == "1" for bit in reversed(text)]

    def _nulled(self, index: int, values: List[Any]) -> List[Any]:
        if not self._cells[index * _WORDS + _NULLS] >> 32:
            return values
        return [value if ok else None
                for value, ok in zip(values, self._bits(index, _VALIDITY))]

    def _offsets(self, index: int, count: int, member: int = _OFFSETS) -> Any:
        return array("i", string_at(self._cells[index * _WORDS + member],
                                    4 * (count + 1)))

    def _texts(self, index: int, field: Field) -> List[Any]:
        """Texts or bytes; of a list column, a list for each row."""
        ends = self._offsets(index, self._rows)
        inner = (self._offsets(index, ends[-1], _CHILD) if field.is_list
                 else ends)
        data = string_at(self._cells[index * _WORDS], inner[-1])
        made = [data[a:b] for a, b in zip(inner, inner[1:])]
        if field.type == Type.STRING:
            try: # cutting a decoded text is quicker; ASCII cuts at the same
                text = data.decode("ascii")
                made = [text[a:b] for a, b in # type: ignore[misc]
                        zip(inner, inner[1:])]
            except UnicodeDecodeError:
                made = [part.decode() for part in made] # type: ignore[misc]
        if field.is_list:
            made = [made[a:b] for a, b in # type: ignore[misc]
                    zip(ends, ends[1:])]
        return self._nulled(index, made)

    def column(self, name: str) -> List[Any]:
        """One column as a list of Python values, without numpy; None is null.
        """
        index = self._at(name)
        field = self.fields[index]
        if field.type in _TEXTS:
            return self._texts(index, field)
        if field.type == Type.BOOL:
            return self._nulled(index, self._bits(index, _VALUES))
        code = CODES[field.type]
        ends = self._offsets(index, self._rows) if field.is_list else None
        count = ends[-1] if ends else self._rows * field.width
        values: List[Any] = array(code, string_at(
            self._cells[index * _WORDS],
            count * array(code).itemsize)).tolist()
        if field.type == Type.TIMESTAMP:
            values = [moment(value) for value in values]
        if ends:
            values = [values[a:b] for a, b in zip(ends, ends[1:])]
        elif field.width > 1:
            values = [values[at:at + field.width]
                      for at in range(0, count, field.width)]
        return self._nulled(index, values)

    def head(self, count: int = 10) -> "Rows":
        """The first rows, in the same memory."""
        made = Rows(self._lease, self._cells, self._as_of)
        made._rows = max(0, min(count, self._rows))
        return made

    def to_pydict(self) -> Dict[str, List[Any]]:
        """All columns as lists of Python values."""
        return {name: self.column(name) for name in self}

    def to_dicts(self) -> List[Dict[str, Any]]:
        """A dict for each row."""
        columns = self.to_pydict()
        return [dict(zip(columns, row)) for row in zip(*columns.values())]

    # --- frames ---

    def __arrow_c_array__(self, requested_schema: object = None
                          ) -> Tuple[object, object]:
        return self._export(0)

    def _export(self, flags: int) -> Tuple[object, object]:
        return export_names(lambda schema, out: call(
            lib.feature_request_export_arrow, self._lease.request.address,
            flags, schema, out))

    def to_arrow(self, *, states: bool = False,
                 timestamps: bool = False) -> "pyarrow.RecordBatch":
        """A pyarrow RecordBatch, on request with ``<view>__state`` and
        ``<view>__event_timestamp`` for each view."""
        import pyarrow
        return pyarrow.record_batch(_Exported(self, states, timestamps))

    def to_polars(self, *, states: bool = False,
                  timestamps: bool = False) -> "polars.DataFrame":
        """A polars DataFrame; see :meth:`to_arrow`."""
        import polars
        return polars.DataFrame(_Exported(self, states, timestamps))

    def to_pandas(self, *, states: bool = False,
                  timestamps: bool = False) -> "pandas.DataFrame":
        """A pandas DataFrame, by numpy: the same with and without pyarrow.
        Whole numbers and booleans with nulls have pandas' nullable types."""
        from ._frames import pandas_frame
        return pandas_frame(self, states, timestamps)

    def __repr__(self) -> str:
        from ._repr import rows_text
        return rows_text(self)

    def _repr_html_(self) -> str:
        from ._repr import rows_html
        return rows_html(self)


class _Exported:
    """An answer with what was asked for besides, for one consumer."""

    def __init__(self, rows: Rows, states: bool, timestamps: bool) -> None:
        self._rows = rows
        self._flags = (states * ExportFlag.STATES
                       | timestamps * ExportFlag.TIMESTAMPS)

    def __arrow_c_array__(self, requested_schema: object = None
                          ) -> Tuple[object, object]:
        return self._rows._export(int(self._flags))


def _numpy() -> Any:
    import numpy
    return numpy
