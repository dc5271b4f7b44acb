# SPDX-License-Identifier: Apache-2.0
"""generate.py [--header FILE] [--out DIRECTORY]: writes what is generated.

Owns the list of outputs. They are committed, and each names the header that it
was made from by its hash; `make check-gen` shows that they are what this
program writes.
"""

from __future__ import annotations

import argparse
import glob
import os
import sys
from typing import Callable, Mapping

import emit_baseline
import emit_c
import emit_docs
import emit_go
import emit_python
import header
import rules
from model import Header, HeaderError

Emitter = Callable[[Header], str]

OUTPUTS = {
    "lib/libfeature.map": emit_c.version_script,
    "tests/abi/layout_check.c": emit_c.layout_check,
    "bindings/python/libfeature/_ffi.py": emit_python.emit,
    "bindings/go/zz_generated.go": emit_go.emit,
    "docs/api.md": emit_docs.emit,
}
# From the header of the last release, as it is kept in tests/abi.
BASELINE = {
    "tests/abi/baseline.json": emit_baseline.baseline,
}


def frozen() -> str:
    """The header of the last release, as tests/abi keeps it."""
    kept = glob.glob("tests/abi/[0-9]*/include/libfeature.h")
    return max(kept, key=lambda path: [
        int(part) for part in path.split("/")[2].split(".")])


def write(header_path: str, outputs: Mapping[str, Emitter], out: str) -> None:
    model = header.read(header_path)
    rules.check(model)
    for name, emit in outputs.items():
        path = os.path.join(out, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(emit(model))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--header", default="include/libfeature.h")
    parser.add_argument("--out", default=".")
    arguments = parser.parse_args()
    try:
        write(arguments.header, OUTPUTS, arguments.out)
        write(frozen(), BASELINE, arguments.out)
    except HeaderError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
