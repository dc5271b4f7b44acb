# SPDX-License-Identifier: Apache-2.0
"""The golden vectors (tests/golden/README.md), answered by this package."""

from __future__ import annotations

import re
import struct
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy
import pytest

import libfeature as lf
from libfeature._scalars import microseconds

GOLDEN = Path(__file__).resolve().parents[3] / "tests" / "golden" / "vectors"
ZERO = 1767268800000000
UNSET = -(2**63)
DTYPES = {"int32": "i4", "int64": "i8", "float32": "f4", "float64": "f8"}


def blocks(path: Path) -> Iterator[List[Tuple[int, str]]]:
    """The blocks of a file: lines with their numbers, comments left out."""
    block: List[Tuple[int, str]] = []
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if line.startswith("#"):
            continue
        if line:
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def cases() -> List[Any]:
    found: List[Any] = []
    for path in sorted(GOLDEN.glob("*.txt")):
        for block in blocks(path):
            words = block[0][1].split(" ")
            if words[0] == "case":
                steps: List[Any] = []
                found.append(pytest.param(steps, id=path.stem + "-" + words[1]))
            else:
                steps.append((path.name, block))
    return found


# --- values ------------------------------------------------------------------


def unescape(text: str) -> bytes:
    return re.sub(
        rb"%([0-9A-Fa-f]{2})",
        lambda found: bytes([int(found[1], 16)]),
        text.encode(),
    )


def when(word: str) -> int:
    return ZERO + int(word[1:]) * 10**6 if word[0] == "@" else int(word)


def scalar(word: str, type: str) -> Any:
    if word == "null":
        return None
    if type == "bool":
        return {"true": True, "false": False}[word]
    if type in ("int32", "int64"):
        return int(word)
    if type == "timestamp":
        return when(word)
    if type in ("float32", "float64"):
        made = float.fromhex(word) if "0x" in word else float(word)
        return (
            struct.unpack("<f", struct.pack("<f", made))[0]
            if (type == "float32")
            else made
        )
    if type == "string":
        return unescape(word[1:-1])
    return bytes.fromhex(word[1:])


def value(word: str, type: str) -> Any:
    """A value; texts as bytes, since a vector may hold what is no text."""
    base, mark, _ = type.partition("[")
    if not mark or word == "null":
        return scalar(word, base)
    inner = word[1:-1]
    return [scalar(part, base) for part in inner.split(",")] if inner else []


def texts(values: Any) -> Any:
    """Bytes as str, where they are one."""
    if isinstance(values, list):
        return [texts(one) for one in values]
    return values.decode("utf-8") if isinstance(values, bytes) else values


def column(words: List[str], type: str) -> Any:
    """A column as a caller would have it: an array of exactly this type where
    there is one."""
    values = [value(word, type) for word in words]
    base, _, width = type.rstrip("]").partition("[")
    if (
        base in DTYPES
        and None not in values
        and ("[" not in type or width.isdigit())
    ):
        shape = (-1, int(width)) if width else (-1,)
        return numpy.array(values, DTYPES[base]).reshape(shape)
    if base == "string":
        try:
            return texts(values)
        except UnicodeDecodeError:
            return values
    return values


