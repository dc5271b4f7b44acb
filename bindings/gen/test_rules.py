# SPDX-License-Identifier: Apache-2.0
"""Plants one violation at a time in a small header that has none, and wants
the generator to refuse it, at its line, for that reason alone."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import List, NamedTuple

import header
import rules
from model import HeaderError

CLEAN = """\
#include <stddef.h>
#include <stdint.h>
#define FEATURE_VERSION_MAJOR 0
#define FEATURE_VERSION_MINOR 2
#define FEATURE_API __attribute__((visibility("default")))

/**
 * A status.
 *
 * @since 0.1
 */
typedef int32_t feature_status;

/**
 * Its codes.
 *
 * @since 0.1
 */
enum feature_status_code {
    FEATURE_OK = 0,       /**< done */
    FEATURE_NOT_FOUND = 2 /**< nothing there */
};

/**
 * A state.
 *
 * @since 0.1
 */
enum feature_state {
    FEATURE_STATE_NOT_FOUND = 3 /**< no row */
};

/**
 * A handle.
 *
 * @since 0.1
 */
typedef struct feature_store feature_store;

/**
 * An error.
 *
 * @since 0.1
 */
struct feature_error {
    int32_t status;   /**< the ::feature_status */
    int32_t line;     /**< a line */
    const char *text; /**< {borrowed library} a text */
};

struct ArrowArray;

/**
 * Frees a handle.
 *
 * @param store  {inout} {nullable} it
 * @since 0.1
 * @threads one
 */
FEATURE_API void
feature_store_free(feature_store *store);

/**
 * Makes a handle.
 *
 * @param path        {copied} where
 * @param size        a number
 * @param[out] store  {owned feature_store_free} it
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_NOT_FOUND  nothing there
 * @since 0.2
 * @threads any
 */
FEATURE_API feature_status
feature_store_make(const char *path, uint64_t size, feature_store **store,
                   struct feature_error *error);

/**
 * Looks.
 *
 * @param store  {copied} it
 * @return {borrowed store} one ::feature_state per row
 * @since 0.1
 * @threads one
 */
