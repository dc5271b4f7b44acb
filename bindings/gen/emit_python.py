# SPDX-License-Identifier: Apache-2.0
"""The model to `_ffi.py`: the C interface declared for ctypes.

Owns how a C type looks from ctypes, and which calls keep the interpreter's
lock. Never wraps or checks: that is the written layer's part.
"""

from __future__ import annotations

import textwrap
from typing import List

import names
import text
from model import Enum, Function, Header, Struct, Type

CTYPES = {"float": "c_float", "double": "c_double", "size_t": "c_size_t",
          "char": "c_char"}

INTRODUCTION = '''"""The C interface of libfeature, declared for ctypes.

`bind(path)` loads a shared library and answers a `Library`, whose attributes
are the functions of libfeature.h. They take addresses as ints (or None, or what
ctypes passes as a pointer), texts as bytes, and answer ints: a status is not
checked here. A text that the library allocates arrives as an address, so that
feature_free can have it back.

A function that answers a value and cannot fail keeps the interpreter's lock;
every other releases it. The calls on a request are short, so that each is there
a second time as `held_...`, keeping the lock: the caller knows how many rows it
asks for.
"""'''

BIND = '''

def _check_layout() -> None:
    """What ctypes makes of the structs is what the C compiler made of them."""
    if sizeof(c_void_p) != 8:
        return  # LAYOUT is that of 64-bit systems
    for struct, (size, offsets) in LAYOUT.items():
        found = {name: getattr(struct, name).offset for name in offsets}
        if sizeof(struct) != size or found != offsets:
            raise ImportError(
                f"struct {struct.__name__} is laid out differently here")


_check_layout()


def bind(path: str) -> Library:
    """Loads the shared library at `path` (anything dlopen takes)."""
    return Library(path)
'''


def emit(header: Header) -> str:
    lines = ["# SPDX-License-Identifier: Apache-2.0"]
    lines += [f"# {line}" for line in text.banner(header)]
    lines += [INTRODUCTION, "", "from __future__ import annotations", ""]
    lines += [
        "from ctypes import CDLL, PyDLL, Structure, c_char, c_char_p, c_double",
        "from ctypes import c_float",
        "from ctypes import c_int32, c_int64, c_size_t, c_uint32, c_uint64",
        "from ctypes import c_void_p, sizeof",
        "from enum import IntEnum, IntFlag",
        "from typing import Any, Callable, Optional", "",
        f"HEADER_VERSION = {header.version}", "",
        "# An address, None, or what ctypes passes as a pointer.",
        "Pointer = Any"]
    for enum in header.enums:
        lines += enumeration(enum)
    for struct in header.structs:
        lines += structure(struct)
    lines += ["", "", "# Size and offsets, as the C compiler has them.",
              "LAYOUT: dict[type[Structure], tuple[int, dict[str, int]]] = {"]
    for struct in header.structs:
        offsets = ", ".join(f'"{names.python_field(f.name)}": {f.offset}'
                            for f in struct.fields)
        lines += [f"    {struct.name}: ({struct.size}, {{"]
        lines += textwrap.wrap(offsets, 79, initial_indent="        ",
                               subsequent_indent="        ")
        lines += ["    }),"]
    lines += ["}"]
    lines += functions(header)
    lines += library(header)
    return "\n".join(lines) + BIND


def docstring(body: str, indent: str) -> List[str]:
    body = body.replace("\\", "\\\\")
    if "\n" not in body and len(body) + len(indent) < 73:
        return [f'{indent}"""{body}"""']
    lines = textwrap.indent(f'"""{body}\n"""', indent).split("\n")
    return [line.rstrip() for line in lines]


def enumeration(enum: Enum) -> List[str]:
    base = "IntFlag" if enum.is_flags else "IntEnum"
    lines = ["", "", f"class {names.enum_type(enum)}({base}):"]
    lines += docstring("\n\n".join(text.wrap(p, 71)
                                   for p in enum.comment.paragraphs), "    ")
    lines += [""]
    for member in enum.members:
        lines += [f"    {names.python_member(enum, member)} = {member.value}"
                  f"  # {text.plain(member.comment.brief)}"]
        if len(lines[-1]) > 79:
            lines[-1:] = [text.wrap(member.comment.brief, 79, "    # "),
                          lines[-1].split("  # ")[0]]
    return lines


def ctype(type: Type, field: bool = False) -> str:
    """In a struct or as an argument; a result differs for owned texts only."""
    if type.length is not None:
        return f"{CTYPES[type.base]} * {type.length}"
    if type.is_text and type.points_to_const:
        return "c_char_p"
    if type.pointers:
        return "c_void_p"
    if type.kind == "status":
        return "c_int32"
    if type.kind == "void":
        return "None"
    return CTYPES.get(type.base) or f"c_{type.base[:-len('_t')]}"


