# SPDX-License-Identifier: Apache-2.0
"""The names that C's names become in Python and in Go.

Owns those names, so that they are made in one place and two that fall together
are noticed before anything is written.
"""

from __future__ import annotations

import keyword
from typing import Dict, Iterator, List, Tuple

from model import Enum, Enumerator, Header

UPPER = {"Ok": "OK", "Io": "IO"}


def camel(words: str) -> str:
    """NOT_FOUND or not_found to NotFound; OK and IO stay as they are."""
    parts = (word.capitalize() for word in words.split("_"))
    return "".join(UPPER.get(part, part) for part in parts)


def enum_type(enum: Enum) -> str:
    """Python's class and Go's type: feature_status_code is Status."""
    name = enum.name[len("feature_"):]
    return camel(name[:-len("_code")] if enum.is_status else name)


def prefix(enum: Enum) -> str:
    """What all names of an enum begin with, up to a word: FEATURE_STATE_."""
    words = [member.name.split("_")[:-1] for member in enum.members]
    kind = enum.name.split("_")[1].upper()
    common = ["FEATURE"]
    if all(word[:2] == ["FEATURE", kind] for word in words) \
            or (enum.is_flags and all(w[1:2] == words[0][1:2] for w in words)):
        common = words[0][:2]
    return "_".join(common) + "_"


def python_member(enum: Enum, member: Enumerator) -> str:
    return member.name[len(prefix(enum)):]


def python_field(name: str) -> str:
    return name + "_" if keyword.iskeyword(name) else name


def go_constant(enum: Enum, member: Enumerator) -> str:
    """FEATURE_STATE_NULL is StateNull; a status has its own word before it."""
    name = camel(member.name[len("FEATURE_"):])
    return "Status" + name if enum.is_status else name


def go_error(member: Enumerator) -> str:
    return "Err" + camel(member.name[len("FEATURE_"):])


def _go(header: Header) -> Iterator[Tuple[str, str, int]]:
    for enum in header.enums:
        yield enum_type(enum), enum.name, enum.line
        for member in enum.members:
            yield go_constant(enum, member), member.name, member.line
            if enum.is_status and member.value:
                yield go_error(member), member.name, member.line


def _python(header: Header) -> Iterator[Tuple[str, str, int]]:
    for enum in header.enums:
        yield enum_type(enum), enum.name, enum.line
        for member in enum.members:
            yield (f"{enum_type(enum)}.{python_member(enum, member)}",
                   member.name, member.line)
    for struct in header.structs:
        yield struct.name, struct.name, struct.line


def check(header: Header) -> List[str]:
    """Two of C's names that one language cannot tell apart."""
    problems = []
    for language, made in ("Go", _go(header)), ("Python", _python(header)):
        seen: Dict[str, str] = {}
        for name, origin, line in made:
            other = seen.setdefault(name, origin)
            if other != origin:
                problems.append(f"{header.path}:{line}: {origin} and {other} "
                                f"are both {name} in {language}")
    return problems
