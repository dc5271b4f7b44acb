#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times reads from Python: to numpy, to a matrix, and keys from Python objects.

    bench_read.py STORE FEATURES KEY [--keys 1,10,100,1000] [--range LOW:HIGH] [--quick]

FEATURES is what to read ("driver_stats(f0, f1)"), without texts, KEY its join
key, of which the store holds LOW to HIGH-1 (as a text: with --prefix). Prints a
JSON line for each row: language, name, keys, columns, and nanoseconds a call
(the best of several rounds).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from typing import Callable

import numpy as np

import libfeature as lf
from libfeature._keys import key_buffers

ROUNDS, SECONDS = 15, 0.03
QUICK = 2, 0.001


def best(run: Callable[[], object], quick: bool) -> float:
    """Nanoseconds a call, of the best round; rounds are of equal length."""
    rounds, seconds = QUICK if quick else (ROUNDS, SECONDS)
    run()
    count = 1
    while True:
        begin = time.perf_counter()
        for _ in range(count):
            run()
        if time.perf_counter() - begin >= seconds / 4:
            break
        count *= 2
    found = []
    for _ in range(rounds):
        begin = time.perf_counter_ns()
        for _ in range(count):
            run()
        found.append((time.perf_counter_ns() - begin) / count)
    return min(found)


def measure(store: lf.Store, options: argparse.Namespace) -> None:
    query = store.query(options.features)
    dense = store.query(options.features, matrix=True)
    reader = dense.reader()
    key = query.keys[0]
    low, high = map(int, options.range.split(":"))
    chance = random.Random(1)
    for count in map(int, options.keys.split(",")):
        numbers = [chance.randrange(low, high) for _ in range(count)]
        texts = ["%s%d" % (options.prefix, number) for number in numbers]
        whole = np.array(numbers, np.int64)
        listed = texts if key.type == lf.Type.STRING else numbers
        keys = listed if key.type == lf.Type.STRING else whole
        out = np.empty((count, dense.matrix_width), np.float32)

        rows = {
            "python_numpy": lambda: query.read({key.name: keys}).to_numpy(),
            "python_read_one_column": lambda: query.read({key.name: keys})[
                query.columns[0].name
            ],
            "python_matrix": lambda: reader.matrix({key.name: keys}, out),
            "python_numpy_from_list": lambda: query.read(
                {key.name: listed}
            ).to_numpy(),
            "python_keys_from_list_of_str": lambda: key_buffers(
                texts, lf.Type.STRING, "key"
            ),
            "python_keys_from_list_of_int": lambda: key_buffers(
                numbers, lf.Type.INT64, "key"
            ),
        }
        for name, run in rows.items():
            print(
                json.dumps(
                    {
                        "language": "python",
                        "name": name,
                        "keys": count,
                        "columns": len(query.columns),
                        "ns": round(best(run, options.quick), 1),
                    }
                ),
                flush=True,
            )


def main() -> int:
    parser = argparse.ArgumentParser(description="times reads from Python")
    parser.add_argument("store")
    parser.add_argument("features")
    parser.add_argument("key")
    parser.add_argument("--keys", default="1,10,100,1000")
    parser.add_argument("--range", default="0:1000000")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    with lf.Store.open(options.store, read_only=True) as store:
        measure(store, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
