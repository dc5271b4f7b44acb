#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads through the Python package, for the bindings bench.

    bench_read.py STORE FEATURES FIRST LAST [ROUNDS]

bench/bindings_keys.h says what a call is, and what is printed. `what` is

    columns             read() and to_numpy(): the arrays are there, no value
                        of them is made a Python object
    matrix              a reader's matrix(), into an array of the caller
    columns_from_list   the same two from a list of int or of str
    matrix_from_list
    keys_from_list      a list made the library's keys, and nothing else

The first two have their keys in a numpy array where the join key is INT64, and
in an Arrow array where it is STRING.
"""

from __future__ import annotations

import json
import sys
import time
from statistics import median
from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy as np

import libfeature as lf
from libfeature._keys import key_buffers

CALLS = 64  # different sets of keys of a size
#: Numbers of keys, with the calls of one sample: about a millisecond.
SIZES = {1: 1280, 10: 512, 100: 128, 1000: 32}
ROUNDS = 15
_64_BITS = (1 << 64) - 1

Call = Callable[[Any], object]


def mix(i: int) -> int:
    """The finalizer of splitmix64."""
    i = (i + 0x9E3779B97F4A7C15) & _64_BITS
    i = ((i ^ (i >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    i = ((i ^ (i >> 27)) * 0x94D049BB133111EB) & _64_BITS
    return i ^ (i >> 31)


def make_lists(count: int, first: int, last: int, texts: bool) -> List[Any]:
    numbers = [first + mix(i) % (last - first) for i in range(CALLS * count)]
    keys: Sequence[Any] = numbers
    if texts:
        keys = ["user-%08d" % number for number in numbers]
    return [
        list(keys[call * count : (call + 1) * count]) for call in range(CALLS)
    ]


def as_array(keys: List[Any], texts: bool) -> Any:
    if not texts:
        return np.array(keys, np.int64)
    import pyarrow as pa

    return pa.array(keys, pa.string())


def methods(store: lf.Store, features: str) -> Tuple[lf.Field, Dict[str, Call]]:
    query = store.query(features)
    key = query.keys[0]
    name, kind = key.name, key.type
    dense = store.query(features, matrix=True)
    reader = dense.reader()
    outs = {
        count: np.empty((count, dense.matrix_width), np.float32)
        for count in SIZES
    }

    def columns(keys: Any) -> object:
        return query.read({name: keys}).to_numpy()

    def matrix(keys: Any) -> object:
        return reader.matrix({name: keys}, outs[len(keys)])

    def keys_alone(keys: Any) -> object:
        return key_buffers(keys, kind, name)

    return key, {
        "columns": columns,
        "matrix": matrix,
        "columns_from_list": columns,
        "matrix_from_list": matrix,
        "keys_from_list": keys_alone,
    }


def sample(run: Call, sets: List[Any], calls: int) -> float:
    """Nanoseconds a call."""
    order = [sets[call % CALLS] for call in range(calls)]
    begin = time.perf_counter_ns()
    for keys in order:
        run(keys)
    return (time.perf_counter_ns() - begin) / calls


def main() -> int:
    if len(sys.argv) < 5:
        print(
            "usage: bench_read.py STORE FEATURES FIRST LAST [ROUNDS]",
            file=sys.stderr,
        )
        return 2
    path, features, first, last = sys.argv[1:5]
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else ROUNDS
    with lf.Store.open(path, read_only=True) as store:
        key, runs = methods(store, features)
        texts = key.type == lf.Type.STRING
        lists = {
            count: make_lists(count, int(first), int(last), texts)
            for count in SIZES
        }
        arrays = {
            count: [as_array(keys, texts) for keys in lists[count]]
            for count in SIZES
        }
        times: Dict[Tuple[str, int], List[float]] = {}
        for turn in range(-1, rounds):  # the first warms up
            for count, calls in SIZES.items():
                for what, run in runs.items():
                    forms = lists if what.endswith("list") else arrays
                    took = sample(run, forms[count], calls)
                    if turn >= 0:
                        times.setdefault((what, count), []).append(took)
    for (what, count), found in times.items():
        row = {
            "language": "python",
            "key": "string" if texts else "int64",
            "keys": count,
            "what": what,
            "ns": round(median(found), 1),
        }
        print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
