# SPDX-License-Identifier: Apache-2.0
"""Finds libfeature.so, loads it, and knows when the process was forked.

Calls that wait for a disk, a lock, or a producer that needs the interpreter drop
the interpreter's lock. Calls of microseconds keep it (``lib.held_...``): beside
a busy thread they would wait up to the switch interval (5 ms) to get it back.
"""

from __future__ import annotations

import os
from typing import List

from . import _ffi

__all__ = ["lib", "process"]


def _candidates() -> List[str]:
    """Where to look, in this order; the last is up to the system's loader."""
    chosen = os.environ.get("LIBFEATURE_PATH")
    if chosen:
        return [chosen]
    name = "libfeature.so.%d" % _ffi.HEADER_VERSION[0]
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    return [beside, name] if os.path.exists(beside) else [name]


def _load() -> _ffi.Library:
    problems = []
    for candidate in _candidates():
        try:
            return _ffi.bind(candidate)
        except OSError as error:
            problems.append(str(error))
    raise ImportError(
        "libfeature: the library was not found (%s); install it, or set "
        "LIBFEATURE_PATH to the file" % "; ".join(problems)
    )


lib = _load()


class _Process:
    """Which process this is: the number grows with every fork.

    A store and all that is made from it belong to one generation. In a child
    the parent's handles are left alone, neither used nor freed, since another
    thread may have been inside them when the process was forked.
    """

    __slots__ = ("generation",)

    def __init__(self) -> None:
        self.generation = 0


process = _Process()


def _after_fork() -> None:
    process.generation += 1


os.register_at_fork(after_in_child=_after_fork)
