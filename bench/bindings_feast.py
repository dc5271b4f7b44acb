#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same 100 rows of 50 features from Feast and from libfeature.

    bindings_feast.py STORE DIRECTORY [REDIS_PORT] [ROUNDS]

STORE is the one of bindings_store.c; Feast gets the first ENTITIES rows of its
view `wide`, with the same values, in an online store of SQLite's in DIRECTORY
and, where a port is named, in the Redis that listens there. All answers are
compared before anything is timed. A call is 100 keys in a list, other ones
each time, and ends with get_online_features() or with arrays of numpy; with
`_to_dict` it ends when Feast's answer has become Python lists, which is the
least that a model can be given. Prints lines as bindings_keys.h says.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from typing import Any, Callable, Dict, List

os.environ["FEAST_USAGE"] = "False"

import pandas as pd  # noqa: E402
from feast import (  # noqa: E402
    Entity,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    RepoConfig,
    ValueType,
)
from feast.types import Float32  # noqa: E402

import libfeature as lf  # noqa: E402

ENTITIES, KEYS, FEATURES = 1000, 100, 50
NAMES = ["f%d" % i for i in range(FEATURES)]
CALLS = 16  # different sets of keys


def rows() -> Any:
    """What bindings_store.c writes: row + column / 64."""
    frame = pd.DataFrame({"part": range(ENTITIES)}).astype({"part": "int64"})
    values = {
        name: (frame["part"] + i / 64).astype("float32")
        for i, name in enumerate(NAMES)
    }
    frame = pd.concat([frame, pd.DataFrame(values)], axis=1)
    frame["event_timestamp"] = datetime.now(timezone.utc) - timedelta(hours=1)
    return frame


def open_feast(directory: Path, online: Dict[str, Any], frame: Any) -> Any:
    directory.mkdir(parents=True, exist_ok=True)
    source = directory / "rows.parquet"
    frame.to_parquet(source)
    store = FeatureStore(
        config=RepoConfig(
            project="bench",
            provider="local",
            registry=str(directory / "registry.db"),
            online_store=online,
            offline_store={"type": "file"},
            entity_key_serialization_version=3,
        )
    )
    part = Entity(name="part", join_keys=["part"], value_type=ValueType.INT64)
    view = FeatureView(
        name="wide",
        entities=[part],
        ttl=timedelta(days=1000),
        schema=[Field(name=name, dtype=Float32) for name in NAMES],
        source=FileSource(
            name="rows", path=str(source), timestamp_field="event_timestamp"
        ),
    )
    store.apply([part, view])
    store.write_to_online_store("wide", frame)
    return store


def feast_calls(name: str, store: Any) -> Dict[str, Callable[[Any], Any]]:
    wanted = ["wide:" + feature for feature in NAMES]

    def get(keys: List[int]) -> Any:
        return store.get_online_features(
            features=wanted, entity_rows={"part": keys}
        )

    return {name: get, name + "_to_dict": lambda keys: get(keys).to_dict()}


def compare(runs: Dict[str, Callable[[Any], Any]], keys: List[int]) -> None:
    wanted = {
        name: [key + i / 64 for key in keys] for i, name in enumerate(NAMES)
    }
    for what, run in runs.items():
        answer = run(keys)
        if hasattr(answer, "to_dict"):
            answer = answer.to_dict()
        for name in NAMES:
            if [float(value) for value in answer[name]] != wanted[name]:
                sys.exit(
                    "bindings_feast: %s answers %s otherwise" % (what, name)
                )


def sample(
    run: Callable[[Any], Any], sets: List[List[int]], least: float
) -> float:
    """Nanoseconds a call; calls for at least so many seconds."""
    calls, begin = 0, time.perf_counter()
    while True:
        run(sets[calls % CALLS])
        calls += 1
        took = time.perf_counter() - begin
        if took >= least:
            return took / calls * 1e9


def main() -> int:
    if len(sys.argv) < 3:
        print(
            "usage: bindings_feast.py STORE DIRECTORY [REDIS_PORT] [ROUNDS]",
            file=sys.stderr,
        )
        return 2
    directory, port = Path(sys.argv[2]).resolve(), int((sys.argv + ["0"])[3])
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 7
    chance = random.Random(1)
    sets = [
        [chance.randrange(ENTITIES) for _ in range(KEYS)] for _ in range(CALLS)
    ]
    frame = rows()
    with lf.Store.open(sys.argv[1], read_only=True) as store:
        query = store.query("wide(*)")
        runs: Dict[str, Callable[[Any], Any]] = {
            "columns_50": lambda keys: query.read({"part": keys}).to_numpy()
        }
        online = {"type": "sqlite", "path": str(directory / "sqlite.db")}
        feast = open_feast(directory / "sqlite", online, frame)
        runs.update(feast_calls("feast_sqlite", feast))
        if port:
            online = {
                "type": "redis",
                "connection_string": "127.0.0.1:%d" % port,
            }
            feast = open_feast(directory / "redis", online, frame)
            runs.update(feast_calls("feast_redis", feast))
        compare(runs, sets[0])
        times: Dict[str, List[float]] = {}
        for turn in range(-1, rounds):  # the first warms up
            for what, run in runs.items():
                took = sample(run, sets, 0.1 if what == 'columns_50' else 0.3)
                if turn >= 0:
                    times.setdefault(what, []).append(took)
    for what, found in times.items():
        row = {
            "language": "python",
            "key": "int64",
            "keys": KEYS,
            "what": what,
            "ns": round(median(found), 1),
            "rounds": [round(took, 1) for took in found],
        }
        print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
