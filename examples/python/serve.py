#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scoring in a loop: a query that threads share, a reader in each of them.

    python serve.py [STORE]

Needs numpy, for the matrix. Makes a small store, then reads it from four
threads while a fifth one writes; every answer is of one commit.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import List

import numpy as np

import libfeature as lf

DRIVERS = 10_000
DEFINITIONS = """
CREATE ENTITY driver (driver_id INT64);
CREATE FEATURE VIEW driver_stats (
    conv_rate FLOAT32 DEFAULT 0,
    avg_daily_trips INT64 DEFAULT 0,
    embedding FLOAT32[8]
) FOR driver WITH (ttl = '30 days');
CREATE FEATURE SERVICE score_v1 AS driver_stats(*);
"""


def write(store: lf.Store, rounds: int) -> None:
    chance = np.random.default_rng(0)
    for _ in range(rounds):
        store.write(
            "driver_stats",
            {
                "driver_id": np.arange(DRIVERS),
                "conv_rate": chance.random(DRIVERS, np.float32),
                "avg_daily_trips": chance.integers(0, 50, DRIVERS),
                "embedding": chance.random((DRIVERS, 8), np.float32),
            },
        )


def score(
    query: lf.Query, seed: int, stop: threading.Event, counts: List[int]
) -> None:
    reader = query.reader()  # its memory is this thread's
    chance = np.random.default_rng(seed)
    weights = np.ones(query.matrix_width, np.float32)
    out = np.empty((100, query.matrix_width), np.float32)
    while not stop.is_set():
        keys = chance.integers(0, DRIVERS, 100)
        reader.matrix({"driver_id": keys}, out=out)
        scores = out @ weights
        assert not np.isnan(scores).any()
        counts[seed] += len(keys)


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else "serve.store"
    with lf.Store.open(path, create=True) as store:
        store.apply(DEFINITIONS)
        write(store, 1)
        query = store.query("score_v1", matrix=True)
        print("fingerprint %016x" % query.fingerprint)  # beside the model
        stop, counts = threading.Event(), [0] * 4
        threads = [
            threading.Thread(target=score, args=(query, n, stop, counts))
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        begin = time.monotonic()
        write(store, 5)
        stop.set()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - begin
        print(
            "%d rows read in %.2f s beside 5 commits" % (sum(counts), seconds)
        )


if __name__ == "__main__":
    main()
