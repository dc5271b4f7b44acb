# SPDX-License-Identifier: Apache-2.0
"""What a prompt and a notebook show, and the examples."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, List

import pytest

import libfeature as lf

ROOT = Path(__file__).resolve().parents[3]


class Cells(HTMLParser):
    """The texts of a table; refuses tags that are not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: List[str] = []
        self.cells: List[str] = []
        self.tags = set()
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.cells[-1] += data


def test_an_answer_shows_itself(filled: lf.Store) -> None:
    rows = filled.query("stats(trips, name, seen)").read([1, 3, 9, None])
    assert repr(rows).split("\n") == [
        "trips  name                 seen      stats",
        "   10   Ann  2026-01-01 12:00:00    present",
        "   7*  null                 null       null",
        "   7*  null                 null  not found",
        "   7*  null                 null     no key",
        "4 rows x 3 features, commit 2",
    ]
    cells = Cells(rows._repr_html_()).cells
    assert cells[:4] == ["trips", "name", "seen", "stats"]
    assert cells[-4:] == ["7", "null", "null", "no key"]
    assert rows.state_names() == ["present", "null", "not found", "no key"]


def test_html_is_escaped(store: lf.Store) -> None:
    evil = "<script>alert('&')</script>"
    store.write("cards", {"card_id": ["a"], "amount": 1, "merchant": [evil]})
    html = store.query("cards(*)").read(["a"])._repr_html_()
    found = Cells(html)
    assert evil in found.cells and "script" not in found.tags


def test_large_answers_are_cut(store: lf.Store) -> None:
    store.write(
        "cards",
        {
            "card_id": ["c%d" % i for i in range(500)],
            "amount": range(500),
            "merchant": "m" * 1000,
        },
    )
    rows = store.query("cards(*)").read(["c%d" % i for i in range(500)])
    for text in (repr(rows), rows._repr_html_()):
        assert len(text) < 4000 and "500 rows" in text
        assert "first 20 rows shown" in text
    head = rows.head(3)
    assert head["amount"].tolist() == [0, 1, 2] and len(head) == 3
    assert head.states().tolist() == [1, 1, 1]
    assert len(rows.head(-1)) == 0 and len(rows.head(900)) == 500
    assert list(head.to_numpy()) == ["amount", "merchant"]


def test_stores_and_queries_show_themselves(filled: lf.Store) -> None:
    query = filled.query("stats(trips, embedding)")
    cells = Cells(query._repr_html_()).cells
    assert "driver_id" in cells and "FLOAT32[3]" in cells
    assert "Query 'stats(trips, embedding)'" in repr(query)
    html = filled._repr_html_()
    assert "CREATE FEATURE VIEW stats" in html and filled.path in html
    assert filled.path in repr(filled)
    assert "Scan 'stats(*)'" in repr(filled.scan("stats"))


def test_the_metrics_are_text(filled: lf.Store) -> None:
    assert filled.metrics().endswith("# EOF\n")
    assert filled.plan("DROP FEATURE stats:rate;").startswith(
        "drop feature stats:rate\n"
    )
    filled.sync()


@pytest.mark.parametrize("name", ["flights.py", "serve.py"])
def test_the_examples_run(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "examples" / "python" / name,
            tmp_path / "store",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ,
    )
    assert not done.returncode, done.stderr
    wanted = {
        "flights.py": "67 rows x 12 features, commit 2",
        "serve.py": "beside 5 commits",
    }
    assert wanted[name] in done.stdout


def test_the_bench_prints_lines(filled: lf.Store) -> None:
    import json

    done = subprocess.run(
        [
            sys.executable,
            ROOT / "bindings/python/bench/bench_read.py",
            filled.path,
            "stats(trips, rate)",
            "1",
            "4",
            "1",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ,
    )
    assert not done.returncode, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["key"] for line in lines} == {"int64"}
    assert {(line["keys"], line["what"]) for line in lines} == {
        (keys, what)
        for keys in (1, 10, 100, 1000)
        for what in (
            "columns",
            "matrix",
            "columns_from_list",
            "matrix_from_list",
            "keys_from_list",
        )
    }
