# SPDX-License-Identifier: Apache-2.0
"""Answers: rows of features, in every form that people use."""

from __future__ import annotations

from ctypes import byref, c_int64, string_at
from datetime import datetime
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

from ._answer import Answer
from ._arrow import export_names
from ._errors import Invalid, NotFound
from ._ffi import ExportFlag, State
from ._library import lib
from ._native import Field, Unpicklable, call
from ._packages import require
from ._scalars import MOST_ROWS, moment

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import pyarrow

    from ._query import Request

    Array = numpy.ndarray[Any, Any]

__all__ = ["Rows", "states_of", "timestamps_of"]


def _view_index(request: "Request", view: Optional[str]) -> int:
    views = request.plan.view_index
    if view is None:
        if len(views) == 1:
            return 0
        raise Invalid("which view? The query has %s" % ", ".join(views))
    try:
        return views[view]
    except KeyError:
        raise NotFound(
            'the query has no view "%s", it has %s' % (view, ", ".join(views)),
            reason="name",
        ) from None


def _copied(address: Optional[int], rows: int, size: int) -> bytearray:
    return bytearray(string_at(address, rows * size) if address else b"")


def _row_count(request: "Request") -> int:
    return lib.feature_request_row_count(request.address)


def states_of(request: "Request", view: Optional[str]) -> "Array":
    """The states of the last read, as numpy has them."""
    require("numpy")
    import numpy

    index = _view_index(request, view)
    return numpy.frombuffer(
        _copied(
            lib.feature_request_states(request.address, index),
            _row_count(request),
            1,
        ),
        "u1",
    )


def state_names(request: "Request", view: Optional[str]) -> List[str]:
    """The states of the last read, in words."""
    found = lib.feature_request_states(
        request.address, _view_index(request, view)
    )
    names = []
    for state in _copied(found, _row_count(request), 1):
        try:
            names.append(State(state).name.lower().replace("_", " "))
        except ValueError:  # of a newer library
            names.append("state %d" % state)
    return names


def timestamps_of(request: "Request", view: Optional[str]) -> "Array":
    """The event timestamps of the last read; INT64_MIN is numpy's NaT."""
    require("numpy")
    import numpy

    index = _view_index(request, view)
    return numpy.frombuffer(
        _copied(
            lib.feature_request_timestamps(request.address, index),
            _row_count(request),
            8,
        ),
        "<M8[us]",
    )


