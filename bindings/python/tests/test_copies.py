# SPDX-License-Identifier: Apache-2.0
"""Verification, snapshots, restores, compaction."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import libfeature as lf
from libfeature._ffi import feature_stats

from conftest import NOON


def flip(file: Path, at: int) -> None:
    """Changes one byte."""
    data = bytearray(file.read_bytes())
    data[at] ^= 4
    file.write_bytes(data)


def test_damage_is_an_answer(filled: lf.Store, tmp_path: Path) -> None:
    filled.close()
    good = lf.verify(tmp_path / "store")
    assert good and good.good and good.rows == 3 and good.lines == ()
    data = tmp_path / "store" / "data.mdb"
    flip(data, data.read_bytes().index("città".encode()))
    bad = lf.verify(str(tmp_path / "store"))
    assert not bad and bad.row_findings == 1
    assert len(bad.lines) == bad.findings
    (line,) = lf.verify(tmp_path / "store", json=True, max_lines=1).lines[:1]
    assert line.startswith("{")
    with pytest.raises(lf.NotFound):
        lf.verify(tmp_path / "none")


def test_stats_tell_all_numbers_of_the_library(filled: lf.Store) -> None:
    stats = filled.stats()
    assert set(stats._fields) == set(feature_stats.__annotations__) - {
        "struct_size",
        "reserved",
    }
    assert stats.page_size and stats.write_timeouts == 0


def test_a_snapshot_is_restored(filled: lf.Store, tmp_path: Path) -> None:
    file, copy = tmp_path / "a.snapshot", tmp_path / "copy"
    progress = lf.Progress()
    written = filled.snapshot(file, level=3, workers=1, progress=progress)
    assert (written.rows, written.views, written.sequence) == (3, 2, 2)
    assert written.size == file.stat().st_size and written.time >= NOON
    assert progress.rows == progress.total_rows == 3
    assert progress.bytes == written.bytes
    assert repr(progress) == "<libfeature.Progress 3 of 3 rows>"
    checked = lf.check_snapshot(file)
    assert checked.rows == 3 and checked.size == 0 and not copy.exists()
    made = lf.restore(file, copy)
    assert made.sequence == 2 and made.source_size == written.size
    with lf.Store.open(copy, fixed_now=NOON) as second:
        keys = {"driver_id": [1, 2]}
        names = second.query("stats(*)").read(keys).column("name")
        assert names == filled.query("stats(*)").read(keys).column("name")
        with pytest.raises(lf.Busy):
            lf.compact(copy)
    with pytest.raises(lf.Conflict):
        lf.restore(file, copy)
    assert lf.compact(copy).rows == 3
    assert lf.verify(copy)


@pytest.mark.parametrize("at", [0, 100, -1])
def test_a_flipped_byte_is_refused(
    filled: lf.Store, tmp_path: Path, at: int
) -> None:
    file, copy = tmp_path / "a.snapshot", tmp_path / "copy"
    filled.snapshot(file)
    flip(file, at)
    with pytest.raises(lf.Corrupt):
        lf.restore(file, copy)
    with pytest.raises(lf.Corrupt):
        lf.check_snapshot(file)
    assert not copy.exists()
    flip(file, at)
    lf.check_snapshot(file)


def test_another_thread_may_cancel(filled: lf.Store, tmp_path: Path) -> None:
    file, progress = tmp_path / "a.snapshot", lf.Progress()
    thread = threading.Thread(target=progress.cancel)
    thread.start()
    thread.join()
    with pytest.raises(lf.Busy) as caught:
        filled.snapshot(file, progress=progress)
    assert caught.value.reason == "cancelled" and not file.exists()
    filled.snapshot(file)
    with pytest.raises(lf.Busy):
        lf.restore(file, tmp_path / "copy", progress=progress)
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    "options",
    [{"level": 20}, {"level": -1}, {"workers": 17}, {"workers": "2"}],
)
def test_options_are_checked(
    filled: lf.Store, tmp_path: Path, options: Any
) -> None:
    with pytest.raises(lf.Invalid):
        filled.snapshot(tmp_path / "a", **options)


@pytest.mark.parametrize("path", ["a\0b", None, 7, ""])
def test_a_path_is_a_path(filled: lf.Store, path: Any) -> None:
    for use in (filled.snapshot, lf.verify, lf.check_snapshot, lf.compact):
        with pytest.raises(lf.Error):
            use(path)
