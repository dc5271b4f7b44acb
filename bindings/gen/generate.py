# SPDX-License-Identifier: Apache-2.0
"""generate.py [--header FILE] [--out DIRECTORY]: writes what is generated.

Owns the list of outputs. They are committed, and each names the header that it
was made from by its hash; `make check-gen` shows that they are what this
program writes.
"""

from __future__ import annotations

import argparse
import os
import sys

import emit_go
import emit_python
import header
import rules
from model import HeaderError

OUTPUTS = {
    "bindings/python/libfeature/_ffi.py": emit_python.emit,
    "bindings/go/zz_generated.go": emit_go.emit,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--header", default="include/libfeature.h")
    parser.add_argument("--out", default=".")
    arguments = parser.parse_args()
    try:
        model = header.read(arguments.header)
        rules.check(model)
    except HeaderError as error:
        print(error, file=sys.stderr)
        return 1
    for name, emit in OUTPUTS.items():
        path = os.path.join(arguments.out, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(emit(model))
    return 0


if __name__ == "__main__":
    sys.exit(main())
