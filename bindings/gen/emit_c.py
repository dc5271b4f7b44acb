# SPDX-License-Identifier: Apache-2.0
"""The model to what the C side needs: the version script and layout asserts.

Owns the order of the version script: one node per release, in it the header's
order, so that the same header always gives the same bytes.
"""

from __future__ import annotations

from typing import Dict, List, Tuple

import text
from model import Header

# Both for C11 and C++17; cgo's preamble takes them as they are.
MACROS = """\
#define SIZE(name, size) static_assert(sizeof(struct name) == size, #name)
#define AT(name, field, offset) \\
    static_assert(offsetof(struct name, field) == offset, #name "." #field)
#define IS(name, value) static_assert(name == value, #name)
"""


def release(since: str) -> Tuple[int, ...]:
    return tuple(map(int, since.split(".")))


def version_script(header: Header) -> str:
    nodes: Dict[str, List[str]] = {}
    for function in header.functions:
        nodes.setdefault(function.since, []).append(function.name)
    lines = ["/* SPDX-License-Identifier: Apache-2.0 */"]
    lines += [f"/* {line} */" for line in text.banner(header)]
    lines += ["/* The public symbols: one node per release; a symbol never "
              "leaves its node. */"]
    before = ""
    for since in sorted(nodes, key=release):
        lines += [f"FEATURE_{since} {{", "    global:"]
        lines += [f"        {name};" for name in nodes[since]]
        if not before:
            lines += ["    local:", "        *;"]
        lines += ["}" + f" FEATURE_{before}" * bool(before) + ";"]
        before = since
    return "\n".join(lines) + "\n"


def asserts(header: Header) -> List[str]:
    """Lines with SIZE, AT and IS; pointers are taken to have 64 bits."""
    lines = []
    for struct in header.structs:
        lines += [f"SIZE({struct.name}, {struct.size});"]
        lines += [f"AT({struct.name}, {field.name}, {field.offset});"
                  for field in struct.fields]
    for enum in header.enums:
        lines += [f"IS({member.name}, {member.value});"
                  for member in enum.members]
    return lines


def layout_check(header: Header) -> str:
    lines = ["/* SPDX-License-Identifier: Apache-2.0 */"]
    lines += [f"/* {line} */" for line in text.banner(header)]
    lines += ["/*",
              " * The sizes, offsets and values of the header, as the bindings "
              "take them for",
              " * granted. Compiled as C11 and as C++17; nothing of it runs.",
              " */", "#include <libfeature.h>", "", "#include <assert.h>",
              "#include <stddef.h>", "", MACROS]
    return "\n".join(lines + asserts(header)) + "\n"
