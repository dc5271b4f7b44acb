# SPDX-License-Identifier: Apache-2.0
"""Join keys, from whatever a caller has them in, to a request.

Getting keys out of Python objects costs more than reading the features, so the
usual forms come first: a numpy int64 array and an Arrow array are taken where
they lie, lists of int and of str each have one fast way.
"""

from __future__ import annotations

from array import array
from ctypes import addressof, c_char
from typing import Any, Callable, Mapping, Optional, Sequence, Tuple

from ._arrow import array_of
from ._errors import Invalid
from ._ffi import Type
from ._values import Buffers, cells, fail, microseconds, shown, type_name

__all__ = ["as_of_buffers", "column_of", "key_buffers"]

_ARROW = {"l": Type.INT64, "i": Type.INT32, "u": Type.STRING, "z": Type.BYTES}
_SCALARS = (int, str, bytes, bytearray)


def key_buffers(values: Any, type: int, name: str) -> Buffers:
    """One key column; a single value stands for all rows."""
    if values.__class__ is list:
        if type == Type.INT64:
            try:
                made = array("q", values)
                return Buffers(type, made.buffer_info()[0], len(made),
                               keep=made)
            except (TypeError, OverflowError):
                pass
        return cells(values, type, name)
    dtype = getattr(values, "dtype", None)
    if dtype == "i8" and type == Type.INT64:
        try: # raises unless it is a contiguous, writable array
            return Buffers(type, addressof(c_char.from_buffer(values)),
                           len(values), keep=values)
        except (TypeError, ValueError):
            pass
    if values is None or isinstance(values, _SCALARS) or (
            dtype is not None and getattr(values, "ndim", 1) == 0):
        return cells([values], type, name)
    arrow = array_of(values)
    if arrow is not None and _ARROW.get(arrow.format) is not None:
        given = _ARROW[arrow.format]
        if given != type and (given, type) != (Type.INT32, Type.INT64):
            raise fail(name, "an Arrow column of %s is no %s"
                       % (type_name(given), type_name(type)))
        return Buffers(given, arrow.values, arrow.rows, arrow.offsets or None,
                       validity=arrow.validity, keep=arrow.keep)
    return cells(values, type, name)


def column_of(keys: Any, name: str, names: Sequence[str]) -> Any:
    """The values of one key among those given."""
    if isinstance(keys, Mapping) or hasattr(keys, "columns") or hasattr(
            keys, "column_names"):
        try:
            return keys[name]
        except (KeyError, IndexError, LookupError) as error:
            raise Invalid('the key "%s" is missing; the query has the keys %s'
                          % (name, ", ".join(names))) from error
    if len(names) == 1:
        return keys
    raise Invalid("keys are a dict or a frame with the columns %s, not %s"
                  % (", ".join(names), shown(keys)))


def check_names(keys: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuses a key that the query has not: it would be a typing error."""
    for name in keys:
        if name not in names:
            raise Invalid('the query has no key "%s", it has %s'
                          % (name, ", ".join(names)))


def as_of_buffers(values: Any) -> Buffers:
    """As-of times: one for all rows, or one for each."""
    if isinstance(values, (int, str)) or not (
            hasattr(values, "__len__") or hasattr(values, "__arrow_c_array__")):
        try:
            values = [microseconds(values)]
        except (TypeError, ValueError, OverflowError):
            raise Invalid("as_of: %s is no point in time"
                          % shown(values)) from None
    made = cells(values, Type.TIMESTAMP, "as_of")
    if made.validity is not None:
        raise Invalid("as_of: a time is null")
    return made
