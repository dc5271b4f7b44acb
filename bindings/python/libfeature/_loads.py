# SPDX-License-Identifier: Apache-2.0
"""Whole new versions of a view: loads, the list of them, and the way back."""

from __future__ import annotations

import json
import threading
import weakref
from ctypes import byref, c_void_p
from datetime import datetime
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Union,
)
from typing import (
    Type as Class,
)

from . import _ffi
from ._arrow import column_names, stream_of
from ._batch import Batch
from ._changes import array_address, source_array, unsigned
from ._errors import Invalid
from ._ffi import LoadedFlag, LoadFlag, Operation, RollbackFlag
from ._library import lib, process
from ._native import (
    Unpicklable,
    call,
    encode,
    fail_closed,
    owned_text,
    sized,
)
from ._scalars import microseconds, moment
from ._write import (
    Columns,
    batch_of,
    check_whole,
    column_list,
    is_streamed,
    streamed_columns,
)

if TYPE_CHECKING:
    from ._changes import Source
    from ._core import Store

__all__ = ["Load", "LoadReport", "discard_load", "load", "loads", "rollback"]


class LoadReport(NamedTuple):
    """What a load or a rollback did; see struct feature_load_report."""

    number: int
    rows: int
    bytes: int
    #: Of the commit that swapped the versions; 0: there was none.
    sequence: int
    #: Of that commit.
    time: Optional[datetime]
    #: The commit up to which the rows knew what was written.
    cut: int
    #: Changes since then, taken from the change feed.
    caught_up: int
    #: Microseconds in which nobody else could write.
    swap_us: int
    gates: int
    gates_failed: int
    #: A load of this id was committed before: this is its report.
    duplicate: bool
    #: A gate failed, and was passed all the same.
    forced: bool


def _read_report(report: Any) -> LoadReport:
    values = {
        name: getattr(report, name)
        for name in LoadReport._fields
        if name not in ("time", "duplicate", "forced")
    }
    return LoadReport(
        **values,
        time=moment(report.time) if report.sequence else None,
        duplicate=bool(report.flags & LoadedFlag.DUPLICATE),
        forced=bool(report.flags & LoadedFlag.FORCED),
    )


def _free(address: int, generation: int) -> None:
    if generation == process.generation:
        lib.feature_load_free(address)


