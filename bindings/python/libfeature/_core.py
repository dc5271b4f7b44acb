# SPDX-License-Identifier: Apache-2.0
"""The thin layer: stores and batches over the C library.

What the library allows in one thread at a time is guarded here, so that a
mistake is an exception. In a forked child a store opens itself again at its
first use; the parent's handles are left alone there.
"""

from __future__ import annotations

import json
import os
import threading
import weakref
from contextlib import ExitStack
from ctypes import byref, c_void_p
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    List,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from . import _ffi
from ._batch import Batch
from ._changes import (
    ChangeRecord,
    Changes,
    Source,
    SourceOffset,
    array_address,
    follow,
    offset,
    promote,
    source_array,
)
from ._copies import Progress, SnapshotReport, snapshot
from ._ffi import Fill, OpenFlag, Operation, Sync, WriteFlag
from ._library import lib, process
from ._native import (
    Commit,
    Stats,
    call,
    choose,
    encode,
    fail_closed,
    new_commit,
    owned_text,
    read_commit,
    read_stats,
    sized,
)
from ._query import Query
from ._scalars import microseconds
from ._write import Batches, Columns, merge_tiles, write_rows

if TYPE_CHECKING:
    from ._lake import Export
    from ._loads import Load, LoadReport
    from ._scan import Scan, Tiles
    from ._upkeep import Maintenance
    from ._view_changes import ViewChanges

__all__ = ["Store"]


class _Handle:
    """An open feature_store and the calls under way in it: the last of them
    closes it."""

    def __init__(self, address: int) -> None:
        self.address, self.generation = address, process.generation
        self.closed, self._uses = False, 0
        self._lock = threading.Lock()

    def __enter__(self) -> int:
        with self._lock:
            if self.closed:
                raise fail_closed("store")
            self._uses += 1
        return self.address

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._uses -= 1
            last = self.closed and not self._uses
        if last:
            lib.feature_store_close(self.address)

    def close(self) -> None:
        if self.generation != process.generation:
            self.closed = True
            return
        with self._lock:
            last = not self.closed and not self._uses
            self.closed = True
        if last:
            lib.feature_store_close(self.address)


_reopening = threading.Lock()


def _renew_lock() -> None:
    global _reopening
    _reopening = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def _open(path: str, options: Dict[str, int]) -> int:
    address = c_void_p()
    call(
        lib.feature_store_open,
        os.fsencode(path),
        byref(sized(_ffi.feature_options, **options)),
        byref(address),
    )
    return address.value or 0


