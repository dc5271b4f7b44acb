#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws latency per row by batch size, all methods, from results.json.

    plot.py results.json latency.svg

Plain SVG from the standard library alone. Both axes are logarithmic; a bar
across a point spans the rounds from fastest to slowest.
"""
import html
import json
import math
import re
import sys

WIDTH, HEIGHT = 830, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 240, 60, 50
COLOURS = {
    'libfeature': '#c2185b',
    'raw mdb_get': '#1f5fa8',
    'raw mdb_get, verifying': '#7ba7d7',
    'RocksDB MultiGet': '#2e7d32',
    'LevelDB Get': '#8d6e2f',
    'SQLite, WITHOUT ROWID': '#6a4fa3',
    'SQLite, rowid table': '#a58fd0',
    'Redis MGET packed': '#d9601a',
    'Redis HMGET': '#e8a13a',
}


def read_points(results):
    """Method -> sorted list of (batch, median, least, most)."""
    points = {}
    for contest in results['contests']:
        match = re.fullmatch(r'base point, batch (\d+)', contest['name'])
        if not match:
            continue
        for method in contest['methods']:
            points.setdefault(method['name'], []).append(
                (int(match.group(1)), method['median'],
                 min(method['rounds']), max(method['rounds'])))
    return {name: sorted(line) for name, line in points.items()}


class Axes:
    def __init__(self, points):
        batches = sorted({p[0] for line in points.values() for p in line})
        values = [v for line in points.values() for p in line for v in p[2:]]
        self.batches = batches
        self.low = math.floor(math.log10(min(values)) * 2) / 2
        self.high = math.ceil(math.log10(max(values)) * 2) / 2
        self.last = math.log10(batches[-1]) or 1

    def x(self, batch):
        return LEFT + math.log10(batch) / self.last * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def unit(nanoseconds):
    if nanoseconds < 1000:
        return f'{nanoseconds:g} ns'
    return f'{nanoseconds / 1000:g} µs'


def text(x, y, what, more=''):
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{html.escape(what)}</text>'


def draw_axes(axes):
    out = []
    for power in range(math.ceil(axes.low), math.floor(axes.high) + 1):
        y = axes.y(10 ** power)
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" '
                   'stroke="#ddd"/>')
        out.append(text(LEFT - 8, y + 4, unit(10 ** power),
                        'text-anchor="end"'))
    for batch in axes.batches:
        x = axes.x(batch)
        out.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" '
                   'stroke="#eee"/>')
        out.append(text(x, HEIGHT - BOTTOM + 18, f'{batch:,}',
                        'text-anchor="middle"'))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10,
                    'keys in a batch', 'text-anchor="middle"'))
    return out


def place_labels(axes, points):
    """Labels beside the last points, pushed apart where they would touch."""
    wanted = sorted((axes.y(line[-1][1]), name)
                    for name, line in points.items())
    placed, last = {}, -math.inf
    for y, name in wanted:
        last = max(y, last + 16)
        placed[name] = last
    over = last - (HEIGHT - BOTTOM)
    if over > 0:
        placed = {name: y - over for name, y in placed.items()}
    return placed


def draw_line(axes, name, line, label):
    colour = COLOURS.get(name, '#777')
    bold = name == 'libfeature'
    path = 'L'.join(f'{axes.x(b):.1f} {axes.y(m):.1f}' for b, m, _, _ in line)
    out = [f'<path d="M{path}" fill="none" stroke="{colour}" '
           f'stroke-width="{3 if bold else 1.7}"/>']
    for batch, median, least, most in line:
        x = axes.x(batch)
        out.append(f'<path d="M{x:.1f} {axes.y(least):.1f}V'
                   f'{axes.y(most):.1f}" stroke="{colour}"/>')
        out.append(f'<circle cx="{x:.1f}" cy="{axes.y(median):.1f}" '
                   f'r="{4 if bold else 3}" fill="{colour}"/>')
    last = line[-1]
    out.append(f'<path d="M{axes.x(last[0]) + 6:.1f} {axes.y(last[1]):.1f}'
               f'L{WIDTH - RIGHT + 22} {label:.1f}" stroke="{colour}" '
               'stroke-width="0.7"/>')
    weight = 'font-weight="bold"' if bold else ''
    out.append(text(WIDTH - RIGHT + 26, label + 4,
                    f'{name}  {last[1]:,.0f}', f'fill="{colour}" {weight}'))
    return out


def draw(results):
    points = read_points(results)
    if not points:
        sys.exit('plot: no base point in these results')
    axes = Axes(points)
    labels = place_labels(axes, points)
    about = results['about']
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="12" fill="#333">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           text(LEFT, 24, 'Time per row by batch size, one thread',
                'font-size="16" font-weight="bold"'),
           text(LEFT, 42, 'rows of 20 features to a float32 matrix; '
                f'{about.get("processor", "")}; '
                f'{"QUICK sizes; " if results["quick"] else ""}'
                'numbers: ns/row at the largest batch', 'fill="#777"')]
    out += draw_axes(axes)
    for name, line in points.items():
        out += draw_line(axes, name, line, labels[name])
    out.append('</svg>')
    return '\n'.join(out) + '\n'


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding='utf-8') as file:
        results = json.load(file)
    with open(sys.argv[2], 'w', encoding='utf-8') as file:
        file.write(draw(results))


if __name__ == '__main__':
    main()
