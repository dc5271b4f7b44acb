# SPDX-License-Identifier: Apache-2.0
"""The model to `docs/api.md`: the reference, by object.

Owns the order in which people read: each object with its functions, then the
structs and enums that its functions are the first to need.
"""

from __future__ import annotations

import re
import textwrap
from typing import Dict, List, Set

import text
from emit_baseline import spelled
from model import (Comment, Enum, Function, Header, Note, Object, Struct)

WIDTH = 80
STATUS_LIST = re.compile(r"^(FEATURE_\w+(?:, FEATURE_\w+)*)(?: +(.*))?$")
THREADS = {"any": "any number of threads at once",
           "one": "one thread at a time for each object"}


def emit(header: Header) -> str:
    return _Reference(header).write()


class _Reference:
    def __init__(self, header: Header):
        self.header = header
        # Where each name is described: what its heading becomes in a link.
        self.links = {f.name: f.name for f in header.functions}
        self.links.update((s.name, f"struct-{s.name}") for s in header.structs)
        self.links.update((e.name, f"enum-{e.name}") for e in header.enums)
        self.links.update((o.name, plural(o).lower()) for o in header.objects)
        self.links["feature_status"] = "feature_status"
        self.shown: Set[str] = set()
        self.referred: Set[str] = set()

    def write(self) -> str:
        lines = ["# The C interface", ""]
        lines += [f"<!-- {line} -->" for line in text.banner(self.header)]
        lines += [""]
        for paragraph in self.header.introduction:
            if paragraph.startswith("- ") and lines[-2].startswith(("- ", "  ")):
                lines.pop()  # one list
            lines += self.prose(paragraph)
        groups = self.groups()
        lines += ["## Contents", ""]
        for title, functions in groups.items():
            links = ", ".join(f"[`{f.name}`](#{f.name})" for f in functions)
            lines += textwrap.wrap(f"- [{title}](#{title.lower()}): {links}",
                                   WIDTH, subsequent_indent="  ",
                                   break_on_hyphens=False)
        lines += [""]
        for title, functions in groups.items():
            lines += self.group(title, functions)
        return "\n".join(lines).rstrip("\n") + "\n"

    def groups(self) -> Dict[str, List[Function]]:
        """By the object in the name; what has none is the library's."""
        groups: Dict[str, List[Function]] = {"Library": []}
        for function in self.header.functions:
            title = "Library"
            for item in self.header.objects:
                if function.name.startswith(item.name + "_"):
                    title = plural(item)
            groups.setdefault(title, []).append(function)
        return groups

    def group(self, title: str, functions: List[Function]) -> List[str]:
        lines = [f"## {title}", ""]
        for item in self.header.objects:
            if plural(item) == title:
                for paragraph in item.comment.paragraphs:
                    lines += self.prose(paragraph)
                lines += [f"`typedef struct {item.name} {item.name};` Since "
                          f"{item.since}.", ""]
        for function in functions:
            lines += self.function(function)
        if title == "Library":
            lines += self.status()
        while True:  # a struct may need one that stands before it
            needed = [s for s in self.header.structs
                      if s.name not in self.shown and (
                          title == "Library" and s.name == "feature_error"
                          or self.needs(functions, s.name))]
            for struct in needed:
                lines += self.struct(struct)
            if not needed:
                return lines + self.enums()

    def needs(self, functions: List[Function], name: str) -> bool:
        return any(p.type.base == name for f in functions
                   for p in f.parameters) or any(
            f.type.base == name for s in self.header.structs
            if s.name in self.shown for f in s.fields)

    # --- items ---------------------------------------------------------------

    def function(self, item: Function) -> List[str]:
        self.shown.add(item.name)
        self.refer(item.comment)
        lines = [f"### {item.name}", ""]
        lines += self.prose(item.comment.paragraphs[0])
        lines += ["```c", *prototype(item), "```", ""]
        for paragraph in item.comment.paragraphs[1:]:
            lines += self.prose(paragraph)
        if item.parameters:
            lines += ["| parameter | ownership | |", "|---|---|---|"]
            for p in item.parameters:
                name = f"`{p.name}`" + " *out*" * p.note.out
                lines += [row(name, self.words(p.note), self.rich(p.note.text))]
            lines += [""]
        lines += self.returns(item)
        return lines + [f"Since {item.since}. Threads: "
                        f"{THREADS[item.comment.threads]}.", ""]

    def returns(self, item: Function) -> List[str]:
        if item.result.kind == "status":
            lines = []
            for note in item.comment.returns:
                match = STATUS_LIST.match(note.text)
                codes, why = match.groups() if match else (None, note.text)
                if codes:
                    codes = ", ".join(f"`{c}`" for c in codes.split(", "))
                    lines += [row(codes, self.rich(why or ""))]
                else:
                    lines += [row("", self.rich(why))]
            return ["| returns | |", "|---|---|",
                    row("`FEATURE_OK`", "it is done"), *lines, ""]
        for note in item.comment.returns:
            owned = f" ({self.words(note)})" * bool(note.tags)
            return self.prose(f"Returns{owned}: {note.text}.")
        return []

    def status(self) -> List[str]:
        item = self.header.status
        if not item:
            return []
        lines = [f"### {item.name}", ""]
        for paragraph in item.comment.paragraphs:
            lines += self.prose(paragraph)
        self.shown.add("feature_status_code")
        enum = next(e for e in self.header.enums if e.is_status)
        return (lines + [f"`typedef int32_t {item.name};` Since {item.since}.",
                         ""] + self.enum(enum))

    def struct(self, item: Struct) -> List[str]:
        self.shown.add(item.name)
        lines = [f"### struct {item.name}", ""]
        for paragraph in item.comment.paragraphs:
            lines += self.prose(paragraph)
        lines += ["| field | type | offset | |", "|---|---|---|---|"]
        for field in item.fields:
            self.refer(field.comment)
            what = "; ".join(filter(None, (self.words(field.note),
                                           self.rich(field.note.text))))
            lines += [row(f"`{field.name}`", f"`{spelled(field.type)}`",
                          str(field.offset), what)]
        growth = "Grows at its end." if item.is_sized else "Frozen."
        return lines + ["", f"{item.size} bytes. {growth} Since {item.since}.",
                        ""]

    def enums(self) -> List[str]:
        """Those that what was shown so far speaks of."""
        lines = []
        for enum in self.header.enums:
            if enum.name in self.referred and enum.name not in self.shown:
                lines += self.enum(enum)
        return lines

    def enum(self, item: Enum) -> List[str]:
        self.shown.add(item.name)
        lines = [f"### enum {item.name}", ""]
        for paragraph in item.comment.paragraphs:
            lines += self.prose(paragraph)
        lines += ["| name | value | |", "|---|---|---|"]
        lines += [row(f"`{member.name}`", str(member.value),
                      self.rich(member.comment.brief))
                  for member in item.members]
        return lines + ["", f"Crosses as `{item.storage}`. Since "
                        f"{item.since}.", ""]

    # --- text ----------------------------------------------------------------

    def refer(self, comment: Comment) -> None:
        texts = [*comment.paragraphs, *(n.text for n in comment.params),
                 *(n.text for n in comment.returns)]
        self.referred |= set(re.findall(r"::(\w+)", " ".join(texts)))

    def words(self, note: Note) -> str:
        return ", ".join(
            f"owned [`{tag.of}`](#{tag.of})" if tag.word == "owned"
            else str(tag).strip("{}") for tag in note.tags)

    def rich(self, body: str) -> str:
        """Names in code type, with a link where they are described here."""
        body = re.sub(r"@p (\w+)", r"`\1`", body)
        body = re.sub(r"(?<!`)(\{\w+(?: \w+)?\})", r"`\1`", body)
        parts = re.split(r"(`[^`]*`)", body)
        return "".join(part if part.startswith("`") else self.linked(part)
                       for part in parts)

    def linked(self, part: str) -> str:
        def name(match: "re.Match[str]") -> str:
            word = match[1]
            if word in self.links:
                return f"[`{match[0].lstrip(':')}`](#{self.links[word]})"
            return f"`{match[0].lstrip(':')}`"
        return re.sub(r"(?<!\w)(?:::)?((?:feature|FEATURE)_\w+)(?:\(\))?", name,
                      part)

    def prose(self, paragraph: str) -> List[str]:
        if paragraph.startswith("    "):
            return ["```", *textwrap.dedent(paragraph).split("\n"), "```", ""]
        bullet = paragraph.startswith("- ")
        return textwrap.wrap(
            self.rich(paragraph), WIDTH, break_long_words=False,
            break_on_hyphens=False,
            subsequent_indent="  " if bullet else "") + [""]


def plural(item: Object) -> str:
    word = item.name[len("feature_"):]
    word = word[:-1] + "ie" if word.endswith("y") else word
    return (word + ("es" if word.endswith("ch") else "s")).capitalize()


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def prototype(item: Function) -> List[str]:
    """As in the header: the result on a line of its own."""
    lines = [f"{item.name}("]
    parameters = [p.type.spelled + " " * (not p.type.pointers) + p.name
                  for p in item.parameters] or ["void"]
    for index, parameter in enumerate(parameters):
        parameter += ");" if index + 1 == len(parameters) else ","
        if index and len(lines[-1]) + len(parameter) + 1 > WIDTH:
            lines.append(" " * (len(item.name) + 1) + parameter)
        else:
            lines[-1] += " " * bool(index) + parameter
    return [item.result.spelled, *lines]
