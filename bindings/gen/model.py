# SPDX-License-Identifier: Apache-2.0
"""The public header in memory: what every emitter reads, and nothing else.

Owns the shape of the model; header.py fills it, and by then every rule of the
header holds, so that an emitter never has to doubt what it reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

INTEGERS = tuple(f"{sign}int{bits}_t" for bits in (8, 16, 32, 64)
                 for sign in ("", "u"))
VALUES = INTEGERS + ("float", "double", "size_t", "char")


class HeaderError(Exception):
    """What the header does that its rules forbid: lines `file:line: text`."""

    def __init__(self, problems: List[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Type:
    """A C type: a base, that many pointers to it, or an array of it."""

    base: str
    kind: str                    # value, status, struct, object, foreign, void
    spelled: str                 # as in C
    consts: Tuple[bool, ...] = (False,)  # of the base, then of each pointer
    length: Optional[int] = None         # of an array

    @property
    def pointers(self) -> int:
        return len(self.consts) - 1

    @property
    def points_to_const(self) -> bool:
        return self.pointers > 0 and self.consts[self.pointers - 1]

    @property
    def is_text(self) -> bool:
        return self.base == "char" and self.pointers == 1


@dataclass(frozen=True)
class Tag:
    """An ownership word: {owned f}, {borrowed x}, {copied}, {inout}, ..."""

    word: str
    of: str = ""

    def __str__(self) -> str:
        return "{%s}" % f"{self.word} {self.of}".strip()


@dataclass
class Note:
    """A piece of a comment: the tags that it begins with, then its text."""

    text: str = ""
    tags: Tuple[Tag, ...] = ()
    line: int = 0

    @property
    def mode(self) -> Optional[Tag]:
        return next((t for t in self.tags if t.word != "nullable"), None)

    @property
    def nullable(self) -> bool:
        return any(tag.word == "nullable" for tag in self.tags)


@dataclass
class ParamNote(Note):
    name: str = ""
    out: bool = False


@dataclass
class Comment:
    paragraphs: List[str] = field(default_factory=list)
    params: List[ParamNote] = field(default_factory=list)
    returns: List[Note] = field(default_factory=list)
    since: str = ""
    since_line: int = 0
    threads: str = ""
    line: int = 0

    @property
    def brief(self) -> str:
        return self.paragraphs[0] if self.paragraphs else ""


@dataclass
class Named:
    name: str
    line: int
    comment: Comment
    since: str


@dataclass
class Enumerator(Named):
    value: int


@dataclass
class Enum(Named):
    members: List[Enumerator]
    storage: str = "int32_t"     # how its values cross the interface

    @property
    def is_flags(self) -> bool:
        return self.name.endswith("_flag")

    @property
    def is_status(self) -> bool:
        return self.name == "feature_status_code"


@dataclass
class Field(Named):
    type: Type
    offset: int
    size: int
    note: Note


@dataclass
class Struct(Named):
    fields: List[Field]
    size: int

    @property
    def is_sized(self) -> bool:
        """Grows at its end: it begins with struct_size."""
        return self.fields[0].name == "struct_size"


@dataclass
class Object(Named):
    """A handle: a struct that only the library can see into."""


@dataclass
class Parameter:
    name: str
    type: Type
    note: ParamNote


@dataclass
class Function(Named):
    result: Type
    parameters: List[Parameter]

    @property
    def takes_error(self) -> bool:
        return any(p.type.base == "feature_error" for p in self.parameters)

    @property
    def calls_back(self) -> bool:
        """Arrow structs hold functions: such a call may run the caller's."""
        return any(p.type.kind == "foreign" for p in self.parameters)


@dataclass
class Header:
    path: str
    sha256: str
    version: Tuple[int, int, int] = (0, 0, 0)
    introduction: List[str] = field(default_factory=list)
    macros: Dict[str, int] = field(default_factory=dict)
    status: Optional[Named] = None
    enums: List[Enum] = field(default_factory=list)
    structs: List[Struct] = field(default_factory=list)
    objects: List[Object] = field(default_factory=list)
    foreign: List[str] = field(default_factory=list)
    functions: List[Function] = field(default_factory=list)
