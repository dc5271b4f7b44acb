#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flights from New York: define, load, read as of each departure, score.

    python flights.py [STORE] [DATA]

Uses nothing but Python and libfeature. STORE is made where it is missing
(default: flights.store), DATA is the folder of the CSV files (default:
examples/data). Ends with the departures, and what the features say of them.
"""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, Iterator, List

import libfeature as lf

EXAMPLES = Path(__file__).resolve().parent.parent
INTEGERS = {
    "year_built",
    "engines",
    "seats",
    "flights_7d",
    "miles_7d",
    "departures_3h",
    "arrivals_24h",
}
TEXTS = {"tailnum", "faa", "manufacturer", "model", "last_destination"}
VIEWS = ("aircraft_profile", "aircraft_activity", "airport_traffic")


def when(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def value(name: str, text: str) -> Any:
    """A field of a CSV file; an empty one is null."""
    if not text:
        return None
    if name in TEXTS:
        return text
    if name == "event_timestamp":
        return when(text)
    return int(text) if name in INTEGERS else float(text)


def rows_of(path: Path) -> Iterator[Dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: value(name, text) for name, text in row.items()}


def load(store: lf.Store, data: Path) -> None:
    """Defines the views, and writes all three in one commit."""
    store.apply((EXAMPLES / "flights.sql").read_text("utf-8"))
    with store.batches() as batches:
        for view in VIEWS:
            batches.upsert(view, rows_of(data / (view + ".csv")))
    commit = batches.commit
    print(
        "commit %d: %d rows, %d of them late"
        % (commit.sequence, commit.applied + commit.late, commit.late)
    )


def departures(data: Path) -> Dict[str, List[str]]:
    with (data / "departures.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else "flights.store"
    data = Path(sys.argv[2] if len(sys.argv) > 2 else EXAMPLES / "data")
    with lf.Store.open(path, create=True) as store:
        load(store, data)
        flights = departures(data)
        query = store.query("departure_v1")
        # Each row at the time its flight was due: what was known then, and
        # nothing that came later.
        answer = query.read(
            {key.name: flights[key.name] for key in query.keys},
            as_of=[when(text) for text in flights["scheduled"]],
        )
        print(answer)
        for view in answer.views:
            met: Dict[str, int] = {}
            for state in answer.state_names(view):
                met[state] = met.get(state, 0) + 1
            print(
                "%s: %s"
                % (
                    view,
                    ", ".join(
                        "%d %s" % (count, state) for state, count in met.items()
                    ),
                )
            )


if __name__ == "__main__":
    main()
