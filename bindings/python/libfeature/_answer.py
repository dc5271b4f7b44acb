# SPDX-License-Identifier: Apache-2.0
"""The memory of one answer, as numpy arrays and as Python values.

An answer keeps the request that gave it, whose memory is nobody else's until
the answer and the arrays made from it are gone. So numbers are not copied:
arrays lie where the library put them.
"""

from __future__ import annotations

import sys
from array import array
from ctypes import string_at
from operator import getitem
from typing import (
    TYPE_CHECKING,
    Any,
    Deque,
    Dict,
    List,
    Optional,
    Sequence,
    Tuple,
)

from ._ffi import Type
from ._packages import require
from ._scalars import CODES, FLOATS, moment

if TYPE_CHECKING:
    import numpy

    from ._native import Field
    from ._query import Plan, Request

    Array = numpy.ndarray[Any, Any]

__all__ = ["DTYPES", "Answer", "Lease"]

#: Columns of these types are arrays as they lie.
DTYPES: Dict[int, str] = {
    Type.INT32: "<i4",
    Type.INT64: "<i8",
    Type.FLOAT32: "<f4",
    Type.FLOAT64: "<f8",
    Type.TIMESTAMP: "<M8[us]",
}
_TEXTS = (Type.STRING, Type.BYTES)
# struct feature_column as seven words: the last two hold two members each.
WORDS = 7
_VALUES, _OFFSETS, _CHILD, _VALIDITY, _DEFAULTED, _ROWS, _NULLS = range(WORDS)
_LOW = 0xFFFFFFFF


class Lease:
    """A request that is lent out; it goes back to its pool at the end of the
    lease, when no answer and no array needs its memory any more."""

    __slots__ = ("__array_interface__", "pool", "request")

    __array_interface__: Dict[str, Any]

    def __init__(self, request: "Request", pool: "Deque[Request]") -> None:
        self.request, self.pool = request, pool

    def __del__(self) -> None:
        self.pool.append(self.request)


def _numpy() -> Any:
    """numpy, which is imported when it is first asked for."""
    found = sys.modules.get("numpy")
    if found is None:
        require("numpy")
        import numpy as found
    return found