def same(a: Any, b: Any) -> bool:
    """Equal bit for bit, save that a NaN equals any NaN."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return (a != a and b != b) or struct.pack("d", a) == struct.pack("d", b)
    return type(a) is type(b) and bool(a == b)


def answered(found: Any, type: str) -> Any:
    """A value of an answer in the form that value() has."""
    if isinstance(found, list):
        return [answered(one, type) for one in found]
    if isinstance(found, str):
        return found.encode()
    return microseconds(found) if isinstance(found, datetime) else found


def type_of(field: lf.Field) -> str:
    return field.type_name.lower()


# --- steps -------------------------------------------------------------------


class Run:
    """The steps of one case, and its store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = lf.Store.open(path, create=True, fixed_now=ZERO)

    def step(self, lines: List[str]) -> None:
        words = lines[0].split(" ")
        if words[0] == "stats":
            stats = self.store.stats()
            for word in words[1:]:
                name, number = word.split("=")
                assert getattr(stats, name) == int(number), word
            return
        if words[0] == "clock":
            self.store.close()
            self.store = lf.Store.open(self.path, fixed_now=when(words[1]))
            return
        expected = next(
            line for line in lines if re.match(r"(ok|error)( |$)", line)
        ).split(" ")
        run = getattr(self, "do_" + words[0])
        if expected[0] == "ok":
            run(lines, expected[1:])
            return
        with pytest.raises(lf.Error) as caught:
            run(lines, [])
        error = caught.value
        assert (lf.Status(error.status).name, error.reason) == (
            expected[1],
            expected[2],
        ), error
        for word in expected[3:]:
            name, number = word.split("=")
            assert getattr(error, name) == int(number), (word, error)

    def do_apply(self, lines: List[str], expected: List[str]) -> None:
        text = "".join(line[2:] + "\n" for line in lines if line[0] == "|")
        expect = [line for line in lines if line.startswith("expect ")]
        commit = self.store.apply(
            text, expect=int(expect[0].split()[1]) if expect else 0
        )
        assert [commit.sequence, microseconds(commit.time)] == [
            int(expected[0]),
            when(expected[1]),
        ]

    def do_write(self, lines: List[str], expected: List[str]) -> None:
        made: List[Tuple[lf.Batch, List[str]]] = []
        skip = "skip_invalid" in lines
        at = 0
        while at < len(lines):
            words = lines[at].split(" ")
            at += 1
            if words[0] != "batch":
                continue
            listed = lines[at].split(" ")[1:]
            rows = []
            while at + 1 < len(lines) and lines[at + 1].startswith("row "):
                at += 1
                rows.append(lines[at].split(" ")[1:])
            made.append(self.batch(words[1], words[2], listed, rows))
        commit = self.store.write_batches([batch for batch, _ in made], skip, 0)
        assert [
            commit.sequence,
            microseconds(commit.time),
            commit.applied,
            commit.late,
            commit.duplicate,
            commit.future,
            commit.rejected,
        ] == [int(expected[0]), when(expected[1]), *map(int, expected[2:])]
        for batch, outcomes in made:
            for row, (outcome, text) in enumerate(
                zip(batch.outcomes(), outcomes)
            ):
                problem = batch.problem(row)
                shown = outcome.name.lower()
                if problem is not None:
                    shown += " %s %s" % (
                        lf.Status(problem.status).name,
                        problem.reason,
                    )
                assert shown == text, (row, problem)

    def batch(
        self,
        view: str,
        operation: str,
        listed: List[str],
        rows: List[List[str]],
    ) -> Tuple[lf.Batch, List[str]]:
        named = [word.split(":") for word in listed if word != "*"]
        batch = self.store.batch(
            view,
            operation,
            None if listed[0] == "*" else [name for name, _ in named],
        )
        if listed[0] == "*":
            assert [field.name for field in batch.fields] == [
                name for name, _ in named
            ]
        outcomes = [
            " ".join(row[len(named) + 1 :]) for row in rows if "=" in row
        ]
        for at, (name, type) in enumerate(named):
            self.set(batch, name, type, [row[at] for row in rows])
        return batch, outcomes

    def set(
        self, batch: lf.Batch, name: str, type: str, words: List[str]
    ) -> None:
        base = type.partition("[")[0].upper()
        batch.set(name, column(words, type), lf.Type[base])

    def read(
        self, lines: List[str], matrix: bool
    ) -> Tuple[lf.Query, Dict[str, Any], Optional[List[int]]]:
        features, fill, known_by = "", "defaults", 0
        keys: Dict[str, Any] = {}
        as_of: Optional[List[int]] = None
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "features":
                features = rest
            elif word == "fill":
                fill = rest
            elif word == "known_by":
                known_by = when(rest)
            elif word == "key":
                head, *words = rest.split(" ")
                name, type = head.split(":")
                keys[name] = column(words, type)
            elif word == "as_of":
                as_of = [when(one) for one in rest.split(" ")]
        query = self.store.query(
            features, fill=fill, matrix=matrix, known_by=known_by
        )
        return query, keys, as_of

    def check_head(self, query: lf.Query, lines: List[str]) -> None:
        heads = {line.split(" ")[0]: line.split(" ")[1:] for line in lines}
        assert list(query.views) == heads["views"]
        assert [
            "%s:%s" % (field.name, type_of(field)) for field in query.columns
        ] == heads["columns"]

    def check_rows(
        self, query: lf.Query, answer: Any, lines: List[str]
    ) -> Iterator[Tuple[int, List[str]]]:
        """States and times; yields the values of each row."""
        views = query.views
        rows = [
            line.split(" ")[1:] for line in lines if line.startswith("row ")
        ]
        for view, name in enumerate(views):
            states = answer.states(name)
            times = answer.timestamps(name).astype("i8")
            assert len(states) == len(times) == len(rows)
            for row, words in enumerate(rows):
                assert lf.State(states[row]).name.lower() == words[2 * view]
                time = words[2 * view + 1]
                assert times[row] == (UNSET if time == "-" else when(time))
        for row, words in enumerate(rows):
            assert words[2 * len(views)] == "="
            yield row, words[2 * len(views) + 1 :]

    def do_read(self, lines: List[str], expected: List[str]) -> None:
        query, keys, as_of = self.read(lines, False)
        answer = query.read(keys, as_of)
        self.check_head(query, lines)
        columns = [answer.column(name) for name in answer.columns]
        filled = [answer.defaulted(name) for name in answer.columns]
        for row, words in self.check_rows(query, answer, lines):
            for at, field in enumerate(answer.fields):
                word = words[at]
                wanted = value(word.rstrip("*"), type_of(field))
                found = answered(columns[at][row], type_of(field))
                assert same(found, wanted), (row, field.name, found, wanted)
                assert bool(filled[at][row]) == word.endswith("*")
        assert [answer.commit, microseconds(answer.now)] == [
            int(expected[0]),
            when(expected[1]),
        ]

    def do_matrix(self, lines: List[str], expected: List[str]) -> None:
        query, keys, as_of = self.read(lines, True)
        reader = query.reader()
        matrix = reader.matrix(keys, as_of=as_of)
        self.check_head(query, lines)
        whole = query.read(keys, as_of).matrix()
        assert whole.tobytes() == matrix.tobytes() or numpy.array_equal(
            whole, matrix, equal_nan=True
        )
        for row, words in self.check_rows(query, reader, lines):
            wanted = [value(word, "float32") for word in words]
            assert same(
                matrix[row].tolist(),
                [float("nan") if one is None else one for one in wanted],
            )
        assert [reader.commit, microseconds(reader.now)] == [
            int(expected[0]),
            when(expected[1]),
        ]

    def check_text(self, text: str, lines: List[str]) -> None:
        assert text == "".join(
            line[2:] + "\n" for line in lines if line[0] == ">"
        )

    def do_plan(self, lines: List[str], expected: List[str]) -> None:
        text = "".join(line[2:] + "\n" for line in lines if line[0] == "|")
        self.check_text(self.store.plan(text), lines)

    def do_describe(self, lines: List[str], expected: List[str]) -> None:
        words = lines[0].split(" ")
        self.check_text(
            self.store.describe(words[1] if len(words) > 1 else None), lines
        )


@pytest.mark.parametrize("steps", cases())
def test_golden(steps: List[Any], tmp_path: Path) -> None:
    run = Run(tmp_path / "store")
    for name, block in steps:
        try:
            run.step([line for _, line in block])
        except BaseException as error:
            raise AssertionError(
                "%s:%d: %s" % (name, block[0][0], error)
            ) from error
    run.store.close()


def test_there_are_vectors() -> None:
    assert len(cases()) >= 50
