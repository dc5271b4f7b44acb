#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fits the weights in examples/score.c: a late departure, from departure_v1.

Run it as prepare.py, after it. Each training row is one flight of the period,
with its features as of half an hour before it was due, ttl and defaults as in
examples/flights.sql; the label is a departure more than 15 minutes late.
"""

import bisect
import csv
import math
import os
import sys
from collections import defaultdict
from datetime import datetime, timedelta

sys.dont_write_bytecode = True
import prepare  # noqa: E402 (after the line above)

# view, ttl, and the columns of departure_v1 with their defaults
ACTIVITY = timedelta(days=3), {"flights_7d": 0, "mean_delay_7d": 12.5,
                               "last_delay": 0}
PROFILE = None, {"seats": 150, "year_built": None}
ORIGIN = timedelta(hours=6), {"departures_3h": 0, "mean_delay_3h": 0,
                              "temp_c": None, "wind_ms": None,
                              "visibility_km": 16.1}
DESTINATION = timedelta(hours=6), {"arrivals_24h": 0,
                                   "mean_arrival_delay_24h": 0}


class View:
    def __init__(self, name, key):
        self.rows = defaultdict(list)
        path = os.path.join(prepare.HERE, name + ".csv")
        with open(path, encoding="utf-8") as file:
            for row in csv.DictReader(file):
                time = datetime.strptime(row["event_timestamp"],
                                         "%Y-%m-%dT%H:%M:%SZ")
                self.rows[row[key]].append((time, row))

    def as_of(self, key, time, ttl, columns):
        rows = self.rows.get(key, [])
        at = bisect.bisect_right(rows, time, key=lambda pair: pair[0])
        row = rows[at - 1][1] if at else {}
        if row and ttl and rows[at - 1][0] < time - ttl:
            row = {}
        return [float(row[c]) if row.get(c) else d for c, d in columns.items()]


def examples():
    profile = View("aircraft_profile", "tailnum")
    activity = View("aircraft_activity", "tailnum")
    traffic = View("airport_traffic", "faa")
    begin = prepare.BEGIN + timedelta(days=3)
    for flight in map(prepare.Flight, prepare.source("flights.csv.zip")):
        if flight.delay is None or not begin < flight.scheduled < prepare.AS_OF:
            continue
        time = flight.scheduled - timedelta(minutes=30)
        yield (profile.as_of(flight.tailnum, time, *PROFILE)
               + activity.as_of(flight.tailnum, time, *ACTIVITY)
               + traffic.as_of(flight.origin, time, *ORIGIN)
               + traffic.as_of(flight.destination, time, *DESTINATION),
               flight.delay > 15)


def main():
    rows, labels = zip(*examples())
    width = len(rows[0])
    known = [[r[i] for r in rows if r[i] is not None] for i in range(width)]
    means = [sum(k) / len(k) for k in known]
    scales = [math.sqrt(sum((x - m) ** 2 for x in k) / len(k)) or 1
              for k, m in zip(known, means)]
    inputs = [[0 if x is None else (x - m) / s
               for x, m, s in zip(r, means, scales)] for r in rows]
    weights, bias = [0.0] * width, 0.0
    for _ in range(400):  # plain gradient descent: small, and enough
        slopes, slope = [0.0] * width, 0.0
        for x, late in zip(inputs, labels):
            z = bias + sum(w * v for w, v in zip(weights, x))
            wrong = 1 / (1 + math.exp(-z)) - late
            slope += wrong
            for i, v in enumerate(x):
                slopes[i] += wrong * v
        weights = [w - g / len(rows) for w, g in zip(weights, slopes)]
        bias -= slope / len(rows)
    print(f"{len(rows)} departures, {sum(labels) / len(rows):.3f} of them late")
    print(f"bias {bias:.3f}")
    names = [c for _, columns in (PROFILE, ACTIVITY, ORIGIN, DESTINATION)
             for c in columns]
    for name, m, s, w in zip(names, means, scales, weights):
        print(f'    {{"{name}", {m:.2f}f, {w / s:.5f}f}},')


if __name__ == "__main__":
    main()
