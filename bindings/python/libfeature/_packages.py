# SPDX-License-Identifier: Apache-2.0
"""Packages that are imported when something of theirs is asked for."""

from __future__ import annotations

import sys
from importlib import import_module

__all__ = ["require"]

_PLAIN = "without it there are column(), to_pydict() and to_dicts()"
_INSTEAD = {
    "numpy": _PLAIN + ", and state_names() for the states",
    "duckdb": "or install pyarrow",
}


def require(name: str, instead: str = "") -> None:
    """Imports a package; where it is missing the error says what to install,
    and what there is without it."""
    if sys.modules.get(name) is not None:
        return
    try:
        import_module(name)
    except ImportError as error:
        raise ImportError(
            "this needs %s (pip install %s); %s"
            % (name, name, instead or _INSTEAD.get(name, _PLAIN)),
            name=name,
        ) from error
