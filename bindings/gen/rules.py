# SPDX-License-Identifier: Apache-2.0
"""The rules of the header that are about what its words mean together.

Owns ownership: every pointer has one word for it, and the word fits the type.
Reads a model that header.py has filled, and lists what it finds wrong.
"""

from __future__ import annotations

import re
from typing import Dict, List, Set

import names
from model import Function, Header, HeaderError, Note, Tag, Type


def check(header: Header) -> None:
    problems = _Rules(header).run()
    problems += names.check(header)
    if problems:
        raise HeaderError(problems)


class _Rules:
    def __init__(self, header: Header):
        self.header = header
        self.problems: List[str] = []
        self.functions = {f.name: f for f in header.functions}
        self.objects = {o.name for o in header.objects}

    def refuse(self, line: int, text: str) -> None:
        self.problems.append(f"{self.header.path}:{line}: {text}")

    def run(self) -> List[str]:
        for function in self.header.functions:
            self.function(function)
        for struct in self.header.structs:
            for field in struct.fields:
                what = f"{struct.name}.{field.name}"
                self.tagged(field.type, field.note, what, field.line)
                for tag in field.note.tags:
                    self.names_something(tag, set(), what, field.line)
        for item in [*self.header.functions, *self.header.structs,
                     *self.header.enums, *self.header.objects]:
            if tuple(map(int, item.since.split("."))) > self.header.version[:2]:
                self.refuse(item.line, f"{item.name}: @since {item.since} is "
                            "after the version of this header")
            if not item.name.startswith("feature_"):
                self.refuse(item.line, f"{item.name}: a public name begins "
                            "with feature_")
        self.stored()
        return self.problems

    def function(self, function: Function) -> None:
        known = {p.name for p in function.parameters}
        for parameter in function.parameters:
            what = f"{function.name}({parameter.name})"
            param = parameter.note
            line = param.line or function.line
            self.tagged(parameter.type, param, what, line)
            for tag in param.tags:
                self.names_something(tag, known, what, line)
            mode = param.mode.word if param.mode else ""
            const = parameter.type.points_to_const
            if mode == "copied" and not const:
                self.refuse(line, f"{what}: {{copied}} is for const")
            if mode == "inout" and const:
                self.refuse(line, f"{what}: {{inout}} is not for const")
            if param.out and mode not in ("inout", "owned"):
                self.refuse(line, f"{what}: [out] is {{inout}} or {{owned f}}")
            if mode == "owned" and not param.out:
                self.refuse(line, f"{what}: {{owned f}} is for [out]")
        note = function.comment.returns[0] if function.comment.returns \
            else Note(line=function.line)
        what = f"what {function.name} returns"
        self.tagged(function.result, note, what, note.line)
        for note in function.comment.returns:
            for tag in note.tags:
                self.names_something(tag, known, what, note.line)
        if function.takes_error and (
                function.parameters[-1].type.base != "feature_error"
                or function.result.kind != "status"):
            self.refuse(function.line, f"{function.name}: an error comes last, "
                        "in a function that returns a status")

    def tagged(self, type: Type, note: Note, what: str, line: int) -> None:
        modes = [tag for tag in note.tags if tag.word != "nullable"]
        if not type.pointers:
            if note.tags:
                self.refuse(line, f"{what}: {note.tags[0]} is for pointers")
        elif not modes:
            self.refuse(line, f"{what}: a pointer without ownership word")
        elif len(modes) > 1:
            self.refuse(line, f"{what}: both {modes[0]} and {modes[1]}")

    def names_something(self, tag: Tag, known: Set[str], what: str,
                        line: int) -> None:
        if tag.word == "owned":
            free = self.functions.get(tag.of)
            if not free or len(free.parameters) != 1:
                self.refuse(line, f"{what}: {tag} names no function that "
                            "takes it back")
        elif tag.word == "borrowed":
            if (tag.of not in known | {"library"}
                    and f"feature_{tag.of}" not in self.objects):
                self.refuse(line, f"{what}: {tag} names nothing here")
        elif tag.of:
            self.refuse(line, f"{what}: {tag} takes no name")

    def stored(self) -> None:
        """How each enum crosses: the type of what its comment refers to."""
        enums = {enum.name: enum for enum in self.header.enums}
        seen: Dict[str, str] = {}

        def look(text: str, type: Type, line: int) -> None:
            for name in re.findall(r"::(\w+)", text):
                known = {*enums, *self.objects, "feature_status"} | {
                    struct.name for struct in self.header.structs}
                if name not in known:
                    self.refuse(line, f"::{name} refers to nothing")
                if name not in enums or type.base == "void":
                    continue
                if seen.setdefault(name, type.base) != type.base:
                    self.refuse(line, f"{name} crosses as {seen[name]} and as "
                                f"{type.base}")
                enums[name].storage = type.base

        for struct in self.header.structs:
            for field in struct.fields:
                look(field.note.text, field.type, field.line)
        for function in self.header.functions:
            for parameter in function.parameters:
                look(parameter.note.text, parameter.type, function.line)
            for note in function.comment.returns:
                look(note.text, function.result, note.line)
