#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the bench of reads at past times, and of what history and feed cost.

    times.py --build build --python PYTHON [--quick] [--document FILE]

Owns the data, which it makes in memory and removes: 100,000 entities of 50
versions, 1,000,000 and 10,000 labels, four numbers a row. Every contestant is a
process on one core that joins when it is told to; in each round each of them
does, so that a slow moment meets all. A figure is the median of the rounds, a
ratio the median of their ratios. All have to find the same rows.

Prints tables, writes BUILD/bench/time.json, and with --document between the
marks of that file. What is not installed, or not there yet, is said to be
missing; a missed goal is printed and is no failure, a wrong answer is one.
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
import time
from pathlib import Path
from statistics import median
from typing import Any, Dict, List, Optional

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FULL = dict(entities=100_000, versions=50, labels=1_000_000, few=10_000)
QUICK = dict(entities=2_000, versions=20, labels=20_000, few=1_000)
ROUNDS, WRITE_ROUNDS = 5, 5
WRITE_ROWS, COMMITS = 200_000, 400
PEERS = ('duckdb', 'polars', 'pandas')
GOALS = {
    'join_c_vs_duckdb': 0.3,
    'join_arrow_vs_duckdb': 0.5,
    'write_feed': 1.2,
    'write_history': 1.8,
}
ORDERS = {
    'random': 'entities as they come, each of which has a row',
    'scan': 'all entities in order, ten times, into a new view',
}
MARKS = ('<!-- time: begin -->', '<!-- time: end -->')


class Worker:
    """A contestant: joins when asked."""

    def __init__(self, name: str, command: List[str], core: int, env: Any):
        self.name, self.times, self.peak, self.mapped = name, [], 0, 0
        self.answer: Any = None
        self.process = subprocess.Popen(
            ['taskset', '-c', str(core)] + command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )

    def ready(self) -> bool:
        assert self.process.stdout
        return self.process.stdout.readline().strip() == 'ready'

    def run(self, is_timed: bool = True) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write('go\n')
        self.process.stdin.flush()
        words = self.process.stdout.readline().split()
        if len(words) != 5:
            sys.exit('times.py: %s gave no answer' % self.name)
        if is_timed:
            self.times.append(float(words[0]))
        self.answer = int(words[1]), float(words[2])
        self.peak, self.mapped = int(words[3]), int(words[4])

    def close(self) -> None:
        self.process.communicate()


def installed(python: str) -> Dict[str, str]:
    """Versions of what the environment has."""
    code = (
        'import importlib.metadata as m, json\n'
        'found = {}\n'
        'for name in %r:\n'
        '    try: found[name] = m.version(name)\n'
        '    except m.PackageNotFoundError: pass\n'
        'print(json.dumps(found))' % (PEERS + ('pyarrow', 'numpy'),)
    )
    made = subprocess.run(
        [python, '-c', code], capture_output=True, text=True, check=True
    )
    found: Dict[str, str] = json.loads(made.stdout)
    return found