class Layout:
    """Where the columns of an answer lie."""

    __slots__ = ("cuts", "first", "interface", "rows")

    def __init__(self, plan: "Plan", words: Sequence[int]) -> None:
        starts = words[_VALUES::WORDS]
        self.first, self.rows = min(starts), words[_ROWS] & _LOW
        size = max(starts) - self.first + 8 * plan.widest * self.rows + 8
        self.interface = {
            "version": 3,
            "typestr": "|u1",
            "shape": (size // 8 * 8,),
            "data": (self.first, False),
        }
        #: For each column, what to cut from an array of its type over all of
        #: them; None where that is not all there is to do.
        self.cuts: Optional[Tuple[slice, ...]] = None
        if plan.all_scalar and max(words[_NULLS::WORDS]) <= _LOW:
            cuts = []
            for start, kind in zip(starts, plan.arrays):
                at, rest = divmod(start - self.first, kind.itemsize)
                if rest:
                    return
                cuts.append(slice(at, at + self.rows))
            self.cuts = tuple(cuts)


class Answer:
    """The columns of one read, where the request has them."""

    __slots__ = ("arrays", "lease", "plan", "rows", "span", "words")

    def __init__(self, lease: Lease, words: Sequence[int]) -> None:
        self.lease, self.words = lease, words
        self.plan: "Plan" = lease.request.plan
        self.rows = words[_ROWS] & _LOW
        self.arrays: Dict[str, "Array"] = {}
        self.span: Any = None

    def _at(self, index: int, member: int) -> int:
        return self.words[index * WORDS + member]

    def _has_nulls(self, index: int) -> bool:
        return self._at(index, _NULLS) > _LOW

    # --- numpy ---

    def _layout(self) -> "Layout":
        """Where the columns lie; the same as in the last read of the request,
        as long as nothing moved and nothing was null."""
        request = self.lease.request
        if request.layout is None:
            request.layout = Layout(self.plan, self.words)
        return request.layout

    def _cover(self) -> Any:
        """One array of bytes over all columns, which arrays are cut from: each
        then keeps the lease. What lies between the columns is not ours, and
        nobody looks there."""
        layout = self._layout()
        self.lease.__array_interface__ = layout.interface
        self.span = _numpy().asarray(self.lease)
        return self.span

    def to_numpy(self) -> "Dict[str, Array]":
        """All columns, by name."""
        layout = self._layout()
        if layout.cuts is None or self.arrays or layout.rows != self.rows:
            return {
                name: self.column(index, name)
                for name, index in self.plan.column_index.items()
            }
        # The usual case, in as few steps of Python as there can be.
        span = self.span if self.span is not None else self._cover()
        kinds = {kind: span.view(kind) for kind in self.plan.kinds}
        spans = [kinds[kind] for kind in self.plan.arrays]
        self.arrays = dict(
            zip(self.plan.column_index, map(getitem, spans, layout.cuts))
        )
        return self.arrays.copy()

    def column(self, index: int, name: str) -> "Array":
        """One column; the same array each time."""
        made = self.arrays.get(name)
        if made is None:
            made = self.arrays[name] = self._array(index)
        return made

    def _array(self, index: int) -> "Array":
        field, dtype = self.plan.columns[index], self.plan.arrays[index]
        made: "Array"
        if dtype is not None:
            span = self.span if self.span is not None else self._cover()
            width = field.width
            shape = (self.rows, width) if width > 1 else (self.rows,)
            at = self._at(index, _VALUES) - self._layout().first
            made = _numpy().ndarray(shape, dtype, span, at)
            return self._with_nulls(index, made, field)
        if field.type == Type.BOOL and not field.is_list:
            return self._with_nulls(index, self.mask(index, _VALUES), field)
        values = self._objects(index, field)
        made = _numpy().empty(len(values), object)
        for row, value in enumerate(values):
            made[row] = value
        return made

    def _with_nulls(
        self, index: int, values: "Array", field: "Field"
    ) -> "Array":
        """NaN and NaT where there is such a thing, else a masked array."""
        if not self._has_nulls(index):
            return values
        numpy = _numpy()
        absent: Any = ~self.mask(index, _VALIDITY)
        made: "Array"
        if field.type in FLOATS or field.type == Type.TIMESTAMP:
            made = values.copy()
            made[absent] = (
                numpy.nan
                if field.type in FLOATS
                else numpy.datetime64("NaT", "us")
            )
            return made
        if values.ndim > 1:
            absent = numpy.repeat(absent[:, None], field.width, axis=1)
        made = numpy.ma.array(values, mask=absent)
        return made

    def mask(self, index: int, member: int) -> "Array":
        """A bitmap of a column as an array of bool."""
        numpy = _numpy()
        bits = string_at(self._at(index, member), (self.rows + 7) // 8)
        made: "Array" = numpy.unpackbits(
            numpy.frombuffer(bits, "u1"), count=self.rows, bitorder="little"
        )
        return made.view(bool)

    def valid(self, index: int) -> "Array":
        """Which rows are not null."""
        return self.mask(index, _VALIDITY)

    def defaulted(self, index: int) -> "Array":
        """Which values the fill policy chose."""
        if self._at(index, _DEFAULTED):
            return self.mask(index, _DEFAULTED)
        made: "Array" = _numpy().zeros(self.rows, bool)
        return made

    def _objects(self, index: int, field: "Field") -> List[Any]:
        """Texts, and lists; those of numbers are arrays."""
        if field.type in _TEXTS or field.type == Type.BOOL:
            return self.values(index)
        ends = self._offsets(index, self.rows)
        size = ends[-1] * array(CODES[field.type]).itemsize
        flat = _numpy().frombuffer(
            bytearray(string_at(self._at(index, _VALUES), size)),
            DTYPES[field.type],
        )
        return self._nulled(index, [flat[a:b] for a, b in zip(ends, ends[1:])])

    # --- Python ---

    def bits(self, index: int, member: int = _DEFAULTED) -> List[bool]:
        """A bitmap of a column as a list; all False where there is none."""
        at = self._at(index, member)
        if not at:
            return [False] * self.rows
        number = int.from_bytes(string_at(at, (self.rows + 7) // 8), "little")
        number &= (1 << self.rows) - 1
        text = bin(number | 1 << self.rows)[3:]  # one more bit for the width
        return [bit == "1" for bit in reversed(text)]

    def _nulled(self, index: int, values: List[Any]) -> List[Any]:
        if not self._has_nulls(index):
            return values
        valid = self.bits(index, _VALIDITY)
        return [value if ok else None for value, ok in zip(values, valid)]

    def _offsets(
        self, index: int, count: int, member: int = _OFFSETS
    ) -> Sequence[int]:
        at = self._at(index, member)
        return array("i", string_at(at, 4 * (count + 1)))

    def _texts(self, index: int, field: "Field") -> List[Any]:
        """Texts or bytes; of a list column, a list for each row."""
        ends = self._offsets(index, self.rows)
        inner = (
            self._offsets(index, ends[-1], _CHILD) if field.is_list else ends
        )
        data = string_at(self._at(index, _VALUES), inner[-1])
        made: List[Any]
        if field.type == Type.STRING and data.isascii():
            text = data.decode()  # where cutting it once is enough
            made = [text[a:b] for a, b in zip(inner, inner[1:])]
        else:
            made = [data[a:b] for a, b in zip(inner, inner[1:])]
            if field.type == Type.STRING:
                made = [part.decode() for part in made]
        return _cut(made, ends) if field.is_list else made

    def _numbers(self, index: int, field: "Field") -> List[Any]:
        ends = self._offsets(index, self.rows) if field.is_list else None
        count = ends[-1] if ends else self.rows * field.width
        code = CODES[field.type]
        data = string_at(self._at(index, _VALUES), count * array(code).itemsize)
        values: List[Any] = array(code, data).tolist()
        if field.type == Type.TIMESTAMP:
            values = [moment(value) for value in values]
        if ends:
            return _cut(values, ends)
        if field.width > 1:
            return _cut(values, range(0, count + 1, field.width))
        return values

    def values(self, index: int) -> List[Any]:
        """One column as Python values, without numpy; None is null."""
        field = self.plan.columns[index]
        if field.type in _TEXTS:
            return self._nulled(index, self._texts(index, field))
        if field.type == Type.BOOL:
            return self._nulled(index, self.bits(index, _VALUES))
        return self._nulled(index, self._numbers(index, field))


def _cut(values: List[Any], ends: Sequence[int]) -> List[Any]:
    return [values[a:b] for a, b in zip(ends, ends[1:])]
