# SPDX-License-Identifier: Apache-2.0
"""The public header to the model, by libclang.

Owns the only use of libclang. Reads without the system's headers and for one
target, so that the answer is the same on every machine. What C itself leaves
free and the rules of the header forbid, rules.py refuses.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from typing import Dict, List, Optional

import comments
from model import (Comment, Enum, Enumerator, Field, Function, Header,
                   HeaderError, INTEGERS, Named, Note, Object, Parameter,
                   ParamNote, Struct, Type)

try:
    from clang import cindex  # type: ignore[import-untyped]
    from clang.cindex import (  # type: ignore[import-untyped]
        Cursor, CursorKind, TypeKind)
except ImportError:
    sys.exit(f"bindings/gen: {sys.executable} has no module clang: run make "
             "deps, or name a Python that has it with GEN_PYTHON=...")

ARGUMENTS = ["-x", "c", "-std=c11", "-ffreestanding", "-nostdlibinc",
             "-target", "x86_64-unknown-linux-gnu", "-Wall", "-Wextra",
             "-pedantic", "-Wdocumentation", "-fparse-all-comments"]
VALUE_KINDS = {TypeKind.FLOAT: "float", TypeKind.DOUBLE: "double",
               TypeKind.CHAR_S: "char"}
NEVER = {
    TypeKind.LONG: "`long` differs between systems; take int64_t",
    TypeKind.ULONG: "`long` differs between systems; take uint64_t",
    TypeKind.BOOL: "`bool` is not in the interface; take int32_t or a flag",
    TypeKind.ENUM: "an enum has no fixed size; take int32_t",
    TypeKind.FUNCTIONPROTO: "callbacks are not in the interface",
    TypeKind.FUNCTIONNOPROTO: "callbacks are not in the interface",
}


def read(path: str) -> Header:
    """Reads a header; HeaderError says everything that is wrong with it."""
    reader = _Reader(path)
    return reader.read()


class _Reader:
    def __init__(self, path: str):
        self.path = os.path.relpath(path) if os.path.isabs(path) else path
        with open(path, "rb") as file:
            content = file.read()
        self.source = content.decode()
        self.header = Header(self.path, hashlib.sha256(content).hexdigest())
        self.problems: List[str] = []
        self.typedefs: Dict[str, Cursor] = {}
        self.declared: Dict[str, Cursor] = {}

    def refuse(self, line: int, text: str) -> None:
        problem = f"{self.path}:{line}: {text}"
        if problem not in self.problems:
            self.problems.append(problem)

    def read(self) -> Header:
        unit = cindex.Index.create().parse(
            self.path, ARGUMENTS,
            options=cindex.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
        for remark in unit.diagnostics:
            if remark.severity >= cindex.Diagnostic.Warning:
                place = remark.location
                self.problems.append(f"{place.file or self.path}:{place.line}: "
                                     f"clang: {remark.spelling}")
        if self.problems:  # what clang doubts, it may have read wrongly
            raise HeaderError(self.problems)
        cursors = [c for c in unit.cursor.get_children()
                   if c.location.file and c.location.file.name == self.path]
        opening = re.search(r"/\*\*\n \* @file .*?\*/", self.source, re.S)
        if opening:
            self.header.introduction = comments.prose(opening[0])[1:]
        self.names(cursors)
        for cursor in cursors:
            self.declaration(cursor)
        version = [self.header.macros.get(f"FEATURE_VERSION_{part}", 0)
                   for part in ("MAJOR", "MINOR", "PATCH")]
        self.header.version = (version[0], version[1], version[2])
        if self.problems:
            raise HeaderError(self.problems)
        return self.header

    def names(self, cursors: List[Cursor]) -> None:
        """First the names of all structs: a pointer may come before them."""
        for cursor in cursors:
            if cursor.kind == CursorKind.TYPEDEF_DECL:
                self.typedefs[cursor.spelling] = cursor
            elif cursor.kind == CursorKind.STRUCT_DECL:
                if (cursor.is_definition()
                        or cursor.spelling not in self.declared):
                    self.declared[cursor.spelling] = cursor

    def declaration(self, cursor: Cursor) -> None:
        kind = cursor.kind
        if kind == CursorKind.FUNCTION_DECL:
            self.function(cursor)
        elif kind == CursorKind.ENUM_DECL:
            self.enum(cursor)
        elif kind == CursorKind.STRUCT_DECL:
            self.struct(cursor)
        elif kind == CursorKind.TYPEDEF_DECL:
            self.typedef(cursor)
        elif kind == CursorKind.MACRO_DEFINITION:
            tokens = [token.spelling for token in cursor.get_tokens()]
            if len(tokens) == 2 and re.fullmatch(r"\d+", tokens[1]):
                self.header.macros[tokens[0]] = int(tokens[1])
        elif kind not in (CursorKind.MACRO_INSTANTIATION,
                          CursorKind.INCLUSION_DIRECTIVE):
            self.refuse(cursor.location.line,
                        f"{cursor.spelling}: only functions, structs, enums "
                        "and handles belong here")

    # --- comments ------------------------------------------------------------

    def comment(self, cursor: Cursor, what: str) -> Comment:
        raw = cursor.raw_comment
        line = cursor.location.line
        if not raw:
            self.refuse(line, f"{what} has no comment")
            return Comment(line=line)
        encoded = self.source.encode()
        start = encoded.rfind(raw.encode(), 0, cursor.extent.start.offset)
        if start < 0 or raw.startswith("/**<"):  # it stands behind its item
            start = encoded.find(raw.encode(), cursor.extent.start.offset)
        comment = comments.parse(raw, encoded.count(b"\n", 0, start) + 1)
        misplaced = comments.misplaced(raw, comment.line)
        if misplaced:
            self.refuse(misplaced, f"{what}: the order is @param, @return, "
                        "@since, @threads")
        for tag in comments.tags_in(raw):
            if tag.word not in comments.WORDS:
                self.refuse(comment.line + raw[:raw.index(str(tag))].count(
                    "\n"), f"{what}: {tag} is no ownership word")
        return comment

    def named(self, cursor: Cursor) -> Comment:
        """The comment of an item, which has to say since when it is there."""
        comment = self.comment(cursor, cursor.spelling)
        if cursor.raw_comment and not comment.since:
            self.refuse(cursor.location.line,
                        f"{cursor.spelling} has no @since")
        elif comment.since and not re.fullmatch(r"\d+\.\d+", comment.since):
            self.refuse(comment.since_line, f"{cursor.spelling}: @since "
                        f"{comment.since} is no release")
        return comment

    # --- items ---------------------------------------------------------------

    def typedef(self, cursor: Cursor) -> None:
        under = cursor.underlying_typedef_type
        comment = self.named(cursor)
        item = (cursor.spelling, cursor.location.line, comment, comment.since)
        if under.get_canonical().kind == TypeKind.RECORD:
            declared = self.declared.get(cursor.spelling)
            if not declared or declared.is_definition():
                self.refuse(item[1], f"{item[0]}: a typedef is for handles; "
                            "spell `struct` out")
            self.header.objects.append(Object(*item))
        elif cursor.spelling == "feature_status":
            self.header.status = Named(*item)
        else:
            self.refuse(item[1], f"{item[0]}: a typedef is for handles")

    def enum(self, cursor: Cursor) -> None:
        comment = self.named(cursor)
        members = []
        for child in cursor.get_children():
            note = self.comment(child, child.spelling)
            members.append(Enumerator(
                child.spelling, child.location.line, note,
                note.since or comment.since, child.enum_value))
            if not -2**31 <= child.enum_value < 2**31:
                self.refuse(child.location.line,
                            f"{child.spelling} does not fit int32_t")
        self.header.enums.append(Enum(
            cursor.spelling, cursor.location.line, comment, comment.since,
            members))

    def struct(self, cursor: Cursor) -> None:
        name, line = cursor.spelling, cursor.location.line
        if not cursor.is_definition():
            if name.startswith("Arrow"):
                self.header.foreign.append(name)
            elif name not in self.typedefs:
                self.refuse(line, f"{name}: a struct without a body")
            return
        comment = self.named(cursor)
        fields = []
        for child in cursor.get_children():
            if child.kind != CursorKind.FIELD_DECL:
                self.refuse(child.location.line,
                            f"{name}: a field has a type of its own")
                continue
            if child.is_bitfield():
                self.refuse(child.location.line,
                            f"{name}.{child.spelling} is a bitfield")
            fields.append(self.field(name, child, comment))
        if not fields:
            self.refuse(line, f"{name} is empty")
            return
        end = 0
        for field in fields:
            if field.offset != end:
                self.refuse(field.line, f"{name}: padding before {field.name}")
            end = field.offset + field.size
        if end != cursor.type.get_size():
            self.refuse(line, f"{name} ends in padding")
        self.header.structs.append(Struct(
            name, line, comment, comment.since, fields, cursor.type.get_size()))

    def field(self, struct: str, cursor: Cursor, outer: Comment) -> Field:
        what = f"{struct}.{cursor.spelling}"
        comment = self.comment(cursor, what)
        tags, text = comments.leading(comment.brief)
        note = Note(text, tags, comment.line)
        return Field(cursor.spelling, cursor.location.line, comment,
                     comment.since or outer.since,
                     self.type(cursor.type, cursor.location.line, what),
                     cursor.get_field_offsetof() // 8, cursor.type.get_size(),
                     note)

    def function(self, cursor: Cursor) -> None:
        name, line = cursor.spelling, cursor.location.line
        comment = self.named(cursor)
        if cursor.raw_comment and comment.threads not in ("any", "one"):
            self.refuse(line, f"{name}: @threads says neither any nor one"
                        if comment.threads else f"{name} has no @threads")
        if not any(child.kind == CursorKind.VISIBILITY_ATTR
                   for child in cursor.get_children()):
            self.refuse(line, f"{name} is not FEATURE_API")
        if cursor.is_definition():
            self.refuse(line, f"{name} has a body")
        if cursor.type.kind == TypeKind.FUNCTIONNOPROTO:
            self.refuse(line, f"{name} does not say (void)")
        elif cursor.type.is_function_variadic():
            self.refuse(line, f"{name} takes varargs")
        notes = {note.name: note for note in comment.params}
        parameters = [Parameter(
            a.spelling, self.type(a.type, a.location.line,
                                  f"{name}({a.spelling})"),
            notes.get(a.spelling, ParamNote()))
            for a in cursor.get_arguments()]
        self.documented(name, line, parameters, comment)
        self.header.functions.append(Function(
            name, line, comment, comment.since,
            self.type(cursor.result_type, line, name, void=True), parameters))

    def documented(self, name: str, line: int, parameters: List[Parameter],
                   comment: Comment) -> None:
        """The comment has the parameters, all of them, in their order."""
        declared = [p.name for p in parameters]
        told = [note.name for note in comment.params]
        for note in comment.params:
            if note.name not in declared:
                self.refuse(note.line, f"{name} has no parameter {note.name}")
        for missing in declared:
            if missing not in told and comment.since:
                self.refuse(line, f"{name}: no @param {missing}")
        if sorted(told) == sorted(declared) and told != declared:
            self.refuse(comment.params[0].line,
                        f"{name}: @param in another order than the parameters")

    # --- types ---------------------------------------------------------------

    def type(self, type: cindex.Type, line: int, what: str,
             void: bool = False) -> Type:
        found = self.any_type(type, line, what)
        if found.kind == "void" and not found.pointers and not void:
            self.refuse(line, f"{what}: void is no value")
        if found.kind in ("struct", "object", "foreign") and not found.pointers:
            self.refuse(line, f"{what}: structs cross by pointer")
        return found

    def any_type(self, type: cindex.Type, line: int, what: str) -> Type:
        const = type.is_const_qualified()
        spelled = type.spelling
        if type.kind == TypeKind.ELABORATED:  # newer clangs have more of them
            type = type.get_named_type()
        if type.kind == TypeKind.CONSTANTARRAY:
            inner = self.any_type(type.element_type, line, what)
            return Type(inner.base, inner.kind, inner.spelled, inner.consts,
                        type.element_count)
        if type.kind == TypeKind.POINTER:
            inner = self.any_type(type.get_pointee(), line, what)
            return Type(inner.base, inner.kind, spelled,
                        inner.consts + (const,))
        base = re.sub(r"\bconst\b|\bstruct\b", "", spelled).strip()
        kind = self.base_kind(type, base)
        if not kind:
            reason = NEVER.get(type.get_canonical().kind, "") if \
                type.kind != TypeKind.TYPEDEF else ""
            self.refuse(line, f"{what}: " + (
                reason or f"`{base}` is not a type of this interface"))
        return Type(base, kind or "void", spelled, (const,))

    def base_kind(self, type: cindex.Type, base: str) -> Optional[str]:
        if type.kind in VALUE_KINDS or base in INTEGERS + ("size_t",):
            return "value"
        if base == "feature_status":
            return "status"
        if type.kind == TypeKind.VOID:
            return "void"
        if type.get_canonical().kind != TypeKind.RECORD:
            return None
        if base in self.typedefs:
            return "object"
        if base not in self.declared:
            return None
        defined = self.declared[base].is_definition()
        return "struct" if defined else "foreign"
