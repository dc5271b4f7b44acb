# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a store in a fresh directory, and the totals that run-test.sh reads."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator

import pytest

import libfeature as lf

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)

DEFINITIONS = """
CREATE ENTITY driver (driver_id INT64);
CREATE ENTITY card (card_id STRING);
CREATE FEATURE VIEW stats (
    trips INT64 DEFAULT 7,
    rate FLOAT32,
    score FLOAT64,
    small INT32,
    ok BOOL,
    name STRING,
    raw BYTES,
    seen TIMESTAMP,
    embedding FLOAT32[3],
    tags STRING[],
    counts INT64[]
) FOR driver WITH (ttl = '2 hours');
CREATE FEATURE VIEW cards (
    amount INT64 DEFAULT 0,
    merchant STRING
) FOR card;
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[lf.Store]:
    """A store with the views above, whose clock stands still at noon."""
    opened = lf.Store.open(tmp_path / "store", create=True, fixed_now=NOON)
    opened.apply(DEFINITIONS)
    yield opened
    opened.close()


@pytest.fixture
def filled(store: lf.Store) -> lf.Store:
    """The same with two drivers, and one whose features are null."""
    store.write(
        "stats",
        {
            "driver_id": [1, 2, 3],
            "event_timestamp": NOON,
            "trips": [10, 20, None],
            "rate": [0.5, 0.25, None],
            "score": [1e100, -0.0, None],
            "small": [-1, 2**31 - 1, None],
            "ok": [True, False, None],
            "name": ["Ann", "Zoë\0z", None],
            "raw": [b"\0\xff", b"", None],
            "seen": [NOON, datetime(1969, 12, 31), None],
            "embedding": [[1, 2, 3], [4, 5, 6], None],
            "tags": [["gold", "città"], [], None],
            "counts": [[1, 2], [-3], None],
        },
    )
    return store


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The totals in the words that scripts/run-test.sh counts."""
    stats = terminalreporter.stats
    failed = len(stats.get("failed", [])) + len(stats.get("error", []))
    for word, count in (
        ("PASSED ", len(stats.get("passed", []))),
        ("FAILED ", failed),
        ("SKIPPED", len(stats.get("skipped", []))),
    ):
        if count:
            terminalreporter.write_line("[  %s ] %d test(s)" % (word, count))