class Store:
    """An open store; any number of threads may share it.

    Made by :meth:`open`. Usable in a ``with`` block, picklable (by its path),
    and good in a forked child, which opens it again.
    """

    def __init__(self, path: str, options: Dict[str, int]) -> None:
        self.path = path
        self._options = options
        self._adopt(_open(path, options))
        # A child opens what the parent created.
        self._options = {
            **options,
            "flags": options["flags"] & ~int(OpenFlag.CREATE),
        }

    @classmethod
    def open(
        cls,
        path: Union[str, "os.PathLike[str]"],
        *,
        create: bool = False,
        read_only: bool = False,
        immutable: bool = False,
        allow_remote: bool = False,
        warm: bool = False,
        sync: Union[str, Sync] = Sync.FULL,
        mode: int = 0,
        map_size: int = 0,
        max_readers: int = 0,
        write_wait_ms: int = 0,
        max_row_size: int = 0,
        fixed_now: Any = 0,
    ) -> "Store":
        """Opens the store in the directory ``path``.

        ``create`` makes it where there is none. ``immutable`` is for stores in
        images and on read-only mounts: it locks nothing, and promises that
        nobody writes to the store meanwhile. ``fixed_now`` is a test's clock: a
        datetime or microseconds. The other options are those of ``struct
        feature_options``; zero is the default.
        """
        flags = (
            create * OpenFlag.CREATE
            | read_only * OpenFlag.READ_ONLY
            | immutable * OpenFlag.IMMUTABLE
            | allow_remote * OpenFlag.ALLOW_REMOTE
            | warm * OpenFlag.WARM
        )
        where = os.path.abspath(os.fsdecode(path))
        encode(where, "path")
        return cls(
            where,
            {
                "flags": int(flags),
                "sync": int(choose(Sync, sync)),
                "mode": mode,
                "map_size": map_size,
                "max_readers": max_readers,
                "write_wait_ms": write_wait_ms,
                "max_row_size": max_row_size,
                "fixed_now": microseconds(fixed_now),
            },
        )

    def _adopt(self, address: int) -> None:
        self._handle = _Handle(address)
        self._finalizer = weakref.finalize(self, self._handle.close)
        # At the end of the process the system closes the store: a thread of a
        # daemon may still be in it, and every commit is durable already.
        self._finalizer.atexit = False

    def _use(self) -> _Handle:
        if self._handle.generation != process.generation:
            with _reopening:
                if (
                    self._handle.generation != process.generation
                    and not self._handle.closed
                ):
                    self._finalizer.detach()
                    self._adopt(_open(self.path, self._options))
        return self._handle

    def close(self) -> None:
        """Closes the store; a second time does nothing. What was made from it
        raises :class:`Closed` from then on, save for answers already read."""
        self._finalizer.detach()
        self._handle.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._handle.closed

    def __enter__(self) -> "Store":
        with self._use():
            return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __reduce__(self) -> Tuple[Any, ...]:
        if self.closed:
            raise fail_closed("store")
        return type(self), (self.path, self._options)

    def apply(self, definitions: str, *, expect: int = 0) -> Commit:
        """Makes the store hold ``definitions``: adds and changes, never removes
        by omission; a second time changes nothing. ``expect`` is the catalog
        version that the store must be at, 0: any."""
        commit = new_commit()
        text = encode(definitions, "definitions")
        options = sized(_ffi.feature_apply_options, expect=expect)
        with self._use() as store:
            call(
                lib.feature_store_apply,
                store,
                text,
                byref(options),
                byref(commit),
            )
        return read_commit(commit)

    def plan(self, definitions: str) -> str:
        """What :meth:`apply` would change, a line a change; does nothing."""
        return self._text(
            lib.feature_store_plan, encode(definitions, "definitions")
        )

    def describe(self, name: Optional[str] = None) -> str:
        """The definitions of one entity, view or service, or of all."""
        return self._text(
            lib.feature_store_describe,
            None if name is None else encode(name, "name"),
        )

    def metrics(self) -> str:
        """The numbers of the store and of each view as OpenMetrics text."""
        return self._text(lib.feature_store_metrics)

    def content(self) -> str:
        """What each view holds in a few numbers: the first line names the
        store; two whose other lines are equal hold the same."""
        return self._text(lib.feature_store_content)

    def check(self, view: Optional[str] = None) -> List[Dict[str, Any]]:
        """The quality rules of one view, or of all, of what it holds now: a
        dict a rule, with view, rule, figure and holds. Raises nothing where one
        does not hold."""
        text = c_void_p()
        report = sized(_ffi.feature_check_report)
        name = None if view is None else encode(view, "view")
        with self._use() as store:
            call(
                lib.feature_store_check,
                store,
                name,
                byref(report),
                byref(text),
            )
        return [json.loads(line) for line in owned_text(text).splitlines()]

    def maintain(self, **options: Any) -> "Maintenance":
        """Does upkeep that is due; see :func:`libfeature.maintain`."""
        from ._upkeep import maintain

        return maintain(self, **options)

    def _text(self, function: Any, *arguments: Any) -> str:
        text = c_void_p()
        with self._use() as store:
            call(function, store, *arguments, byref(text))
        return owned_text(text)

    def stats(self) -> Stats:
        """The state of the store in numbers."""
        stats = sized(_ffi.feature_stats)
        with self._use() as store:
            call(lib.feature_store_stats, store, byref(stats))
        return read_stats(stats)

    def snapshot(
        self,
        file: Union[str, "os.PathLike[str]"],
        *,
        level: int = 0,
        workers: int = 0,
        mode: int = 0,
        progress: Optional[Progress] = None,
    ) -> SnapshotReport:
        """Writes all that the store holds at one commit to a portable file,
        while others read and write; :func:`libfeature.restore` makes a store of
        it. ``level`` is zstd's, 1 to 19; ``progress`` is for other threads."""
        return snapshot(self, file, level, workers, mode, progress)

    def sync(self) -> None:
        """Makes every earlier commit durable; needed only with sync
        ``last_txn``."""
        with self._use() as store:
            call(lib.feature_store_sync, store)

    def query(
        self,
        features: str,
        *,
        fill: Union[str, Fill] = Fill.DEFAULTS,
        matrix: bool = False,
        known_by: Any = 0,
    ) -> Query:
        """Prepares a read: a service, ``"view:feature"``, or ``"view(a, b)"``;
        several are separated by commas.

        ``fill`` says what stands for a value that is missing or past its ttl:
        ``defaults``, ``nulls`` or ``stale`` values. ``matrix`` is for
        :meth:`Query.matrix` and :meth:`Reader.matrix`, and refuses texts.
        ``known_by`` leaves out what was committed after that time, of views
        with history.
        """
        return Query(
            self, features, choose(Fill, fill), matrix, microseconds(known_by)
        )

    def scan(self, features: str, **options: Any) -> "Scan":
        """All rows of one view, in key order, as an Arrow stream; see
        :class:`Scan`. ``features`` is ``"view(a, b)"``, or a view's name."""
        from ._scan import Scan

        return Scan(self, features, **options)

    def tiles(self, view: str, **options: Any) -> "Tiles":
        """The states of a view FROM an event, as an Arrow stream; see
        :class:`Tiles`."""
        from ._scan import Tiles

        return Tiles(self, view, **options)

    def merge_tiles(
        self,
        view: str,
        tiles: Any,
        *,
        wait_ms: int = 0,
        sources: Optional[Sequence[Source]] = None,
    ) -> Commit:
        """Merges states that :meth:`tiles` of another store gave into a view, in
        one commit: as if the events behind them had been written here before
        all others.

        ``tiles`` is anything with ``__arrow_c_stream__``. ``sources`` says where
        the states end and the stream goes on; with it the same tiles brought
        again are duplicates.
        """
        return merge_tiles(self, view, tiles, wait_ms, sources)

    def load(
        self, view: str, rows: Any, *, replace: bool = False, **options: Any
    ) -> "LoadReport":
        """Makes ``rows`` the whole content of ``view``: a new version is built
        beside the one that serves and swapped in with one commit, after what
        was written since the load began was written over it.

        ``rows`` is what :meth:`write` takes, or the :class:`Tiles` of a view FROM
        an event. ``replace=True`` has to be said. ``id`` names the load, so that
        a second time is a no-op. The other options are those of ``struct
        feature_load_options``; for rows in several pieces see
        :meth:`begin_load`.
        """
        from ._loads import load

        return load(self, view, rows, replace=replace, **options)

    def begin_load(self, view: str, **options: Any) -> "Load":
        """Begins to load a whole new version of ``view``; see :class:`Load`."""
        from ._loads import Load

        return Load(self, view, **options)

    def loads(self, view: Optional[str] = None) -> List[Dict[str, Any]]:
        """The loads of all views, or of one, the newest first: what each of
        them is, and what became of it."""
        from ._loads import loads

        return loads(self, view)

    def discard_load(self, view: str, id: Optional[str] = None) -> None:
        """Removes what an interrupted load of ``view`` has left."""
        from ._loads import discard_load

        discard_load(self, view, id)

    def rollback(self, view: str, **options: Any) -> "LoadReport":
        """Goes back to the version of ``view`` that the last swap replaced, with
        what was written since; ``as_it_was`` goes without that. ``to`` names
        another version that is kept: the id of its load, or its number. A second
        time undoes the first."""
        from ._loads import rollback

        return rollback(self, view, **options)

    def load_parquet(
        self, view: str, path: Any, operation: Any = None, **options: Any
    ) -> Commit:
        """Writes Parquet files into a view; see
        :func:`libfeature.load_parquet`."""
        from ._load import load_parquet

        return load_parquet(self, view, path, operation, **options)

    def batch(
        self,
        view: str,
        operation: Union[str, Operation] = "upsert",
        columns: Optional[Sequence[str]] = None,
    ) -> "Batch":
        """An empty batch, for whoever wants the outcome of each row."""
        return Batch(self, view, choose(Operation, operation), columns)

    def batches(
        self,
        *,
        skip_invalid: bool = False,
        wait_ms: int = 0,
        sources: Optional[Sequence[Source]] = None,
    ) -> "Batches":
        """Several batches in one atomic commit, in a ``with`` block."""
        return Batches(self, skip_invalid, wait_ms, sources)

    def write(
        self,
        view: str,
        rows: Any,
        operation: Union[str, Operation, None] = None,
        *,
        columns: Columns = None,
        skip_invalid: bool = False,
        wait_ms: int = 0,
        commit_rows: int = 0,
        sources: Optional[Sequence[Source]] = None,
    ) -> Commit:
        """Writes rows into a view, in one durable commit.

        ``rows`` is a dict of columns, a frame of pandas or polars, anything
        with ``__arrow_c_stream__``, or an iterable of dicts. Without an
        ``operation`` they are upserted and have to bring every feature of the
        view; ``"upsert"`` makes those left out null, ``"patch"`` leaves them
        alone. ``columns`` picks columns, and renames them when it is a dict.

        ``commit_rows`` writes an Arrow stream in several commits. If one fails,
        the commits before it stay: ``error.kept`` reports them.

        ``sources`` says where the rows come from: their offsets are stored with
        them, and rows that were written before are duplicates; see
        :meth:`offset`.
        """
        return write_rows(
            self,
            view,
            rows,
            None if operation is None else choose(Operation, operation),
            columns,
            commit_rows,
            skip_invalid,
            wait_ms,
            sources,
        )

    def view_changes(self, features: str, **options: Any) -> "ViewChanges":
        """The changes of one view from the change feed, as an Arrow stream; see
        :class:`ViewChanges`."""
        from ._view_changes import ViewChanges

        return ViewChanges(self, features, **options)

    def export(self, view: str, directory: Any, **options: Any) -> "Export":
        """Writes the changes of a view as Parquet files, a lake table that may
        be written on; see :func:`libfeature.export`."""
        from ._lake import export

        return export(self, view, directory, **options)

    def delete(self, view: str, rows: Any, **options: Any) -> Commit:
        """Deletes the rows of the join keys in ``rows``, as of their
        ``event_timestamp`` if there is one; see :meth:`write`."""
        return self.write(view, rows, Operation.DELETE, **options)

    def write_batches(
        self,
        batches: Sequence["Batch"],
        skip_invalid: bool,
        wait_ms: int,
        sources: Optional[Sequence[Source]] = None,
    ) -> Commit:
        """Writes batches of this store in one durable commit; with ``sources``
        there may be none."""
        listed = source_array(sources)
        options = sized(
            _ffi.feature_write_options,
            wait_ms=wait_ms,
            sources=array_address(listed),
            source_count=len(listed),
            flags=int(WriteFlag.SKIP_INVALID) if skip_invalid else 0,
        )
        commit = new_commit()
        with ExitStack() as held:
            store = held.enter_context(self._use())
            addresses = [held.enter_context(batch.held()) for batch in batches]
            array = (c_void_p * len(addresses))(*addresses)
            call(
                lib.feature_store_write,
                store,
                array,
                len(addresses),
                byref(options),
                byref(commit),
            )
            for batch in batches:
                batch.written = batch.rows
        return read_commit(commit)

    def offset(self, name: str, partition: int = 0) -> SourceOffset:
        """Where to go on reading a source, as the last write of it said;
        :class:`NotFound` before the first."""
        return offset(self, name, partition)

    def changes(
        self,
        since: int = 0,
        *,
        consumer: Optional[str] = None,
        resume: bool = False,
        claim_ms: int = 0,
    ) -> Changes:
        """Reads the change feed, which ``STORE WITH (changes = '3 days')``
        turns on, from the record after ``since`` on.

        ``consumer`` claims what it has not acknowledged, for ``claim_ms`` (7
        days) from its last acknowledgement; ``resume`` begins behind that.
        """
        return Changes(self, since, consumer, resume, claim_ms)

    def follow(self, record: Union[bytes, ChangeRecord]) -> Commit:
        """Applies the next record of another store's change feed, and makes
        this one its follower: other writes are a :class:`Conflict` until
        :meth:`promote`. A record applied before changes nothing; one too far
        ahead is a :class:`Gap`."""
        return follow(self, record)

    def promote(self) -> int:
        """Makes a follower a leader, which refuses records of the old one from
        then on; its epoch."""
        return promote(self)

    def __repr__(self) -> str:
        return "<libfeature.Store %r%s>" % (
            self.path,
            ", closed" if self.closed else "",
        )

    def _repr_html_(self) -> str:
        from ._repr import store_html

        return store_html(self)
