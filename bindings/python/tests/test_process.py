# SPDX-License-Identifier: Apache-2.0
"""Threads, forks, pickles, a notebook's second run, and the interpreter's end."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any, Callable, List

import numpy as np
import pytest
from conftest import NOON

import libfeature as lf


def run(script: str, *arguments: object, code: int = 0) -> str:
    """Runs Python in a process of its own, whose end is part of the test."""
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "faulthandler",
            "-c",
            textwrap.dedent(script),
            *map(str, arguments),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    if not code:
        assert not done.stderr, done.stderr
    return done.stdout


def together(count: int, work: Callable[[int], Any]) -> List[Any]:
    """Runs work(0), work(1), ... in threads; their results, or an error."""
    found: List[Any] = [None] * count
    gate = threading.Barrier(count)

    def one(number: int) -> None:
        gate.wait()
        try:
            found[number] = work(number)
        except BaseException as error:
            found[number] = error

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    for result in found:
        if isinstance(result, BaseException):
            raise result
    return found


# --- threads ------------------------------------------------------------------


def test_threads_share_a_query(store: lf.Store) -> None:
    count = 5000
    store.write(
        "stats",
        {"driver_id": np.arange(count), "trips": np.arange(count) * 3},
        "patch",
    )
    query = store.query("stats(trips)")
    dense = store.query("stats(trips)", matrix=True)

    def work(number: int) -> None:
        chance = np.random.default_rng(number)
        for size in (1, 50, 4500, 3) * 5:  # with and without the lock
            keys = chance.integers(0, count, size)
            assert (query.read(keys)["trips"] == keys * 3).all()
            assert (dense.matrix(keys)[:, 0] == keys * 3).all()

    together(6, work)
    assert len(query._ready()[1]) <= 7


def test_a_reader_is_for_one_thread_at_a_time(store: lf.Store) -> None:
    store.write("stats", {"driver_id": np.arange(20000), "trips": 1}, "patch")
    reader = store.query("stats(trips)", matrix=True).reader()
    keys, refused = np.arange(20000), []

    def work(number: int) -> None:
        for _ in range(20):
            try:
                assert (reader.matrix(keys) == 1).all()
            except lf.Invalid as error:
                assert "another thread" in str(error)
                refused.append(error)

    together(4, work)
    assert (reader.matrix(keys) == 1).all()


def test_threads_write_and_read(store: lf.Store) -> None:
    query = store.query("stats(trips)")

    def work(number: int) -> None:
        for turn in range(15):
            if number % 2:
                query.read([number, turn])
            else:
                store.write(
                    "stats", {"driver_id": [number], "trips": [turn]}, "patch"
                )

    together(6, work)
    assert query.read([0, 2, 4])["trips"].tolist() == [14] * 3
    assert store.stats().sequence == 1 + 3 * 15


def test_close_beside_other_calls(tmp_path: Path) -> None:
    for turn in range(8):
        store = lf.Store.open(tmp_path / "s", create=True)
        store.apply(
            "CREATE ENTITY d (k INT64);"
            "CREATE FEATURE VIEW v (n INT64) FOR d;"
        )
        query = store.query("v:n")

        def work(number: int) -> bool:
            if number == 0:
                store.stats()
                store.close()
                return True
            try:
                while True:
                    if number % 2:
                        store.write("v", {"k": np.arange(50), "n": number})
                    else:
                        query.read(np.arange(6000))
            except lf.Closed:
                return True

        assert all(together(4, work))


# --- forks --------------------------------------------------------------------


def in_child(work: Callable[[], None]) -> None:
    """Runs work in a forked child, which has to end well."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            os.write(2, repr(error).encode())
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_child_opens_again(filled: lf.Store) -> None:
    query = filled.query("stats:trips")
    reader = filled.query("stats:trips", matrix=True).reader()
    batch = filled.batch("stats", "patch", ["driver_id", "trips"])
    batch.set("driver_id", [1])
    rows, values = query.read([1, 2]), query.read([1, 2])["trips"]
    reader.matrix([1])

    def child() -> None:
        assert rows["trips"].tolist() == values.tolist() == [10, 20]
        assert query.read([1, 2])["trips"].tolist() == [10, 20]
        assert reader.matrix([2]).tolist() == [[20]]
        assert filled.stats().sequence == 2
        filled.write("stats", {"driver_id": [1], "trips": [77]}, "patch")
        assert query.read([1])["trips"].tolist() == [77]
        try:
            batch.set("trips", [1])
        except lf.Invalid as error:
            assert error.reason == "forked"
        gc.collect()
        in_child(grandchild)
        filled.close()
        try:
            query.read([1])
        except lf.Closed:
            return
        raise AssertionError("a closed store answered")

    def grandchild() -> None:
        assert query.read([1])["trips"].tolist() == [77]

    in_child(child)
    assert query.read([1])["trips"].tolist() == [77]
    filled.write("stats", {"driver_id": [1], "trips": [78]}, "patch")
    assert reader.matrix([1]).tolist() == [[78]]


