# SPDX-License-Identifier: Apache-2.0
"""Small things around a call: errors raised, options filled, texts passed."""

from __future__ import annotations

from ctypes import byref, c_void_p, sizeof, string_at
from datetime import datetime
from typing import Any, Callable, List, NamedTuple, Tuple

from . import _ffi
from ._errors import Closed, Invalid, raise_error
from ._library import lib
from ._scalars import moment

__all__ = [
    "Commit",
    "Field",
    "Stats",
    "Unpicklable",
    "call",
    "choose",
    "encode",
    "fail_closed",
    "named",
    "new_commit",
    "owned_text",
    "read_commit",
    "read_fields",
    "read_stats",
    "sized",
]


def fail_closed(what: str) -> Closed:
    """The error of whoever uses something after its close."""
    return Closed("the %s was closed" % what, reason="closed")


def call(function: Callable[..., int], *arguments: Any) -> None:
    """Calls the library with an error struct at the end; raises what it says."""
    error = _ffi.feature_error()
    if function(*arguments, byref(error)):
        raise_error(error)


def choose(kind: Any, value: Any) -> Any:
    """A member of an enumeration, by name in any case or by value."""
    try:
        return kind[value.upper()] if isinstance(value, str) else kind(value)
    except (KeyError, ValueError):
        raise Invalid(
            "%r is no %s: %s"
            % (
                value,
                kind.__name__,
                ", ".join(member.name.lower() for member in kind),
            )
        ) from None


def sized(kind: Any, **members: Any) -> Any:
    """An option struct with its size set."""
    made = kind(struct_size=sizeof(kind))
    for name, value in members.items():
        try:
            setattr(made, name, value)
        except TypeError:
            raise Invalid("%s: %r is no number" % (name, value)) from None
        # ctypes cuts a number that is too large.
        if getattr(made, name) != value:
            raise Invalid("%s: %r is out of range" % (name, value))
    return made


class Unpicklable:
    """What lives in this process alone."""

    def __reduce__(self) -> Tuple[Any, ...]:
        raise TypeError(
            "a %s cannot be pickled; a Store and a Query can"
            % type(self).__name__
        )


def encode(text: str, what: str) -> bytes:
    """A text argument; ctypes would cut it at a NUL."""
    try:
        data = text.encode()
    except (AttributeError, UnicodeEncodeError):
        raise Invalid("%s: %r is not a text" % (what, text)) from None
    if b"\0" in data:
        raise Invalid("%s: the text holds a NUL" % what)
    return data


def named(columns: Any) -> Any:
    """Names in one text, separated by commas, as a list; a list as it is."""
    if isinstance(columns, str):
        return [name.strip() for name in columns.split(",")]
    return columns


def owned_text(address: c_void_p) -> str:
    """A text that the library gave away."""
    try:
        return string_at(address).decode()
    finally:
        lib.feature_free(address)


class Commit(NamedTuple):
    """What a commit did."""

    sequence: int
    time: datetime
    applied: int
    late: int
    duplicate: int
    future: int
    rejected: int


class Stats(NamedTuple):
    """The state of a store in numbers; see struct feature_stats."""

    flags: int
    sequence: int
    commit_time: datetime
    catalog_version: int
    rows: int
    tombstones: int
    applied: int
    late: int
    file_size: int
    map_size: int
    used_size: int
    transaction: int
    entities: int
    views: int
    services: int
    readers: int
    max_readers: int
    lmdb_version: int
    reads: int
    read_rows: int
    fallback_reads: int
    free_pages: int
    page_size: int
    active_readers: int
    oldest_reader_lag: int
    oldest_reader_pid: int
    held_snapshots: int
    max_size: int
    write_waits: int
    write_wait_us: int
    write_timeouts: int
    read_overflows: int


def new_commit() -> Any:
    """A struct feature_commit to be filled."""
    return sized(_ffi.feature_commit)


def read_commit(commit: Any) -> Commit:
    """A filled struct feature_commit."""
    return Commit(
        commit.sequence,
        moment(commit.time),
        commit.applied,
        commit.late,
        commit.duplicate,
        commit.future,
        commit.rejected,
    )


def read_stats(stats: Any) -> Stats:
    """A filled struct feature_stats."""
    values = {name: getattr(stats, name) for name in Stats._fields}
    return Stats(**{**values, "commit_time": moment(stats.commit_time)})


class Field(NamedTuple):
    """A key or column of a query, or a column of a view."""

    name: str
    #: A number of Type; 0 for a view.
    type: int
    width: int
    role: _ffi.Role
    view: int
    is_list: bool
    not_null: bool

    @property
    def type_name(self) -> str:
        """The type as the definition language writes it."""
        suffix = (
            "[%d]" % self.width
            if self.width > 1
            else ("[]" if self.is_list else "")
        )
        return _ffi.Type(self.type).name + suffix


def read_fields(function: Callable[..., int], owner: Any) -> Tuple[Field, ...]:
    """All that a function of the library describes one by one."""
    found: List[Field] = []
    field, error = _ffi.feature_field(), _ffi.feature_error()
    while not function(owner, len(found), byref(field), byref(error)):
        flags = _ffi.FieldFlag(field.flags)
        found.append(
            Field(
                (field.name or b"").decode(),
                field.type,
                field.width,
                _ffi.Role(field.role),
                field.view,
                bool(flags & _ffi.FieldFlag.LIST),
                bool(flags & _ffi.FieldFlag.NOT_NULL),
            )
        )
    if error.status != _ffi.Status.NOT_FOUND:
        raise_error(error)
    return tuple(found)
