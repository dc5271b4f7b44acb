# SPDX-License-Identifier: Apache-2.0
"""Quality rules of what a view holds."""

from __future__ import annotations

import pytest

import libfeature as lf


def test_rules_and_their_figures(store: lf.Store) -> None:
    store.apply(
        "CREATE ENTITY e (k INT64);"
        "CREATE FEATURE VIEW q (a FLOAT64) FOR e WITH (check = "
        "'rows >= 2; nulls(a) < 0.5; max(a) < 3; psi(a) < 0.1')"
    )
    store.write("q", {"k": [1, 2], "a": [2.5, None]})
    assert store.check("q") == store.check()
    assert store.check() == [
        {"view": "q", "rule": "rows >= 2", "figure": 2, "holds": True},
        {"view": "q", "rule": "nulls(a) < 0.5", "figure": 0.5, "holds": False},
        {"view": "q", "rule": "max(a) < 3", "figure": 2.5, "holds": True},
        {
            "view": "q",
            "rule": "psi(a) < 0.1",
            "figure": None,
            "why": "no version before",
            "holds": True,
        },
    ]
    with pytest.raises(lf.NotFound):
        store.check("nowhere")
