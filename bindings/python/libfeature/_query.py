# SPDX-License-Identifier: Apache-2.0
"""Prepared reads: keys in, features out.

A query keeps a pool of requests, one for each read under way, so that any
number of threads may share it. A request is freed before its query: the
registry of its finalizer keeps the query's handle alive until then.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from ctypes import addressof, byref, c_void_p
from datetime import datetime
from struct import Struct
from typing import TYPE_CHECKING, Any, Deque, FrozenSet, Optional, Tuple

from . import _ffi
from ._answer import DTYPES, Answer, Layout, Lease
from ._errors import Invalid, raise_error
from ._ffi import Fill, QueryFlag
from ._join import join
from ._keys import (
    as_of_buffers,
    check_columns,
    column_of,
    key_buffers,
    times_of,
)
from ._library import lib, process
from ._matrix import matrix_memory, new_matrix, trimmed
from ._native import (
    Field,
    Unpicklable,
    call,
    encode,
    fail_closed,
    read_fields,
    sized,
)
from ._packages import require
from ._result import Rows, states_of, timestamps_of
from ._scalars import MOST_ROWS, moment, too_many

if TYPE_CHECKING:
    from ._batch import Batch
    from ._core import Store

__all__ = ["Query", "Reader"]

#: Look-ups from which on a read lets other threads run; below, dropping the
#: interpreter's lock costs more than it gives (docs/python.md).
LOOKUPS = 4000


class Plan:
    """A feature_query: what it reads, as Python has it."""

    def __init__(
        self,
        store: "Store",
        features: str,
        fill: Fill,
        matrix: bool,
        known_by: int,
    ) -> None:
        address = c_void_p()
        options = sized(
            _ffi.feature_query_options,
            fill=fill,
            flags=QueryFlag.MATRIX if matrix else 0,
            known_by=known_by,
        )
        with store._use() as opened:
            call(
                lib.feature_query_create,
                opened,
                encode(features, "features"),
                byref(options),
                byref(address),
            )
        self.address, self.generation = address.value or 0, process.generation
        weakref.finalize(
            self, _free_query, self.address, self.generation
        ).atexit = False
        self.keys = read_fields(lib.feature_query_key, address)
        self.columns = read_fields(lib.feature_query_column, address)
        self.views = read_fields(lib.feature_query_view, address)
        self.key_types = tuple((key.name, key.type) for key in self.keys)
        self.key_names = tuple(key.name for key in self.keys)
        self.column_index = {
            column.name: index for index, column in enumerate(self.columns)
        }
        self.view_index = {
            view.name: index for index, view in enumerate(self.views)
        }
        self.width: int = lib.feature_query_matrix_width(address)
        self.fingerprint: int = lib.feature_query_fingerprint(address)
        self.widest = max(column.width for column in self.columns)
        self.unpack = Struct("<%dQ" % (7 * len(self.columns))).unpack
        self._arrays: Optional[Tuple[Any, ...]] = None
        self._kinds: FrozenSet[Any] = frozenset()
        #: Whether every column is one number, or one time, in a row.
        self.all_scalar = all(
            field.type in DTYPES and not field.is_list and field.width == 1
            for field in self.columns
        )

    @property
    def arrays(self) -> Tuple[Any, ...]:
        """What numpy makes of each column where it lies: a dtype, or None."""
        if self._arrays is None:
            require("numpy")
            import numpy

            self._arrays = tuple(
                (
                    None
                    if field.is_list or field.type not in DTYPES
                    else numpy.dtype(DTYPES[field.type])
                )
                for field in self.columns
            )
            self._kinds = frozenset(self._arrays)
        return self._arrays

    @property
    def kinds(self) -> FrozenSet[Any]:
        """The dtypes there are, once :attr:`arrays` was asked for."""
        return self._kinds


def _free_query(address: int, generation: int) -> None:
    if generation == process.generation:
        lib.feature_query_free(address)


def _free_request(address: int, plan: Plan) -> None:
    if plan.generation == process.generation:
        lib.feature_request_free(address)


class Request:
    """A feature_request, and the memory that its calls fill."""

    __slots__ = (
        "__weakref__",
        "address",
        "as_of",
        "columns",
        "columns_at",
        "count",
        "error",
        "error_at",
        "has_as_of",
        "has_events",
        "layout",
        "plan",
        "raw",
        "words",
    )

    def __init__(self, plan: Plan) -> None:
        address = c_void_p()
        call(lib.feature_request_create, plan.address, byref(address))
        self.plan, self.address = plan, address.value or 0
        weakref.finalize(self, _free_request, self.address, plan).atexit = False
        self.error = _ffi.feature_error()
        self.error_at = addressof(self.error)
        self.count = len(plan.columns)
        self.columns = (_ffi.feature_column * self.count)()
        self.columns_at = addressof(self.columns)
        self.as_of: Any = None
        self.has_as_of = 0
        self.has_events = 0
        self.raw = b""
        self.words: Tuple[int, ...] = ()
        self.layout: Optional[Layout] = None

    def ask(
        self, keys: Any, as_of: Any, events: Optional["Batch"] = None
    ) -> int:
        """Sets keys, times and events; the rows of the answer, at most."""
        rows, most = -1, 0
        is_dict = keys.__class__ is dict
        names = self.plan.key_names
        times = None
        if as_of.__class__ is str:
            times, as_of = as_of, times_of(keys, as_of, names)
        self.as_of = as_of
        for index, (name, type) in enumerate(self.plan.key_types):
            values = (
                keys[name]
                if is_dict and name in keys
                else column_of(keys, name, names)
            )
            type, at, count, offsets, _, validity, _keep = key_buffers(
                values, type, name
            )
            if count > MOST_ROWS:
                raise too_many(count, name)
            if (
                lib.held_feature_request_set_key
                if count < LOOKUPS
                else lib.feature_request_set_key
            )(
                self.address,
                index,
                type,
                at,
                offsets,
                validity,
                count,
                self.error_at,
            ):
                raise_error(self.error)
            most = count if count > most else most
            rows = 0 if count == 0 else rows
        if not is_dict or len(keys) != len(names):
            check_columns(keys, names, as_of, times)
        if as_of is not None or self.has_as_of:
            self._set_as_of(as_of)
            if as_of is not None:
                most = max(most, self.has_as_of)
        if events is not None or self.has_events:
            self._set_events(events)
            most = max(most, self.has_events)
        return most if rows else 0

    def _set_as_of(self, as_of: Any) -> None:
        values, rows = None, 0
        if as_of is not None:
            made = as_of_buffers(as_of)
            values, rows = made.values, made.rows
            if rows > MOST_ROWS:
                raise too_many(rows, "as_of")
            if not rows:
                raise Invalid(
                    "as_of: no times; leave it out for the newest " "values"
                )
        if lib.feature_request_set_as_of(
            self.address, values, rows, self.error_at
        ):
            raise_error(self.error)
        self.has_as_of = rows

    def _set_events(self, events: Optional["Batch"]) -> None:
        if events is None:
            call(lib.feature_request_set_events, self.address, None)
            self.has_events = 0
            return
        with events.held() as batch:
            call(lib.feature_request_set_events, self.address, batch)
        self.has_events = events.rows or 0

    def read(self, rows: int) -> Tuple[int, ...]:
        """Reads columns; where they lie, seven words each."""
        few = rows * len(self.plan.views) < LOOKUPS
        if (lib.held_feature_request_read if few else lib.feature_request_read)(
            self.address, self.error_at
        ) or (
            lib.held_feature_request_columns(
                self.address, self.columns_at, self.count, self.error_at
            )
        ):
            raise_error(self.error)
        raw = bytes(self.columns)
        if raw != self.raw:
            self.raw, self.layout = raw, None
            self.words = self.plan.unpack(raw)
        return self.words

    def read_matrix(self, rows: int, out: Any) -> Any:
        """Reads into a matrix, which is made where none is given."""
        plan = self.plan
        if not plan.width:
            raise Invalid("the query was not made with matrix=True")
        if out is None:
            out = new_matrix(rows, plan.width)
        address, stride = matrix_memory(out, rows, plan.width)
        few = rows * len(plan.views) < LOOKUPS
        if (
            lib.held_feature_request_read_matrix
            if few
            else lib.feature_request_read_matrix
        )(self.address, address, stride, self.error_at):
            raise_error(self.error)
        return trimmed(out, rows, plan.width)


class Query:
    """A prepared read, made by :meth:`Store.query`. Keys and columns are fixed
    when it is made; any number of threads may share it."""

    def __init__(
        self,
        store: "Store",
        features: str,
        fill: Fill,
        matrix: bool,
        known_by: int = 0,
    ) -> None:
        self._arguments = (store, features, fill, matrix, known_by)
        self._prepared: Optional[Tuple[Plan, Deque[Request]]] = (
            Plan(*self._arguments),
            deque(),
        )

    def _ready(self) -> Tuple[Plan, Deque[Request]]:
        prepared = self._prepared
        if prepared is None:
            raise fail_closed("query")
        if prepared[0].generation != process.generation:
            prepared = self._prepared = (Plan(*self._arguments), deque())
        return prepared

    def _lend(self) -> Lease:
        plan, pool = self._ready()
        try:
            return Lease(pool.pop(), pool)
        except IndexError:
            return Lease(Request(plan), pool)

    def read(
        self, keys: Any, as_of: Any = None, events: Optional["Batch"] = None
    ) -> Rows:
        """Reads features for a batch of keys from one snapshot.

        ``keys`` is a dict of columns or a frame with them; with one join key,
        the column alone is enough. A column is a list, an array, an Arrow
        array, or a single value for all rows. Rows answer in this order.

        ``as_of`` is one time, one for each row, or the name of a column of the
        keys: the answer is what held then. A naive datetime is UTC. A view
        without history keeps the current row alone; before its event timestamp
        the state is NO_HISTORY and the value null.

        ``events`` is a batch of events that count without being stored: row i
        is that of row i, or one row that of all.
        """
        lease = self._lend()
        request = lease.request
        rows = request.ask(keys, as_of, events)
        return Rows(Answer(lease, request.read(rows)), request.as_of)

    def matrix(
        self,
        keys: Any,
        out: Any = None,
        as_of: Any = None,
        events: Optional["Batch"] = None,
    ) -> Any:
        """Reads a float32 matrix, rows x ``matrix_width``; into ``out`` if it
        is given, of which the part that was written is returned. Null is NaN,
        a TIMESTAMP its age in seconds."""
        lease = self._lend()
        request = lease.request
        return request.read_matrix(request.ask(keys, as_of, events), out)

    def join(
        self,
        labels: Any,
        *,
        timestamp: str = "event_timestamp",
        states: bool = False,
        timestamps: bool = False,
        chunk_rows: int = 0,
    ) -> Any:
        """The labels, in their order and unchanged, with the features that were
        known at the time of each: a training set.

        ``labels`` has the join keys, a column of times and whatever else; what
        comes back is of the same kind: a pandas or polars DataFrame, a pyarrow
        Table, RecordBatch or RecordBatchReader, a dict of columns. Anything
        else with an Arrow stream gives a :class:`Joined`, which has one too.
        ``states`` and ``timestamps`` add two columns for each view. From Arrow,
        ``chunk_rows`` labels at a time are in memory, a million by default.
        """
        return join(self, labels, timestamp, states, timestamps, chunk_rows)

    def reader(self) -> "Reader":
        """A reader with memory of its own, for the loop of one thread."""
        return Reader(self)

    def close(self) -> None:
        """Lets go of the memory; a second time does nothing."""
        self._prepared = None

    def __enter__(self) -> "Query":
        self._ready()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __reduce__(self) -> Tuple[Any, ...]:
        self._ready()
        return type(self), self._arguments

    @property
    def keys(self) -> Tuple[Field, ...]:
        """The join keys that a read needs."""
        return self._ready()[0].keys

    @property
    def columns(self) -> Tuple[Field, ...]:
        """The columns that a read answers."""
        return self._ready()[0].columns

    @property
    def views(self) -> Tuple[str, ...]:
        """The views, or their aliases: one look-up per row each."""
        return tuple(view.name for view in self._ready()[0].views)

    @property
    def matrix_width(self) -> int:
        """Floats in a row of the matrix; 0 without ``matrix=True``."""
        return self._ready()[0].width

    @property
    def fingerprint(self) -> int:
        """A number for keys and columns: store it beside a model."""
        return self._ready()[0].fingerprint

    def __repr__(self) -> str:
        return "<libfeature.Query %r>" % self._arguments[1]

    def _repr_html_(self) -> str:
        from ._repr import query_html

        return query_html(self)


class Reader(Unpicklable):
    """Reads in a loop without allocating: one request, reused. For one thread
    at a time; another one's call meanwhile raises :class:`Invalid`."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._request: Optional[Request] = Request(query._ready()[0])
        self._lock = threading.Lock()

    def matrix(self, keys: Any, out: Any = None, as_of: Any = None) -> Any:
        """As :meth:`Query.matrix`; with ``out`` and arrays as keys nothing is
        allocated."""
        if not self._lock.acquire(False):
            raise Invalid("the reader is in use by another thread")
        try:
            request = self._request
            if request is None:
                raise fail_closed("reader")
            if request.plan.generation != process.generation:
                request = self._request = Request(self._query._ready()[0])
            return request.read_matrix(request.ask(keys, as_of), out)
        finally:
            self._lock.release()

    def _answered(self) -> Request:
        if self._request is None:
            raise fail_closed("reader")
        return self._request

    def states(self, view: Optional[str] = None) -> Any:
        """What each row of the last read met in one view; see
        :meth:`Rows.states`."""
        request = self._answered()
        return states_of(request, view)

    def timestamps(self, view: Optional[str] = None) -> Any:
        """The event timestamps of the last read; see :meth:`Rows.timestamps`."""
        request = self._answered()
        return timestamps_of(request, view)

    @property
    def commit(self) -> int:
        """The commit that the last read saw."""
        return lib.feature_request_commit(self._answered().address)

    @property
    def now(self) -> datetime:
        """The clock of the last read."""
        now: datetime = moment(
            lib.feature_request_now(self._answered().address)
        )
        return now

    def close(self) -> None:
        """Lets go of the memory; a second time does nothing."""
        self._request = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
