# SPDX-License-Identifier: Apache-2.0
"""Sketches: how many distinct values, and quantiles, in a few bytes."""

from __future__ import annotations

import threading
import weakref
from ctypes import byref, c_double, c_uint64, c_void_p, string_at
from typing import Any, Optional, Tuple, Union

from . import _ffi
from ._columns import column_buffers
from ._errors import Invalid
from ._ffi import Role, SketchFormat, SketchKind, Type
from ._library import lib
from ._native import Field, call, choose, sized
from ._scalars import MOST_ROWS, too_many

__all__ = ["Sketch"]


class Sketch:
    """What a set of values comes to, in a few bytes. One thread at a time.

    ``Sketch("distinct")`` tells how many distinct values there were,
    ``Sketch("quantiles")`` at which value a part of them ends. It belongs to no
    store, and can be pickled.
    """

    def __init__(
        self,
        kind: Union[SketchKind, str],
        *,
        precision: int = 0,
        max_error: float = 0.0,
    ) -> None:
        address = c_void_p()
        options = sized(
            _ffi.feature_sketch_options,
            precision=precision,
            max_error=max_error,
        )
        options.kind = int(choose(SketchKind, kind))
        call(lib.feature_sketch_create, byref(options), byref(address))
        self._take(address)

    def _take(self, address: c_void_p) -> None:
        self._address = address.value or 0
        self._lock = threading.Lock()
        weakref.finalize(
            self, lib.feature_sketch_free, self._address
        ).atexit = False

    def _enter(self) -> int:
        if not self._lock.acquire(False):
            raise Invalid("the sketch is in use by another thread")
        return self._address

    @classmethod
    def from_bytes(
        cls, data: Any, format: Union[SketchFormat, str] = SketchFormat.NATIVE
    ) -> "Sketch":
        """A sketch of bytes, which are checked."""
        address, held = c_void_p(), bytes(memoryview(data))
        call(
            lib.feature_sketch_from_bytes,
            int(choose(SketchFormat, format)),
            held,
            len(held),
            byref(address),
        )
        made = cls.__new__(cls)
        made._take(address)
        return made

    def add(self, values: Any, type: Union[Type, str]) -> None:
        """Adds values, as :meth:`Batch.set` takes them; nulls count nothing."""
        field = Field(
            "values", choose(Type, type), 1, Role.FEATURE, 0, False, False
        )
        made = column_buffers(values, field, None)
        if made.rows > MOST_ROWS:
            raise too_many(made.rows, "values")
        sketch = self._enter()
        try:
            call(
                lib.feature_sketch_add,
                sketch,
                made.type,
                made.values,
                made.offsets,
                made.validity,
                made.rows,
            )
        finally:
            self._lock.release()

    def merge(self, other: "Sketch") -> None:
        """Unites this sketch with another one."""
        sketch = self._enter()
        try:
            theirs = sketch if other is self else other._enter()
            try:
                call(lib.feature_sketch_merge, sketch, theirs)
            finally:
                if other is not self:
                    other._lock.release()
        finally:
            self._lock.release()

    def estimate(self) -> int:
        """How many distinct values, about; of quantiles, how many values."""
        count, sketch = c_uint64(), self._enter()
        try:
            call(lib.feature_sketch_estimate, sketch, byref(count))
        finally:
            self._lock.release()
        return count.value

    def quantile(self, quantile: float) -> float:
        """The value of rank ``floor(quantile * (count - 1))``, within the error
        of the sketch; NotFound where there is none."""
        value, sketch = c_double(), self._enter()
        try:
            call(
                lib.feature_sketch_quantile,
                sketch,
                float(quantile),
                byref(value),
            )
        finally:
            self._lock.release()
        return value.value

    def to_bytes(
        self, format: Union[SketchFormat, str] = SketchFormat.NATIVE
    ) -> bytes:
        """The sketch as bytes: equal sets of values give equal native ones."""
        data, sketch = _ffi.feature_sketch_data(), self._enter()
        try:
            call(
                lib.feature_sketch_bytes,
                sketch,
                int(choose(SketchFormat, format)),
                byref(data),
            )
            return string_at(data.bytes or 0, data.size)
        finally:
            self._lock.release()

    def __reduce__(self) -> Tuple[Any, ...]:
        return Sketch.from_bytes, (self.to_bytes(),)

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, Sketch):
            return NotImplemented
        return self.to_bytes() == other.to_bytes()

    __hash__: Optional[Any] = None  # type: ignore[assignment]
