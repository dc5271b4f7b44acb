# SPDX-License-Identifier: Apache-2.0
"""Labels with the features that were known at their times."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from ctypes import addressof, byref
from typing import TYPE_CHECKING, Any, Dict

from . import _ffi
from ._arrow import ArrowArrayStream, capsule, stream_of
from ._columns import is_pandas
from ._errors import Conflict, Invalid, NotFound
from ._ffi import ExportFlag
from ._library import lib
from ._native import call, encode, sized
from ._packages import require

if TYPE_CHECKING:
    import pyarrow

    from ._query import Query

__all__ = ["Joined", "join"]


def _let_go(query: "Query") -> None:
    """Nothing: until it is called, the call to come holds its argument."""


class Joined:
    """Labels and features as an Arrow stream: each consumer makes a join of its
    own, of a new stream of the labels, a chunk at a time in memory."""

    def __init__(
        self, query: "Query", labels: Any, options: Dict[str, Any]
    ) -> None:
        self._query, self._labels, self._options = query, labels, options

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        labels, stream = stream_of(self._labels), ArrowArrayStream()
        if labels is None:
            raise Invalid("%r is no Arrow stream" % type(self._labels).__name__)
        options = sized(_ffi.feature_join_options, **self._options)
        call(
            lib.feature_query_join_arrow,
            self._query._ready()[0].address,
            labels.address,
            byref(options),
            addressof(stream),
        )
        return capsule(stream, self._query)

    def reader(self) -> "pyarrow.RecordBatchReader":
        """A pyarrow reader: a chunk of labels at a time is in memory."""
        require("pyarrow", "polars and duckdb read a join without it")
        import pyarrow

        made = pyarrow.RecordBatchReader.from_stream(self)
        # The stream has left its capsule: now the reader holds the query, and
        # that the store.
        weakref.finalize(made, _let_go, self._query).atexit = False
        return made

    def __repr__(self) -> str:
        return "<libfeature.Joined of %s>" % type(self._labels).__name__


def _check_names(query: "Query", labels: Any, timestamp: str) -> None:
    names = [str(name) for name in labels]
    for name in [key.name for key in query.keys] + [timestamp]:
        if names.count(name) != 1:
            raise (Invalid if name in names else NotFound)(
                'the labels have %s column "%s"'
                % ("more than one" if name in names else "no", name),
                reason="argument" if name in names else "name",
            )


def _fresh(name: str, taken: Any) -> str:
    if name in taken:
        raise Conflict(
            "the labels have a column %s already: give the feature another "
            "name by AS" % name,
            reason="name",
        )
    return name


def _read(query: "Query", labels: Any, timestamp: str) -> Any:
    _check_names(query, labels, timestamp)
    for column in query.columns:
        _fresh(column.name, labels)
    keys = {key.name: labels[key.name] for key in query.keys}
    return query.read(keys, as_of=labels[timestamp])


def _join_pandas(
    query: "Query", labels: Any, timestamp: str, states: bool, timestamps: bool
) -> Any:
    import pandas

    made = _read(query, labels, timestamp).to_pandas(
        states=states, timestamps=timestamps
    )
    for name in made.columns:
        _fresh(name, labels.columns)
    made.index = labels.index
    return pandas.concat([labels, made], axis=1)


def _join_columns(
    query: "Query", labels: Any, timestamp: str, states: bool, timestamps: bool
) -> Dict[str, Any]:
    rows = _read(query, labels, timestamp)
    made = {**labels, **rows.to_pydict()}
    for view in rows.views:
        if states:
            made[_fresh(view + "__state", made)] = rows.states(view)
        if timestamps:
            name = _fresh(view + "__event_timestamp", made)
            made[name] = rows.timestamps(view)
    return made


def _package(labels: Any) -> str:
    return type(labels).__module__.partition(".")[0]


def join(
    query: "Query",
    labels: Any,
    timestamp: str,
    states: bool,
    timestamps: bool,
    chunk_rows: int,
) -> Any:
    """See Query.join."""
    if is_pandas(labels):
        return _join_pandas(query, labels, timestamp, states, timestamps)
    if isinstance(labels, Mapping):
        return _join_columns(query, labels, timestamp, states, timestamps)
    if not hasattr(labels, "__arrow_c_stream__"):
        raise Invalid(
            "%s is neither a frame nor an Arrow stream" % type(labels).__name__
        )
    flags = ExportFlag.STATES if states else ExportFlag(0)
    flags |= ExportFlag.TIMESTAMPS if timestamps else ExportFlag(0)
    joined = Joined(
        query,
        labels,
        {
            "flags": int(flags),
            "timestamp": encode(timestamp, "timestamp"),
            "chunk_rows": chunk_rows,
        },
    )
    kind = (_package(labels), type(labels).__name__)
    if kind == ("polars", "DataFrame"):
        import polars

        return polars.DataFrame(joined)
    if kind == ("pyarrow", "Table"):
        return joined.reader().read_all()
    if kind == ("pyarrow", "RecordBatch"):
        batches = joined.reader().read_all().combine_chunks().to_batches()
        return batches[0] if batches else joined.reader().read_all()
    if kind[0] == "pyarrow":  # a reader, or what else has a stream
        return joined.reader()
    return joined
