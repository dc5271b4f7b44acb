#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DuckDB among the readers of bench/windows.py, as bench/windows_read.c is.

    windows_worker.py EVENTS ENTITIES BATCHES NOW FROM FROM FROM

Loads the events, in order of entity and time, and says ``ready``; then ``go`` has
it answer all batches and print microseconds a batch, and ``answers FILE`` has it
write what it answers.
"""

from __future__ import annotations

import sys
import time
from typing import Any, List

import duckdb
import numpy
import pyarrow

ROWS, STRIDE = 100, 7919
NULL = -(2**63)
CELLS = (
    'sum(v) FILTER (t >= {0})::BIGINT, count(*) FILTER (t >= {0}),'
    ' min(v) FILTER (t >= {0}), max(v) FILTER (t >= {0})'
)


def load(path: str) -> Any:
    keys, times, amounts = numpy.fromfile(path, '<i8').reshape(3, -1)
    order = numpy.lexsort((times, keys))
    given = pyarrow.table(
        {'k': keys[order], 't': times[order], 'v': amounts[order]}
    )
    base = duckdb.connect(config={'threads': 1})
    base.register('given', given)
    base.execute('CREATE TABLE events AS FROM given')
    base.unregister('given')
    return base


def main() -> None:
    entities, batches, now = (int(word) for word in sys.argv[2:5])
    begins = [int(word) for word in sys.argv[5:8]]
    base = load(sys.argv[1])
    keys = [
        [(b * ROWS + i) * STRIDE % entities for i in range(ROWS)]
        for b in range(batches)
    ]
    sql = (
        'SELECT k, %s FROM events WHERE k IN (SELECT unnest($1::BIGINT[]))'
        ' AND t >= %d AND t < %d GROUP BY k'
        % (', '.join(CELLS.format(at) for at in begins), begins[-1], now)
    )

    def answer(wanted: List[int]) -> Any:
        return base.execute(sql, [wanted]).fetchall()

    def cells(wanted: List[int]) -> List[List[int]]:
        found = {row[0]: row[1:] for row in answer(wanted)}
        empty = (None, 0, None, None) * 3
        return [
            [NULL if cell is None else cell for cell in found.get(key, empty)]
            for key in wanted
        ]

    print('ready', flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        if line.startswith('answers '):
            made = [cells(wanted) for wanted in keys]
            numpy.array(made, '<i8').tofile(line.split(' ', 1)[1].strip())
        else:
            for wanted in keys:
                answer(wanted)
        took = time.perf_counter() - begun
        print('%.3f' % (1e6 * took / batches), flush=True)


main()
