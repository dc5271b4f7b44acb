# SPDX-License-Identifier: Apache-2.0
"""Tiles that a batch worker builds, merged into the store that serves."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import NOON

import libfeature as lf

DEFINITIONS = """
CREATE ENTITY card (card_id STRING);
CREATE EVENT payment (card_id STRING, amount FLOAT64, shop STRING);
CREATE FEATURE VIEW spend (
    n = COUNT(*), spent = SUM(amount) OVER '7 days',
    shops = COUNT(DISTINCT shop, 100) OVER '30 days',
    about = APPROX_COUNT_DISTINCT(shop) OVER '30 days',
    today = SUM(amount) OVER CUMULATE '1 day', last = LAST(shop)
) FOR card FROM payment;
"""


def opened(path: Path) -> lf.Store:
    store = lf.Store.open(path, create=True, fixed_now=NOON)
    store.apply(DEFINITIONS)
    return store


def events(count: int) -> List[Dict[str, Any]]:
    draw = random.Random(7)
    return [
        {
            "card_id": "card %d" % draw.randrange(40),
            "event_timestamp": NOON - timedelta(seconds=draw.randrange(800000)),
            "amount": draw.random(),
            "shop": "shop %d" % draw.randrange(60),
        }
        for _ in range(count)
    ]


def content(store: lf.Store) -> Any:
    keys = ["card %d" % i for i in range(40)]
    return store.query("spend(*)").read(keys).to_pydict()


def cut(offset: int) -> List[lf.Source]:
    return [lf.Source("payments", 0, 0, offset, b"")]


def test_a_parquet_of_yesterday_meets_the_stream_of_today(
    tmp_path: Path,
) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    rows = events(3000)
    whole = opened(tmp_path / "whole")
    batch, live = opened(tmp_path / "batch"), opened(tmp_path / "live")
    whole.write("payment", rows, "event")
    batch.write("payment", rows[:2000], "event")
    live.write("payment", rows[2000:2500], "event")
    pq.write_table(batch.tiles("spend").to_arrow(), tmp_path / "t.parquet")
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.column_names == ["card_id", "event_timestamp", "_tiles"]
    shuffled = table.take(random.Random(1).sample(range(len(table)), len(table)))
    for time in range(2):  # a retry changes nothing
        commit = live.merge_tiles("spend", shuffled, sources=cut(2000))
        assert commit.applied == (0 if time else len(table))
        assert commit.duplicate == (len(table) if time else 0)
    live.write("payment", rows[2500:], "event")
    assert content(live) == content(whole)
    assert live.offset("payments").next == 2000


def test_what_polars_made_of_tiles_merges(tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    batch, live = opened(tmp_path / "batch"), opened(tmp_path / "live")
    batch.write("payment", events(300), "event")
    frame = pl.DataFrame(batch.tiles("spend", chunk_rows=7))
    live.merge_tiles("spend", frame.with_columns(shard=pl.lit(1)))
    assert content(live) == content(batch)


def test_damage_and_strangers_are_named(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    batch, live = opened(tmp_path / "batch"), opened(tmp_path / "live")
    batch.write("payment", events(300), "event")
    table = batch.tiles("spend").to_arrow()
    states = table["_tiles"].to_pylist()
    states[5] = states[5][:-1]
    broken = table.set_column(2, "_tiles", pa.array(states, pa.binary()))
    with pytest.raises(lf.Invalid, match="row 5: its state does not match"):
        live.merge_tiles("spend", broken)
    with pytest.raises(lf.Invalid, match="is no Arrow stream"):
        live.merge_tiles("spend", [1])
    with pytest.raises(lf.NotFound, match="no column"):
        live.merge_tiles("spend", table.drop_columns(["_tiles"]))
    with pytest.raises(lf.NotFound, match="no feature view"):
        live.tiles("spent").to_arrow()
    assert "Tiles 'spend'" in repr(live.tiles("spend"))
    other = lf.Store.open(tmp_path / "other", create=True, fixed_now=NOON)
    other.apply(DEFINITIONS.replace("'7 days'", "'8 days'"))
    with pytest.raises(lf.Conflict, match="are of the definition"):
        other.merge_tiles("spend", table)