def annotation(type: Type) -> str:
    if type.length is not None:
        return "bytes"
    if type.is_text and type.points_to_const:
        return "Optional[bytes]"
    if type.pointers:
        return "Optional[int]"
    if type.kind == "void":
        return "None"
    return "float" if type.base in ("float", "double") else "int"


def structure(struct: Struct) -> List[str]:
    lines = ["", "", f"class {struct.name}(Structure):"]
    lines += docstring("\n\n".join(text.wrap(p, 71)
                                   for p in struct.comment.paragraphs), "    ")
    lines += [""]
    for field in struct.fields:
        name = names.python_field(field.name)
        declared = f"    {name}: {annotation(field.type)}"
        note = text.plain(" ".join([*map(str, field.note.tags),
                                    field.note.text]))
        if len(declared) + len(note) + 4 > 79:
            lines += [text.wrap(note, 79, "    # "), declared]
        else:
            lines += [f"{declared}  # {note}"]
    lines += ["", "    _fields_ = ["]
    lines += [f'        ("{names.python_field(f.name)}", '
              f"{ctype(f.type)})," for f in struct.fields]
    return lines + ["    ]"]


def keeps_lock(function: Function) -> bool:
    return not function.takes_error and function.result.kind != "void" \
        or function.result.pointers > 0


def is_twice(function: Function) -> bool:
    """A short call of the hot path: on a request, and nothing that waits."""
    return (function.name.startswith("feature_request_")
            and function.parameters[0].type.base == "feature_request"
            and function.takes_error and not function.calls_back)


def functions(header: Header) -> List[str]:
    lines = ["", "", "# Name, is the lock kept, result, arguments, text.",
             "_FUNCTIONS: tuple[tuple[str, bool, Any, tuple[Any, ...], str], "
             "...] = ("]
    for function in header.functions:
        arguments = "".join(f"{ctype(p.type)}, " for p in function.parameters)
        if len(function.parameters) != 1:
            arguments = arguments[:-2]
        lines += [f'    ("{function.name}", {keeps_lock(function)}, '
                  f"{ctype(function.result)},"]
        lines += textwrap.wrap(f"({arguments.rstrip()}),", 79,
                               initial_indent="     ",
                               subsequent_indent="      ")
        body = docstring(text.sections(function.comment, 72), "")
        lines += ["     " + body[0], *body[1:]]
        lines[-1] += "),"
    lines += [")", "", "# Calls on a request, which can keep the lock too.",
              "_HELD = ("]
    lines += [f'    "{f.name}",' for f in header.functions if is_twice(f)]
    return lines + [")"]


def signature(function: Function) -> str:
    given = {"c_char_p": "bytes", "c_void_p": "Pointer"}
    arguments = []
    for p in function.parameters:
        argument = given.get(ctype(p.type)) or annotation(p.type)
        arguments.append("Optional[bytes]" if argument == "bytes"
                         and p.note.nullable else argument)
    result = annotation(function.result)
    notes = function.comment.returns
    if notes and function.result.pointers and not notes[0].nullable:
        result = result[len("Optional["):-1]
    return f"Callable[[{', '.join(arguments)}], {result}]"


def library(header: Header) -> List[str]:
    lines = ["", "", "class Library:"]
    lines += docstring("The functions of one loaded library.\n\nEach has its "
                       "comment of the header as docstring.", "    ")
    lines += [""]
    for function in header.functions:
        for name in [function.name] + [f"held_{function.name}"] * is_twice(
                function):
            line = f"    {name}: {signature(function)}"
            lines += [line] if len(line) < 80 else [
                f"    {name}: {signature(function).partition('[[')[0]}[",
                *textwrap.wrap(f"[{signature(function).partition('[[')[2]}",
                               79, initial_indent="        ",
                               subsequent_indent="         ")]
    return lines + ['''
    def __init__(self, path: str) -> None:
        self.path = path
        released, held = CDLL(path), PyDLL(path)
        self._check_version(held, path)
        for name, keeps_lock, result, arguments, text in _FUNCTIONS:
            for prefix in ("", "held_") if name in _HELD else ("",):
                library = held if keeps_lock or prefix else released
                try:
                    function = library[name]
                except AttributeError:
                    raise ImportError(f"{path} has no {name}") from None
                function.restype = result
                function.argtypes = arguments
                function.__doc__ = text
                setattr(self, prefix + name, function)

    @staticmethod
    def _check_version(library: PyDLL, path: str) -> None:
        """The same major version, and a minor one that is not older."""
        try:
            version = library["feature_version"]
        except AttributeError:
            raise ImportError(f"{path} is not libfeature") from None
        version.restype = c_uint32
        found = version()
        major, minor = found // 10000, found // 100 % 100
        if major != HEADER_VERSION[0] or minor < HEADER_VERSION[1]:
            raise ImportError(
                f"{path} is libfeature {major}.{minor}; this package needs "
                f"{HEADER_VERSION[0]}.{HEADER_VERSION[1]} or a later minor")
''']
