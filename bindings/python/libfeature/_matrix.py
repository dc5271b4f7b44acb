# SPDX-License-Identifier: Apache-2.0
"""The memory of a dense float32 matrix."""

from __future__ import annotations

from ctypes import addressof, c_char
from typing import Any, Tuple

from ._errors import Invalid
from ._packages import require
from ._scalars import address, numpy_loaded

# Where a matrix without rows lies: the library wants an address.
_NOWHERE = (c_char * 8)()

__all__ = ["matrix_memory", "new_matrix", "trimmed"]


def new_matrix(rows: int, width: int) -> Any:
    """A float32 array of rows x width, by numpy."""
    require("numpy", "without it, pass out=array('f', …)")
    import numpy

    return numpy.empty((rows, width), "<f4")


def matrix_memory(out: Any, rows: int, width: int) -> Tuple[int, int]:
    """Where to write, and the floats from row to row."""
    numpy = numpy_loaded()
    if numpy is not None and isinstance(out, numpy.ndarray):
        return _numpy_memory(out, rows, width)
    try:
        view = memoryview(out)
    except TypeError:
        raise Invalid("out: %s is not an array" % type(out).__name__) from None
    if view.readonly or view.format != "f" or not view.c_contiguous:
        raise Invalid("out has to be writable and contiguous float32")
    if view.nbytes < 4 * rows * width:
        raise Invalid(
            "out has room for %d floats, %d rows of %d are needed"
            % (view.nbytes // 4, rows, width)
        )
    if not rows:
        return addressof(_NOWHERE), width
    return addressof(c_char.from_buffer(out)), width


def trimmed(out: Any, rows: int, width: int) -> Any:
    """What was written: ``out``, or the part of it that has the answer."""
    numpy = numpy_loaded()
    if numpy is not None and isinstance(out, numpy.ndarray):
        return out if out.shape == (rows, width) else out[:rows, :width]
    view = memoryview(out)
    size = 4 * rows * width
    return out if view.nbytes == size else view.cast("B")[:size].cast("f")


def _numpy_memory(out: Any, rows: int, width: int) -> Tuple[int, int]:
    shape = out.shape
    if len(shape) != 2 or shape[0] < rows or shape[1] < width:
        raise Invalid(
            "out has the shape %s, %d rows of %d are needed"
            % (shape, rows, width)
        )
    if not rows:
        return addressof(_NOWHERE), width
    row, item = out.strides
    if (
        out.dtype.str != "<f4"
        or not out.flags.writeable
        or item != 4
        or (row < 4 * width or row % 4)
    ):
        raise Invalid(
            "out has to be writable float32 with rows in one piece, "
            "not %s with strides %s" % (out.dtype, out.strides)
        )
    return address(out) or 0, row // 4