def test_a_closed_store_stays_closed_in_a_child(filled: lf.Store) -> None:
    query = filled.query("stats:trips")
    filled.close()

    def child() -> None:
        for use in (filled.stats, lambda: query.read([1])):
            try:
                use()
            except lf.Closed:
                continue
            raise AssertionError("a closed store answered")

    in_child(child)


def test_a_fork_beside_a_busy_thread(filled: lf.Store) -> None:
    stop = threading.Event()
    query = filled.query("stats:trips")

    def busy() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            filled.write("stats", {"driver_id": [5], "trips": [turn]}, "patch")
            query.read(np.arange(5000))

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(5):
            in_child(lambda: (query.read([1]), filled.stats(), None)[2])
    finally:
        stop.set()
        thread.join()


def _read_in_worker(query: lf.Query, key: int) -> Any:
    return query.read([key])["trips"].tolist()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_take_stores_and_queries(filled: lf.Store, method: str) -> None:
    query = filled.query("stats:trips")
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.starmap(_read_in_worker, [(query, 1), (query, 2)])
    assert found == [[10], [20]]


# --- pickles ------------------------------------------------------------------


def test_pickles_are_paths(
    filled: lf.Store, monkeypatch: Any, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = lf.Store.open("store", fixed_now=NOON)
    data = pickle.dumps((relative, relative.query("stats:trips")))
    monkeypatch.chdir("/")
    store, query = pickle.loads(data)
    assert store.path == filled.path
    assert query.read([1])["trips"].tolist() == [10]
    rows = query.read([1])
    assert rows.now == NOON
    assert len(data) < 2000
    store.close()
    with pytest.raises(lf.Closed):
        pickle.dumps(store)
    for other in (
        filled.batch("stats"),
        rows,
        filled.query("stats:trips", matrix=True).reader(),
        filled.batches(),
    ):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(other)


# --- notebooks ----------------------------------------------------------------

CELL = """
store = lf.Store.open(path, create=True)
store.apply("CREATE ENTITY d (k INT64);"
            "CREATE FEATURE VIEW v (n INT64) FOR d;")
store.write("v", {"k": [1, 2], "n": [1, 2]})
query = store.query("v:n")
rows = query.read([1, 2])
"""


def test_a_cell_can_be_run_again(tmp_path: Path) -> None:
    names = {"lf": lf, "path": tmp_path / "s"}
    for turn in range(3):
        exec(CELL, names)
        rows: Any = names["rows"]
        assert rows["n"].tolist() == [1, 2]
        assert rows.commit == turn + 2


def test_nothing_leaks_open_stores(tmp_path: Path) -> None:
    def opened() -> int:
        return len(
            [
                link
                for link in Path("/proc/self/fd").iterdir()
                if str(tmp_path) in os.path.realpath(link)
            ]
        )

    for _ in range(5):
        store = lf.Store.open(tmp_path / "s", create=True)
        store.apply(
            "CREATE ENTITY d (k INT64);"
            "CREATE FEATURE VIEW v (n INT64) FOR d;"
        )
        query = store.query("v:n")
        query.read([1])
        del store, query
    gc.collect()
    assert opened() == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupts_leave_a_usable_store(filled: lf.Store) -> None:
    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    query, caught = filled.query("stats:trips"), 0
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for turn in range(40):
            signal.setitimer(signal.ITIMER_REAL, 0.002)
            try:
                # One that falls into a finalizer is lost: hence an end.
                for _ in range(500):
                    query.read(np.arange(500))
                    filled.stats()
            except KeyboardInterrupt:
                caught += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert caught
    assert query.read([1])["trips"].tolist() == [10]
    filled.close()


# --- the end ------------------------------------------------------------------

SETUP = """
import gc, os, sys, threading
import libfeature as lf
store = lf.Store.open(sys.argv[1], create=True)
store.apply("CREATE ENTITY d (k INT64);"
            "CREATE FEATURE VIEW v (n INT64, t STRING) FOR d;")
store.write("v", {"k": [1, 2], "n": [1, 2], "t": ["a", "b"]})
query = store.query("v(*)")
reader = store.query("v:n", matrix=True).reader()
batch = store.batch("v")
rows = query.read([1, 2])
schema, array = rows.__arrow_c_array__()
stream = store.scan("v").__arrow_c_stream__()
capsules = [schema, array, stream]
"""


@pytest.mark.parametrize(
    "end",
    [
        "",
        "del schema, array, stream, capsules",
        "sys.exit(0)",
        "store.close()",
        "import builtins; builtins.kept = (capsules, rows, reader, batch)",
        "cycle = [capsules, rows]; cycle.append(cycle); del capsules, rows, schema",
        "threading.Thread(target=lambda: (__import__('time').sleep(.05),"
        " capsules.clear(), rows.column('n'))).start()",
        "threading.Thread(target=lambda: [query.read([1]) for _ in iter(int, 1)],"
        " daemon=True).start()",
        "threading.Thread(target=lambda: [store.write('v', {'k': [1], 'n': [1],"
        " 't': ['x']}) for _ in iter(int, 1)], daemon=True).start()",
        "import atexit; atexit.register(lambda: (rows.column('n'), store.close()))",
        "del lf, gc, os; store = query = None",
        "class Late:\n    def __del__(self, rows=rows):\n"
        "        rows.to_dicts()\nlate = Late()",
    ],
)
def test_the_interpreter_ends_quietly(tmp_path: Path, end: str) -> None:
    run(SETUP + end, tmp_path / "s")


@pytest.mark.parametrize(
    "end, code",
    [
        ("os._exit(0)", 0),
        ("raise SystemExit(3)", 3),
        ("os.kill(os.getpid(), 9)", -9),
        ("1 / 0", 1),
    ],
)
def test_other_ends_leave_a_good_store(
    tmp_path: Path, end: str, code: int
) -> None:
    run(SETUP + end, tmp_path / "s", code=code)
    with lf.Store.open(tmp_path / "s") as store:
        assert store.query("v:n").read([1, 2])["n"].tolist() == [1, 2]


def test_neither_numpy_nor_anything_else_is_needed(tmp_path: Path) -> None:
    out = run(
        """
        import sys
        names = ("numpy", "pandas", "pyarrow", "polars", "duckdb", "nanoarrow")
        for name in names:
            sys.modules[name] = None
        import libfeature as lf
        from array import array
        store = lf.Store.open(sys.argv[1], create=True)
        store.apply("CREATE ENTITY d (k INT64); CREATE FEATURE VIEW v ("
            "n INT64, t STRING, f FLOAT32[2], l INT32[], b BOOL) FOR d;")
        store.write("v", [
            {"k": 1, "n": 5, "t": "a", "f": [1, 2], "l": [7], "b": True},
            {"k": 2, "n": None, "t": "ü", "f": None, "l": [], "b": None}])
        rows = store.query("v(*)").read([1, 2, 3])
        print(rows.to_dicts())
        print(rows)
        assert rows._repr_html_() and store._repr_html_()
        out = array("f", [0] * 6)
        store.query("v(n, f)", matrix=True).reader().matrix([1, 2], out)
        print(out.tolist())
        for use in (lambda: rows["n"], rows.to_numpy, rows.states,
                    rows.to_pandas, rows.to_arrow, rows.to_polars):
            try:
                use()
            except ImportError:
                continue
            raise SystemExit("no ImportError")
        try:
            lf.load_parquet(store, "v", sys.executable)
        except lf.Invalid as error:
            assert "pyarrow or duckdb" in str(error)
        """,
        tmp_path / "s",
    )
    assert "{'n': 5, 't': 'a', 'f': [1.0, 2.0], 'l': [7], 'b': True}" in out
    assert "[5.0, 1.0, 2.0, nan, nan, nan]" in out


def test_importing_it_imports_nothing_large() -> None:
    out = run(
        "import libfeature, sys; print([name for name in ('numpy',"
        "'pandas', 'pyarrow', 'polars', 'duckdb', 'asyncio')"
        " if name in sys.modules])"
    )
    assert out.strip() == "[]"


def test_a_library_that_is_not_there_is_named() -> None:
    out = run("""
        import os
        os.environ["LIBFEATURE_PATH"] = "/nowhere/libfeature.so"
        try:
            import libfeature
        except ImportError as error:
            print(error)
        """)
    assert "/nowhere/libfeature.so" in out and "LIBFEATURE_PATH" in out
