#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One contestant of bench/times.py, in a process of its own.

    times_worker.py arrow|duckdb|polars|pandas DIRECTORY LABELS

Loads the data, then joins once for each line that comes in, and answers with
seconds, hits, sum, KiB at most, KiB of them that are pages of a file. History is
sorted before the time begins as each wants it; the labels are not.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, Callable, List, Tuple

COLUMNS = ('a', 'b', 'c', 'd')


def read(path: Path, columns: int) -> List[Any]:
    import numpy

    flat = numpy.fromfile(path, '<i8').reshape(columns, -1)
    return [flat[0], flat[1]] + [flat[i].view('<f8') for i in range(2, columns)]


def sorted_history(directory: Path, last: str) -> dict[str, Any]:
    """By key and time, or by time alone."""
    import numpy

    columns = read(directory / 'history.bin', 6)
    order = numpy.lexsort((columns[1], columns[0]))
    if last == 'ts':
        order = numpy.argsort(columns[1], kind='stable')
    return {
        name: column[order]
        for name, column in zip(('k', 'ts') + COLUMNS, columns)
    }


def labels_of(directory: Path, name: str) -> dict[str, Any]:
    return dict(zip(('k', 'ts'), read(directory / name, 2)))


def of_arrow(table: Any) -> Tuple[int, float]:
    import pyarrow.compute as compute

    hits = len(table) - table['a'].null_count
    return hits, sum(compute.sum(table[name]).as_py() or 0 for name in COLUMNS)


def of_frame(frame: Any) -> Tuple[int, float]:
    hits = len(frame) - int(frame['a'].isna().sum())
    return hits, float(sum(frame[name].sum() for name in COLUMNS))


def of_polars(frame: Any) -> Tuple[int, float]:
    hits = len(frame) - frame['a'].null_count()
    return hits, float(sum(frame[name].sum() for name in COLUMNS))


Contestant = Tuple[Callable[[], Any], Callable[[Any], Tuple[int, float]]]


def arrow(directory: Path, name: str) -> Contestant:
    import pyarrow

    import libfeature

    pyarrow.set_cpu_count(1)
    store = libfeature.Store.open(directory / 'store', read_only=True)
    query = store.query('v(a, b, c, d)')
    labels = pyarrow.table(labels_of(directory, name))
    return lambda: query.join(labels, timestamp='ts'), of_arrow


def duckdb(directory: Path, name: str) -> Contestant:
    import duckdb as package
    import pyarrow

    base = package.connect(config={'threads': 1})
    history = pyarrow.table(sorted_history(directory, 'k'))
    labels = pyarrow.table(labels_of(directory, name))
    for table, rows in (('history', history), ('labels', labels)):
        base.register('given', rows)
        base.execute('CREATE TABLE %s AS FROM given' % table)
        base.unregister('given')
    sql = (
        'SELECT l.k, l.ts, a, b, c, d FROM labels l ASOF LEFT JOIN history h'
        ' ON l.k = h.k AND l.ts >= h.ts'
    )

    def run() -> Any:
        return base.sql(sql).to_arrow_table()

    return run, of_arrow


def polars(directory: Path, name: str) -> Contestant:
    os.environ['POLARS_MAX_THREADS'] = '1'
    import polars as package

    history = package.DataFrame(sorted_history(directory, 'ts'))
    history = history.set_sorted('ts')
    labels = package.DataFrame(labels_of(directory, name))

    def run() -> Any:
        return labels.sort('ts').join_asof(
            history, on='ts', by='k', check_sortedness=False
        )

    return run, of_polars


def pandas(directory: Path, name: str) -> Contestant:
    import pandas as package

    history = package.DataFrame(sorted_history(directory, 'ts'))
    labels = package.DataFrame(labels_of(directory, name))

    def run() -> Any:
        return package.merge_asof(
            labels.sort_values('ts'), history, on='ts', by='k'
        )

    return run, of_frame


def status(*names: str) -> int:
    kib = 0
    for line in Path('/proc/self/status').read_text().splitlines():
        name, _, value = line.partition(':')
        if name in names:
            kib += int(value.split()[0])
    return kib


def main() -> None:
    made = {
        'arrow': arrow,
        'duckdb': duckdb,
        'polars': polars,
        'pandas': pandas,
    }[sys.argv[1]]
    run, check = made(Path(sys.argv[2]), sys.argv[3])
    print('ready', flush=True)
    for _line in sys.stdin:
        begun = time.perf_counter()
        result = run()
        took = time.perf_counter() - begun
        hits, total = check(result)
        del result
        print(
            '%.6f %d %.4f %d %d'
            % (
                took,
                hits,
                total,
                status('VmHWM'),
                status('RssFile', 'RssShmem'),
            ),
            flush=True,
        )


main()
