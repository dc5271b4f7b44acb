# SPDX-License-Identifier: Apache-2.0
"""How features of windows developed, and what the feed has of their events."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from conftest import NOON

import libfeature as lf

DEFINITIONS = """
STORE WITH (changes = '3 days');
CREATE ENTITY card (card_id STRING);
CREATE EVENT payment (card_id STRING, amount INT64);
CREATE FEATURE VIEW spend (
    n = COUNT(*) OVER '1 hour', last = LAST(amount, 2)
) FOR card FROM payment WITH (history = '30 days');
"""


@pytest.fixture
def spent(tmp_path: Path) -> lf.Store:
    store = lf.Store.open(tmp_path / "store", create=True, fixed_now=NOON)
    store.apply(DEFINITIONS)
    rows = [("a", 600, 1), ("a", 300, 2), ("b", 60, 9), ("a", 300, 3)]
    store.write(
        "payment",
        {
            "card_id": [card for card, _, _ in rows],
            "event_timestamp": [
                NOON - timedelta(seconds=age) for _, age, _ in rows
            ],
            "amount": [amount for _, _, amount in rows],
        },
        "event",
    )
    return store


def test_a_history_is_that_of_the_features(spent: lf.Store) -> None:
    pytest.importorskip("pyarrow")
    query = spent.query("spend(*)")
    table = query.history({"card_id": ["a", "b"]}).to_arrow()
    assert table["n"].to_pylist() == [3, 1, 1]
    assert table["last"].to_pylist() == [[3, 2], [1], [9]]
    assert table["event_timestamp"].to_pylist() == [
        NOON - timedelta(seconds=age) for age in (300, 600, 60)
    ]
    assert table["_operation"].to_pylist() == [int(lf.Operation.EVENT)] * 3
    assert table["_written"].to_pylist() == [b"\x03"] * 3


def test_changes_of_an_event_are_its_rows(
    spent: lf.Store, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow")
    table = spent.view_changes("payment").to_arrow()
    assert table["card_id"].to_pylist() == ["a", "a", "b", "a"]
    assert table["amount"].to_pylist() == [1, 2, 9, 3]
    assert table["_op"].to_pylist() == ["EVENT"] * 4
    done = spent.export("payment", tmp_path / "lake", since=1)
    assert done.rows == 4
    assert lf.check_lake(tmp_path / "lake")
    with pytest.raises(lf.Invalid, match="changes of payment"):
        spent.view_changes("spend").to_arrow()


def test_stats_count_what_does_not_fit(spent: lf.Store) -> None:
    spent.apply(
        DEFINITIONS
        + "CREATE FEATURE VIEW all_of (total = SUM(amount)) FOR card FROM"
        " payment;"
    )
    most = 2**63 - 1
    spent.write(
        "payment",
        {
            "card_id": ["c"] * 2,
            "amount": [most] * 2,
            "event_timestamp": [NOON - timedelta(seconds=1)] * 2,
        },
        "event",
    )
    answer = spent.query("all_of(total)").read(["c"]).to_pydict()
    assert answer["total"] == [None]
    assert spent.stats().read_overflows == 1
