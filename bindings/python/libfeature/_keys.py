# SPDX-License-Identifier: Apache-2.0
"""Join keys, from whatever a caller has them in, to a request.

Getting keys out of Python objects costs more than reading the features, so the
usual forms come first: a numpy int64 array and an Arrow array are taken where
they lie, lists of int and of str each have one fast way.
"""

from __future__ import annotations

from contextlib import suppress
from ctypes import addressof, c_char
from typing import Any, Mapping, Optional, Sequence

from ._arrow import array_of
from ._errors import Invalid
from ._ffi import Type
from ._scalars import (
    Buffers,
    class_of,
    fail,
    microseconds,
    no_bool,
    numpy_loaded,
    packed,
    shown,
    type_name,
)
from ._values import cells

__all__ = [
    "as_of_buffers",
    "check_columns",
    "column_of",
    "key_buffers",
    "times_of",
]

_ARROW = {"l": Type.INT64, "i": Type.INT32, "u": Type.STRING, "z": Type.BYTES}
_TIMES = "event_timestamp"
_SCALARS = (int, str, bytes, bytearray)


class _Numpy:
    """numpy's array and its int64, once the caller has imported numpy."""

    array: Any = None
    int64: Any = None

    def find(self) -> None:
        numpy = numpy_loaded()
        if numpy is not None:
            self.array, self.int64 = numpy.ndarray, numpy.dtype("<i8")


_numpy = _Numpy()
_first_byte = c_char.from_buffer


def key_buffers(values: Any, type: int, name: str) -> Sequence[Any]:
    """One key column, with the members of :class:`Buffers`; a single value
    stands for all rows."""
    kind = values.__class__
    if (
        kind is _numpy.array
        and values.dtype == _numpy.int64
        and values.ndim == 1
        and (type == Type.INT64)
    ):
        try:  # raises unless it is a contiguous, writable array
            return (
                type,
                addressof(_first_byte(values)),
                len(values),
                None,
                None,
                None,
                values,
            )
        except (TypeError, ValueError):
            return cells(values, type, name)
    if kind is list:
        if type == Type.INT64 and no_bool(map(class_of, values)):
            try:
                made = packed("q", values)
                return (
                    type,
                    made.buffer_info()[0],
                    len(made),
                    None,
                    None,
                    None,
                    made,
                )
            except (TypeError, OverflowError):
                pass
        return cells(values, type, name)
    dtype = getattr(values, "dtype", None)
    if dtype is not None and _numpy.array is None:
        _numpy.find()
    if (
        values is None
        or isinstance(values, _SCALARS)
        or (dtype is not None and getattr(values, "ndim", 1) == 0)
    ):
        if isinstance(values, bool):
            raise fail(name, "%s is no %s" % (values, type_name(type)))
        value = values if dtype is None else values[()]
        return cells([value], type, name)
    arrow = array_of(values)
    if arrow is not None and _ARROW.get(arrow.format) is not None:
        given = _ARROW[arrow.format]
        if given != type and (given, type) != (Type.INT32, Type.INT64):
            raise fail(
                name,
                "an Arrow column of %s is no %s"
                % (type_name(given), type_name(type)),
            )
        return Buffers(
            given,
            arrow.values,
            arrow.rows,
            arrow.offsets or None,
            validity=arrow.validity,
            keep=arrow.keep,
        )
    return cells(values, type, name)


def column_of(keys: Any, name: str, names: Sequence[str]) -> Any:
    """The values of one key among those given."""
    if (
        isinstance(keys, Mapping)
        or hasattr(keys, "columns")
        or hasattr(keys, "column_names")
    ):
        try:
            return keys[name]
        except (KeyError, IndexError, LookupError) as error:
            raise Invalid(
                'the key "%s" is missing; the query has the keys %s'
                % (name, ", ".join(names))
            ) from error
    if len(names) == 1:
        return keys
    raise Invalid(
        "keys are a dict or a frame with the columns %s, not %s"
        % (", ".join(names), shown(keys))
    )


def check_columns(
    keys: Any, names: Sequence[str], as_of: Any, times: Optional[str]
) -> None:
    """Refuses a key of a dict that the query has not: it would be a typing
    error. A frame may have columns besides, but not times that nobody asked
    for: the newest values in their place would leak the future."""
    if isinstance(keys, Mapping):
        given: Any = keys
    else:
        given = getattr(keys, "column_names", None)
        if given is None:
            given = getattr(keys, "columns", ())
    if as_of is None and not callable(given) and _TIMES in given:
        raise Invalid(
            'the keys have a column "%s": say as_of="%s" to read each row as '
            "of its time, or leave the column out for the newest values"
            % (_TIMES, _TIMES)
        )
    if given is not keys:
        return
    for name in keys:
        if name not in names and name != times:
            raise Invalid(
                'the query has no key "%s", it has %s'
                % (name, ", ".join(names))
            )


def times_of(keys: Any, name: str, names: Sequence[str]) -> Any:
    """The column of the keys that ``as_of`` names."""
    if name in names:
        raise Invalid('as_of: "%s" is a join key, not a time' % name)
    if isinstance(keys, Mapping) or hasattr(keys, "columns"):
        with suppress(Exception):  # each kind of frame has one of its own
            return keys[name]
    raise Invalid(
        'as_of: the keys have no column "%s"; a time is a datetime' % name
    )


def as_of_buffers(values: Any) -> Buffers:
    """As-of times: one for all rows, or one for each."""
    if hasattr(values, "as_py"):  # a scalar of pyarrow
        values = values.as_py()
    if isinstance(values, (int, str)) or not (
        hasattr(values, "__len__") or hasattr(values, "__arrow_c_array__")
    ):
        try:
            values = [microseconds(values)]
        except (TypeError, ValueError, OverflowError):
            raise Invalid(
                "as_of: %s is no point in time" % shown(values)
            ) from None
    made = cells(values, Type.TIMESTAMP, "as_of")
    if made.validity is not None:
        raise Invalid("as_of: a time is null")
    return made
