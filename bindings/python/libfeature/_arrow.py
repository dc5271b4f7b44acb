# SPDX-License-Identifier: Apache-2.0
"""The Arrow PyCapsule protocol over the C data and stream interfaces.

Nothing here needs an Arrow library: capsules are taken from whoever offers
them (``__arrow_c_stream__``, ``__arrow_c_array__``) and made for whoever asks.
"""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ._errors import IO, Invalid

__all__ = [
    "ArrowArray",
    "ArrowArrayStream",
    "ArrowSchema",
    "Column",
    "array_of",
    "capsule",
    "column_names",
    "export_names",
    "import_column",
    "stream_of",
]


class ArrowSchema(ctypes.Structure):
    """struct ArrowSchema, as the published ABI has it."""

    _fields_ = [
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_void_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]


class ArrowArray(ctypes.Structure):
    """struct ArrowArray."""

    _fields_ = [
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.c_void_p),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]


class ArrowArrayStream(ctypes.Structure):
    """struct ArrowArrayStream."""

    _fields_ = [
        ("get_schema", ctypes.c_void_p),
        ("get_next", ctypes.c_void_p),
        ("get_last_error", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]


_RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_GET = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_TEXT = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)

# --- capsules ----------------------------------------------------------------

_capsule_new = ctypes.pythonapi.PyCapsule_New
_capsule_new.restype = ctypes.py_object
_capsule_new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
# For a destructor: a dying capsule as a py_object would come to life again.
_dying_pointer = ctypes.PYFUNCTYPE(
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p
)(("PyCapsule_GetPointer", ctypes.pythonapi))

# The structs that live capsules point to, by address, and what each needs.
_live: Dict[int, Tuple[ctypes.Structure, object]] = {}


def _destroyer(name: bytes) -> Any:
    # Defaults, not globals: a capsule may outlive this module's names.
    def destroy(
        dying: int,
        live: Dict[int, Any] = _live,
        name: bytes = name,
        pointer: Any = _dying_pointer,
        release: Any = _RELEASE,
        of: Any = ctypes.addressof,
    ) -> None:
        struct, _keep = live.pop(pointer(dying, name), (None, None))
        if struct is not None and struct.release:
            release(struct.release)(of(struct))

    made = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(destroy)
    # A capsule keeps pointers to both: they stay for the life of the process.
    for kept in (made, name):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
    return made


_NAMES = {
    ArrowSchema: b"arrow_schema",
    ArrowArray: b"arrow_array",
    ArrowArrayStream: b"arrow_array_stream",
}
_DESTROY = {kind: _destroyer(name) for kind, name in _NAMES.items()}


def capsule(struct: ctypes.Structure, keep: object = None) -> object:
    """A capsule that owns a filled Arrow struct until somebody moves it out;
    ``keep`` lives as long as the capsule."""
    kind = type(struct)
    address = ctypes.addressof(struct)
    made: object = _capsule_new(address, _NAMES[kind], _DESTROY[kind])
    _live[address] = struct, keep
    return made


def _pointer(found: object, kind: Any, who: object) -> int:
    try:
        address: int = _capsule_pointer(found, _NAMES[kind])
    except (ValueError, TypeError) as error:
        raise Invalid(
            "%s gave no capsule named %s: %s"
            % (type(who).__name__, _NAMES[kind].decode(), error),
            reason="arrow",
        ) from error
    return address


def _ask(who: object, method: str) -> Any:
    """Calls a capsule method; what a producer raises becomes Invalid."""
    try:
        return getattr(who, method)()
    except MemoryError:
        raise
    except Exception as error:
        raise Invalid(
            "%s could not be turned into Arrow data: %s"
            % (type(who).__name__, error)
        ) from error


def _broken(what: str) -> Invalid:
    return Invalid("the Arrow array %s" % what, reason="arrow")


def _offered(who: object) -> Tuple[int, int, object]:
    """A schema and an array that an object offers, neither of them released,
    and what keeps them."""
    found = _ask(who, "__arrow_c_array__")
    if not isinstance(found, tuple) or len(found) != 2:
        raise Invalid(
            "%s gave no pair of capsules" % type(who).__name__, reason="arrow"
        )
    schema = _pointer(found[0], ArrowSchema, who)
    array = _pointer(found[1], ArrowArray, who)
    if not (
        ArrowSchema.from_address(schema).release
        and ArrowArray.from_address(array).release
    ):
        raise _broken("was released already")
    return schema, array, found


