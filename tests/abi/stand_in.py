# SPDX-License-Identifier: Apache-2.0
"""stand_in.py HEADER DIRECTORY: a library that has the header's interface.

Writes stand_in.c, which defines every function and does nothing, and the
version script, so that the gates can be tried on a changed header in a second.
"""

import os
import sys

sys.path.insert(0, "bindings/gen")

import emit_c  # noqa: E402  (found by the line above)
import header  # noqa: E402


def main() -> None:
    path, directory = sys.argv[1:]
    model = header.read(path)
    lines = ["#include <libfeature.h>"]
    for function in model.functions:
        parameters = ", ".join(f"{p.type.spelled} {p.name}"
                               for p in function.parameters) or "void"
        result = function.result
        value = "" if result.kind == "void" and not result.pointers else " 0"
        lines += [f"{result.spelled} {function.name}({parameters})",
                  f"{{ return{value}; }}"]
    with open(os.path.join(directory, "stand_in.c"), "w") as file:
        file.write("\n".join(lines) + "\n")
    with open(os.path.join(directory, "libfeature.map"), "w") as file:
        file.write(emit_c.version_script(model))


main()
