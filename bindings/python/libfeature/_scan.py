# SPDX-License-Identifier: Apache-2.0
"""All rows of a view, or all its states, as an Arrow stream."""

from __future__ import annotations

import weakref
from ctypes import addressof, byref
from typing import TYPE_CHECKING, Optional, Union

from . import _ffi
from ._arrow import ArrowArrayStream, capsule
from ._ffi import Fill, ScanFlag
from ._library import lib
from ._native import call, choose, encode, sized
from ._packages import require

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from ._core import Store

__all__ = ["Scan", "Tiles"]


def _let_go(store: "Store") -> None:
    """Nothing: until it is called, the call to come holds its argument."""


class Scan:
    """What to scan: each consumer gets a stream of its own, so that a scan may
    be read twice.

    Join keys, ``event_timestamp`` and the features asked for, in key order.
    ``start`` and ``stop`` are key literals as in the definition language
    (``"1001"``, ``"'a', 7"``); the scan ends before ``stop``. By default every
    batch is of the newest commit when it is made; with ``one_snapshot`` all are
    of one, which a writer may have to wait for: after ``max_age_ms`` the stream
    fails.
    """

    _function = staticmethod(lib.feature_store_scan_arrow)

    def __init__(
        self,
        store: "Store",
        features: str,
        *,
        start: Optional[str] = None,
        stop: Optional[str] = None,
        one_snapshot: bool = False,
        fill: Union[str, Fill] = Fill.DEFAULTS,
        chunk_rows: int = 0,
        max_age_ms: int = 0,
    ) -> None:
        if features.isidentifier():  # alone it would be a service
            features += "(*)"
        self._store, self._features = store, features
        self._options = {
            "flags": int(ScanFlag.ONE_SNAPSHOT) if one_snapshot else 0,
            "fill": int(choose(Fill, fill)),
            "chunk_rows": chunk_rows,
            "from_": None if start is None else encode(start, "start"),
            "to": None if stop is None else encode(stop, "stop"),
            "max_age_ms": max_age_ms,
        }

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        stream = ArrowArrayStream()
        options = sized(_ffi.feature_scan_options, **self._options)
        with self._store._use() as store:
            call(
                self._function,
                store,
                encode(self._features, "features"),
                byref(options),
                addressof(stream),
            )
        return capsule(stream, self._store)

    def reader(self) -> "pyarrow.RecordBatchReader":
        """A pyarrow reader: a batch at a time is in memory. It keeps the store
        open, unless that is closed by name."""
        require("pyarrow", "polars and duckdb read a scan without it")
        import pyarrow

        made = pyarrow.RecordBatchReader.from_stream(self)
        # The stream has left its capsule: now the reader holds the store.
        weakref.finalize(made, _let_go, self._store).atexit = False
        return made

    def to_arrow(self) -> "pyarrow.Table":
        """All of it as a pyarrow Table."""
        return self.reader().read_all()

    def to_polars(self) -> "polars.DataFrame":
        """All of it as a polars DataFrame."""
        require("polars", "pyarrow and duckdb read a scan without it")
        import polars

        return polars.DataFrame(self)

    def to_pandas(self) -> "pandas.DataFrame":
        """All of it as a pandas DataFrame, by pyarrow."""
        require("pandas", "polars and duckdb read a scan without it")
        return self.to_arrow().to_pandas()

    def __repr__(self) -> str:
        return "<libfeature.%s %r>" % (type(self).__name__, self._features)


class Tiles(Scan):
    """The states of a view FROM an event, for :meth:`Store.merge_tiles` of
    another store: join keys, ``event_timestamp`` and ``_tiles``, of one
    snapshot. Any form that keeps them will do, such as a Parquet file.
    """

    _function = staticmethod(lib.feature_store_tiles_arrow)

    def __init__(
        self,
        store: "Store",
        view: str,
        *,
        start: Optional[str] = None,
        stop: Optional[str] = None,
        chunk_rows: int = 0,
        max_age_ms: int = 0,
    ) -> None:
        super().__init__(
            store,
            view,
            start=start,
            stop=stop,
            one_snapshot=True,
            chunk_rows=chunk_rows,
            max_age_ms=max_age_ms,
        )
        self._features = view