class Load(Unpicklable):
    """A new version of a view, on its way beside the one that serves. One thread
    at a time.

    Made by :meth:`Store.begin_load`. At the end of a ``with`` block it is
    committed; an exception in the block gives it up.
    """

    #: What the commit did, once it is done.
    report: LoadReport

    def __init__(
        self,
        store: "Store",
        view: str,
        *,
        id: Optional[str] = None,
        fingerprint: Optional[str] = None,
        cut: int = 0,
        time: Any = 0,
        sources: Optional[Sequence["Source"]] = None,
        last_wins: bool = False,
        force: bool = False,
        in_order: bool = False,
        rows_per_second: int = 0,
        bytes_per_second: int = 0,
        memory: int = 0,
        directory: Optional[str] = None,
        check: Optional[str] = None,
        wait_ms: int = 0,
    ) -> None:
        flags = (
            last_wins * LoadFlag.LAST_WINS
            | force * LoadFlag.FORCE
            | in_order * LoadFlag.SORTED
        )
        listed = source_array(sources)
        options = sized(
            _ffi.feature_load_options,
            flags=int(flags),
            id=None if id is None else encode(id, "id"),
            fingerprint=(
                None
                if fingerprint is None
                else encode(fingerprint, "fingerprint")
            ),
            cut=unsigned(cut, 64),
            time=microseconds(time),
            sources=array_address(listed),
            source_count=len(listed),
            wait_ms=unsigned(wait_ms, 32),
            rows_per_second=unsigned(rows_per_second, 64),
            bytes_per_second=unsigned(bytes_per_second, 64),
            memory=unsigned(memory, 64),
            directory=(
                None if directory is None else encode(str(directory), "directory")
            ),
            check=None if check is None else encode(check, "check"),
        )
        address = c_void_p()
        with store._use() as opened:
            call(
                lib.feature_load_begin,
                opened,
                encode(view, "view"),
                byref(options),
                byref(address),
            )
        self.store, self.view = store, view
        self._address: int = address.value or 0
        self._generation = process.generation
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(
            self, _free, self._address, self._generation
        )
        self._finalizer.atexit = False
        self._is_over = False

    def _call(self, function: Any, *arguments: Any) -> None:
        if self._generation != process.generation:
            raise Invalid(
                "the load was begun before the process was forked",
                reason="forked",
            )
        if not self._lock.acquire(False):
            raise Invalid("the load is in use by another thread")
        try:
            if not self._finalizer.alive:
                raise fail_closed("load")
            call(function, self._address, *arguments)
        finally:
            self._lock.release()

    def append(
        self,
        rows: Any,
        columns: Columns = None,
        *,
        event: Optional[str] = None,
        partial: bool = False,
    ) -> None:
        """Appends rows: a :class:`Batch`, or whatever :meth:`Store.write` takes.

        They bring every feature of the view; with ``partial`` those that they
        leave out are null. Into a view FROM an event go the states that
        :meth:`Store.tiles` gives, or, with its name as ``event``, events.
        """
        if isinstance(rows, Batch):
            with rows.held() as batch:
                self._call(lib.feature_load_append, batch)
            return
        if is_streamed(rows):
            self._append_stream(rows, columns, partial or event is not None)
            return
        operation = Operation.EVENT if event else None
        if partial and not event:
            operation = Operation.UPSERT
        with batch_of(
            self.store, event or self.view, rows, operation, columns
        ) as made, made.held() as batch:
            self._call(lib.feature_load_append, batch)

    def _append_stream(
        self, rows: Any, columns: Columns, partial: bool
    ) -> None:
        stream = stream_of(rows)
        if stream is None:
            raise Invalid("%r is no Arrow stream" % type(rows).__name__)
        columns = streamed_columns(rows, columns)
        names = list(columns) if columns is not None else column_names(stream)
        if not partial and "_tiles" not in names:
            check_whole(self.store, self.view, names)
        options = sized(
            _ffi.feature_arrow_options, columns=column_list(columns)
        )
        self._call(
            lib.feature_load_append_arrow, stream.address, byref(options)
        )

    def status(self) -> LoadReport:
        """How far the load is; of one whose id was committed before, what that
        one did."""
        report = sized(_ffi.feature_load_report)
        self._call(lib.feature_load_status, byref(report))
        return _read_report(report)

    def commit(self) -> LoadReport:
        """Asks the gates, catches up with what was written since the cut, and
        swaps the new version in with one commit; :class:`Conflict` with reason
        ``gate`` names the rule that said no, and leaves the old one serving."""
        report = sized(_ffi.feature_load_report)
        self._call(lib.feature_load_commit, byref(report))
        self._is_over = True
        self.report = _read_report(report)
        return self.report

    def abort(self) -> None:
        """Gives the load up and removes what it has built."""
        self._call(lib.feature_load_abort)
        self._is_over = True

    def close(self) -> None:
        """Frees the load, and gives it up where it was not committed."""
        self._finalizer()

    def __enter__(self) -> "Load":
        return self

    def __exit__(
        self,
        kind: Optional[Class[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        try:
            if kind is None and not self._is_over:
                self.commit()
        finally:
            self.close()


def load(
    store: "Store",
    view: str,
    rows: Any,
    *,
    replace: bool = False,
    columns: Columns = None,
    event: Optional[str] = None,
    partial: bool = False,
    **options: Any,
) -> LoadReport:
    """Makes ``rows`` the whole content of a view, in one commit; see
    :meth:`Store.load`."""
    if not replace:
        raise Invalid(
            "a load takes the place of all rows of the view: say replace=True, "
            "or write() to add rows"
        )
    with Load(store, view, **options) as made:
        made.append(rows, columns, event=event, partial=partial)
    return made.report


def loads(store: "Store", view: Optional[str] = None) -> List[Dict[str, Any]]:
    """The loads of a store, or of one view, the newest first."""
    text = c_void_p()
    with store._use() as address:
        call(
            lib.feature_store_loads,
            address,
            None if view is None else encode(view, "view"),
            byref(text),
        )
    return [json.loads(line) for line in owned_text(text).splitlines()]


def discard_load(store: "Store", view: str, id: Optional[str] = None) -> None:
    """Removes what an interrupted load of a view has left."""
    with store._use() as address:
        call(
            lib.feature_store_discard_load,
            address,
            encode(view, "view"),
            None if id is None else encode(id, "id"),
        )


def _version(number: Any) -> int:
    """Versions count from 1: 0 would say that none was asked for."""
    if isinstance(number, bool) or not unsigned(number, 32):
        raise Invalid("%r is neither a load nor a version" % (number,))
    return unsigned(number, 32)


def rollback(
    store: "Store",
    view: str,
    *,
    to: Union[str, int, None] = None,
    as_it_was: bool = False,
    wait_ms: int = 0,
) -> LoadReport:
    """Goes back to the version of a view that the last swap replaced, or to the
    one of a load's id or of a number."""
    report = sized(_ffi.feature_load_report)
    options = sized(
        _ffi.feature_rollback_options,
        flags=int(RollbackFlag.AS_IT_WAS) if as_it_was else 0,
        wait_ms=unsigned(wait_ms, 32),
    )
    if isinstance(to, str):
        options.id = encode(to, "to")
    elif to is not None:
        options.version = _version(to)
    with store._use() as address:
        call(
            lib.feature_store_rollback,
            address,
            encode(view, "view"),
            byref(options),
            byref(report),
        )
    return _read_report(report)
