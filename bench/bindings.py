#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the bindings bench: the same reads from C, C++, Go and Python, and Feast.

    bindings.py --build build --python PYTHON [--feast PYTHON] [--quick]
                [--document docs/bindings-performance.md]

Owns the store, which it makes in memory and removes, and a redis-server of its
own. In each round every language runs once, in an order that turns, so that a
slow moment of the machine meets all of them. A figure is the median over the
rounds; a ratio is the median of the ratios of the rounds. Prints tables and
writes BUILD/bench/bindings.json. What is not installed is said to be missing,
and is never a failure; a missed target is printed, and is none either. With
--document what was printed goes between the marks of that file as well.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

SIZES = (1, 10, 100, 1000)
AT = 100  # keys, where the targets are
ROWS = 100_000
ROUNDS, INNER = 11, 3
FEAST_ROUNDS = 9
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

#: Head, key type, and rows of (name, language, what); the first is compared with.
TABLES = [
    (
        'Columns of 20 features, INT64 keys from an array',
        'int64',
        [
            ('C', 'c', 'columns'),
            ('C++', 'c++', 'columns'),
            ('Go', 'go', 'columns'),
            ('Python, to numpy', 'python', 'columns'),
        ],
    ),
    (
        'Matrix of 20 features, INT64 keys from an array',
        'int64',
        [
            ('C', 'c', 'matrix'),
            ('C++', 'c++', 'matrix'),
            ('Go', 'go', 'matrix'),
            ('Python', 'python', 'matrix'),
            ('Python, from list[int]', 'python', 'matrix_from_list'),
            ('building keys from list[int]', 'python', 'keys_from_list'),
        ],
    ),
    (
        'Matrix of 20 features, STRING keys',
        'string',
        [
            ('C, packed texts', 'c', 'matrix'),
            ('C++, packed texts', 'c++', 'matrix'),
            ('C++, vector<string>', 'c++', 'matrix_from_strings'),
            ('Go, packed texts', 'go', 'matrix'),
            ('Go, []string', 'go', 'matrix_from_strings'),
            ('Python, Arrow array', 'python', 'matrix'),
            ('Python, list[str]', 'python', 'matrix_from_list'),
            ('building keys from list[str]', 'python', 'keys_from_list'),
        ],
    ),
]

#: Name of a ratio, language and what of both sides, the most it may be.
RATIOS = [
    ('python_numpy_vs_c', ('python', 'columns'), ('c', 'columns'), 2.5),
    ('python_matrix_vs_c', ('python', 'matrix'), ('c', 'matrix'), 2.5),
    ('go_vs_c', ('go', 'matrix'), ('c', 'matrix'), 1.2),
    ('go_columns_vs_c', ('go', 'columns'), ('c', 'columns'), 1.2),
    ('cpp_vs_c', ('c++', 'matrix'), ('c', 'matrix'), None),
    ('cpp_columns_vs_c', ('c++', 'columns'), ('c', 'columns'), None),
]
FEAST_RATIOS = [
    ('feast_sqlite_vs_ours', 'feast_sqlite'),
    ('feast_redis_vs_ours', 'feast_redis'),
]


said = []  # for --document


def say(text: str = '') -> None:
    said.append(text)
    print(text, flush=True)


def put_into(path: Path) -> None:
    """What was said, between the marks of a document."""
    text = path.read_text(encoding='utf-8')
    before, begin, rest = text.partition('<!-- figures -->\n')
    end, after = rest.partition('<!-- end of figures -->')[1:]
    if not begin or not end:
        sys.exit('bench-bindings: no place for figures in %s' % path)
    figures = '```text\n%s\n```\n' % '\n'.join(said).strip()
    path.write_text(before + begin + figures + end + after, encoding='utf-8')


