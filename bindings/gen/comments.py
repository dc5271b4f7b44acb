# SPDX-License-Identifier: Apache-2.0
"""Doc comments to paragraphs, parameters, results and ownership words.

Owns the grammar of comments; keeps the line of everything it read, so that a
complaint names it. Never judges: that is header.py's part.
"""

from __future__ import annotations

import re
from typing import List, Tuple

from model import Comment, Note, ParamNote, Tag

COMMANDS = ("param", "return", "since", "threads")
WORDS = ("owned", "borrowed", "copied", "inout", "nullable")
TAG = re.compile(r"\{(\w+)(?: (\w+))?\}")
COMMAND = re.compile(r"@(param(?:\[out\])?|return|since|threads)(?!\S) *(.*)")


def tags_in(text: str) -> List[Tag]:
    """Every ownership word of a text, wherever it stands."""
    return [Tag(m[1], m[2] or "") for m in TAG.finditer(text)]


def leading(text: str) -> Tuple[Tuple[Tag, ...], str]:
    """The tags that a text begins with, and the rest."""
    tags: List[Tag] = []
    while True:
        match = TAG.match(text)
        if not match:
            return tuple(tags), text
        tags.append(Tag(match[1], match[2] or ""))
        text = text[match.end():].lstrip()


def lines_of(raw: str, line: int) -> List[Tuple[int, str]]:
    """The text of a comment, without the stars, each with its line."""
    inside = re.sub(r"^/\*\*<?|\*/$", "", raw.strip())
    return [(line + index, re.sub(r"^\s*\* ?", "", text).rstrip())
            for index, text in enumerate(inside.split("\n"))]


def parse(raw: str, line: int) -> Comment:
    comment = Comment(line=line)
    blocks: List[Tuple[int, str, List[str]]] = [(line, "", [])]
    for number, text in lines_of(raw, line):
        match = COMMAND.match(text.strip())
        if match:
            blocks.append((number, match[1], [match[2]]))
        else:
            blocks[-1][2].append(text)
    comment.paragraphs = paragraphs(blocks[0][2])
    for number, command, texts in blocks[1:]:
        text = " ".join(" ".join(texts).split())
        if command == "return":
            tags, rest = leading(text)
            comment.returns.append(Note(rest, tags, number))
        elif command == "since":
            comment.since, comment.since_line = text, number
        elif command == "threads":
            comment.threads = text
        else:
            name, _, rest = text.partition(" ")
            tags, rest = leading(rest)
            comment.params.append(ParamNote(
                rest, tags, number, name, command == "param[out]"))
    return comment


def prose(raw: str) -> List[str]:
    """The paragraphs of a comment that is no item's: commands are text."""
    return paragraphs([text for _, text in lines_of(raw, 1)])


def paragraphs(lines: List[str]) -> List[str]:
    """Paragraphs in one line each, list items too; an indented block keeps
    its lines."""
    found: List[str] = []
    block: List[str] = []

    def close() -> None:
        if block and block[0].startswith("    "):
            found.append("\n".join(block))
        elif block:
            found.append(" ".join(part.strip() for part in block))
        block.clear()

    for line in lines:
        if not line.strip() or line.startswith("- "):
            close()
        if line.strip():
            block.append(line)
    close()
    return found


def misplaced(raw: str, line: int) -> int:
    """The line of the first command that comes too late, or 0."""
    last = 0
    for number, text in lines_of(raw, line):
        match = COMMAND.match(text.strip())
        if match:
            index = COMMANDS.index(match[1].partition("[")[0])
            if index < last:
                return number
            last = index
    return 0
