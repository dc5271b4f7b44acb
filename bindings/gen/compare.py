# SPDX-License-Identifier: Apache-2.0
"""compare.py [--grown] OLD NEW: what the header NEW takes away from OLD.

Each is a header, or its baseline.json. With --grown it prints what abidiff has
to be told: which structs gained fields in the way that is allowed.

Owns the rule that the interface only grows: functions and enumerators are
added, a struct with struct_size gains fields at its end, and all else stays.
abidiff does not see a renumbered enumerator, since enums cross as integers; nor
does it know ownership and threads, which callers rely on as much.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List, cast

import emit_baseline
import header
import rules
from model import HeaderError

Item = Dict[str, Any]


def compare(old: Item, new: Item) -> List[str]:
    """What of the old interface the new one breaks, a line each."""
    broken: List[str] = []
    for kind in ("functions", "structs", "enums", "handles"):
        for name, item in old[kind].items():
            now = new[kind].get(name)
            if now is None:
                broken.append(f"{name} is gone")
                continue
            if now["since"] != item["since"]:
                broken.append(f"{name}: since {now['since']}, was "
                              f"{item['since']}: it left its node")
            broken += [f"{name}{what}" for what in CHECKS[kind](item, now)]
    return broken


def changed(what: str, old: Item, new: Item, *keys: str) -> List[str]:
    return [f"{what}: {key} is {new[key]}, was {old[key]}"
            for key in keys if old[key] != new[key]]


def functions(old: Item, new: Item) -> List[str]:
    broken = changed("", old, new, "result")
    broken += loosened(" returns", old["result tags"], new["result tags"])
    if old["threads"] == "any" and new["threads"] != "any":
        broken.append(": threads is one, was any")
    if len(old["parameters"]) != len(new["parameters"]):
        broken.append(f": {len(new['parameters'])} parameters, were "
                      f"{len(old['parameters'])}")
    for was, now in zip(old["parameters"], new["parameters"]):
        what = f"({was['name']})"
        broken += changed(what, was, now, "type", "out")
        broken += loosened(what, was["tags"], now["tags"],
                           may_add="{nullable}")
    return broken


def loosened(what: str, old: List[str], new: List[str],
             may_add: str = "") -> List[str]:
    """Ownership stays; an argument may become nullable, a result must not."""
    if [t for t in new if t in old or t != may_add] == old:
        return []
    return [f"{what}: {' '.join(new)}, was {' '.join(old)}"]


def structs(old: Item, new: Item) -> List[str]:
    broken = changed("", old, new, "sized")
    if not old["sized"] or new["size"] < old["size"]:
        broken += changed("", old, new, "size")
    for was, now in zip(old["fields"], new["fields"]):
        broken += changed(f".{was['name']}", was, now, "name", "type", "offset",
                          "size")
    if len(new["fields"]) < len(old["fields"]):
        broken.append(f": {len(new['fields'])} fields, were "
                      f"{len(old['fields'])}")
    for added in new["fields"][len(old["fields"]):]:
        if not old["sized"]:
            broken.append(f".{added['name']}: a field in a frozen struct")
        elif added["offset"] < old["size"]:
            broken.append(f".{added['name']} lies inside the struct of before")
    return broken


def enums(old: Item, new: Item) -> List[str]:
    broken = changed("", old, new, "crosses as")
    for name, value in old["values"].items():
        if name not in new["values"]:
            broken.append(f": {name} is gone")
        elif new["values"][name] != value:
            broken.append(f": {name} is {new['values'][name]}, was {value}")
    taken = {value: name for name, value in old["values"].items()}
    for name, value in new["values"].items():
        if name not in old["values"] and value in taken:
            broken.append(f": {name} takes the number of {taken[value]}")
    return broken


def handles(old: Item, new: Item) -> List[str]:
    return []


CHECKS = {"functions": functions, "structs": structs, "enums": enums,
          "handles": handles}


def suppressions(old: Item, new: Item) -> str:
    """What abidiff may pass over: a struct with struct_size that has grown.

    Only those: the same block for a struct of the old size would hide that two
    of its fields changed places, since nothing was inserted.
    """
    return "".join(
        f"[suppress_type]\n  type_kind = struct\n  name = {name}\n"
        "  has_data_member_inserted_at = end\n\n"
        for name, item in old["structs"].items()
        if item["sized"]
        and new["structs"].get(name, item)["size"] > item["size"])


def load(path: str) -> Item:
    if path.endswith(".json"):
        with open(path, encoding="utf-8") as file:
            return cast(Item, json.load(file))
    model = header.read(path)
    rules.check(model)
    return emit_baseline.describe(model)


def main() -> int:
    grown = sys.argv[1] == "--grown"
    path = sys.argv[-1]
    try:
        old, new = map(load, sys.argv[-2:])
    except HeaderError as error:
        print(error)
        return 1
    if grown:
        print(suppressions(old, new), end="")
        return 0
    broken = compare(old, new)
    for line in broken:
        print(f"{path}: {line}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