FEATURE_API const uint8_t *
feature_store_states(const feature_store *store);
"""


class Plant(NamedTuple):
    what: str
    old: str       # what of the clean header
    new: str       # becomes this
    place: str     # the line that the complaint names is the first with this
    reason: str


MAKE = "feature_store_make(const char *path, uint64_t size, feature_store **"
PLANTS = [
    Plant("a pointer without a tag", "{copied} where", "where", "where",
          "a pointer without ownership word"),
    Plant("a pointer that is only nullable", "{inout} {nullable}\n",
          "{nullable}\n", "@param[out] error",
          "a pointer without ownership word"),
    Plant("a field without a tag", "{borrowed library} a text", "a text",
          "*text", "a pointer without ownership word"),
    Plant("a result without a tag", "@return {borrowed store} one",
          "@return one", "@return one", "a pointer without ownership word"),
    Plant("two owners", "{copied} where", "{copied} {inout} where", "where",
          "both {copied} and {inout}"),
    Plant("a tag on a number", "size        a", "size        {copied} a",
          "a number", "{copied} is for pointers"),
    Plant("an unknown tag", "{copied} where", "{copied} {lent} where",
          "{lent}", "{lent} is no ownership word"),
    Plant("owned by no function", "{owned feature_store_free}",
          "{owned feature_store_drop}", "feature_store_drop",
          "names no function"),
    Plant("borrowed from nothing", "{borrowed store}", "{borrowed shop}",
          "{borrowed shop}", "names nothing here"),
    Plant("copied, and not const", "{inout} {nullable} it",
          "{copied} {nullable} it", "{copied} {nullable} it",
          "{copied} is for const"),
    Plant("inout, and const", "{copied} where", "{inout} where", "where",
          "{inout} is not for const"),
    Plant("out, and copied", "@param path  ", "@param[out] path  ", "where",
          "[out] is {inout} or {owned f}"),
    Plant("a parameter of another name", "@param size ", "@param length ",
          "@param length", "clang: parameter 'length' not found"),
    Plant("a parameter left out", " * @param size        a number\n", "",
          "feature_store_make", "no @param size"),
    Plant("parameters in another order",
          " * @param path        {copied} where\n"
          " * @param size        a number\n",
          " * @param size        a number\n"
          " * @param path        {copied} where\n",
          "@param size", "another order"),
    Plant("commands in another order", " * @since 0.2\n * @threads any\n",
          " * @threads any\n * @since 0.2\n", "@since 0.2", "the order is"),
    Plant("no comment", CLEAN[CLEAN.index("/**\n * Makes"):
                              CLEAN.index("FEATURE_API feature_status")], "",
          "feature_store_make", "has no comment"),
    Plant("a comment that clang drops", " */\nFEATURE_API feature_status",
          " */\n#define X 1\nFEATURE_API feature_status",
          "feature_store_make", "has no comment"),
    Plant("a field without comment", "  /**< a line */", "", "line;",
          "has no comment"),
    Plant("an enumerator without comment", " /**< no row */", "",
          "STATE_NOT_FOUND", "has no comment"),
    Plant("a function without @since", " * @since 0.2\n", "",
          "feature_store_make", "has no @since"),
    Plant("a struct without @since", " * An error.\n *\n * @since 0.1\n",
          " * An error.\n", "struct feature_error {", "has no @since"),
    Plant("a release that is to come", "@since 0.2", "@since 0.3",
          "feature_store_make", "after the version"),
    Plant("no release", "@since 0.2", "@since soon", "soon",
          "is no release"),
    Plant("a function without @threads", " * @threads any\n", "",
          "feature_store_make", "has no @threads"),
    Plant("other words for threads", "@threads any", "@threads some",
          "feature_store_make", "neither any nor one"),
    Plant("a long", "uint64_t size", "long size", "long size",
          "`long` differs between systems"),
    Plant("an unsigned long", "uint64_t size", "unsigned long size",
          "unsigned long size", "`long` differs between systems"),
    Plant("a pointer to long", "const char *path", "const long *path",
          "const long *path", "`long` differs between systems"),
    Plant("an int", "uint64_t size", "int size", "int size",
          "`int` is not a type of this interface"),
    Plant("a long long", "uint64_t size", "long long size", "long long size",
          "`long long` is not a type of this interface"),
    Plant("an intptr_t", "uint64_t size", "intptr_t size", "intptr_t size",
          "`intptr_t` is not a type of this interface"),
    Plant("a bool", "uint64_t size", "_Bool size", "_Bool size", "`bool`"),
    Plant("an enum by value", "uint64_t size", "enum feature_state size",
          "enum feature_state size", "no fixed size"),
    Plant("a struct by value", "uint64_t size", "struct feature_error size",
          "struct feature_error size", "structs cross by pointer"),
    Plant("a callback", "uint64_t size", "void (*size)(void)",
          "void (*size)", "callbacks"),
    Plant("varargs", "struct feature_error *error);",
          "struct feature_error *error, ...);", "feature_store_make",
          "takes varargs"),
    Plant("a bitfield", "int32_t line; ", "int32_t line : 32; ",
          "line : 32", "is a bitfield"),
    Plant("padding", "    int32_t line;     /**< a line */\n", "",
          "*text", "padding before text"),
    Plant("padding at the end", "a text */\n",
          "a text */\n    int32_t end; /**< no end */\n",
          "struct feature_error {", "ends in padding"),
    Plant("a union", "    int32_t line; ",
          "    union { int32_t a; } u; /**< a */\n    int32_t line; ",
          "union {", "a field has a type of its own"),
    Plant("an inline function", "struct ArrowArray;",
          "/** One. @since 0.1 @threads any */\n"
          "inline int32_t feature_x(void) { return 1; }",
          "feature_x", "has a body"),
    Plant("a variable", "struct ArrowArray;", "extern int32_t feature_x;",
          "feature_x", "only functions"),
    Plant("a typedef of a number", "struct ArrowArray;",
          "/** A number.\n * @since 0.1 */\ntypedef int64_t feature_size;",
          "int64_t feature_size", "a typedef is for handles"),
    Plant("an unknown type, which clang takes for int", "uint64_t size",
          "feature_size size", "feature_size size",
          "clang: unknown type name"),
    Plant("a clang warning", "struct ArrowArray;", "struct ArrowArray;;",
          "struct ArrowArray;;", "clang: extra ';'"),
    Plant("a function that is not exported", "FEATURE_API feature_status",
          "feature_status", "feature_store_make", "is not FEATURE_API"),
    Plant("a function without prototype",
          "feature_store_states(const feature_store *store)",
          "feature_store_states()", "@param store  {copied}", "clang:"),
    Plant("a name of somebody else", "feature_store_states(",
          "lf_store_states(", "lf_store_states", "begins with feature_"),
    Plant("a reference to nothing", "one ::feature_state",
          "one ::feature_mood", "feature_mood", "refers to nothing"),
    Plant("an enum of two sizes", "a number", "::feature_state",
          "@return {borrowed store}", "crosses as uint64_t and as uint8_t"),
    Plant("two constants of one name in Go",
          "    FEATURE_STATE_NOT_FOUND = 3 /**< no row */",
          "    FEATURE_STATE_NOT_FOUND = 3, /**< no row */\n"
          "    FEATURE_STATE_NOTFOUND = 4, /**< no row */\n"
          "    FEATURE_STATE_NOT__FOUND = 5 /**< no row */",
          "NOT__FOUND", "are both StateNotFound in Go"),
    Plant("a constant that is Go's name of an error",
          "    FEATURE_STATE_NOT_FOUND = 3 /**< no row */",
          "    FEATURE_ERR_NOT_FOUND = 3 /**< no row */",
          "FEATURE_ERR_NOT_FOUND", "are both ErrNotFound in Go"),
    Plant("two classes of one name in Python and Go",
          "enum feature_state {", "enum feature_status {",
          "enum feature_status {", "are both Status in"),
]


def complaints(text: str, directory: str) -> List[str]:
    path = os.path.join(directory, "libfeature.h")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        model = header.read(path)
        rules.check(model)
    except HeaderError as error:
        return error.problems
    return []


def verdict(plant: Plant, directory: str) -> str:
    """What is wrong with how the generator took the plant; or nothing."""
    if CLEAN.count(plant.old) != 1:
        return f"{CLEAN.count(plant.old)} places to plant it"
    text = CLEAN.replace(plant.old, plant.new)
    lines = text.split("\n")
    line = next(i + 1 for i, t in enumerate(lines) if plant.place in t)
    found = complaints(text, directory)
    if any(f"/libfeature.h:{line}: " in c and plant.reason in c
           for c in found):
        return ""
    return f"line {line} is not named: {found}"


def main() -> int:
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        found = complaints(CLEAN, directory)
        print(f"not ok the clean header: {found}" if found
              else "ok the clean header is taken")
        failures += bool(found)
        for plant in PLANTS:
            wrong = verdict(plant, directory)
            print(f"not ok {plant.what}: {wrong}" if wrong
                  else f"ok refused: {plant.what}")
            failures += bool(wrong)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
