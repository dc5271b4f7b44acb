#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the bench of loads.

    loads.py --build build [--rows N] [--quick] [--document FILE]

Owns the data, which it makes in memory and removes: 10,000,000 rows of 20 features,
which come as Arrow record batches of 65,536 rows, in order of key or in any order.
LMDB alone appends what the library stored, the same keys and bytes in commits of
the same size, to a new file. In each round all of them do their work, each in a
process of its own on one core; a figure is the median of the rounds, a ratio the
median of their ratios. Then a stream that writes a row every millisecond, and a
service that reads a hundred rows at a time, go on beside a load on the other core,
and are measured before and after it as well.

Prints tables, writes BUILD/bench/loads.json, and with --document between the marks
of that file. Where memory does not suffice there are fewer rows, which is said. A
missed goal is printed and is no failure.
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
from pathlib import Path
from statistics import median
from typing import Any, Dict, List

ROWS, QUICK_ROWS = 10_000_000, 200_000
ROUNDS = 3
#: Bytes of memory that a row takes, in files of three versions and beside them.
ROW_COST = 800
#: Bytes of it that the load takes that needs the most.
HEAT = 350
#: Bytes of rows in a commit of a load, which is that of LMDB alone, too.
COMMIT = 2 << 20
GOALS = {
    'sorted_vs_append': 2.0,
    'unsorted_vs_append': 4.0,
    'heap_mib': 256,
    'swap_ms': 50,
    'reads_during_load': 1.2,
}
MARKS = ('<!-- loads: begin -->', '<!-- loads: end -->')
FIELDS = (
    'seconds', 'stream', 'commit', 'rows', 'bytes', 'heap', 'swap_us', 'caught_up',
)  # fmt: skip


def fail(text: str) -> None:
    sys.exit('loads.py: %s' % text)


def median_ratio(ours: List[float], theirs: List[float]) -> float:
    return round(median(a / b for a, b in zip(ours, theirs)), 4)


