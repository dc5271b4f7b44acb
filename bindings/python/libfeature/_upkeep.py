# SPDX-License-Identifier: Apache-2.0
"""Upkeep of a store."""

from __future__ import annotations

from ctypes import byref
from typing import TYPE_CHECKING, NamedTuple

from . import _ffi
from ._errors import Invalid
from ._ffi import MaintainFlag
from ._library import lib
from ._native import call, sized

if TYPE_CHECKING:
    from ._core import Store

__all__ = ["Maintenance", "maintain"]


class Maintenance(NamedTuple):
    """What upkeep did, and what is left; see struct feature_maintain_report."""

    rows_expired: int
    tombstones_removed: int
    versions_dropped: int
    segments_dropped: int
    rows_seen: int
    commits: int
    passes_left: int
    sequence: int


def maintain(
    store: "Store",
    *,
    all_views: bool = False,
    budget: float = 0,
    max_rows: int = 0,
    wait_ms: int = 0,
) -> Maintenance:
    """Does upkeep that is due: removes rows past their ttl, old deletes,
    versions that history need not keep, and segments of the change feed.

    It goes in short steps, beside readers and writers, until nothing is left,
    ``budget`` seconds of the store's clock are over, or ``max_rows`` rows were
    looked at. ``all_views`` looks through those too that were looked through a
    short time ago.
    """
    if not 0 <= budget < 2**40:
        raise Invalid("budget: %r is out of range" % budget)
    report = sized(_ffi.feature_maintain_report)
    options = sized(
        _ffi.feature_maintain_options,
        flags=int(MaintainFlag.ALL) if all_views else 0,
        # A short budget is not none.
        budget_us=max(int(budget * 1e6), 1) if budget else 0,
        max_rows=max_rows,
        wait_ms=wait_ms,
    )
    with store._use() as address:
        call(
            lib.feature_store_maintain, address, byref(options), byref(report)
        )
    return Maintenance(*(getattr(report, name) for name in Maintenance._fields))
