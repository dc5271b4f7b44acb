#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the figures of results.json into a document, as Markdown tables.

    table.py results.json docs/performance.md

Replaces what stands between `<!-- figures -->` and `<!-- end of figures -->`.
"""
import json
import re
import statistics
import sys

GOALS = [
    ('batch100_vs_mdb_get', 'batch of 100 / raw `mdb_get` loop', '<=', 0.25),
    ('batch1_vs_mdb_get', 'batch of 1 / raw `mdb_get`', '<=', 1.15),
    ('views5_vs_mdb_get', 'one key in five views / five `mdb_get`', '<=', 0.5),
    ('memory_limit_1e7', '1e7 rows / prefetched hash probe + row copy', '<=',
     5),
    ('batch100_vs_rocksdb', 'batch of 100 / RocksDB MultiGet (an aim)', '<=',
     0.08),
    ('batch100_vs_sqlite', 'batch of 100 / SQLite (an aim)', '<=', 0.12),
    ('batch100_vs_redis', 'batch of 100 / Redis MGET packed (an aim)', '<=',
     0.10),
    ('decode_vs_memcpy', 'decode of 20 features / memcpy of the row', '<=', 8),
    ('readers2_vs_mdb_get_scaling', "two-thread speed-up / raw loop's", '>=',
     0.9),
    ('with_writer', 'with a writer committing / without', '<=', 1.15),
    ('rows1e7_vs_1e5', '1e7 rows / 1e5 rows, batch of 100', '<=', 4),
    ('bulk_vs_append', 'sorted batch, empty view / MDB_APPEND, tmpfs', '<=',
     1.6),
    ('upsert_vs_raw', 'upsert 10,000 a commit / raw LMDB, tmpfs', '<=', 1.3),
    ('group_commit_32', '32 writers / one, durable commits a second', '>=', 8),
]


def number(value):
    if value >= 1000:
        return f'{value:,.0f}'
    return f'{value:.3g}'


def ratio_rows(results):
    yield '| ratio, within one run | measured | goal | |'
    yield '|---|---|---|---|'
    for name, what, sign, goal in GOALS:
        value = results['ratios'].get(name)
        if value is None:
            yield f'| {what} | not measured | {sign} {goal:g} | |'
            continue
        met = value <= goal if sign == '<=' else value >= goal
        yield (f'| {what} | {value:.3g} | {sign} {goal:g} | '
               f'{"met" if met else "missed"} |')


def contest_rows(contest):
    baseline = next(method for method in contest['methods']
                    if method['name'] == contest['baseline'])
    steady = '' if contest['spread'] <= 1.25 else ', unsteady'
    yield (f'**{contest["name"]}** ({contest["unit"]}, {contest["place"]}; '
           f'baseline moved {contest["spread"]:.2f}x{steady})')
    yield ''
    yield '| method | median | least | most | / baseline |'
    yield '|---|---|---|---|---|'
    for method in contest['methods']:
        rounds = method['rounds']
        ratio = statistics.median(
            a / b for a, b in zip(rounds, baseline['rounds']))
        yield (f'| {method["name"]} | {number(method["median"])} | '
               f'{number(min(rounds))} | {number(max(rounds))} | '
               f'{ratio:.3g} |')
    yield ''


def lines(results):
    command = 'make bench QUICK=1' if results['quick'] else 'make bench'
    yield f'Printed by `{command}` on this machine:'
    yield ''
    for name, what in results['about'].items():
        yield f'- {name}: {what}'
    yield ''
    yield from ratio_rows(results)
    yield ''
    for contest in results['contests']:
        yield from contest_rows(contest)
    if results['facts']:
        yield '| other figures | | |'
        yield '|---|---|---|'
        for fact in results['facts']:
            yield (f'| {fact["name"]} | {number(fact["value"])} | '
                   f'{fact["unit"]} |')


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding='utf-8') as file:
        results = json.load(file)
    with open(sys.argv[2], encoding='utf-8') as file:
        document = file.read()
    figures = '\n'.join(lines(results))
    document, count = re.subn(
        r'(<!-- figures -->\n).*?(<!-- end of figures -->)',
        lambda match: match[1] + figures + '\n' + match[2], document,
        flags=re.S)
    if count != 1:
        sys.exit('table: no place for figures in ' + sys.argv[2])
    with open(sys.argv[2], 'w', encoding='utf-8') as file:
        file.write(document)


if __name__ == '__main__':
    main()
