# SPDX-License-Identifier: Apache-2.0
"""The changes of a view, as an Arrow stream."""

from __future__ import annotations

import weakref
from ctypes import addressof, byref, c_uint64
from typing import TYPE_CHECKING, Optional, Tuple

from . import _ffi
from ._arrow import ArrowArrayStream, capsule
from ._ffi import ChangesArrowFlag
from ._library import lib
from ._native import call, encode, sized
from ._packages import require

if TYPE_CHECKING:
    import pyarrow

    from ._core import Store

__all__ = ["ViewChanges"]


def _let_go(store: "Store") -> None:
    """Nothing: until it is called, the call to come holds its argument."""


class _Opened:
    """A stream that was made already, for one consumer."""

    def __init__(self, stream: ArrowArrayStream, store: "Store") -> None:
        self._stream, self._store = stream, store

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return capsule(self._stream, self._store)


class ViewChanges:
    """The changes of a view in the commits after ``since``, up to ``until``:
    each consumer gets a stream of its own, so that they may be read twice.

    Join keys, features as they were written, ``_op``, ``_seq``, ``_ordinal``,
    ``_commit_time``, ``_event_timestamp``, ``_late`` and ``_written``; with
    ``before`` the row before each change, where the view keeps it. Without
    ``until`` a stream ends with the newest commit there is when it is made.
    """

    def __init__(
        self,
        store: "Store",
        features: str,
        *,
        since: int = 0,
        until: Optional[int] = None,
        before: bool = False,
        chunk_rows: int = 0,
    ) -> None:
        if features.isidentifier():  # alone it would be a service
            features += "(*)"
        self._store, self._features = store, features
        self._options = {
            "flags": int(ChangesArrowFlag.BEFORE) if before else 0,
            "since": since,
            "until": 0 if until is None else until,
            "chunk_rows": chunk_rows,
        }

    def _open(self) -> Tuple[ArrowArrayStream, int]:
        stream, until = ArrowArrayStream(), c_uint64()
        options = sized(_ffi.feature_changes_arrow_options, **self._options)
        with self._store._use() as store:
            call(
                lib.feature_store_changes_arrow,
                store,
                encode(self._features, "features"),
                byref(options),
                byref(until),
                addressof(stream),
            )
        return stream, until.value

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return capsule(self._open()[0], self._store)

    def open(self) -> Tuple["pyarrow.RecordBatchReader", int]:
        """A pyarrow reader, and the sequence that it ends with. It keeps the
        store open, unless that is closed by name."""
        require("pyarrow", "polars and duckdb read changes without it")
        import pyarrow

        stream, until = self._open()
        made = pyarrow.RecordBatchReader.from_stream(
            _Opened(stream, self._store)
        )
        # The stream has left its capsule: now the reader holds the store.
        weakref.finalize(made, _let_go, self._store).atexit = False
        return made, until

    def reader(self) -> "pyarrow.RecordBatchReader":
        """A pyarrow reader: a batch at a time is in memory."""
        return self.open()[0]

    def to_arrow(self) -> "pyarrow.Table":
        """All of them as a pyarrow Table."""
        return self.reader().read_all()

    def __repr__(self) -> str:
        return "<libfeature.ViewChanges %r>" % self._features
