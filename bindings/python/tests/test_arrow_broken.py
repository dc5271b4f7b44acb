# SPDX-License-Identifier: Apache-2.0
"""Arrow producers that fail, or break the rules of the interface."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest

import libfeature as lf
from libfeature import _arrow

KEYS = [3, 1, 2]
_ADDRESS = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)


def _marker(kind: Any) -> Any:
    def done(address: int) -> None:
        kind.from_address(address).release = None

    return _arrow._RELEASE(done)


_DONE = {
    kind: _marker(kind)
    for kind in (
        _arrow.ArrowSchema,
        _arrow.ArrowArray,
        _arrow.ArrowArrayStream,
    )
}


def address(of: Any) -> Optional[int]:
    return ctypes.cast(of, ctypes.c_void_p).value


def releasable(kind: Any, **members: Any) -> Any:
    return kind(**{"release": address(_DONE[kind]), **members})


class Crafted:
    """An array of whatever members a test gives it."""

    def __init__(
        self,
        format: bytes,
        memory: List[Any],
        schema: Optional[Dict[str, Any]] = None,
        **members: Any,
    ) -> None:
        self._memory = memory
        self._pointers = (ctypes.c_void_p * len(memory))(
            *(None if one is None else address(one) for one in memory)
        )
        self._schema = {"format": format, **(schema or {})}
        self._members = {
            "length": len(KEYS),
            "n_buffers": len(memory),
            "buffers": address(self._pointers),
            **members,
        }

    def structs(self) -> Tuple[Any, Any]:
        return (
            releasable(_arrow.ArrowSchema, **self._schema),
            releasable(_arrow.ArrowArray, **self._members),
        )

    def __arrow_c_array__(self, requested: Any = None) -> Any:
        schema, array = self.structs()
        return _arrow.capsule(schema), _arrow.capsule(array)


def integers(**members: Any) -> Crafted:
    values = (ctypes.c_int64 * 8)(*KEYS)
    return Crafted(b"l", members.pop("memory", [None, values]), **members)


def texts(**members: Any) -> Crafted:
    ends = members.pop("ends", [0, 1, 2, 3])
    data = ctypes.create_string_buffer(b"abc")
    buffers = [None, (ctypes.c_int32 * 8)(*ends), data]
    for at, buffer in members.pop("replace", {}).items():
        buffers[at] = buffer
    return Crafted(b"u", buffers, **members)


class Failing:
    """A stream of arrays that fails after some of them."""

    reason = ctypes.create_string_buffer(b"the disk\n died")

    def __init__(self, chunks: int, schema: bool = True) -> None:
        self.asked = 0
        self._chunks, self._schema, self._made = chunks, schema, integers()

    def _get_schema(self, stream: int, out: int) -> int:
        if self._schema:
            self._move(self._made.structs()[0], out)
        return 0 if self._schema else 12

    def _get_next(self, stream: int, out: int) -> int:
        if not self._chunks:
            ctypes.memset(out, 0x55, ctypes.sizeof(_arrow.ArrowArray))
            return 5
        self._chunks -= 1
        self._move(self._made.structs()[1], out)
        return 0

    @staticmethod
    def _move(struct: Any, out: int) -> None:
        ctypes.memmove(out, ctypes.addressof(struct), ctypes.sizeof(struct))

    def __arrow_c_stream__(self, requested: Any = None) -> Any:
        self.asked += 1
        self._calls = (
            _arrow._GET(self._get_schema),
            _arrow._GET(self._get_next),
            _ADDRESS(lambda stream: address(self.reason)),
        )
        return _arrow.capsule(
            releasable(
                _arrow.ArrowArrayStream,
                get_schema=address(self._calls[0]),
                get_next=address(self._calls[1]),
                get_last_error=address(self._calls[2]),
            )
        )

    def to_pylist(self) -> List[int]:
        """Another way to the values, which must not hide the failure."""
        return KEYS


@pytest.mark.parametrize(
    "chunks, schema, code", [(0, True, 5), (1, True, 5), (1, False, 12)]
)
def test_a_column_whose_stream_fails_is_refused(
    filled: lf.Store, chunks: int, schema: bool, code: int
) -> None:
    query = filled.query("stats:trips")
    before = filled.stats().sequence
    uses: List[Callable[[Any], object]] = [
        query.read,
        lambda column: filled.write(
            "stats", {"driver_id": KEYS, "trips": column}, "patch"
        ),
    ]
    for use in uses:
        failing = Failing(chunks, schema)
        with pytest.raises(lf.IO, match="the disk died") as caught:
            use(failing)
        assert (caught.value.reason, caught.value.os_error) == ("stream", code)
        assert failing.asked == 1
    assert filled.stats().sequence == before


BROKEN = {
    "a released array": lambda: integers(release=None),
    "a released schema": lambda: integers(schema={"release": None}),
    "a negative length": lambda: integers(length=-1),
    "a negative offset": lambda: integers(offset=-1),
    "a length beyond memory": lambda: integers(length=2**63 - 1),
    "an end beyond memory": lambda: integers(offset=2**62),
    "too few nulls": lambda: integers(null_count=-2),
    "too many nulls": lambda: integers(null_count=4),
    "nulls without bits": lambda: integers(null_count=1),
    "no buffers": lambda: integers(n_buffers=0),
    "too few buffers": lambda: integers(n_buffers=1),
    "too many buffers": lambda: integers(n_buffers=3),
    "very many buffers": lambda: integers(n_buffers=2**40),
    "no values": lambda: integers(memory=[None, None]),
    "no list of buffers": lambda: integers(buffers=None),
    "children": lambda: integers(n_children=1),
    "a dictionary": lambda: integers(dictionary=8),
    "texts without offsets": lambda: texts(replace={1: None}),
    "texts without bytes": lambda: texts(replace={2: None}),
    "texts of two buffers": lambda: texts(n_buffers=2),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
def test_an_array_that_breaks_the_rules_is_refused(
    filled: lf.Store, broken: Callable[[], Crafted]
) -> None:
    made = broken()
    view, key, column = (
        ("stats", "driver_id", "trips")
        if made._schema["format"] == b"l"
        else ("cards", "card_id", "merchant")
    )
    with pytest.raises(lf.Invalid) as caught:
        filled.query("%s:%s" % (view, column)).read({key: made})
    assert caught.value.reason == "arrow", caught.value
    with pytest.raises(lf.Invalid) as caught:
        filled.write(view, {column: made, key: KEYS}, "patch")
    assert caught.value.reason == "arrow", caught.value


@pytest.mark.parametrize(
    "pair",
    [
        None,
        7,
        (),
        (1,),
        (1, 2),
        lambda: [*integers().__arrow_c_array__()],
        lambda: (*integers().__arrow_c_array__(), None),
        lambda: integers().__arrow_c_array__()[::-1],
        lambda: integers(release=None).__arrow_c_array__(),
        lambda: integers(schema={"release": None}).__arrow_c_array__(),
    ],
)
def test_what_is_no_pair_of_capsules_is_refused(
    filled: lf.Store, pair: Any
) -> None:
    class Offer:
        def __arrow_c_array__(self, requested: Any = None) -> Any:
            return pair() if callable(pair) else pair

    for use in (
        lambda: filled.query("stats:trips").read(Offer()),
        lambda: filled.write("stats", Offer(), "patch"),
    ):
        with pytest.raises(lf.Invalid) as caught:
            use()
        assert caught.value.reason == "arrow"


def test_arrays_that_keep_the_rules_are_taken(filled: lf.Store) -> None:
    query = filled.query("stats:trips", fill="nulls")
    bits = ctypes.create_string_buffer(b"\x05")
    values = (ctypes.c_int64 * 4)(9, *KEYS)
    for made, trips in (
        (integers(), [None, 10, 20]),
        (integers(null_count=-1), [None, 10, 20]),
        (integers(memory=[None, values], offset=1), [None, 10, 20]),
        (integers(memory=[bits, values], null_count=-1), [None, None, 10]),
        (integers(memory=[bits, values], null_count=0), [None, None, 10]),
    ):
        assert query.read(made).column("trips") == trips
    empty = texts(ends=[5, 5, 5, 5], replace={2: None})
    states = filled.query("cards:amount").read(empty).states()
    assert states.tolist() == [lf.State.NOT_FOUND] * 3
