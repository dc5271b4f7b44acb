# SPDX-License-Identifier: Apache-2.0
"""Sketches, beside those that they have to agree with: Redis' PFCOUNT, and the
published Python package ddsketch."""

from __future__ import annotations

import math
import pickle
import random
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator, List

import pytest

import libfeature as lf

SIZES = [0, 1, 5, 100, 1000, 20000, 300000]


class Redis:
    """A server of this test alone, on a socket in a directory of its own."""

    def __init__(self, path: Path) -> None:
        self.server = subprocess.Popen(
            ["redis-server", "--port", "0", "--save", "", "--unixsocket", path],
            stdout=subprocess.DEVNULL,
            cwd=path.parent,
        )
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                assert self.server.poll() is None
                time.sleep(0.01)
        self.answers = self.socket.makefile("rb")

    def send(self, *words: bytes) -> Any:
        self.socket.sendall(
            b"*%d\r\n" % len(words)
            + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
        )
        line = self.answers.readline().strip()
        if line.startswith(b":"):
            return int(line[1:])
        if line.startswith(b"$"):
            size = int(line[1:])
            return None if size < 0 else self.answers.read(size + 2)[:-2]
        assert line.startswith(b"+"), line
        return line

    def close(self) -> None:
        self.socket.close()
        self.server.terminate()
        self.server.wait()


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    if not shutil.which("redis-server"):
        pytest.skip("no redis-server: make deps installs it")
    with tempfile.TemporaryDirectory() as directory:
        server = Redis(Path(directory) / "s")
        yield server
        server.close()


@pytest.mark.parametrize("count", SIZES)
def test_redis_counts_as_we_do(redis: Redis, count: int) -> None:
    sketch = lf.Sketch("distinct", precision=14)
    words = [b"%d:element" % i for i in range(count)]
    sketch.add([word.decode() for word in words], "string")
    redis.send(b"DEL", b"ours", b"theirs")
    redis.send(b"SET", b"ours", sketch.to_bytes("hyll"))
    redis.send(b"PFADD", b"theirs")
    for first in range(0, count, 1000):
        redis.send(b"PFADD", b"theirs", *words[first : first + 1000])
    told = redis.send(b"PFCOUNT", b"ours")
    assert told == redis.send(b"PFCOUNT", b"theirs")
    native = lf.Sketch.from_bytes(redis.send(b"GET", b"theirs"), "hyll")
    assert native.estimate() == told
    assert count <= 64 or sketch.estimate() == told
    assert native.to_bytes("hyll") == sketch.to_bytes("hyll")


def draw(kind: str, count: int) -> List[float]:
    """Numbers that no two of lie at the same end of a bucket."""
    drawn = random.Random(kind)
    return {
        "uniform": lambda: [drawn.uniform(1, 1000) for _ in range(count)],
        "lognormal": lambda: [drawn.lognormvariate(3, 2) for _ in range(count)],
        "pareto": lambda: [drawn.paretovariate(1.1) for _ in range(count)],
        "signs": lambda: [
            drawn.choice([-1, 0, 1]) * drawn.expovariate(0.01)
            for _ in range(count)
        ],
    }[kind]()


@pytest.mark.parametrize("count", [1, 2, 100, 10000])
@pytest.mark.parametrize("kind", ["uniform", "lognormal", "pareto", "signs"])
def test_quantiles_are_those_of_the_published_package(
    kind: str, count: int
) -> None:
    published = pytest.importorskip("ddsketch.ddsketch")
    mapping = pytest.importorskip("ddsketch.mapping")
    store = pytest.importorskip("ddsketch.store")
    theirs = published.BaseDDSketch(
        mapping=mapping.CubicallyInterpolatedMapping(0.01),
        store=store.DenseStore(),
        negative_store=store.DenseStore(),
        zero_count=0.0,
    )
    values = draw(kind, count)
    ours = lf.Sketch("quantiles", max_error=0.01)
    ours.add(values, "float64")
    for value in values:
        theirs.add(value)
    values.sort()
    for i in range(101):
        told = ours.quantile(i / 100)
        truth = values[int(i / 100 * (count - 1))]
        expected = theirs.get_quantile_value(i / 100)
        if expected:
            # The same bucket; of it the package tells the upper end less the
            # error, we tell the lower end plus the error, as Go and Java do.
            key = theirs._mapping.key(abs(expected))
            lower = theirs._mapping._pow_gamma(key - 1)
            expected = math.copysign(lower * 1.01, expected)
        assert math.isclose(told, expected, rel_tol=1e-12)
        assert abs(told - truth) <= 0.01 * abs(truth) * (1 + 1e-9)


def test_a_published_message_is_read() -> None:
    # By hand, from the published field numbers: gamma of 1 %, cubic; three
    # values in the bucket from 1 on, sparse; one below, contiguous; two zeros.
    import struct

    error = 0.01
    gamma = 2 ** (10 * math.log((1 + error) / (1 - error)) / 7)
    mapping = b"\x09" + struct.pack("<d", gamma) + b"\x18\x03"
    entry = b"\x08\x00\x11" + struct.pack("<d", 3)
    positive = bytes([0x0A, len(entry)]) + entry
    positive += b"\x12\x08" + struct.pack("<d", 1) + b"\x18\x01"
    message = bytes([0x0A, len(mapping)]) + mapping
    message += bytes([0x12, len(positive)]) + positive
    message += b"\x21" + struct.pack("<d", 2)
    sketch = lf.Sketch.from_bytes(message, "ddsketch")
    assert sketch.estimate() == 6
    assert sketch.quantile(0) == 0
    assert abs(sketch.quantile(1) - 1) < 0.0101
    plain = lf.Sketch("quantiles")
    plain.add([0.0, 0.0, 1.0, 1.0, 1.0, 0.9999], "float64")
    assert plain == sketch
    assert lf.Sketch.from_bytes(plain.to_bytes("ddsketch"), "ddsketch") == plain


def test_parts_make_the_whole() -> None:
    for kind in ("distinct", "quantiles"):
        whole, left, right = (lf.Sketch(kind) for _ in range(3))
        whole.add(range(3000), "int64")
        left.add([None, *range(2000)], "int64")
        right.add(range(2000, 3000), "int64")
        left.merge(right)
        assert left == whole
        assert pickle.loads(pickle.dumps(left)) == whole
        left.merge(left)
        assert left.estimate() == whole.estimate() * (1 + (kind != "distinct"))


def test_refusals_are_named() -> None:
    sketch = lf.Sketch("distinct")
    with pytest.raises(lf.Invalid):
        lf.Sketch("histogram")
    with pytest.raises(lf.Invalid):
        lf.Sketch("distinct", precision=3)
    with pytest.raises(lf.Invalid):
        sketch.to_bytes("hyll")
    with pytest.raises(lf.Conflict):
        sketch.merge(lf.Sketch("quantiles"))
    with pytest.raises(lf.NotFound):
        lf.Sketch("quantiles").quantile(0.5)
    with pytest.raises(lf.Corrupt):
        lf.Sketch.from_bytes(b"LFSK")