def _release(struct: Any) -> None:
    if struct.release:
        _RELEASE(struct.release)(ctypes.addressof(struct))


# --- streams in --------------------------------------------------------------


class Stream(NamedTuple):
    """A stream to hand over, and what keeps its memory alive."""

    address: int
    keep: object


def stream_of(rows: object) -> Optional[Stream]:
    """The Arrow stream that an object offers, or None."""
    if hasattr(rows, "__arrow_c_stream__"):
        found = _ask(rows, "__arrow_c_stream__")
        return Stream(_pointer(found, ArrowArrayStream, rows), found)
    if hasattr(rows, "__arrow_c_array__"):
        one = _OneBatch(rows)
        return Stream(ctypes.addressof(one.stream), one)
    return None


class _OneBatch:
    """A stream of the one struct array that an object offers.

    Its callbacks are Python. It lives during one call of the library, which
    releases it, so that none of them runs later or on another thread.
    """

    def __init__(self, who: object) -> None:
        self._schema, self._array, self._keep = _offered(who)
        self._calls = (
            _GET(self._get_schema),
            _GET(self._get_next),
            _TEXT(lambda stream: None),
            _RELEASE(self._done),
        )
        self.stream = ArrowArrayStream(
            *(ctypes.cast(call, ctypes.c_void_p).value for call in self._calls)
        )

    def _get_schema(self, stream: int, out: int) -> int:
        # Lent: the capsule still releases the schema.
        ctypes.memmove(out, self._schema, ctypes.sizeof(ArrowSchema))
        ArrowSchema.from_address(out).release = ctypes.cast(
            _LENT, ctypes.c_void_p
        ).value
        return 0

    def _get_next(self, stream: int, out: int) -> int:
        ctypes.memmove(out, self._array, ctypes.sizeof(ArrowArray))
        # Moved; asked again, this is the end of the stream.
        ArrowArray.from_address(self._array).release = None
        return 0

    def _done(self, stream: int) -> None:
        ArrowArrayStream.from_address(stream).release = None


def _return_schema(schema: int) -> None:
    ArrowSchema.from_address(schema).release = None


_LENT = _RELEASE(_return_schema)


def _children(address: Optional[int], count: int) -> List[int]:
    if not address or count <= 0:
        return []
    return list((ctypes.c_void_p * count).from_address(address))


def _schema_of(stream: Stream) -> ArrowSchema:
    held = ArrowArrayStream.from_address(stream.address)
    schema = ArrowSchema()
    if not held.release:
        raise Invalid("the Arrow stream was consumed before; make a new one")
    if not (held.get_schema and held.get_next):
        raise Invalid(
            "the Arrow stream lacks some of its functions", reason="arrow"
        )
    code = _GET(held.get_schema)(stream.address, ctypes.addressof(schema))
    if code:
        raise _producer_failed(stream, code)
    if not schema.release:
        raise Invalid(
            "the Arrow stream gives a released schema", reason="arrow"
        )
    return schema


def _producer_failed(stream: Stream, code: int) -> IO:
    """The error of the producer of a stream, as the library reports it."""
    asked = ArrowArrayStream.from_address(stream.address).get_last_error
    text = _TEXT(asked)(stream.address) if asked else None
    words = (text or b"it gives no reason").decode("utf-8", "replace")
    return IO(
        "the producer failed: %s" % " ".join(words.split()),
        reason="stream",
        os_error=code,
    )


def column_names(stream: Stream) -> List[str]:
    """The names of a stream's columns; the stream is not consumed."""
    schema = _schema_of(stream)
    try:
        if schema.format != b"+s":
            raise Invalid(
                "an Arrow stream of structs is needed, this one has "
                "format %r" % (schema.format or b"").decode()
            )
        children = _children(schema.children, schema.n_children)
        return [
            (ArrowSchema.from_address(child).name or b"").decode()
            for child in children
        ]
    finally:
        _release(schema)


# --- one column in -----------------------------------------------------------


class Column(NamedTuple):
    """One Arrow column, where the producer has it."""

    format: str
    values: int
    offsets: int
    validity: Optional[bytes]
    rows: int
    keep: object


#: Bytes of a value; for texts, of an offset.
_SIZES = {"i": 4, "l": 8, "f": 4, "g": 8, "u": 4, "z": 4}


