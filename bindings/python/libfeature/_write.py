# SPDX-License-Identifier: Apache-2.0
"""Writes of whole tables: which way rows go, and what they may leave out."""

from __future__ import annotations

from ctypes import byref
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    List,
    Mapping,
    Optional,
    Sequence,
    Union,
)
from typing import (
    Type as Class,
)

from . import _ffi
from ._arrow import column_names, stream_of
from ._changes import array_address, source_array
from ._columns import has_pyarrow, is_pandas, is_scalar, table_of
from ._errors import Invalid, NotFound, make_error
from ._ffi import Operation, Role, WriteFlag
from ._library import lib
from ._native import (
    Commit,
    Unpicklable,
    call,
    encode,
    named,
    new_commit,
    read_commit,
    sized,
)

if TYPE_CHECKING:
    from ._batch import Batch
    from ._changes import Source
    from ._core import Store

__all__ = ["Batches", "Columns", "merge_tiles", "write_rows"]

#: Which columns to write: names, also in one text with commas, or names of the
#: view to names of the rows.
Columns = Union[str, Sequence[str], Mapping[str, str], None]


def write_rows(
    store: "Store",
    view: str,
    rows: Any,
    operation: Optional[Operation],
    columns: Columns,
    commit_rows: int,
    skip_invalid: bool,
    wait_ms: int,
    sources: Optional[Sequence["Source"]],
) -> Commit:
    """Rows of any kind into one view; see Store.write."""
    columns = named(columns)
    if is_streamed(rows):
        return _write_stream(
            store,
            view,
            rows,
            operation,
            columns,
            commit_rows,
            skip_invalid,
            wait_ms,
            sources,
        )
    if commit_rows:
        raise Invalid("commit_rows is for Arrow streams")
    with store.batches(
        skip_invalid=skip_invalid, wait_ms=wait_ms, sources=sources
    ) as batches:
        batches.add(view, rows, operation, columns)
    return batches.commit


def is_streamed(rows: Any) -> bool:
    """Whether rows go as an Arrow stream. That of pandas is made by pyarrow; a
    frame without it goes column by column."""
    return (
        not isinstance(rows, Mapping)
        and (
            hasattr(rows, "__arrow_c_stream__")
            or hasattr(rows, "__arrow_c_array__")
        )
        and (has_pyarrow() or not is_pandas(rows))
    )


def streamed_columns(rows: Any, columns: Columns) -> Columns:
    """The columns of rows that go as a stream: of pandas not its index."""
    columns = named(columns)
    if columns is None and is_pandas(rows):
        return [str(name) for name in rows.columns]
    return columns


def column_list(columns: Columns) -> Optional[bytes]:
    """Columns as the options of a stream take them."""
    if columns is None:
        return None
    return encode(
        ", ".join(
            (
                "%s = '%s'" % (name, columns[name].replace("'", "''"))
                if isinstance(columns, Mapping)
                else name
            )
            for name in columns
        ),
        "columns",
    )


def check_whole(store: "Store", view: str, names: Sequence[str]) -> None:
    """Refuses rows that lack features of the view."""
    lacking = [
        field.name
        for field in store.batch(view).fields
        if field.role == Role.FEATURE and field.name not in names
    ]
    if lacking:
        raise Invalid(
            "the rows lack %s of feature view %s: say operation="
            "'patch' to leave them as they are, 'upsert' (in a load: "
            "partial=True) to make them null" % (", ".join(lacking), view)
        )


def _write_stream(
    store: "Store",
    view: str,
    rows: Any,
    operation: Optional[Operation],
    columns: Columns,
    commit_rows: int,
    skip_invalid: bool,
    wait_ms: int,
    sources: Optional[Sequence["Source"]],
) -> Commit:
    stream = stream_of(rows)
    if stream is None:
        raise Invalid("%r is no Arrow stream" % type(rows).__name__)
    columns = streamed_columns(rows, columns)
    if operation is None:
        check_whole(
            store,
            view,
            list(columns) if columns is not None else column_names(stream),
        )
    listed_sources = source_array(sources)
    options = sized(
        _ffi.feature_arrow_options,
        columns=column_list(columns),
        sources=array_address(listed_sources),
        source_count=len(listed_sources),
        wait_ms=wait_ms,
        flags=int(WriteFlag.SKIP_INVALID) if skip_invalid else 0,
        commit_rows=commit_rows,
    )
    commit, error = new_commit(), _ffi.feature_error()
    with store._use() as opened:
        status = lib.feature_store_write_arrow(
            opened,
            encode(view, "view"),
            operation or Operation.UPSERT,
            stream.address,
            byref(options),
            byref(commit),
            byref(error),
        )
    if status:
        failed = make_error(error)
        if commit.sequence:
            failed.kept = read_commit(commit)
        raise failed
    return read_commit(commit)


