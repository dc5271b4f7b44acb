# SPDX-License-Identifier: Apache-2.0
"""Where rows come from, and where they go: source offsets, the change feed,
followers."""

from __future__ import annotations

import json
import time
import weakref
from ctypes import (
    addressof,
    byref,
    c_char_p,
    c_uint32,
    c_uint64,
    c_void_p,
    cast,
    string_at,
)
from datetime import datetime
from operator import index
from threading import Lock
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    Iterator,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from . import _ffi
from ._errors import Invalid
from ._ffi import ChangesFlag
from ._library import lib, process
from ._native import (
    Commit,
    Unpicklable,
    call,
    encode,
    fail_closed,
    new_commit,
    read_commit,
    sized,
)
from ._scalars import moment

if TYPE_CHECKING:
    from ._core import Store

__all__ = ["ChangeRecord", "Changes", "Source", "SourceOffset"]

#: Longest wait inside the library: signals and a close come through after it.
SLICE = 0.1


class Source(NamedTuple):
    """Where the rows of a write came from, committed together with them.

    ``first`` is the offset of the first record in the write, ``next`` where to
    go on after it, ``position`` any bytes to be kept beside them.
    """

    name: str
    partition: int
    first: int
    next: int
    position: bytes = b""


class SourceOffset(NamedTuple):
    """Where to go on reading a source."""

    next: int
    position: bytes


def source_array(sources: Optional[Sequence[Source]]) -> Any:
    """Sources as the library takes them: an array that has to live as long as
    the call."""
    listed = list(sources or ())
    array: Any = (_ffi.feature_source * len(listed))()
    array.positions = []
    for made, source in zip(array, listed):
        try:
            name, partition, first, following, position = source
            held = c_char_p(position)
        except (TypeError, ValueError):
            raise Invalid("sources: %r is no Source" % (source,)) from None
        array.positions.append(held)
        made.name = encode(name, "sources")
        made.partition = unsigned(partition, 32)
        made.first_offset = unsigned(first, 64)
        made.next_offset = unsigned(following, 64)
        made.position = cast(held, c_void_p).value
        made.position_size = len(position or b"")
    return array


def array_address(array: Any) -> Optional[int]:
    """Where an array lies, if there is anything in it."""
    return addressof(array) if len(array) else None


def unsigned(number: Any, bits: int) -> int:
    """A number of so many bits; ctypes would cut one that is too large."""
    try:
        whole = index(number)
    except TypeError:
        raise Invalid("%r is no whole number" % (number,)) from None
    if not 0 <= whole < 1 << bits:
        raise Invalid("%r is out of range" % (number,))
    return whole


def offset(store: "Store", name: str, partition: int) -> SourceOffset:
    """See Store.offset."""
    following, size, position = c_uint64(), c_uint32(), c_void_p()
    with store._use() as opened:
        call(
            lib.feature_store_offset,
            opened,
            encode(name, "name"),
            unsigned(partition, 32),
            byref(following),
            byref(position),
            byref(size),
        )
    try:
        return SourceOffset(following.value, string_at(position, size.value))
    finally:
        lib.feature_free(position)


def bytes_of(record: Any) -> bytes:
    """The bytes of a record."""
    if isinstance(record, ChangeRecord):
        return record.bytes
    try:
        return bytes(memoryview(record))
    except TypeError:
        raise Invalid("%r is no change record" % (record,)) from None


def follow(store: "Store", record: Any) -> Commit:
    """See Store.follow."""
    data, commit = bytes_of(record), new_commit()
    with store._use() as opened:
        call(lib.feature_store_follow, opened, data, len(data), byref(commit))
    return read_commit(commit)


def promote(store: "Store") -> int:
    """See Store.promote."""
    epoch = c_uint64()
    with store._use() as opened:
        call(lib.feature_store_promote, opened, byref(epoch))
    return epoch.value


class ChangeRecord(NamedTuple):
    """One record of a change feed: all of one commit."""

    #: For :meth:`Store.follow`, here or elsewhere.
    bytes: bytes
    sequence: int
    time: datetime


