# SPDX-License-Identifier: Apache-2.0
"""Values in Python objects, to the buffers that the library takes.

Numbers are converted where each one fits exactly; a float64 for a FLOAT32 is
rounded, as a number in a text would be. A naive datetime is UTC. Whatever does
not fit is refused by column and row, never changed.
"""

from __future__ import annotations

import math
import sys
from array import array
from ctypes import addressof, c_char
from datetime import date, datetime, timedelta, timezone
from itertools import accumulate
from operator import index
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Union,
)

from ._errors import Invalid
from ._ffi import Type

__all__ = [
    "MOST_ROWS",
    "Buffers",
    "Memory",
    "bits_of",
    "class_of",
    "elements",
    "elements_of",
    "fail",
    "is_missing",
    "listed",
    "microseconds",
    "moment",
    "no_bool",
    "packed",
    "shown",
    "too_many",
    "type_name",
    "wrong",
]

#: Rows of one call: the library counts them in 32 bits, and ctypes would cut.
MOST_ROWS = 2**32 - 1

#: An address, or an object with a buffer; None: no values.
Memory = Union[int, bytes, None]


class Buffers(NamedTuple):
    """One column, as the library's set calls take it."""

    type: int
    values: Memory
    rows: int
    offsets: Optional[int] = None
    child_offsets: Optional[int] = None
    validity: Optional[bytes] = None
    #: What the addresses point into.
    keep: object = None


#: Type codes of the module array; TIMESTAMP is int64 microseconds.
CODES: Dict[int, str] = {
    Type.INT32: "i",
    Type.INT64: "q",
    Type.FLOAT32: "f",
    Type.FLOAT64: "d",
    Type.TIMESTAMP: "q",
}
FLOATS = (Type.FLOAT32, Type.FLOAT64)
_FLOAT = {float}
_BOOLS = ("bool", "bool_")  # Python's, and numpy's
#: Up to there every integer is a float of the type.
_EXACT: Dict[int, int] = {Type.FLOAT32: 2**24, Type.FLOAT64: 2**53}
class_of = type  # where the name stands for a column's type
#: Whether no type among these is bool, which an array takes for 0 and 1.
no_bool = frozenset((bool,)).isdisjoint
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
UNSET = -(2**63)
_TOO_LONG = "over 2^31 bytes of text; write them in several parts"


def type_name(type: int) -> str:
    """The name of a type in the definition language."""
    return Type(type).name


def shown(value: object) -> str:
    """A value for a message: short, on one line."""
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def fail(name: str, what: str, row: Optional[int] = None) -> Invalid:
    """The error for one column, at a row where that is known."""
    if row is None:
        return Invalid('column "%s": %s' % (name, what))
    return Invalid('row %d, column "%s": %s' % (row, name, what), row=row)


def too_many(rows: int, name: str) -> Invalid:
    """The error for a column of more rows than one call takes."""
    return fail(name, "%d rows are over 2^32 - 1; use several calls" % rows)


def wrong(value: object, type: int) -> str:
    """What is wrong with a value of another type."""
    return "%s is no %s" % (shown(value), type_name(type))


def numpy_loaded() -> Any:
    """numpy, if the caller has imported it, else None."""
    return sys.modules.get("numpy")


def address(values: Any) -> Optional[int]:
    """Where the items of a writable buffer or a numpy array lie."""
    try:
        return addressof(c_char.from_buffer(values))
    except (TypeError, ValueError):  # read-only, or empty
        interface = getattr(values, "__array_interface__", None)
        return int(interface["data"][0]) if interface else None


