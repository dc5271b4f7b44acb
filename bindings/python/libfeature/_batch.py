# SPDX-License-Identifier: Apache-2.0
"""One batch of rows, column by column."""

from __future__ import annotations

import threading
import weakref
from ctypes import byref, c_void_p, string_at
from typing import (
    TYPE_CHECKING,
    Any,
    ContextManager,
    List,
    Optional,
    Sequence,
    Tuple,
)

from . import _ffi
from ._columns import column_buffers
from ._errors import Error, Invalid, NotFound, make_error
from ._ffi import Operation, Outcome, Type
from ._library import lib, process
from ._native import (
    Commit,
    Field,
    Unpicklable,
    call,
    choose,
    encode,
    fail_closed,
    named,
    read_fields,
)
from ._scalars import MOST_ROWS, too_many

if TYPE_CHECKING:
    from ._changes import Source
    from ._core import Store

__all__ = ["Batch"]


class _Handle:
    """A feature_batch: held by one call at a time, freed with the last
    reference."""

    def __init__(self, address: int) -> None:
        self.address, self.generation = address, process.generation
        self._lock = threading.Lock()
        weakref.finalize(self, _free_batch, address, self.generation).atexit = (
            False
        )

    def __enter__(self) -> int:
        if self.generation != process.generation:
            raise Invalid(
                "the batch was made before the process was forked",
                reason="forked",
            )
        if not self._lock.acquire(False):
            raise Invalid(
                "the batch is in use: it is for one thread, and for one place "
                "in a write"
            )
        return self.address

    def __exit__(self, *error: object) -> None:
        self._lock.release()


def _free_batch(address: int, generation: int) -> None:
    if generation == process.generation:
        lib.feature_batch_free(address)


class Batch(Unpicklable):
    """Rows for one view, column by column. One thread at a time."""

    def __init__(
        self,
        store: "Store",
        view: str,
        operation: Operation,
        columns: Optional[Sequence[str]],
    ) -> None:
        address = c_void_p()
        listed = (
            None if columns is None else encode(", ".join(named(columns)), "columns")
        )
        with store._use() as opened:
            call(
                lib.feature_batch_create,
                opened,
                encode(view, "view"),
                listed,
                operation,
                byref(address),
            )
        self.store, self.view, self.operation = store, view, operation
        #: Rows of the column set last.
        self.rows: Optional[int] = None
        #: Rows of the last write, while it has outcomes.
        self.written: Optional[int] = None
        self._handle: Optional[_Handle] = _Handle(address.value or 0)
        #: The columns, in order.
        self.fields: Tuple[Field, ...] = read_fields(
            lib.feature_batch_column, address
        )

    def held(self) -> ContextManager[int]:
        """The address of the feature_batch, for one call of the library."""
        if self._handle is None:
            raise fail_closed("batch")
        return self._handle

    def close(self) -> None:
        """Lets go of the memory; a second time does nothing."""
        self._handle = None

    def __enter__(self) -> "Batch":
        self.held()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def set(self, name: str, values: Any, type: Optional[Type] = None) -> None:
        """Sets one column, from a list, an array or a single value for all
        rows (after another column told how many they are).

        Values become the column's type, where each one fits it exactly. With
        ``type`` they are handed over as that type instead, and the library
        takes what widens to the column's.
        """
        for index, field in enumerate(self.fields):
            if field.name == name:
                break
        else:
            raise NotFound(
                'the batch for %s has no column "%s"' % (self.view, name),
                reason="name",
            )
        if type is not None:
            field = field._replace(type=choose(Type, type))
        made = column_buffers(values, field, self.rows)
        if made.rows > MOST_ROWS:
            raise too_many(made.rows, name)
        with self.held() as batch:
            self.written = None
            if field.is_list:
                call(
                    lib.feature_batch_set_list,
                    batch,
                    index,
                    made.type,
                    made.values,
                    made.offsets,
                    made.child_offsets,
                    made.validity,
                    made.rows,
                )
            else:
                call(
                    lib.feature_batch_set,
                    batch,
                    index,
                    made.type,
                    made.values,
                    made.offsets,
                    made.validity,
                    made.rows,
                )
            self.rows = made.rows

    def write(
        self,
        *,
        skip_invalid: bool = False,
        wait_ms: int = 0,
        sources: Optional[Sequence["Source"]] = None,
    ) -> Commit:
        """Writes this batch alone, in one durable commit."""
        return self.store.write_batches([self], skip_invalid, wait_ms, sources)

    def outcomes(self) -> List[Outcome]:
        """What became of each row in the last write; empty before one."""
        with self.held() as batch:
            found = lib.feature_batch_outcomes(batch)
            if not found or not self.written:
                return []
            return [Outcome(value) for value in string_at(found, self.written)]

    def problem(self, row: int) -> Optional[Error]:
        """Why a row was REJECTED in the last write, or None."""
        error = _ffi.feature_error()
        with self.held() as batch:
            if not 0 <= row < (self.written or 0):  # ctypes would cut it
                return None
            status = lib.feature_batch_problem(batch, row, byref(error))
        return make_error(error) if status else None

    def clear(self) -> None:
        """Empties the batch and keeps its memory."""
        with self.held() as batch:
            lib.feature_batch_clear(batch)
            self.rows, self.written = None, None
