# SPDX-License-Identifier: Apache-2.0
"""Whole new versions of a view: loads and rollbacks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from conftest import NOON

import libfeature as lf

DEFINITIONS = """
CREATE ENTITY e (k INT64);
CREATE FEATURE VIEW v (a INT64, b STRING) FOR e WITH (max_skew = 'none');
STORE WITH (changes = '90 days');
"""


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    with lf.Store.open(tmp_path / "s", create=True, fixed_now=NOON) as store:
        store.apply(DEFINITIONS)
        store.write("v", rows(range(6), 0))
        yield store


def rows(keys: Any, version: int) -> Dict[str, Any]:
    listed = list(keys)
    return {
        "k": listed,
        "a": [version] * len(listed),
        "b": ["b%d" % key for key in listed],
        "event_timestamp": NOON - timedelta(days=version + 1),
    }


def values(store: lf.Store) -> List[Optional[int]]:
    read = store.query("v:a").read(list(range(10))).to_pydict()
    return list(read["a"])


def test_rows_become_the_whole_view(opened: lf.Store) -> None:
    report = opened.load("v", rows(range(4, 9), 1), replace=True, id="n1")
    assert report.rows == 5 and report.sequence and not report.duplicate
    assert values(opened) == [None] * 4 + [1] * 5 + [None]
    again = opened.load("v", rows(range(3), 2), replace=True, id="n1")
    assert again.duplicate and again.sequence == report.sequence
    assert values(opened) == [None] * 4 + [1] * 5 + [None]
    (listed,) = opened.loads("v")
    assert listed["id"] == "n1" and listed["state"] == "committed"
    assert listed["rows"] == 5 and opened.loads()[0] == listed


def test_what_was_written_since_stays_over_both(opened: lf.Store) -> None:
    with opened.begin_load("v") as load:
        load.append(rows([1, 2], 1))
        opened.write(
            "v", {"k": [2], "a": [7], "b": ["x"], "event_timestamp": NOON}
        )
        load.append(rows([3], 1))
    assert load.report.caught_up == 1
    assert values(opened)[:5] == [None, 1, 7, 1, None]
    back = opened.rollback("v")
    assert back.sequence > load.report.sequence
    assert values(opened)[:7] == [0, 0, 7, 0, 0, 0, None]
    opened.rollback("v")
    assert values(opened)[:5] == [None, 1, 7, 1, None]


@pytest.mark.parametrize("form", ["arrow", "pandas", "polars", "batch", "dicts"])
def test_rows_of_any_kind(opened: lf.Store, form: str) -> None:
    table: Any = {**rows(range(3), 1), "event_timestamp": [NOON] * 3}
    if form == "arrow":
        table = pytest.importorskip("pyarrow").table(table)
    elif form == "pandas":
        table = pytest.importorskip("pandas").DataFrame(table)
    elif form == "polars":
        table = pytest.importorskip("polars").DataFrame(table)
    elif form == "dicts":
        table = [
            {name: column[i] for name, column in table.items()}
            for i in range(3)
        ]
    with opened.begin_load("v") as load:
        if form == "batch":
            batch = opened.batch("v")
            for name, column in table.items():
                batch.set(name, column)
            load.append(batch)
        else:
            load.append(table)
        assert load.status().rows == 3
    assert load.report.rows == 3
    assert values(opened)[:4] == [1, 1, 1, None]


def test_an_exception_gives_the_load_up(opened: lf.Store) -> None:
    with pytest.raises(ZeroDivisionError):
        with opened.begin_load("v", id="x") as load:
            load.append(rows(range(3), 1))
            1 / 0
    assert values(opened)[:7] == [0] * 6 + [None]
    with pytest.raises(lf.Closed):
        load.append(rows([1], 1))
    assert opened.loads("v")[0]["state"] == "aborted"
    opened.load("v", rows([1], 3), replace=True, id="x")
    assert values(opened)[:3] == [None, 3, None]


def test_what_is_refused_is_named(opened: lf.Store) -> None:
    whole = rows(range(3), 1)
    with pytest.raises(lf.Invalid, match="replace=True"):
        opened.load("v", whole)
    with pytest.raises(lf.Invalid, match="lack b"):
        opened.load("v", {"k": [1], "a": [1]}, replace=True)
    with pytest.raises(lf.Conflict) as twice:
        opened.load("v", rows([1, 2, 1], 1), replace=True)
    assert twice.value.reason == "duplicate-key"
    with pytest.raises(lf.NotFound, match="no feature view"):
        opened.load("w", whole, replace=True)
    with opened.begin_load("v", id="first") as load:
        with pytest.raises(lf.Busy, match="first"):
            opened.begin_load("v", id="second")
        load.abort()
    opened.load("v", whole, replace=True, id="n", fingerprint="a")
    with pytest.raises(lf.Conflict) as other:
        opened.load("v", whole, replace=True, id="n", fingerprint="b")
    assert other.value.reason == "load-id"
    with pytest.raises(lf.NotFound):
        opened.discard_load("v", "nothing")
    with pytest.raises(lf.Invalid, match="out of range|no whole number"):
        opened.begin_load("v", memory=-1)
    opened.load(
        "v", {"k": [1], "a": [5]}, replace=True, partial=True, last_wins=True
    )
    assert values(opened)[:3] == [None, 5, None]


def test_a_load_has_rules_of_its_own(opened: lf.Store) -> None:
    with pytest.raises(lf.Conflict, match="v does not hold rows >= 9: it is 5"):
        opened.load("v", rows(range(5), 1), replace=True, check="rows >= 9")
    report = opened.load("v", rows(range(5), 1), replace=True, check="rows >= 5")
    assert (report.gates, report.gates_failed) == (1, 0)
    with pytest.raises(lf.NotFound, match="v has no feature aa"):
        opened.begin_load("v", check="nulls(aa) = 0")


def test_a_rollback_needs_a_version(opened: lf.Store) -> None:
    with pytest.raises(lf.NotFound) as none:
        opened.rollback("v")
    assert none.value.reason == "no-version"


def test_a_rollback_goes_to_a_version_by_name(opened: lf.Store) -> None:
    opened.apply(
        "CREATE FEATURE VIEW v (a INT64) FOR e WITH (keep_versions = 3);"
    )
    opened.load("v", rows(range(3), 1), replace=True, id="n1")
    opened.load("v", rows(range(4), 2), replace=True, id="n2")
    opened.load("v", rows(range(5), 3), replace=True, id="n3")
    opened.rollback("v", to="n1")
    assert values(opened)[:5] == [1, 1, 1, None, None]
    version = opened.loads("v")[1]["version"]
    opened.rollback("v", to=version)
    assert values(opened)[:5] == [3] * 5
    with pytest.raises(lf.NotFound, match="kept: ") as none:
        opened.rollback("v", to="n9")
    assert none.value.reason == "no-version"
    wrong: Any
    for wrong in (0, True, -1, 1.5, 1 << 32, ""):
        with pytest.raises(lf.Invalid):
            opened.rollback("v", to=wrong)


def test_tiles_of_a_batch_worker_are_swapped_in(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    text = (
        "CREATE ENTITY e (k INT64); CREATE EVENT paid (k INT64, sum INT64);"
        "CREATE FEATURE VIEW w (n = COUNT(*), sum = SUM(sum) OVER '7 days')"
        "FOR e FROM paid; STORE WITH (changes = '90 days');"
    )
    stores = []
    for name in ("batch", "live", "events"):
        store = lf.Store.open(tmp_path / name, create=True, fixed_now=NOON)
        store.apply(text)
        stores.append(store)
    batch, live, events = stores
    old = {
        "k": [1, 2, 1],
        "sum": [5, 6, 7],
        "event_timestamp": [NOON - timedelta(hours=i + 1) for i in range(3)],
    }
    new = {"k": [2], "sum": [100], "event_timestamp": [NOON]}
    batch.write("paid", old, "event")
    live.write("paid", {**new, "sum": [1000]}, "event")  # before the cut
    with live.begin_load("w") as load:
        load.append(batch.tiles("w"))
        live.write("paid", new, "event")
    with events.begin_load("w") as load:
        load.append(old, event="paid")
        events.write("paid", new, "event")
    for store in (live, events):
        found = store.query("w(n, sum)").read([1, 2, 3]).to_pydict()
        # The event at NOON is not visible at NOON.
        assert found["n"] == [2, 1, 0]
        assert found["sum"] == [12, 6, None]
        later = [NOON + timedelta(seconds=1)]
        assert store.query("w(n)").read([2], as_of=later).to_pydict()["n"] == [2]