class Bench:
    def __init__(self, arguments: argparse.Namespace, work: Path) -> None:
        self.build, self.work = Path(arguments.build).resolve(), work
        self.python, self.quick = arguments.python, arguments.quick
        self.sizes = QUICK if self.quick else FULL
        self.program = str(self.build / 'bench' / 'times')
        self.versions = installed(self.python)
        self.lines: List[str] = []
        self.ratios: Dict[str, float] = {}
        self.facts: Dict[str, Any] = {}
        self.core = max(os.sched_getaffinity(0))
        self.env = dict(
            os.environ,
            PYTHONPATH=str(ROOT / 'bindings' / 'python'),
            LIBFEATURE_PATH=str(self.build / 'libfeature.so'),
            POLARS_MAX_THREADS='1',
            OMP_NUM_THREADS='1',
        )

    def say(self, line: str = '') -> None:
        print(line, flush=True)
        self.lines.append(line)

    def call(
        self, *arguments: Any, program: str = 'times', is_pinned: bool = True
    ) -> List[float]:
        """What a program prints; on one core, unless others are part of it."""
        pin = ['taskset', '-c', str(self.core)] if is_pinned else []
        made = subprocess.run(
            pin
            + [str(self.build / 'bench' / program)]
            + [str(argument) for argument in arguments],
            capture_output=True,
            text=True,
        )
        if made.returncode:
            sys.exit(made.stderr)
        return [float(word) for word in made.stdout.split()]

    # --- joins ----------------------------------------------------------------

    def make(self) -> None:
        s = self.sizes
        (took,) = self.call(
            'make', self.work, s['entities'], s['versions'], s['labels'], s['few']
        )
        self.facts['history_rows'] = s['entities'] * s['versions']
        self.facts['history_load_seconds'] = took
        self.facts['written_bytes'] = self.store_bytes()
        shutil.copytree(self.work / 'store', self.work / 'written')
        command = [str(self.build / 'feature'), 'compact', str(self.work / 'store')]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        self.facts['store_bytes'] = self.store_bytes()

    def store_bytes(self) -> int:
        return (self.work / 'store' / 'data.mdb').stat().st_blocks * 512

    def start(self, name: str, labels: str) -> Optional[Worker]:
        if name in ('c', 'written'):
            command = [
                self.program,
                'join',
                str(self.work / ('store' if name == 'c' else name)),
                str(self.work / labels),
            ]
            return Worker(name, command, self.core, self.env)
        needs = 'pyarrow' if name == 'arrow' else name
        if needs not in self.versions or 'numpy' not in self.versions:
            return None
        worker = Worker(
            name,
            [
                self.python,
                str(HERE / 'times_worker.py'),
                name,
                str(self.work),
                labels,
            ],
            self.core,
            self.env,
        )
        if not worker.ready():
            sys.exit('times.py: %s does not start' % name)
        return worker

    def contest(self, labels: str, count: int) -> Dict[str, Worker]:
        workers: Dict[str, Worker] = {}
        for name in ('c', 'written', 'arrow') + PEERS:
            worker = self.start(name, labels)
            if worker:
                workers[name] = worker
                worker.run(is_timed=False)
        rounds = 3 if self.quick else ROUNDS
        for at in range(rounds):
            order = list(workers.values())
            for worker in order[at % len(order) :] + order[: at % len(order)]:
                worker.run()
        for worker in workers.values():
            worker.close()
        self.check(workers)
        self.table(workers, count)
        return workers

    def check(self, workers: Dict[str, Worker]) -> None:
        hits, total = workers['c'].answer
        for worker in workers.values():
            got = worker.answer
            if got[0] != hits or abs(got[1] - total) > 1e-9 * abs(total):
                sys.exit(
                    'times.py: %s finds %r, the library %r'
                    % (worker.name, got, (hits, total))
                )

    def table(self, workers: Dict[str, Worker], count: int) -> None:
        names = {
            'c': 'libfeature, C API',
            'written': 'the same, of a store as it was written',
            'arrow': 'libfeature, Arrow in and out',
            'duckdb': 'duckdb %s, ASOF LEFT JOIN',
            'polars': 'polars %s, join_asof',
            'pandas': 'pandas %s, merge_asof',
        }
        self.say()
        self.say(
            '| %s labels x %s versions of %s entities | seconds | of duckdb |'
            ' peak MiB | of it file |'
            % tuple(
                '{:,}'.format(n)
                for n in (
                    count,
                    self.facts['history_rows'],
                    self.sizes['entities'],
                )
            )
        )
        self.say('|---|---|---|---|---|')
        base = workers.get('duckdb')
        for name, text in names.items():
            label = text % self.versions[name] if '%' in text and (
                name in self.versions
            ) else text.replace(' %s', '')
            if name not in workers:
                self.say('| %s | not installed | | | |' % label)
                continue
            worker = workers[name]
            self.say(
                '| %s | %.4f | %s | %.0f | %.0f |'
                % (
                    label,
                    median(worker.times),
                    '%.3f' % ratio(worker, base) if base else '',
                    worker.peak / 1024,
                    worker.mapped / 1024,
                )
            )
            self.facts['%s_%d' % (name, count)] = {
                'seconds': worker.times,
                'peak_kib': worker.peak,
                'file_kib': worker.mapped,
            }

    def joins(self) -> None:
        self.make()
        many = self.contest('labels.bin', self.sizes['labels'])
        for ours, theirs, name in (
            ('c', 'duckdb', 'join_c_vs_duckdb'),
            ('written', 'duckdb', 'join_c_as_written_vs_duckdb'),
            ('arrow', 'duckdb', 'join_arrow_vs_duckdb'),
            ('arrow', 'polars', 'join_arrow_vs_polars'),
            ('arrow', 'pandas', 'join_arrow_vs_pandas'),
        ):
            if ours in many and theirs in many:
                self.ratios[name] = ratio(many[ours], many[theirs])
        few = self.contest('few.bin', self.sizes['few'])
        if 'duckdb' in few:
            self.ratios['join_few_labels_vs_duckdb'] = ratio(
                few['c'], few['duckdb']
            )

    # --- writes ---------------------------------------------------------------

    def write_once(self, kind: str, rows: int, order: str) -> List[float]:
        place = self.work / 'write'
        what = ('raw', kind) if kind in ('one', 'two') else ('write', kind)
        made = self.call(*what, place, rows, order, program='times_write')
        shutil.rmtree(place)
        return made

    def writes(self, order: str) -> Dict[str, float]:
        """Ratios to the same rows without either; of LMDB's two puts to one."""
        rows = 20_000 if self.quick else WRITE_ROWS
        kinds = ('plain', 'feed', 'history', 'one', 'two')
        times: Dict[str, List[float]] = {kind: [] for kind in kinds}
        for _ in range(3 if self.quick else WRITE_ROUNDS):
            for kind, taken in times.items():
                taken.append(self.write_once(kind, rows, order)[0])
        self.say()
        self.say(
            '| {:,} rows of 4 numbers, {}; commits of 500 on {} | ns a row |'
            ' ratio |'.format(rows, ORDERS[order], self.place())
        )
        self.say('|---|---|---|')
        ratios: Dict[str, float] = {}
        for kind, base, text in (
            ('plain', '', 'neither'),
            ('feed', 'plain', 'change feed'),
            ('history', 'plain', 'history'),
            ('one', '', 'LMDB alone, a put a row'),
            ('two', 'one', 'LMDB alone, with a second put as of history'),
        ):
            if base:
                each = [a / b for a, b in zip(times[kind], times[base])]
                ratios[kind] = round(median(each), 4)
            self.say(
                '| %s | %.0f | %s |'
                % (
                    text,
                    1e9 * median(times[kind]) / rows,
                    '%.3f' % ratios[kind] if base else '',
                )
            )
            self.facts['write_%s_%s_seconds' % (kind, order)] = times[kind]
        return ratios

    def all_writes(self) -> None:
        for order in ORDERS:
            ratios = self.writes(order)
            name = '' if order == 'random' else '_' + order
            for kind in ('feed', 'history'):
                self.ratios['write_%s%s' % (kind, name)] = ratios[kind]
            self.ratios['write_two_puts_lmdb%s' % name] = ratios['two']

    def visible(self) -> None:
        place = self.work / 'visible'
        middle, late = self.call(
            'visible', place, COMMITS, program='times_write', is_pinned=False
        )
        shutil.rmtree(place)
        self.facts['visible_us'] = {'median': middle, 'p99': late}
        self.say()
        self.say(
            'From the return of a write to a read in another process: median'
            ' %.1f us, 99th percentile %.1f us.' % (middle, late)
        )

    # --- a follower -----------------------------------------------------------

    def tool(self, *arguments: Any) -> float:
        """Runs the tool; seconds."""
        begun = time.perf_counter()
        made = subprocess.run(
            [str(self.build / 'feature')] + [str(a) for a in arguments],
            capture_output=True,
            text=True,
        )
        if made.returncode:
            sys.exit(made.stderr)
        return time.perf_counter() - begun

    def pipe(self, leader: Path, follower: Path, *more: str) -> Any:
        """`feature changes | feature follow`: both processes."""
        tool = str(self.build / 'feature')
        since = subprocess.run(
            [tool, 'follow', str(follower), '--print-since'],
            capture_output=True,
            text=True,
        ).stdout.strip()
        reader = subprocess.Popen(
            [tool, 'changes', str(leader), '--since', since or '0', *more],
            stdout=subprocess.PIPE,
        )
        writer = subprocess.Popen(
            [tool, 'follow', str(follower)], stdin=reader.stdout
        )
        assert reader.stdout
        reader.stdout.close()
        return reader, writer

    def follower(self) -> None:
        rows = 20_000 if self.quick else WRITE_ROWS
        leader, late, early = (
            self.work / name for name in ('leader', 'late', 'early')
        )
        self.call('write', 'feed', leader, rows, 'random', program='times_write')
        begun = time.perf_counter()
        if [each.wait() for each in self.pipe(leader, late)] != [0, 0]:
            sys.exit('times.py: the follower failed')
        caught = time.perf_counter() - begun
        image = self.work / 'leader.snapshot'
        boot = self.tool('snapshot', leader, image)
        boot += self.tool('restore', image, early)
        reader, writer = self.pipe(leader, early, '--follow')
        wrote, all_there, behind, most = self.call(
            'chase', leader, early, rows, program='times_write', is_pinned=False
        )
        reader.terminate()
        writer.wait()
        reader.wait()
        # The first rows and as many changes of them.
        self.facts['follower'] = {
            'bootstrap_rows_per_second': round(rows / boot),
            'catch_up_rows_per_second': round(2 * rows / caught),
            'leader_rows_per_second': round(rows / wrote),
            'followed_rows_per_second': round(rows / all_there),
            'commits_behind_median': behind,
            'commits_behind_most': most,
            'seconds_behind_at_the_end': round(all_there - wrote, 4),
        }
        self.say()
        self.say(
            'A follower: snapshot and restore {:,.0f} rows/s; from the beginning'
            ' of the feed {:,.0f} rows/s. While the leader writes {:,.0f} rows/s'
            ' in commits of 500, `feature changes --follow | feature follow` is'
            ' {:.0f} commits behind in the middle, {:.0f} at most, and has the'
            ' last one {:.1f} ms after it was made.'.format(
                rows / boot,
                2 * rows / caught,
                rows / wrote,
                behind,
                most,
                1e3 * (all_there - wrote),
            )
        )
        for place in (leader, late, early):
            shutil.rmtree(place)
        image.unlink()

    # --- the end --------------------------------------------------------------

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
            self.say(
                '    %-28s %.3f%s'
                % (
                    name,
                    value,
                    (
                        ''
                        if goal is None
                        else '   (goal: at most %.1f%s)'
                        % (goal, '' if value <= goal else ', missed')
                    ),
                )
            )
        path = self.build / 'bench' / 'time.json'
        path.write_text(
            json.dumps(
                {
                    'ratios': self.ratios,
                    'facts': self.facts,
                    'versions': self.versions,
                    'machine': platform.platform(),
                    'quick': self.quick,
                    'load': os.getloadavg()[0],
                },
                indent=1,
            )
            + '\n'
        )


def ratio(ours: Worker, theirs: Worker) -> float:
    return round(median(a / b for a, b in zip(ours.times, theirs.times)), 4)


def put_into(document: str, lines: List[str]) -> None:
    path = Path(document)
    before, begin, rest = path.read_text().partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        sys.exit('times.py: %s lacks its marks' % document)
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
    with tempfile.TemporaryDirectory(prefix='libfeature-time.', dir=base) as at:
        bench = Bench(arguments, Path(at))
        bench.joins()
        bench.all_writes()
        bench.visible()
        bench.follower()
        bench.finish()
        if arguments.document:
            put_into(arguments.document, bench.lines)


if __name__ == '__main__':
    main()