class Beside:
    """A process that does its work between two lines."""

    def __init__(self, command: List[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self.answer() != 'ready':
            fail('%s does not start' % command)

    def answer(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline().strip()
        if not line:
            fail('a process beside the load ended')
        return line

    def say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()

    def stop(self) -> Dict[str, float]:
        self.say('stop')
        figures = [float(word) for word in self.answer().split()]
        return dict(zip(('p50', 'p99', 'most', 'calls'), figures))

    def close(self) -> None:
        self.process.communicate()


class Bench:
    def __init__(self, arguments: argparse.Namespace, work: Path) -> None:
        self.build, self.work = Path(arguments.build).resolve(), work
        self.quick = arguments.quick
        self.rounds = 1 if self.quick else ROUNDS
        self.idle = 0.5 if self.quick else 2.0
        self.cores = sorted(os.sched_getaffinity(0))
        self.rows = arguments.rows or (QUICK_ROWS if self.quick else ROWS)
        self.lines: List[str] = []
        self.ratios: Dict[str, float] = {}
        self.facts: Dict[str, Any] = {}
        self.loads: Dict[str, List[Dict[str, float]]] = {}

    def say(self, line: str = '') -> None:
        print(line, flush=True)
        self.lines.append(line)

    def fit(self) -> None:
        """Fewer rows where memory or the file system has no room for them."""
        free = shutil.disk_usage(self.work).free
        for line in Path('/proc/meminfo').read_text().splitlines():
            if line.startswith('MemAvailable:'):
                free = min(free, int(line.split()[1]) * 1024)
        most = free // ROW_COST // 100_000 * 100_000
        if most < self.rows:
            self.rows = max(most, 100_000)
            self.say(
                '{:,} rows instead of {:,}: memory has {:,} MiB.'.format(
                    self.rows, ROWS, free >> 20
                )
            )
            self.say()

    def command(self, core: int, *arguments: Any) -> List[str]:
        return ['taskset', '-c', str(core), str(self.build / 'bench' / 'loads')] + [
            str(argument) for argument in arguments
        ]

    def call(self, *arguments: Any) -> List[float]:
        made = subprocess.run(
            self.command(self.cores[-1], *arguments), capture_output=True, text=True
        )
        if made.returncode:
            fail(made.stderr.strip())
        return [float(word) for word in made.stdout.split()]

    def load(self, store: Path, order: str, *pace: int) -> Dict[str, float]:
        rows = pace[0] if pace else self.rows
        figures = self.call('load', store, rows, order, *pace[1:])
        return dict(zip(FIELDS, figures))

    def heat(self) -> None:
        """Takes memory from the system: its first use after a while is slower,
        and no merit or fault of who comes first."""
        with open(self.work / 'heat', 'wb') as file:
            for _ in range(self.rows * HEAT >> 20):
                file.write(bytes(1 << 20))
        os.unlink(self.work / 'heat')

    # --- how fast -----------------------------------------------------------------

    def append(self, process: Beside) -> None:
        process.say('go')
        took = float(process.answer())
        self.facts.setdefault('append_seconds', []).append(took)
        shutil.rmtree(self.work / 'raw')

    def contest(self, order: str) -> None:
        store = self.work / 'store'
        self.loads.setdefault(order, []).append(self.load(store, order))
        shutil.rmtree(store)

    def speed(self) -> None:
        store = self.work / 'store'
        self.load(store, 'sorted')
        raw = Beside(
            self.command(self.cores[-1], 'append', store, self.work / 'raw', COMMIT)
        )
        shutil.rmtree(store)
        runs = [
            lambda: self.append(raw),
            lambda: self.contest('sorted'),
            lambda: self.contest('shuffled'),
        ]
        for at in range(self.rounds):
            for run in runs[at % 3 :] + runs[: at % 3]:
                self.heat()
                run()
        raw.close()
        self.tell_speed(self.facts['append_seconds'])

    def tell_speed(self, raw: List[float]) -> None:
        self.say(
            '| {:,} rows of 20 features, {:.0f} bytes each, on {} | ns a row |'
            ' rows/s | to LMDB alone | heap, MiB |'.format(
                self.rows,
                self.loads['sorted'][0]['bytes'] / self.rows,
                self.place(self.work),
            )
        )
        self.say('|---|---|---|---|---|')
        for order, name, key in (
            ('sorted', 'in order of key', 'sorted_vs_append'),
            ('shuffled', 'in any order', 'unsorted_vs_append'),
        ):
            times = [one['seconds'] for one in self.loads[order]]
            heap = max(one['heap'] for one in self.loads[order]) / (1 << 20)
            self.ratios[key] = median_ratio(times, raw)
            self.ratios['heap_mib'] = max(heap, self.ratios.get('heap_mib', 0))
            self.row('a load from Arrow, %s' % name, times, self.ratios[key], heap)
        self.row('LMDB alone, `MDB_APPEND` of the same bytes', raw, None, None)
        self.ratios['heap_mib'] = round(self.ratios['heap_mib'], 1)
        self.facts['rows_per_second'] = round(
            self.rows / median(one['seconds'] for one in self.loads['sorted'])
        )

    def row(self, name: str, times: List[float], ratio: Any, heap: Any) -> None:
        took = median(times) / self.rows
        self.say(
            '| {} | {:.0f} | {:,.0f} | {} | {} |'.format(
                name,
                1e9 * took,
                1 / took,
                '' if ratio is None else '%.2f' % ratio,
                '' if heap is None else '%.0f' % heap,
            )
        )

    # --- beside a load --------------------------------------------------------------

    def beside(self, what: str, store: Path, *pace: int) -> Dict[str, Any]:
        """Before a load, during it and after it."""
        self.heat()
        process = Beside(self.command(self.cores[0], what, store, self.rows))
        found: Dict[str, Any] = {}
        for when in ('before', 'during', 'after'):
            process.say('go')
            if when == 'during':
                found['load'] = self.load(store, 'sorted', *pace)
            else:
                subprocess.run(['sleep', str(self.idle)], check=True)
            found[when] = process.stop()
        process.close()
        return found

    def ratio(self, found: Dict[str, Any], figure: str) -> float:
        without = [found[when][figure] for when in ('before', 'after')]
        return round(found['during'][figure] / (sum(without) / 2), 4)

    def contests(self) -> None:
        """In memory a commit takes microseconds, so a wait for a slice of the load
        is all that a writer feels; on a disk both sync."""
        few = max(self.rows // 10, 100_000)
        memory, disk = self.work / 'store', self.disk
        self.say()
        self.say(
            '| beside a load of rows in order | p50, us | p99, us | longest, ms |'
            ' calls | p99 to that without |'
        )
        self.say('|---|---|---|---|---|---|')
        plan = (
            ('reads_during_load', 'read', memory, (), 'p50', '100 keys read'),
            ('writer_p99_tmpfs', 'write', memory, (), 'p99', 'a row written'),
            ('writer_p99_tmpfs_paced', 'write', memory, (few, few // 4), 'p99',
             'a row written, load at {:,} rows/s'.format(few // 4)),
            ('writer_p99', 'write', disk, (few,), 'p99', 'a row written'),
            ('writer_p99_paced', 'write', disk, (few, few // 4), 'p99',
             'a row written, load at {:,} rows/s'.format(few // 4)),
        )  # fmt: skip
        for store in (memory, disk):
            self.load(store, 'sorted', *(() if store == memory else (few,)))
        for key, what, store, pace, figure, name in plan:
            found = self.beside(what, store, *pace)
            self.facts[key] = found
            self.ratios[key] = self.ratio(found, figure)
            for when in ('before', 'during'):
                self.told(name, store, when, found)
        self.swaps()

    def told(self, name: str, store: Path, when: str, found: Dict[str, Any]) -> None:
        figures = found[when]
        self.say(
            '| {} on {}, {} | {:,.1f} | {:,.1f} | {:,.2f} | {:,.0f} | {} |'.format(
                name,
                self.place(store),
                'during the load' if when == 'during' else 'without',
                figures['p50'],
                figures['p99'],
                figures['most'] / 1000,
                figures['calls'],
                '%.2f' % self.ratio(found, 'p99') if when == 'during' else '',
            )
        )

    def swaps(self) -> None:
        made = [one for some in self.loads.values() for one in some]
        made += [
            found['load']
            for found in self.facts.values()
            if isinstance(found, dict) and 'load' in found
        ]
        self.facts['swap_us'] = [one['swap_us'] for one in made]
        self.ratios['swap_ms'] = round(max(self.facts['swap_us']) / 1000, 3)
        paced = self.facts['writer_p99_paced']['load']
        self.facts['paced_rows_per_second'] = round(paced['rows'] / paced['seconds'])

    # --- the end --------------------------------------------------------------------

    @property
    def disk(self) -> Path:
        return self.build / 'bench' / 'loads-store'

    @staticmethod
    def place(path: Path) -> str:
        made = subprocess.run(
            ['stat', '-f', '-c', '%T', str(path)], capture_output=True, text=True
        )
        return made.stdout.strip() or 'an unknown file system'

    def finish(self) -> None:
        self.say()
        for name, value in self.ratios.items():
            goal = GOALS.get(name)
            text = ''
            if goal is not None:
                missed = '' if value <= goal else ', missed'
                text = '   (goal: at most %g%s)' % (goal, missed)
            self.say('    %-20s %10.4f%s' % (name, value, text))
        (self.build / 'bench' / 'loads.json').write_text(
            json.dumps(
                {
                    'ratios': self.ratios,
                    'facts': dict(self.facts, rows=self.rows, loads=self.loads),
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
    parser.add_argument('--rows', type=int)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--document')
    arguments = parser.parse_args()
    base = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix='libfeature-loads.', dir=base) as at:
        bench = Bench(arguments, Path(at))
        try:
            bench.fit()
            bench.speed()
            bench.contests()
            bench.finish()
        finally:
            shutil.rmtree(bench.disk, ignore_errors=True)
        if arguments.document:
            put_into(arguments.document, bench.lines)


if __name__ == '__main__':
    main()
