# SPDX-License-Identifier: Apache-2.0
"""What can go wrong: one exception class for each status of the library.

Every error carries the library's sentence and, for programs, where it happened
and one word that says why. The words come from an append-only list.
"""

from __future__ import annotations

from typing import Any, Dict, NoReturn, Optional, Tuple, Type

from . import _ffi

__all__ = [
    "Busy",
    "Closed",
    "Conflict",
    "Corrupt",
    "Error",
    "Full",
    "Gap",
    "IO",
    "Invalid",
    "NoMemory",
    "NotFound",
    "Unsupported",
    "Version",
]


class Error(Exception):
    """A call that failed. Nothing has changed, unless the reason is
    ``outcome-unknown``.

    A status that this module does not know, of a newer library, is raised as
    this class.
    """

    #: The status, a number of :class:`libfeature.Status`.
    status: int = 0
    #: Why, in one word from an append-only list.
    reason: str
    #: Line in the text, from 1; 0: none.
    line: int
    #: Byte in the line, from 1, or the index of a batch's column.
    column: int
    #: Index of the batch, from 0.
    batch: int
    #: Index of the row, from 0, or None.
    row: Optional[int]
    #: The last commit of a stream written in several, which stays; or None.
    kept: Optional[Any] = None
    #: errno of the system call behind it, or 0.
    os_error: int

    def __init__(
        self,
        message: str,
        *,
        reason: str = "argument",
        line: int = 0,
        column: int = 0,
        batch: int = 0,
        row: Optional[int] = None,
        os_error: int = 0,
        status: Optional[int] = None,
    ) -> None:
        super().__init__(message)
        self.reason, self.line, self.column = reason, line, column
        self.batch, self.row, self.os_error = batch, row, os_error
        if status is not None:
            self.status = status

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), self.args, self.__dict__


class Invalid(Error, ValueError):
    """A wrong argument, text or value."""

    status = 1


class Closed(Invalid):
    """The store, or what was made from it, was closed."""


class NotFound(Error, LookupError):
    """No such store, view, feature or service."""

    status = 2


class Conflict(Error):
    """It contradicts what the store holds."""

    status = 3


class Busy(Error):
    """Somebody else writes; try again."""

    status = 4


class Gap(Error):
    """A change record is missing."""

    status = 5


class NoMemory(Error, MemoryError):
    """An allocation failed."""

    status = 6


class Full(Error):
    """The disk, the map, the reader table or an output is full."""

    status = 7


class IO(Error):
    """The operating system refused, or the producer of a stream failed."""

    status = 8


class Corrupt(Error):
    """Stored bytes are damaged."""

    status = 9


class Version(Error):
    """A format or struct from another version of the library."""

    status = 10


class Unsupported(Error):
    """Not built yet, or not safe here."""

    status = 11


_CLASSES: Dict[int, Type[Error]] = {
    made.status: made
    for made in (
        Invalid,
        NotFound,
        Conflict,
        Busy,
        Gap,
        NoMemory,
        Full,
        IO,
        Corrupt,
        Version,
        Unsupported,
    )
}


def make_error(error: Any) -> Error:
    """The exception that a filled ``struct feature_error`` stands for."""
    reason = error.reason.decode("utf-8", "replace")
    made = _CLASSES.get(error.status, Error)
    if made is Invalid and reason == "closed":
        made = Closed
    return made(
        error.message.decode("utf-8", "replace"),
        reason=reason,
        line=error.line,
        column=error.column,
        batch=error.batch,
        row=None if error.row < 0 else error.row,
        os_error=error.os_error,
        status=error.status,
    )


def raise_error(error: Any) -> NoReturn:
    """Raises what a filled ``struct feature_error`` says."""
    raise make_error(error)


def new_error() -> Any:
    """A ``struct feature_error`` for one call."""
    error = _ffi.feature_error()
    error.row = -1
    return error