def merge_tiles(
    store: "Store",
    view: str,
    tiles: Any,
    wait_ms: int,
    sources: Optional[Sequence["Source"]],
) -> Commit:
    """Merges states of another store into a view."""
    stream = stream_of(tiles)
    if stream is None:
        raise Invalid("%r is no Arrow stream" % type(tiles).__name__)
    listed = source_array(sources)
    options = sized(
        _ffi.feature_write_options,
        sources=array_address(listed),
        source_count=len(listed),
        wait_ms=wait_ms,
    )
    commit = new_commit()
    with store._use() as opened:
        call(
            lib.feature_store_merge_tiles,
            opened,
            encode(view, "view"),
            stream.address,
            byref(options),
            byref(commit),
        )
    return read_commit(commit)


def batch_of(
    store: "Store",
    view: str,
    rows: Any,
    operation: Optional[Operation],
    columns: Columns,
) -> "Batch":
    """A batch of rows of any kind."""
    chosen, columns = operation or Operation.UPSERT, named(columns)
    table = table_of(rows, operation is Operation.UPSERT)
    if columns is not None:
        pairs = (
            columns
            if isinstance(columns, Mapping)
            else {name: name for name in columns}
        )
        for name in pairs.values():
            if name not in table:
                raise NotFound(
                    'the rows have no column "%s"' % name, reason="name"
                )
        table = {to: table[name] for to, name in pairs.items()}
    if not table and not isinstance(rows, Mapping):  # no rows at all
        fields = store.batch(view, chosen).fields
        table = {field.name: [] for field in fields}
    names = [str(name) for name in table]
    if operation is None:
        check_whole(store, view, names)
    for name in names:
        if not name.isidentifier():
            raise NotFound(
                "feature view %s has no column %r" % (view, name),
                reason="name",
            )
    batch = store.batch(view, chosen, names)
    ordered = sorted(table.items(), key=lambda item: is_scalar(item[1]))
    for name, values in ordered:
        batch.set(str(name), values)
    return batch


class Batches(Unpicklable):
    """Batches of any views that are committed together at the end of a
    ``with`` block; an exception in it writes nothing."""

    #: What the commit did, once it is done.
    commit: Commit

    def __init__(
        self,
        store: Store,
        skip_invalid: bool,
        wait_ms: int,
        sources: Optional[Sequence["Source"]] = None,
    ) -> None:
        self._store, self._skip, self._wait = store, skip_invalid, wait_ms
        self._sources = sources
        self._batches: List[Batch] = []

    def add(
        self,
        view: str,
        rows: Any,
        operation: Optional[Operation] = None,
        columns: Columns = None,
    ) -> Batch:
        """Adds rows; see :meth:`Store.write`. Nothing is written yet."""
        batch = batch_of(self._store, view, rows, operation, columns)
        self._batches.append(batch)
        return batch

    def upsert(self, view: str, rows: Any, columns: Columns = None) -> Batch:
        """Rows that write all features; those left out become null."""
        return self.add(view, rows, Operation.UPSERT, columns)

    def patch(self, view: str, rows: Any, columns: Columns = None) -> Batch:
        """Rows that write their own features only."""
        return self.add(view, rows, Operation.PATCH, columns)

    def delete(self, view: str, rows: Any, columns: Columns = None) -> Batch:
        """Join keys whose rows are removed."""
        return self.add(view, rows, Operation.DELETE, columns)

    def event(self, event: str, rows: Any, columns: Columns = None) -> Batch:
        """Events, for all views FROM theirs."""
        return self.add(event, rows, Operation.EVENT, columns)

    def retract(self, event: str, rows: Any, columns: Columns = None) -> Batch:
        """Takes events back."""
        return self.add(event, rows, Operation.RETRACT, columns)

    def __enter__(self) -> "Batches":
        return self

    def __exit__(
        self,
        kind: Optional[Class[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        batches, self._batches = self._batches, []
        if kind is None:
            self.commit = self._store.write_batches(
                batches, self._skip, self._wait, self._sources
            )
