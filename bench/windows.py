#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the bench of events and windows.

    windows.py --build build --python PYTHON [--quick] [--document FILE]

Owns the data, which it makes in memory and removes. Three windows (1 hour, 1 day,
7 days) of four aggregates (SUM, COUNT, MIN, MAX); frequent and rare keys. Events
are written to a copy of a store that has eight days of them, and LMDB alone does
its part on a copy of the same. Each reader is a process on one core that answers
when it is told to. In each round all of them do their work, so that a slow moment
meets all; a figure is the median of the rounds, a ratio the median of their ratios.
All readers have to give the same answers.

Prints tables, writes BUILD/bench/windows.json, and with --document between the
marks of that file. What is not installed is said to be missing; a missed goal is
printed and is no failure, a wrong answer is one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from array import array
from pathlib import Path
from statistics import median
from typing import Any, Dict, List, Optional

HERE = Path(__file__).resolve().parent
FULL = dict(
    keys=100_000, rate=2_000_000, events=200_000,
    entities=10_000, history=2_000_000, batches=50,
)  # fmt: skip
QUICK = dict(
    keys=5_000, rate=50_000, events=10_000,
    entities=1_000, history=50_000, batches=10,
)  # fmt: skip
ROUNDS = 7
ROWS = 100
FIRST, DAY = 1_700_000_000_000_000, 86_400_000_000
NOW = FIRST + 8 * DAY + 12_345_678
WINDOWS = ((DAY // 24, DAY // 1440), (DAY, DAY // 72), (7 * DAY, DAY // 8))
#: Events a day of each entity, to entities.
RATES = {1: 10_000, 10: 10_000, 100: 2_500, 1_000: 250, 10_000: 100}
#: Events a second of the stream itself; 0: as it was before.
PACES = (0, 100, 1_000, 10_000)
WRITERS = {
    'events': 'libfeature, `feature_store_write`',
    'raw': 'LMDB alone: get, copy, put for each event',
    'keys': 'LMDB alone: the same for each key of a batch',
}
READERS = {
    'library': 'libfeature, `feature_request_read`',
    'raw': 'LMDB alone: `mdb_get` and a copy of the rows',
    'sqlite': 'SQLite, a range of a clustered index',
    'pipeline': 'Redis, sorted sets, pipelined, folded by the client',
    'lua': 'Redis, sorted sets, folded by a script',
    'duckdb': 'DuckDB, a query from Python',
}
GOALS = {'events_vs_raw': 1.6, 'read_vs_mdb_get': 2.5}
MARKS = ('<!-- windows: begin -->', '<!-- windows: end -->')


def fail(text: str) -> None:
    sys.exit('windows.py: %s' % text)


class Reader:
    """A process that answers when asked."""

    def __init__(self, name: str, command: List[str], core: int) -> None:
        self.name, self.times = name, []  # type: str, List[float]
        self.process = subprocess.Popen(
            ['taskset', '-c', str(core)] + command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        said = self.process.stdout.readline().strip()
        if said not in ('ready', 'missing'):
            fail('%s does not start' % name)
        self.is_there = said == 'ready'

    def ask(self, line: str) -> float:
        """Microseconds a batch."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            fail('%s gave no answer' % self.name)
        return float(answer)

    def close(self) -> None:
        self.process.communicate()


def median_ratio(ours: List[float], theirs: List[float]) -> float:
    return round(median(a / b for a, b in zip(ours, theirs)), 4)


class Bench:
    def __init__(self, arguments: argparse.Namespace, work: Path) -> None:
        self.build, self.work = Path(arguments.build).resolve(), work
        self.python, self.quick = arguments.python, arguments.quick
        self.sizes = QUICK if self.quick else FULL
        self.rounds = 3 if self.quick else ROUNDS
        self.core = max(os.sched_getaffinity(0))
        self.lines: List[str] = []
        self.ratios: Dict[str, float] = {}
        self.facts: Dict[str, Any] = {}

    def say(self, line: str = '') -> None:
        print(line, flush=True)
        self.lines.append(line)

    def call(self, *arguments: Any) -> float:
        """What windows_write prints, on one core."""
        made = subprocess.run(
            ['taskset', '-c', str(self.core)]
            + [str(self.build / 'bench' / 'windows_write')]
            + [str(argument) for argument in arguments],
            capture_output=True,
            text=True,
        )
        if made.returncode:
            sys.exit(made.stderr)
        return float(made.stdout or 0)

    # --- events -----------------------------------------------------------------

    def write_once(self, kind: str, pace: int) -> float:
        """Seconds, on a fresh copy of the store that is warm."""
        place, s = self.work / 'copy', self.sizes
        sizes = self.work / ('sizes-%d' % pace)
        shutil.copytree(self.work / 'warm', place)
        given = [place, s['keys'], s['rate'], s['events'], pace]
        took = self.call(kind, *given, *([] if kind == 'events' else [sizes]))
        if not sizes.exists():
            self.call('sizes', place, sizes, s['keys'])
        shutil.rmtree(place)
        return took

    def write_rounds(self, kinds: List[str], pace: int) -> Dict[str, List[float]]:
        times: Dict[str, List[float]] = {kind: [] for kind in kinds}
        self.write_once('events', pace)  # for the sizes of the rows
        for at in range(self.rounds):
            turn = at % len(kinds)
            for kind in kinds[turn:] + kinds[:turn]:
                times[kind].append(self.write_once(kind, pace))
        return times

    def writes(self) -> None:
        s = self.sizes
        self.call('warm', self.work / 'warm', s['keys'], s['rate'])
        times = self.write_rounds(list(WRITERS), 0)
        self.say(
            '| {:,} events to {:,} keys, commits of 1,000 on {} | ns an event |'
            ' events/s and core | libfeature to it |'.format(
                s['events'], s['keys'], self.place()
            )
        )
        self.say('|---|---|---|---|')
        for kind, text in WRITERS.items():
            took = median(times[kind]) / s['events']
            self.say(
                '| %s | %.0f | %s | %s |'
                % (
                    text,
                    1e9 * took,
                    '{:,.0f}'.format(1 / took),
                    '%.2f' % median_ratio(times['events'], times[kind])
                    if kind != 'events'
                    else '',
                )
            )
        for kind, name in (('raw', ''), ('keys', '_by_key')):
            self.ratios['events_vs_raw' + name] = median_ratio(
                times['events'], times[kind]
            )
        self.facts['write_seconds'] = times
        self.facts['events_per_second'] = round(
            s['events'] / median(times['events'])
        )

    def paces(self) -> None:
        """The more often a key has events, the larger is its row: those of its
        running hop are kept one by one."""
        s = self.sizes
        self.say()
        self.say(
            '| the stream has, events/s | the most frequent key | largest row,'
            ' bytes | events/s and core | of LMDB alone |'
        )
        self.say('|---|---|---|---|---|')
        most = 1 / sum(1 / (rank + 1) for rank in range(s['keys']))
        for pace in PACES:
            times = self.write_rounds(['events', 'raw'], pace)
            sizes = array('I')
            sizes.frombytes((self.work / ('sizes-%d' % pace)).read_bytes())
            stream = pace or s['rate'] / (8 * 86400)
            ratio = median_ratio(times['events'], times['raw'])
            self.facts['pace_%d' % pace] = dict(times, largest_row=max(sizes))
            self.say(
                '| {:,.1f} | {:,.1f} | {:,} | {:,.0f} | {:.2f} |'.format(
                    stream,
                    stream * most,
                    max(sizes),
                    s['events'] / median(times['events']),
                    ratio,
                )
            )
        shutil.rmtree(self.work / 'warm')

    def rates(self) -> None:
        """Rows of entities that are all alike: their sizes, and their reads."""
        self.say()
        self.say(
            '| events a day of each entity | bytes of its row | read of 100, us |'
            ' LMDB alone | libfeature to it |'
        )
        self.say('|---|---|---|---|---|')
        for rate, entities in RATES.items():
            place = self.work / 'store'
            if self.quick:
                entities = max(entities // 10, ROWS)
            size = self.call('bytes', place, rate, entities)
            readers = [
                Reader(name, self.reader(name, entities, 0), self.core)
                for name in ('library', 'raw')
            ]
            for at in range(-1, self.rounds):
                for reader in readers[:: 1 if at % 2 else -1]:
                    took = reader.ask('go')
                    if at >= 0:
                        reader.times.append(took)
            for reader in readers:
                reader.close()
            shutil.rmtree(place)
            ours, theirs = (reader.times for reader in readers)
            ratio = median_ratio(ours, theirs)
            self.facts['rate_%d' % rate] = dict(
                row_bytes=size, read_us=ours, mdb_get_us=theirs, ratio=ratio
            )
            self.say(
                '| {:,} | {:,.0f} | {:,.1f} | {:,.1f} | {:.2f} |'.format(
                    rate, size, median(ours), median(theirs), ratio
                )
            )

    # --- reads --------------------------------------------------------------------

    def reader(self, name: str, entities: int, history: int) -> List[str]:
        return [
            str(self.build / 'bench' / 'windows_read'),
            name,
            str(self.work / 'store'),
            str(self.work / name),
            str(entities),
            str(history),
            str(self.sizes['batches']),
        ]

    def start(self, name: str) -> Optional[Reader]:
        s = self.sizes
        if name == 'duckdb':
            command = [
                self.python,
                str(HERE / 'windows_worker.py'),
                str(self.work / 'events'),
                str(s['entities']),
                str(s['batches']),
                str(NOW),
            ] + [str((NOW - size) // hop * hop) for size, hop in WINDOWS]
            if subprocess.run(
                [self.python, '-c', 'import duckdb, numpy, pyarrow'],
                capture_output=True,
            ).returncode:
                return None
        else:
            command = self.reader(name, s['entities'], s['history'])
        reader = Reader(name, command, self.core)
        return reader if reader.is_there else None

    def contest(self) -> Dict[str, Reader]:
        s = self.sizes
        self.call('warm', self.work / 'store', s['entities'], s['history'])
        self.call('dump', self.work / 'events', s['entities'], s['history'])
        readers: Dict[str, Reader] = {}
        for name in READERS:
            reader = self.start(name)
            if reader:
                readers[name] = reader
                reader.ask('go')
        for at in range(self.rounds):
            order = list(readers.values())
            for reader in order[at % len(order) :] + order[: at % len(order)]:
                reader.times.append(reader.ask('go'))
        self.check(readers)
        for reader in readers.values():
            reader.close()
        shutil.rmtree(self.work / 'store')
        return readers

    def check(self, readers: Dict[str, Reader]) -> None:
        """All answers are the same, to the byte."""
        answers = {}
        for name, reader in readers.items():
            if name != 'raw':
                path = self.work / ('answers-' + name)
                reader.ask('answers %s' % path)
                answers[name] = path.read_bytes()
        wanted = self.sizes['batches'] * ROWS * 12 * 8
        for name, answer in answers.items():
            if len(answer) != wanted or answer != answers['library']:
                fail('%s and the library answer differently' % name)
        if len(answers) < 2:
            fail('nobody is there to compare answers with')
        self.facts['answers_compared'] = sorted(answers)

    def reads(self) -> None:
        s = self.sizes
        readers = self.contest()
        base = readers['library'].times
        self.say()
        self.say(
            '| 3 windows x 4 aggregates of 100 entities; {:,} events of 8 days'
            ' to {:,} | us | libfeature to it |'.format(
                s['history'], s['entities']
            )
        )
        self.say('|---|---|---|')
        for name, text in READERS.items():
            if name not in readers:
                self.say('| %s | not installed | |' % text)
                continue
            times = readers[name].times
            self.facts['read_us_' + name] = times
            self.say(
                '| %s | %s | %s |'
                % (
                    text,
                    '{:,.1f}'.format(median(times)),
                    '%.4f' % median_ratio(base, times)
                    if name != 'library'
                    else '',
                )
            )
        for name, key in (
            ('raw', 'mdb_get'),
            ('duckdb', 'duckdb'),
            ('pipeline', 'redis_pipeline'),
            ('lua', 'redis_lua'),
            ('sqlite', 'sqlite'),
        ):
            if name in readers:
                self.ratios['read_vs_' + key] = median_ratio(
                    base, readers[name].times
                )
        # The faster of the two: the larger ratio.
        redis = [
            value
            for name, value in self.ratios.items()
            if name.startswith('read_vs_redis_')
        ]
        if redis:
            self.ratios['read_vs_redis'] = max(redis)

    # --- the end --------------------------------------------------------------------

    def place(self) -> str:
        made = subprocess.run(
            ['stat', '-f', '-c', '%T', str(self.work)],
            capture_output=True,
            text=True,
        )
        return made.stdout.strip() or 'an unknown file system'

    def finish(self) -> None:
        self.say()
        for name, value in self.ratios.items():
            goal = GOALS.get(name)
            text = ''
            if goal is not None:
                missed = '' if value <= goal else ', missed'
                text = '   (goal: at most %.1f%s)' % (goal, missed)
            self.say('    %-24s %.4f%s' % (name, value, text))
        path = self.build / 'bench' / 'windows.json'
        path.write_text(
            json.dumps(
                {
                    'ratios': self.ratios,
                    'facts': self.facts,
                    'machine': platform.platform(),
                    'quick': self.quick,
                    'load': os.getloadavg()[0],
                },
                indent=1,
            )
            + '\n'
        )


def put_into(document: str, lines: List[str]) -> None:
    path = Path(document)
    before, begin, rest = path.read_text().partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        fail('%s lacks its marks' % document)
    text = '\n'.join(lines).strip()
    path.write_text('%s%s\n\n%s\n\n%s%s' % (before, begin, text, end, after))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', default='build')
    parser.add_argument('--python', default=sys.executable)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--document')
    arguments = parser.parse_args()
    base = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    with tempfile.TemporaryDirectory(
        prefix='libfeature-windows.', dir=base
    ) as at:
        bench = Bench(arguments, Path(at))
        bench.writes()
        bench.paces()
        bench.reads()
        bench.rates()
        bench.finish()
        if arguments.document:
            put_into(arguments.document, bench.lines)


if __name__ == '__main__':
    main()
