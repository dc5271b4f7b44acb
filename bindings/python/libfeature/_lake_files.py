# SPDX-License-Identifier: Apache-2.0
"""The directory of a lake table: its manifest, its files, and who writes it.

The manifest is replaced in one step, so that an export happened or did not. A
file that no manifest names was left by one that did not, and is removed by the
next.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from ._errors import IO, Busy, Conflict, Corrupt, NotFound

__all__ = ["LakeFile", "Manifest", "check_lake", "lake_files", "locked"]

NAME = "_manifest.json"
LOCK = "_lock"
ENDING = ".parquet"
PART = ENDING + ".tmp"  # being written: no reader takes it for a table's
FORMAT = "libfeature lake 1"


class LakeFile(NamedTuple):
    """A file of a lake table, as its manifest has it."""

    path: str  #: from the table's directory on
    rows: int
    bytes: int
    sha256: str
    first: int  #: sequence of its first change
    last: int  #: and of its last one
    late: bool  #: of a partition that an earlier export was past already
    partition: str  #: "" where the table has none


class Manifest:
    """What a lake table holds."""

    def __init__(self, directory: str, content: Dict[str, Any]) -> None:
        self.directory = directory
        self.store: str = content["store"]  #: its uuid
        self.view: str = content["view"]
        self.partition_by: Optional[str] = content["partition_by"]
        self.before: bool = content["before"]
        self.since: int = content["since"]
        self.exported: int = content["exported"]
        self.files = [LakeFile(**file) for file in content["files"]]

    @classmethod
    def read(cls, directory: str) -> Optional["Manifest"]:
        """The manifest in a directory, or None."""
        try:
            with open(os.path.join(directory, NAME), encoding="utf-8") as file:
                content = json.load(file)
            if content["format"] != FORMAT:
                raise Conflict(
                    "%s is of the format %r" % (NAME, content["format"])
                )
            return cls(directory, content)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise Corrupt(
                "%s in %s is damaged: %s" % (NAME, directory, error),
                reason="structure",
            ) from error

    def write(self) -> None:
        """Replaces the manifest in the directory, durably."""
        content = {
            "format": FORMAT,
            "store": self.store,
            "view": self.view,
            "partition_by": self.partition_by,
            "before": self.before,
            "since": self.since,
            "exported": self.exported,
            "files": [file._asdict() for file in self.files],
        }
        where = os.path.join(self.directory, NAME)
        with open(where + ".tmp", "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(where + ".tmp", where)
        sync_directory(self.directory)


def sync_directory(path: str) -> None:
    """Makes the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sum_of(path: str) -> str:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


class locked:
    """One export of a table at a time, of all processes."""

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, LOCK)
        self._descriptor = -1

    def __enter__(self) -> None:
        import fcntl

        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise Busy("somebody else exports to this table") from error

    def __exit__(self, *error: object) -> None:
        os.close(self._descriptor)


def _data_files(directory: str) -> Iterator[str]:
    """Every file of data, whoever wrote it, from the directory on."""
    for root, _, names in os.walk(directory):
        for name in names:
            if name.startswith("changes-") and name.endswith((ENDING, PART)):
                yield os.path.relpath(os.path.join(root, name), directory)


def repair(directory: str, files: List[LakeFile]) -> List[str]:
    """Removes what an export left behind that did not come to its manifest, and
    returns its paths; what the manifest names has to be there."""
    named = {file.path for file in files}
    found = set(_data_files(directory))
    for path in sorted(named - found):
        raise Corrupt(
            "%s lacks the file %s" % (directory, path), reason="structure"
        )
    removed = sorted(found - named)
    for path in removed:
        os.unlink(os.path.join(directory, path))
    return removed


def _required(directory: Any) -> Manifest:
    made = Manifest.read(os.fspath(directory))
    if made is None:
        raise NotFound("%s holds no lake table" % os.fspath(directory))
    return made


def lake_files(directory: Any) -> List[str]:
    """The paths of the files of a lake table, by its manifest: those of one
    export after the other, and no file that is on its way."""
    manifest = _required(directory)
    return [
        os.path.join(manifest.directory, file.path) for file in manifest.files
    ]


def check_lake(directory: Any) -> List[LakeFile]:
    """Reads every file of a lake table and compares it with the manifest: the
    files, or an error that names the first that differs."""
    manifest = _required(directory)
    for file in manifest.files:
        path = os.path.join(manifest.directory, file.path)
        try:
            same = (
                os.path.getsize(path) == file.bytes
                and sum_of(path) == file.sha256
            )
        except FileNotFoundError as error:
            raise Corrupt(
                "the table lacks %s" % file.path, reason="structure"
            ) from error
        except OSError as error:
            raise IO(
                "%s: %s" % (path, error), os_error=error.errno or 0
            ) from error
        if not same:
            raise Corrupt(
                "%s is not what was exported" % file.path, reason="checksum"
            )
    return manifest.files