class _Handle:
    """A feature_changes: for one thread at a time, freed with the last
    reference, which a call under way has too."""

    def __init__(self, address: int) -> None:
        self.address, self.generation = address, process.generation
        self._lock = Lock()
        weakref.finalize(
            self, _free_changes, address, self.generation
        ).atexit = False

    def __enter__(self) -> int:
        if self.generation != process.generation:
            raise Invalid(
                "the change feed was opened before the process was forked",
                reason="forked",
            )
        if not self._lock.acquire(False):
            raise Invalid("the change feed is in use by another thread")
        return self.address

    def __exit__(self, *error: object) -> None:
        self._lock.release()


def _free_changes(address: int, generation: int) -> None:
    if generation == process.generation:
        lib.feature_changes_free(address)


class Changes(Unpicklable):
    """A reader of the change feed of a store; see :meth:`Store.changes`. One
    thread at a time.

    As an iterator it ends at the present end of the feed, and goes on there
    when it is asked again; :meth:`follow` waits for more.
    """

    def __init__(
        self,
        store: "Store",
        since: int,
        consumer: Optional[str],
        resume: bool,
        claim_ms: int,
    ) -> None:
        address = c_void_p()
        options = sized(
            _ffi.feature_changes_options,
            flags=int(ChangesFlag.RESUME) if resume else 0,
            since=since,
            consumer=None if consumer is None else encode(consumer, "consumer"),
            claim_ms=claim_ms,
        )
        with store._use() as opened:
            call(
                lib.feature_changes_open, opened, byref(options), byref(address)
            )
        self._handle: Optional[_Handle] = _Handle(address.value or 0)

    def _held(self) -> _Handle:
        if self._handle is None:
            raise fail_closed("change feed")
        return self._handle

    def read(self, timeout: Optional[float] = 0) -> Optional[ChangeRecord]:
        """The next record. Where there is none, waits for it ``timeout``
        seconds, None: without end, and then gives None."""
        end = None if timeout is None else time.monotonic() + timeout
        record = _ffi.feature_change_record()
        with self._held() as changes:
            while True:
                call(lib.feature_changes_next, changes, byref(record))
                if record.bytes:
                    return ChangeRecord(
                        string_at(record.bytes, record.size),
                        record.sequence,
                        moment(record.time),
                    )
                left = SLICE if end is None else end - time.monotonic()
                if left <= 0:
                    return None
                call(
                    lib.feature_changes_wait,
                    changes,
                    int(min(left, SLICE) * 1000) + 1,
                )
                self._held()

    def __iter__(self) -> Iterator[ChangeRecord]:
        return self

    def __next__(self) -> ChangeRecord:
        record = self.read()
        if record is None:
            raise StopIteration
        return record

    def follow(
        self, timeout: Optional[float] = None
    ) -> Iterator[ChangeRecord]:
        """Records as they come, until none has come for ``timeout`` seconds;
        None: without end. Ends quietly when the feed is closed."""
        while True:
            try:
                record = self.read(timeout)
            except Invalid:
                if self._handle is None:
                    return
                raise
            if record is None:
                return
            yield record

    def acknowledge(self, sequence: Union[int, ChangeRecord]) -> None:
        """Tells the store that the consumer needs no record up to this one any
        more, and renews its claim."""
        if isinstance(sequence, ChangeRecord):
            sequence = sequence.sequence
        number = unsigned(sequence, 64)
        with self._held() as changes:
            call(lib.feature_changes_acknowledge, changes, number)

    def json(self, record: Union[ChangeRecord, bytes]) -> str:
        """A record as one line of JSON, with the names of the store's present
        definitions; docs/format.md has its shape."""
        data, text = bytes_of(record), c_void_p()
        with self._held() as changes:
            call(
                lib.feature_changes_json,
                changes,
                data,
                len(data),
                byref(text),
            )
        try:
            return string_at(text).decode()
        finally:
            lib.feature_free(text)

    def dict(self, record: Union[ChangeRecord, bytes]) -> Dict[str, Any]:
        """The same as a dict."""
        made: Dict[str, Any] = json.loads(self.json(record))
        return made

    def close(self) -> None:
        """Ends it, also from another thread: who waits in :meth:`read` gets
        :class:`Closed`. A second time does nothing; a consumer's claim stays."""
        self._handle = None

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._handle is None

    def __enter__(self) -> "Changes":
        self._held()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<libfeature.Changes%s>" % (", closed" if self.closed else "")