def bits_of(flags: Iterable[object]) -> bytes:
    """A bitmap, least significant bit first."""
    text = "".join("1" if flag else "0" for flag in flags)
    return int(text[::-1] or "0", 2).to_bytes((len(text) + 7) // 8, "little")


def moment(value: int) -> Any:
    """Microseconds since 1970 as an aware datetime, or as they are where they
    are beyond the years 1 to 9999, which a datetime holds."""
    try:
        return _EPOCH + value * _MICROSECOND
    except OverflowError:
        return value


# --- one value ---------------------------------------------------------------


def microseconds(value: Any) -> int:
    """A point in time as microseconds since 1970 UTC: an aware datetime, a
    naive one (it is UTC), a date, a datetime64, or microseconds already."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=timezone.utc)
        return int((value - _EPOCH) // _MICROSECOND)
    if isinstance(value, date):
        return int(value.toordinal() - 719163) * 86_400_000_000
    if hasattr(value, "astype") and getattr(value, "dtype", None) is not None:
        if value.dtype.kind == "M":
            unit = value.astype("M8[us]")
            if unit.astype(value.dtype) > value:
                unit = unit - 1
            return int(unit.astype("i8"))
    return integer(value)


def integer(value: Any) -> int:
    """An int that is one, or a float that equals one; no bool, no text."""
    if (
        isinstance(value, float)
        or getattr(getattr(value, "dtype", None), "kind", "") == "f"
    ):
        if not float(value).is_integer():
            raise TypeError
        return int(value)
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError
    return int(value.__index__())


def real(value: Any) -> float:
    """A number as a float; an int has to be one exactly."""
    if isinstance(value, (bool, str, bytes)) or value is None:
        raise TypeError
    if type(value).__name__ in _BOOLS:
        raise TypeError
    made = float(value)
    if hasattr(value, "__index__") and int(value.__index__()) != made:
        raise TypeError
    return made


def is_missing(value: Any) -> bool:
    """None, pandas.NA, or a NaT: what has no value, whatever the column."""
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (
            getattr(getattr(value, "dtype", None), "kind", "") == "M"
            and value != value
        )
    )


def _one(value: Any, type: int) -> Union[int, float]:
    """One value of a numeric type; TypeError, ValueError or OverflowError."""
    if type == Type.TIMESTAMP:
        if isinstance(value, float):
            raise TypeError
        made = microseconds(value)
        if made == UNSET:
            raise OverflowError
        return made
    if type in FLOATS:
        number = real(value)
        if type == Type.FLOAT32 and math.isfinite(number):
            narrow = array("f", [number])[0]
            if math.isinf(narrow):
                raise OverflowError
            if narrow != number and hasattr(value, "__index__"):
                raise TypeError
        return number
    return integer(value)


# --- lists -------------------------------------------------------------------


def packed(code: str, values: Iterable[Any]) -> "array[Any]":
    """An array of numbers; Python 3.9 would cut off what is no int."""
    if sys.version_info < (3, 10) and code in "iq":
        values = map(index, values)
    return array(code, values)


def numbers(values: Sequence[Any], type: int, name: str) -> Buffers:
    """A list of numbers or times; None is null."""
    code = CODES[type]
    try:
        made = packed(code, values)
        if _is_exact(values, made, type):
            return Buffers(type, made.buffer_info()[0], len(made), keep=made)
    except (TypeError, OverflowError, ValueError):
        pass
    made = array(code, bytes(array(code).itemsize * len(values)))
    present = [not is_missing(value) for value in values]
    for row, value in enumerate(values):
        if present[row]:
            try:
                made[row] = _one(value, type)  # type: ignore[assignment]
            except (TypeError, ValueError):
                raise fail(name, wrong(value, type), row) from None
            except OverflowError:
                raise fail(
                    name,
                    "%s is out of the range of %s"
                    % (shown(value), type_name(type)),
                    row,
                ) from None
    validity = None if all(present) else bits_of(present)
    return Buffers(
        type, made.buffer_info()[0], len(made), validity=validity, keep=made
    )


def _is_exact(values: Sequence[Any], made: "array[Any]", type: int) -> bool:
    """Whether an array holds the values that it was made of, for certain."""
    if type not in FLOATS:
        return no_bool(map(class_of, values)) and not (
            type == Type.TIMESTAMP and UNSET in made
        )
    kinds = set(map(class_of, values))
    if kinds != _FLOAT:
        if any(kind.__name__ in _BOOLS for kind in kinds):
            return False
        # A NaN in front makes the comparisons false, any other is skipped.
        if any(hasattr(kind, "__index__") for kind in kinds) and not (
            max(values) < _EXACT[type] and min(values) > -_EXACT[type]
        ):
            return False
    # Narrowing may have made an infinity out of a number.
    return type != Type.FLOAT32 or not (math.inf in made or -math.inf in made)


def booleans(values: Sequence[Any], name: str) -> Buffers:
    """A list of bools; None is null."""
    present = [not is_missing(value) for value in values]
    for row, value in enumerate(values):
        if (
            present[row]
            and not isinstance(value, bool)
            and getattr(getattr(value, "dtype", None), "kind", "") != "b"
        ):
            raise fail(name, wrong(value, Type.BOOL), row)
    return Buffers(
        Type.BOOL,
        bits_of(ok and value for ok, value in zip(present, values)),
        len(values),
        validity=None if all(present) else bits_of(present),
    )


def texts(values: Sequence[Any], type: int, name: str) -> Buffers:
    """A list of texts, or of bytes; None is null."""
    if type == Type.STRING:
        try:
            joined = "".join(values)
            data = joined.encode()
        except (TypeError, UnicodeEncodeError):
            return _texts_one_by_one(values, type, name)
        if len(data) == len(joined):
            return pack(data, list(map(len, values)), type, name)
        return _many_texts(values) or _texts_one_by_one(values, type, name)
    try:
        return pack(b"".join(values), list(map(len, values)), type, name)
    except TypeError:
        return _texts_one_by_one(values, type, name)


def pack(
    data: bytes,
    sizes: List[int],
    type: int,
    name: str,
    validity: Optional[bytes] = None,
) -> Buffers:
    """Bytes one after the other, and the size of each."""
    try:
        offsets = array("i", list(accumulate(sizes, initial=0)))
    except OverflowError:
        raise fail(name, _TOO_LONG) from None
    return Buffers(
        type,
        data,
        len(sizes),
        offsets.buffer_info()[0],
        validity=validity,
        keep=offsets,
    )


def _many_texts(values: Sequence[str]) -> Optional[Buffers]:
    """By numpy: the NULs of one join are the ends. None where it cannot be."""
    numpy = numpy_loaded()
    if numpy is None:
        return None
    joined = numpy.frombuffer("\0".join(values).encode(), "u1")
    ends = numpy.flatnonzero(joined == 0)
    if len(ends) != len(values) - 1 or len(joined) > 2**31 - 1:
        return None  # a text holds a NUL
    offsets = numpy.zeros(len(values) + 1, "<i4")
    offsets[1:-1] = ends - numpy.arange(len(ends))
    offsets[-1] = len(joined) - len(ends)
    return Buffers(
        Type.STRING,
        joined[joined != 0].tobytes(),
        len(values),
        address(offsets),
        keep=offsets,
    )


def _texts_one_by_one(values: Sequence[Any], type: int, name: str) -> Buffers:
    parts: List[bytes] = []
    present = [not is_missing(value) for value in values]
    for row, value in enumerate(values):
        if not present[row]:
            parts.append(b"")
        elif type == Type.STRING and isinstance(value, str):
            try:
                parts.append(value.encode())
            except UnicodeEncodeError:
                raise fail(
                    name,
                    "%s is not UTF-8: a lone surrogate" % shown(value),
                    row,
                ) from None
        elif type == Type.BYTES and isinstance(
            value, (bytes, bytearray, memoryview)
        ):
            parts.append(bytes(value))
        else:
            raise fail(name, wrong(value, type), row)
    validity = None if all(present) else bits_of(present)
    return pack(b"".join(parts), list(map(len, parts)), type, name, validity)


# --- a whole list ------------------------------------------------------------


def listed(
    values: Sequence[Any], type: int, name: str, width: int = 1
) -> Buffers:
    """A list of scalars, or of vectors where the width says so."""
    if width > 1:
        return vectors(values, type, name, width)
    if type == Type.BOOL:
        return booleans(values, name)
    if type in (Type.STRING, Type.BYTES):
        return texts(values, type, name)
    return numbers(values, type, name)


def elements_of(value: Any, name: str, row: int) -> Any:
    """The elements of one vector or list."""
    if isinstance(value, (str, bytes, bytearray)) or not (
        hasattr(value, "__len__") and hasattr(value, "__iter__")
    ):
        raise fail(name, "%s is no list" % shown(value), row)
    return value


def vectors(values: Sequence[Any], type: int, name: str, width: int) -> Buffers:
    """A list of vectors of one width; None is a null vector."""
    present = [not is_missing(value) for value in values]
    flat: List[Any] = []
    for row, value in enumerate(values):
        if not present[row]:
            flat.extend([0] * width)
            continue
        if len(elements_of(value, name, row)) != width:
            raise fail(
                name,
                "a vector of %d values, %d are needed" % (len(value), width),
                row,
            )
        flat.extend(value)
    made = elements(flat, type, name, lambda element: element // width)
    validity = None if all(present) else bits_of(present)
    return made._replace(rows=len(values), validity=validity)


def elements(
    flat: List[Any], type: int, name: str, row_of: Callable[[int], int]
) -> Buffers:
    """The elements of vectors or lists, none of them null."""
    try:
        made = listed(flat, type, name)
    except Invalid as error:
        if error.row is None:
            raise
        row = row_of(error.row)
        raise fail(
            name,
            "an element: %s" % shown(flat[error.row])
            + " is no "
            + type_name(type),
            row,
        ) from None
    if made.validity is not None:
        at = next(i for i, value in enumerate(flat) if is_missing(value))
        raise fail(name, "an element is null", row_of(at))
    return made
