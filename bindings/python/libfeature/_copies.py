# SPDX-License-Identifier: Apache-2.0
"""Checks and copies of a whole store: verify, snapshot, restore, compact."""

from __future__ import annotations

import os
from ctypes import byref, c_void_p
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Tuple, Union

from . import _ffi
from ._errors import Invalid
from ._ffi import OpenFlag, RestoreFlag, VerifiedFlag, VerifyFlag
from ._library import lib
from ._native import call, owned_text, sized
from ._scalars import moment

if TYPE_CHECKING:
    from ._core import Store

__all__ = [
    "Progress",
    "SnapshotReport",
    "Verification",
    "check_snapshot",
    "compact",
    "restore",
    "snapshot",
    "verify",
]

Path = Union[str, "os.PathLike[str]"]


class Verification(NamedTuple):
    """What a verification saw and found; see struct feature_verify_report. It
    is true where the store is good."""

    #: One a finding, and how many more there are.
    lines: Tuple[str, ...]
    #: Whether a reader kept the snapshot meanwhile.
    held: bool
    findings: int
    file_findings: int
    page_findings: int
    order_findings: int
    count_findings: int
    row_findings: int
    view_findings: int
    catalog_findings: int
    store_findings: int
    transaction: int
    sequence: int
    file_size: int
    page_size: int
    used_pages: int
    free_pages: int
    lost_pages: int
    trees: int
    rows: int
    tombstones: int

    @property
    def good(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __bool__(self) -> bool:
        return self.good


class SnapshotReport(NamedTuple):
    """What a snapshot holds, or what was made of one; see struct
    feature_snapshot_report."""

    views: int
    sequence: int
    time: datetime
    catalog_version: int
    rows: int
    bytes: int
    size: int
    source_size: int
    lag: int


class Progress:
    """How far a snapshot, a restore or a compaction is, for any thread to ask
    while one call runs; and the way to end it."""

    def __init__(self) -> None:
        self._struct = _ffi.feature_progress()

    @property
    def rows(self) -> int:
        """Done so far, tombstones too."""
        return int(self._struct.rows)

    @property
    def total_rows(self) -> int:
        """In all; 0: not known yet."""
        return int(self._struct.total_rows)

    @property
    def bytes(self) -> int:
        """Of keys and rows, done so far."""
        return int(self._struct.bytes)

    def cancel(self) -> None:
        """Ends the call, also one that has not begun yet: it raises
        :class:`Busy` with reason ``cancelled``, and leaves nothing behind."""
        self._struct.cancel = 1

    def __repr__(self) -> str:
        return "<libfeature.Progress %d of %d rows>" % (
            self.rows,
            self.total_rows,
        )


def _name(path: Path, what: str) -> bytes:
    """A path; ctypes would cut it at a NUL."""
    try:
        name = os.fsencode(path)
    except (TypeError, UnicodeEncodeError):
        raise Invalid("%s: %r is not a path" % (what, path)) from None
    if b"\0" in name:
        raise Invalid("%s: the path holds a NUL" % what)
    return name


def _copied(
    function: Any, progress: Optional[Progress], *arguments: Any
) -> SnapshotReport:
    report = sized(_ffi.feature_snapshot_report)
    call(
        function,
        *arguments,
        None if progress is None else byref(progress._struct),
        byref(report),
    )
    values = {name: getattr(report, name) for name in SnapshotReport._fields}
    return SnapshotReport(**{**values, "time": moment(report.time)})


def verify(
    path: Path, *, max_lines: int = 0, json: bool = False
) -> Verification:
    """Checks the store in the directory ``path`` for damage: every page, row
    and record of one snapshot, while writers go on.

    Damage raises nothing: the answer is false then, counts what was found, and
    tells the first ``max_lines`` (100) of it, ``json`` as lines of JSON.
    """
    text = c_void_p()
    report = sized(_ffi.feature_verify_report)
    options = sized(
        _ffi.feature_verify_options,
        flags=int(VerifyFlag.JSON) if json else 0,
        max_lines=max_lines,
    )
    call(
        lib.feature_store_verify,
        _name(path, "path"),
        byref(options),
        byref(report),
        byref(text),
    )
    return Verification(
        tuple(owned_text(text).splitlines()),
        bool(report.flags & VerifiedFlag.HELD),
        *(getattr(report, name) for name in Verification._fields[2:]),
    )


def snapshot(
    store: "Store",
    file: Path,
    level: int,
    workers: int,
    mode: int,
    progress: Optional[Progress],
) -> SnapshotReport:
    """See Store.snapshot."""
    options = sized(
        _ffi.feature_snapshot_options, level=level, workers=workers, mode=mode
    )
    name = _name(file, "file")
    with store._use() as opened:
        return _copied(
            lib.feature_store_snapshot, progress, opened, name, byref(options)
        )


def restore(
    file: Path,
    path: Path,
    *,
    allow_remote: bool = False,
    mode: int = 0,
    map_size: int = 0,
    progress: Optional[Progress] = None,
) -> SnapshotReport:
    """Makes a store of the snapshot ``file`` in the directory ``path``, where
    nothing may be. Every byte is checked, and the new store is verified before
    it gets its name."""
    options = sized(
        _ffi.feature_restore_options,
        flags=int(RestoreFlag.ALLOW_REMOTE) if allow_remote else 0,
        mode=mode,
        map_size=map_size,
    )
    return _copied(
        lib.feature_store_restore,
        progress,
        _name(file, "file"),
        _name(path, "path"),
        byref(options),
    )


def check_snapshot(
    file: Path, *, progress: Optional[Progress] = None
) -> SnapshotReport:
    """Checks every byte of a snapshot, as :func:`restore` does, and writes
    nothing."""
    options = sized(
        _ffi.feature_restore_options, flags=int(RestoreFlag.VERIFY_ONLY)
    )
    return _copied(
        lib.feature_store_restore,
        progress,
        _name(file, "file"),
        None,
        byref(options),
    )


def compact(
    path: Path,
    *,
    allow_remote: bool = False,
    map_size: int = 0,
    write_wait_ms: int = 0,
    progress: Optional[Progress] = None,
) -> SnapshotReport:
    """Rewrites a store's file without its free pages. Nobody may have the store
    open, this process included."""
    options = sized(
        _ffi.feature_options,
        flags=int(OpenFlag.ALLOW_REMOTE) if allow_remote else 0,
        map_size=map_size,
        write_wait_ms=write_wait_ms,
    )
    return _copied(
        lib.feature_store_compact,
        progress,
        _name(path, "path"),
        byref(options),
    )