def array_of(values: object) -> Optional[Column]:
    """An Arrow array in a layout that the library takes as it is, or None:
    then it has to be converted first."""
    if hasattr(values, "__arrow_c_array__"):
        return import_column(*_offered(values))
    if hasattr(values, "__arrow_c_stream__"):
        stream = stream_of(values)
        found = _only_chunk(stream) if stream else None
        # What has no length may give its values only once, and gave them.
        if found is None and not hasattr(values, "__len__"):
            raise Invalid(
                "%s is no column of one chunk; give it as an array"
                % type(values).__name__
            )
        return found
    return None


class _Chunk:
    """An array pulled out of a stream; releases it at the end of its life."""

    def __init__(self, schema: ArrowSchema) -> None:
        self.schema, self.array = schema, ArrowArray()

    def pull(self, stream: Stream) -> bool:
        """Asks for the next array; False: the stream has ended."""
        held = ArrowArrayStream.from_address(stream.address)
        code = _GET(held.get_next)(stream.address, ctypes.addressof(self.array))
        if code:
            self.array.release = None  # what a failed call left is no array
            raise _producer_failed(stream, code)
        return bool(self.array.release)

    def __del__(self) -> None:
        _release(self.schema)
        _release(self.array)


def _only_chunk(stream: Stream) -> Optional[Column]:
    chunk = _Chunk(_schema_of(stream))
    if not chunk.pull(stream) or _Chunk(ArrowSchema()).pull(stream):
        return None
    return import_column(
        ctypes.addressof(chunk.schema), ctypes.addressof(chunk.array), chunk
    )


#: Places in an array, at most: as the library has it.
_PLACES = (2**63 - 1) // 16


def _buffers(array: ArrowArray, count: int) -> List[int]:
    """The buffers of an array without children, which has to keep Arrow's
    rules. The interface tells no buffer's size."""
    length, offset, nulls = array.length, array.offset, array.null_count
    if length < 0 or offset < 0 or length + offset > _PLACES:
        raise _broken(
            "has an impossible length, %d at offset %d" % (length, offset)
        )
    if not -1 <= nulls <= length:
        raise _broken("has %d nulls in %d values" % (nulls, length))
    if array.n_buffers != count or not array.buffers:
        raise _broken(
            "has %d buffers, its type %d" % (array.n_buffers, count)
        )
    if array.n_children or array.dictionary:
        raise _broken("has children or a dictionary, its type none")
    found = [at or 0 for at in _children(array.buffers, count)]
    if nulls > 0 and not found[0]:
        raise _broken("has nulls and no validity buffer")
    if length and not found[1]:
        raise _broken("lacks its values")
    return found


def import_column(
    schema_at: int, array_at: int, keep: object
) -> Optional[Column]:
    """The same, from the two structs."""
    schema = ArrowSchema.from_address(schema_at)
    array = ArrowArray.from_address(array_at)
    kind = (schema.format or b"").decode("utf-8", "replace")
    size = _SIZES.get("l" if kind in ("tsu:UTC", "tsu:") else kind)
    if size is None or schema.dictionary:
        return None
    is_text = kind in ("u", "z")
    buffers, rows = _buffers(array, 3 if is_text else 2), array.length
    if not rows:
        return None
    bits = (
        _bits(buffers[0], array.offset, rows)
        if buffers[0] and array.null_count
        else None
    )
    at = buffers[1] + size * array.offset
    if not is_text:
        return Column(kind, at, 0, bits, rows, keep)
    if not buffers[2] and (
        ctypes.c_int32.from_address(at).value
        != ctypes.c_int32.from_address(at + size * rows).value
    ):
        raise _broken("lacks its bytes")
    return Column(kind, buffers[2], at, bits, rows, keep)


def _bits(address: int, offset: int, count: int) -> bytes:
    """Bits from offset on, beginning at bit 0 of the first byte."""
    first, shift = divmod(offset, 8)
    data = ctypes.string_at(address + first, (shift + count + 7) // 8)
    if shift:
        number = int.from_bytes(data, "little") >> shift
        data = number.to_bytes(len(data), "little")
    return data


# --- answers out -------------------------------------------------------------


def export_names(call: Callable[[int, int], None]) -> Tuple[object, object]:
    """The capsules of a schema and an array that ``call`` fills."""
    schema, array = ArrowSchema(), ArrowArray()
    call(ctypes.addressof(schema), ctypes.addressof(array))
    return capsule(schema), capsule(array)