class Rows(Unpicklable):
    """The answer of one read: a row per key, a column per feature.

    ``rows["name"]`` is a numpy array: NaN, NaT or None where the value is null,
    a masked array for whole numbers and booleans that have nulls. Values that
    the fill policy chose are in it; :meth:`defaulted` tells them apart, and
    :meth:`states` tells why.

    The arrays belong to the result: no later read changes them.
    """

    def __init__(self, answer: Answer, as_of: Any) -> None:
        self._answer, self._as_of = answer, as_of

    @property
    def _request(self) -> "Request":
        return self._answer.lease.request

    def __len__(self) -> int:
        return self._answer.rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._answer.plan.column_index)

    def __contains__(self, name: object) -> bool:
        return name in self._answer.plan.column_index

    @property
    def fields(self) -> Tuple[Field, ...]:
        """The columns with their types."""
        return self._answer.plan.columns

    def window(self, name: str, row: int) -> Tuple[int, int]:
        """The events of a feature in a row: those with first <= timestamp <
        second, in microseconds since 1970 UTC."""
        start, end = c_int64(), c_int64()
        index = self._answer.plan.column_index.get(name, MOST_ROWS)
        call(
            lib.feature_request_window,
            self._request.address,
            index,
            row if 0 <= row < MOST_ROWS else MOST_ROWS,
            byref(start),
            byref(end),
        )
        return start.value, end.value

    @property
    def columns(self) -> Tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self._answer.plan.column_index)

    @property
    def views(self) -> Tuple[str, ...]:
        """The views, or their aliases."""
        return tuple(self._answer.plan.view_index)

    @property
    def commit(self) -> int:
        """The commit that was read; with :attr:`now` the answer can be
        reproduced."""
        return lib.feature_request_commit(self._request.address)

    @property
    def now(self) -> datetime:
        """The clock that was used."""
        now: datetime = moment(lib.feature_request_now(self._request.address))
        return now

    def _index(self, name: str) -> int:
        try:
            return self._answer.plan.column_index[name]
        except KeyError:
            raise NotFound(
                'the query has no column "%s", it has %s'
                % (name, ", ".join(self)),
                reason="name",
            ) from None

    def __getitem__(self, name: str) -> "Array":
        return self._answer.column(self._index(name), name)

    def to_numpy(self) -> "Dict[str, Array]":
        """All columns as numpy arrays."""
        return self._answer.to_numpy()

    def valid(self, name: str) -> "Array":
        """Which rows of a column are not null."""
        return self._answer.valid(self._index(name))

    def defaulted(self, name: str) -> "Array":
        """Which values of a column the fill policy chose."""
        return self._answer.defaulted(self._index(name))

    def states(self, view: Optional[str] = None) -> "Array":
        """What each row met in one view (or alias): numbers of
        :class:`libfeature.State`. The view may be left out if there is one."""
        return states_of(self._request, view)[: len(self)]

    def state_names(self, view: Optional[str] = None) -> List[str]:
        """The states in words, without numpy: ``present``, ``not found``."""
        return state_names(self._request, view)[: len(self)]

    def timestamps(self, view: Optional[str] = None) -> "Array":
        """The event timestamp of each row in one view, as datetime64[us] in
        UTC; NaT where no row answered."""
        return timestamps_of(self._request, view)[: len(self)]

    def matrix(self) -> "Array":
        """The columns as one float32 matrix: numbers cast, vectors flattened,
        a TIMESTAMP as its age in seconds, null as NaN."""
        from ._frames import float_matrix

        return float_matrix(self, self._as_of)

    def head(self, count: int = 10) -> "Rows":
        """The first rows, in the same memory."""
        made = Answer(self._answer.lease, self._answer.words)
        made.rows = max(0, min(count, len(self)))
        return Rows(made, self._as_of)

    def column(self, name: str) -> List[Any]:
        """One column as a list of Python values, without numpy; None is null."""
        return self._answer.values(self._index(name))

    def to_pydict(self) -> Dict[str, List[Any]]:
        """All columns as lists of Python values."""
        return {name: self.column(name) for name in self}

    def to_dicts(self) -> List[Dict[str, Any]]:
        """A dict for each row."""
        columns = self.to_pydict()
        return [dict(zip(columns, row)) for row in zip(*columns.values())]

    def __arrow_c_array__(
        self, requested_schema: object = None
    ) -> Tuple[object, object]:
        return self._export(0)

    def _export(self, flags: int) -> Tuple[object, object]:
        return export_names(
            lambda schema, out: call(
                lib.feature_request_export_arrow,
                self._request.address,
                flags,
                schema,
                out,
            )
        )

    def to_arrow(
        self, *, states: bool = False, timestamps: bool = False
    ) -> "pyarrow.RecordBatch":
        """A pyarrow RecordBatch, on request with ``<view>__state`` and
        ``<view>__event_timestamp`` for each view."""
        require("pyarrow")
        import pyarrow

        return pyarrow.record_batch(_Exported(self, states, timestamps))

    def to_polars(
        self, *, states: bool = False, timestamps: bool = False
    ) -> "polars.DataFrame":
        """A polars DataFrame; see :meth:`to_arrow`."""
        require("polars")
        import polars

        return polars.DataFrame(_Exported(self, states, timestamps))

    def to_pandas(
        self, *, states: bool = False, timestamps: bool = False
    ) -> "pandas.DataFrame":
        """A pandas DataFrame, by numpy: the same with and without pyarrow.
        Whole numbers and booleans with nulls have pandas' nullable types."""
        from ._frames import pandas_frame

        return pandas_frame(self, states, timestamps)

    def __repr__(self) -> str:
        from ._repr import rows_text

        return rows_text(self)

    def _repr_html_(self) -> str:
        from ._repr import rows_html

        return rows_html(self)


class _Exported:
    """An answer with what was asked for besides, for one consumer."""

    def __init__(self, rows: Rows, states: bool, timestamps: bool) -> None:
        self._rows = rows
        self._flags = (
            states * ExportFlag.STATES | timestamps * ExportFlag.TIMESTAMPS
        )

    def __arrow_c_array__(
        self, requested_schema: object = None
    ) -> Tuple[object, object]:
        return self._rows._export(int(self._flags))