def lines_of(command, environment) -> list:
    """The JSON lines that a program prints."""
    done = subprocess.run(
        [str(part) for part in command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(
            'bench-bindings: %s failed (%d)\n%s'
            % (command[0], done.returncode, done.stderr)
        )
    return [
        json.loads(line)
        for line in done.stdout.splitlines()
        if line.startswith('{')
    ]


def programs(options) -> dict:
    """The program of each language that is here."""
    build = options.build
    found = {
        'c': [build / 'bench/bindings_c'],
        'c++': [build / 'bench/bindings_cpp'],
        'go': [build / 'bench/bindings_go'],
        'python': [
            options.python,
            ROOT / 'bindings/python/bench/bench_read.py',
        ],
    }
    for name, command in list(found.items()):
        if not Path(command[0]).exists():
            say('missing: %s (no %s)' % (name, command[0]))
            del found[name]
    return found


def read_rounds(options, store, environment) -> dict:
    """(language, key type, keys, what): nanoseconds a call, one a round."""
    times = {}
    commands = list(programs(options).values())
    rounds = 2 if options.quick else ROUNDS
    for turn in range(rounds):
        for view, key in (('items', 'int64'), ('users', 'string')):
            first = turn % len(commands)
            for command in commands[first:] + commands[:first]:
                for line in lines_of(
                    [*command, store, view + '(*)', 0, ROWS, INNER],
                    environment,
                ):
                    where = (line['language'], key, line['keys'], line['what'])
                    times.setdefault(where, []).append(line['ns'])
    return times


def free_port() -> int:
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


class Redis:
    """A server of our own, that keeps nothing; port 0 where there is none."""

    def __init__(self, directory: Path) -> None:
        self.process, self.port = None, 0
        self.directory = directory

    def __enter__(self) -> 'Redis':
        server = shutil.which('redis-server')
        if not server:
            say('missing: redis-server')
            return self
        port = free_port()
        self.process = subprocess.Popen(
            [
                server,
                '--port',
                str(port),
                '--bind',
                '127.0.0.1',
                '--save',
                '',
                '--appendonly',
                'no',
                '--dir',
                str(self.directory),
            ],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(100):
            try:
                socket.create_connection(('127.0.0.1', port), 1).close()
                self.port = port
                return self
            except OSError:
                time.sleep(0.05)
        say('missing: redis-server does not answer')
        return self

    def __exit__(self, *_: object) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()


def feast_rounds(options, store, directory, environment) -> dict:
    """what: nanoseconds a call, one a round."""
    python = options.feast
    if not python or not Path(python).exists():
        say('missing: Feast (make deps-bench installs it)')
        return {}
    folder = directory / 'feast'
    folder.mkdir()
    with Redis(directory) as redis:
        found = lines_of(
            [
                python,
                HERE / 'bindings_feast.py',
                store,
                folder,
                redis.port,
                1 if options.quick else FEAST_ROUNDS,
            ],
            environment,
        )
    return {line['what']: line['rounds'] for line in found}


def ratio(above, below) -> float:
    return median(a / b for a, b in zip(above, below))


def number(ns: float) -> str:
    return f'{ns:,.0f}'


def print_table(head, key, rows, times) -> None:
    base = rows[0][1:]
    say()
    say(head + ': ns a call')
    line = ''.join('%11d        ' % size for size in SIZES)
    say('%-30s%s' % ('keys', line.rstrip()))
    for name, language, what in rows:
        text = '%-30s' % name
        for size in SIZES:
            mine = times.get((language, key, size, what))
            other = times.get((base[0], key, size, base[1]))
            if not mine or not other:
                text += '%11s        ' % '-'
                continue
            text += '%11s %6.2fx' % (number(median(mine)), ratio(mine, other))
            text += ' '
        say(text.rstrip())


def verdict(name, value, most) -> str:
    if most is None:
        return 'INFO  %-28s %8.2f' % (name, value)
    word = 'PASS' if value <= most else 'MISS'
    return '%s  %-28s %8.2f   target at most %.1f' % (word, name, value, most)


def ratios_of(times, feast) -> dict:
    """Prints each ratio with its target, and answers all of them."""
    found = {}
    say()
    say('Ratios at %d keys:' % AT)
    for name, one, other, most in RATIOS:
        mine = times.get((one[0], 'int64', AT, one[1]))
        base = times.get((other[0], 'int64', AT, other[1]))
        if not mine or not base:
            say('SKIP  %-28s not measured' % name)
            continue
        found[name] = round(ratio(mine, base), 3)
        say(verdict(name, found[name], most))
    for name, what in FEAST_RATIOS:
        if what not in feast:
            say('SKIP  %-28s not measured' % name)
            continue
        found[name] = round(ratio(feast[what], feast['columns_50']), 1)
        say(verdict(name, found[name], None))
    return found


def print_feast(feast) -> None:
    if not feast:
        return
    say()
    say('100 entities x 50 features, keys from list[int]: microseconds a call')
    names = {
        'columns_50': 'libfeature, to numpy',
        'feast_sqlite': 'Feast, SQLite: get_online_features',
        'feast_sqlite_to_dict': '    and to_dict',
        'feast_redis': 'Feast, Redis: get_online_features',
        'feast_redis_to_dict': '    and to_dict',
    }
    for what, name in names.items():
        if what in feast:
            say(
                '%-38s %11s %8.1fx'
                % (
                    name,
                    f'{median(feast[what]) / 1000:,.1f}',
                    ratio(feast[what], feast['columns_50']),
                )
            )


def output_of(*command) -> str:
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        )
        return done.stdout.strip().splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ''


def about(options) -> dict:
    """The machine, and the versions of what was measured."""
    cpu = ''
    try:
        for line in Path('/proc/cpuinfo').read_text().splitlines():
            if line.startswith('model name'):
                cpu = line.split(':', 1)[1].strip()
                break
    except OSError:
        pass
    packages = (
        'import importlib.metadata as m; print(", ".join(n + " " + '
        'm.version(n) for n in %r))'
    )
    found = {
        'machine': '%s, %d processors'
        % (cpu or platform.machine(), os.cpu_count() or 0),
        'system': '%s %s'
        % (platform.system(), platform.release().split('-')[0]),
        'C, C++': output_of(options.cc, '--version'),
        'Go': output_of(options.go, 'version') if options.go else '',
        'Python': '%s, %s'
        % (
            output_of(options.python, '--version'),
            output_of(options.python, '-c', packages % (['numpy', 'pyarrow'],)),
        ),
        'Feast': (
            output_of(
                options.feast, '-c', packages % (['feast', 'redis', 'numpy'],)
            )
            if options.feast
            else ''
        ),
        'Redis': output_of('redis-server', '--version').split(' sha=')[0],
    }
    return {name: what for name, what in found.items() if what}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--build', type=Path, default=Path('build'))
    parser.add_argument('--python', default=sys.executable)
    parser.add_argument('--feast', default='')
    parser.add_argument('--cc', default='cc')
    parser.add_argument('--go', default='')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--document', type=Path)
    options = parser.parse_args()
    options.build = options.build.resolve()
    environment = dict(
        os.environ,
        LD_LIBRARY_PATH=str(options.build),
        LIBFEATURE_PATH=str(options.build / 'libfeature.so'),
        PYTHONPATH=str(ROOT / 'bindings/python'),
        PYTHONDONTWRITEBYTECODE='1',
    )
    shared = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix='feature-', dir=shared) as place:
        store = Path(place) / 'store'
        subprocess.run(
            [options.build / 'bench/bindings_store', store, str(ROWS)],
            check=True,
        )
        times = read_rounds(options, store, environment)
        feast = feast_rounds(options, store, Path(place), environment)
    for head, key, rows in TABLES:
        print_table(head, key, rows, times)
    print_feast(feast)
    machine = about(options)
    say()
    for name, what in machine.items():
        say('%s: %s' % (name, what))
    results = {
        'quick': options.quick,
        'about': machine,
        'ratios': ratios_of(times, feast),
        'reads': [
            {
                'language': language,
                'key': key,
                'keys': keys,
                'what': what,
                'ns': round(median(each), 1),
                'rounds': each,
            }
            for (language, key, keys, what), each in sorted(times.items())
        ],
        'feast': {what: round(median(each), 1) for what, each in feast.items()},
    }
    if options.document:
        put_into(options.document)
    path = options.build / 'bench/bindings.json'
    path.write_text(json.dumps(results, indent=1) + '\n', encoding='utf-8')
    say()
    say('written to %s' % os.path.relpath(path))
    return 0


if __name__ == '__main__':
    sys.exit(main())
