# SPDX-License-Identifier: Apache-2.0
"""Versions of rows, as an Arrow stream."""

from __future__ import annotations

import weakref
from ctypes import addressof, byref, c_void_p, cast
from datetime import datetime
from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional

from . import _ffi
from ._arrow import ArrowArrayStream, capsule
from ._errors import Invalid
from ._keys import check_columns, column_of, key_buffers
from ._library import lib
from ._native import call, sized
from ._packages import require
from ._scalars import MOST_ROWS, UNSET, microseconds, moment, too_many

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from ._query import Plan, Query

__all__ = ["History", "HistoryReport"]


class HistoryReport(NamedTuple):
    """How far back the history of a view goes."""

    #: The commit that the versions are of.
    sequence: int
    #: Commit time from which on history is kept; None: nothing was written yet.
    since: Optional[datetime]
    #: Event timestamp before which versions were dropped by age; None: none was.
    horizon: Optional[datetime]


def _let_go(query: "Query") -> None:
    """Nothing: until it is called, the call to come holds its argument."""


def _bound(value: Any, what: str) -> int:
    """A bound of event times, which the library has 0 for where there is none."""
    if value is None:
        return 0
    try:
        made = microseconds(value)
    except (TypeError, ValueError, OverflowError):
        raise Invalid("%s: %r is no point in time" % (what, value)) from None
    if not made:
        raise Invalid(
            "%s: the first microsecond of 1970 stands for all; take the one "
            "beside it" % what
        )
    return made


def _address(memory: Any) -> Optional[int]:
    return (
        memory
        if memory is None or isinstance(memory, int)
        else cast(memory, c_void_p).value
    )


def _key_columns(plan: "Plan", keys: Any, keep: List[Any]) -> Any:
    """The keys in the layout of the library; ``keep`` gets what they lie in."""
    columns = (_ffi.feature_column * len(plan.keys))()
    for column, (name, type) in zip(columns, plan.key_types):
        values = column_of(keys, name, plan.key_names)
        made = key_buffers(values, type, name)
        keep.append((values, made))
        column.type, at, column.rows, offsets, _, validity, _ = made
        if made[2] > MOST_ROWS:
            raise too_many(made[2], name)
        column.values, column.offsets = _address(at), _address(offsets)
        column.validity, column.width = _address(validity), 1
    check_columns(keys, plan.key_names, True, None)
    return columns


def _reported(time: int) -> Any:
    return None if time == UNSET else moment(time)


class History:
    """Versions of the rows of some keys, made by :meth:`Query.history`: each
    consumer gets a stream of its own, so that they may be read twice.

    Key by key in the order given, of each the newest event timestamp first:
    join keys, ``event_timestamp``, ``_sequence``, ``_commit_time``,
    ``_operation``, ``_written`` and the features as they were written.
    """

    def __init__(
        self,
        query: "Query",
        keys: Any,
        since: Any,
        until: Any,
        last: int,
        chunk_rows: int,
        max_age_ms: int,
    ) -> None:
        self._query, self._keys = query, keys
        self._options = {
            "since": _bound(since, "since"),
            "until": _bound(until, "until"),
            "last": last,
            "chunk_rows": chunk_rows,
            "max_age_ms": max_age_ms,
        }
        self._report: Optional[HistoryReport] = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        stream, keep = ArrowArrayStream(), []  # type: ignore[var-annotated]
        plan = self._query._ready()[0]
        columns = _key_columns(plan, self._keys, keep)
        options = sized(_ffi.feature_history_options, **self._options)
        report = sized(_ffi.feature_history_report)
        call(
            lib.feature_query_history,
            plan.address,
            columns,
            len(columns),
            byref(options),
            byref(report),
            addressof(stream),
        )
        self._report = HistoryReport(
            report.sequence, _reported(report.since), _reported(report.horizon)
        )
        return capsule(stream, self._query)

    @property
    def report(self) -> HistoryReport:
        """How far back history goes, as of the stream that was made last; one
        is made where there was none."""
        if self._report is None:
            self.__arrow_c_stream__()
        assert self._report is not None
        return self._report

    def reader(self) -> "pyarrow.RecordBatchReader":
        """A pyarrow reader: a batch at a time is in memory. It holds pages of
        the store in use until it is read to its end or gone."""
        require("pyarrow", "polars and duckdb read a history without it")
        import pyarrow

        made = pyarrow.RecordBatchReader.from_stream(self)
        # The stream has left its capsule: now the reader holds the query, and
        # that the store.
        weakref.finalize(made, _let_go, self._query).atexit = False
        return made

    def to_arrow(self) -> "pyarrow.Table":
        """All of it as a pyarrow Table."""
        return self.reader().read_all()

    def to_polars(self) -> "polars.DataFrame":
        """All of it as a polars DataFrame."""
        require("polars", "pyarrow and duckdb read a history without it")
        import polars

        return polars.DataFrame(self)

    def to_pandas(self) -> "pandas.DataFrame":
        """All of it as a pandas DataFrame, by pyarrow."""
        require("pandas", "polars and duckdb read a history without it")
        return self.to_arrow().to_pandas()

    def __repr__(self) -> str:
        return "<libfeature.History of %r>" % self._query._arguments[1]
