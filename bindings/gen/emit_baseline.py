# SPDX-License-Identifier: Apache-2.0
"""The model to `baseline.json`: the interface of a release, to compare with.

Owns what counts as the interface: names, types, layout, values, ownership and
threads; comments do not. It is made from the frozen header of a release.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List

import text
from model import Function, Header, Note, Struct, Type


def describe(header: Header) -> Dict[str, Any]:
    """The interface of a header as plain data."""
    return {
        "functions": {f.name: function(f) for f in header.functions},
        "structs": {s.name: struct(s) for s in header.structs},
        "enums": {e.name: {
            "since": e.since, "crosses as": e.storage,
            "values": {m.name: m.value for m in e.members},
        } for e in header.enums},
        "handles": {o.name: {"since": o.since} for o in header.objects},
    }


def baseline(header: Header) -> str:
    banner, digest = text.banner(header)
    content = {"banner": banner, "header-sha256": digest.split()[1],
               "version": ".".join(map(str, header.version)),
               **describe(header)}
    return json.dumps(content, indent=1) + "\n"


def spelled(type: Type) -> str:
    length = "" if type.length is None else f"[{type.length}]"
    return type.spelled + length


def tags(note: Note) -> List[str]:
    return [str(tag) for tag in note.tags]


def function(item: Function) -> Dict[str, Any]:
    returned = item.comment.returns[:1]
    return {
        "since": item.since, "threads": item.comment.threads,
        "result": spelled(item.result),
        "result tags": tags(returned[0]) if returned else [],
        "parameters": [{
            "name": p.name, "type": spelled(p.type), "out": p.note.out,
            "tags": tags(p.note)} for p in item.parameters],
    }


def struct(item: Struct) -> Dict[str, Any]:
    return {
        "since": item.since, "sized": item.is_sized, "size": item.size,
        "fields": [{"name": f.name, "type": spelled(f.type),
                    "offset": f.offset, "size": f.size} for f in item.fields],
    }
