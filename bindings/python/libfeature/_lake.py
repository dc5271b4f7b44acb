# SPDX-License-Identifier: Apache-2.0
"""Changes of a view as Parquet files that grow with the store: a lake table."""

from __future__ import annotations

import os
import time
from ctypes import byref, c_void_p
from datetime import datetime, timedelta, timezone
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Tuple,
)

from . import _ffi
from ._errors import Conflict, Gap, Invalid
from ._lake_files import (
    ENDING,
    PART,
    LakeFile,
    Manifest,
    check_lake,
    lake_files,
    locked,
    repair,
    sum_of,
    sync_directory,
)
from ._library import lib
from ._native import call, encode, sized
from ._packages import require
from ._scalars import microseconds
from ._view_changes import ViewChanges

if TYPE_CHECKING:
    import pyarrow

    from ._core import Store

__all__ = ["Export", "LakeFile", "check_lake", "export", "lake_files"]

#: Bytes of changes that are sorted and written together.
ROUND = 128 << 20

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
#: Seconds of a partition, and what its directories are called: columns of the
#: table, for whoever reads it.
_UNITS = {
    "day": (86400, "event_date={0}"),
    "hour": (3600, "event_date={0}/event_hour={1:02}"),
    "minute": (60, "event_date={0}/event_hour={1:02}/event_minute={2:02}"),
}
_NO_TIME = "event_date=__HIVE_DEFAULT_PARTITION__"
_NAMES = ("event_date", "event_hour", "event_minute")


class Export(NamedTuple):
    """What an export did."""

    since: int  #: it holds the commits after this one
    until: int  #: up to this one; the same where nothing was written
    rows: int
    files: List[LakeFile]  #: that it wrote
    late: List[LakeFile]  #: those of them with late rows
    held: int  #: bytes of changes that wait for more
    removed: List[str]  #: files that an export without an end had left


class _Lake:
    """One export under way."""

    def __init__(
        self, manifest: Manifest, columns: List[str], maximum_rows: int
    ) -> None:
        self.manifest = manifest
        self.maximum_rows = maximum_rows
        self.files: List[LakeFile] = []
        # Late is what lies before the newest partition of earlier exports.
        known = [file.partition for file in manifest.files]
        self.newest = max((one for one in known if one != _NO_TIME), default="")
        taken = set(columns) & set(_NAMES)
        if manifest.partition_by and taken:
            raise Conflict(
                "a column is named %s, as a partition is: give it another "
                "name by AS" % min(taken),
                reason="name",
            )

    def _partition(self, bucket: int) -> str:
        assert self.manifest.partition_by is not None
        try:
            moment = _EPOCH + timedelta(microseconds=bucket)
            return _UNITS[self.manifest.partition_by][1].format(
                moment.date().isoformat(), moment.hour, moment.minute
            )
        except OverflowError:
            return _NO_TIME

    def add(self, table: "pyarrow.Table") -> None:
        """Writes rows, which lie in the order of commits."""
        if self.manifest.partition_by is None:
            self._add_partition("", table)
            return
        for bucket, rows in _split(table, self.manifest.partition_by):
            self._add_partition(self._partition(bucket), rows)

    def _add_partition(self, partition: str, table: "pyarrow.Table") -> None:
        for begin in range(0, len(table), self.maximum_rows):
            self._add_file(partition, table.slice(begin, self.maximum_rows))

    def _add_file(self, partition: str, table: "pyarrow.Table") -> None:
        from pyarrow import parquet

        first, last = table["_seq"][0].as_py(), table["_seq"][-1].as_py()
        late = partition != _NO_TIME and partition < self.newest
        name = "changes-%020d-%020d-%04d%s%s" % (
            first,
            last,
            len(self.files),
            "-late" if late else "",
            ENDING,
        )
        path = os.path.join(partition, name)
        where = os.path.join(self.manifest.directory, path)
        part = where[: -len(ENDING)] + PART
        os.makedirs(os.path.dirname(where), exist_ok=True)
        parquet.write_table(table, part, compression="zstd")
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        self.files.append(
            LakeFile(
                path=path,
                rows=len(table),
                bytes=os.path.getsize(part),
                sha256=sum_of(part),
                first=first,
                last=last,
                late=late,
                partition=partition,
            )
        )

    def finish(self, until: int) -> None:
        """Gives the files their names, and the manifest theirs."""
        directory = self.manifest.directory
        touched = {directory}
        for file in self.files:
            where = os.path.join(directory, file.path)
            os.replace(where[: -len(ENDING)] + PART, where)
            while where != directory:
                where = os.path.dirname(where)
                touched.add(where)
        for path in sorted(touched):
            sync_directory(path)
        self.manifest.files += self.files
        self.manifest.exported = until
        self.manifest.write()


def _split(
    table: "pyarrow.Table", unit: str
) -> Iterator[Tuple[int, "pyarrow.Table"]]:
    """The rows of each partition, in their order. An expiry has no event time
    and lies where its commit does."""
    import pyarrow
    from pyarrow import compute

    times = compute.coalesce(table["_event_timestamp"], table["_commit_time"])
    number = times.cast(pyarrow.int64())
    width = _UNITS[unit][0] * 1_000_000
    # Division of integers is towards zero: before 1970 that is the wrong way.
    whole = compute.divide(number, width)
    below = compute.less(compute.multiply(whole, width), number)
    exact = compute.equal(compute.multiply(whole, width), number)
    whole = compute.if_else(
        compute.or_(below, exact), whole, compute.subtract(whole, 1)
    )
    table = table.append_column("_bucket", whole)
    table = table.sort_by(
        [
            ("_bucket", "ascending"),
            ("_seq", "ascending"),
            ("_ordinal", "ascending"),
        ]
    )
    begin = 0
    counts = compute.value_counts(table["_bucket"])
    table = table.drop_columns(["_bucket"])
    for count in counts:
        bucket, rows = count["values"].as_py(), count["counts"].as_py()
        yield bucket * width, table.slice(begin, rows)
        begin += rows


def _claim(
    store: "Store", consumer: Optional[str], sequence: int, claim_ms: int
) -> None:
    """Registers a consumer who has all up to a sequence: retention waits."""
    if consumer is None:
        return
    changes = c_void_p()
    options = sized(
        _ffi.feature_changes_options,
        since=sequence,
        consumer=encode(consumer, "consumer"),
        claim_ms=claim_ms,
    )
    with store._use() as address:
        call(lib.feature_changes_open, address, byref(options), byref(changes))
        lib.feature_changes_free(changes)


def _now(store: "Store", now: Any) -> int:
    """The caller's clock, the store's fixed one, or the system's."""
    given = microseconds(now) if now is not None else 0
    return given or store._options["fixed_now"] or time.time_ns() // 1000


def _manifest(
    directory: str,
    store: "Store",
    view: str,
    since: Optional[int],
    partition_by: Optional[str],
    before: bool,
) -> Manifest:
    """The table's manifest, which has to be of this store's view, or a new
    one."""
    found = Manifest.read(directory)
    asked: Dict[str, Any] = {
        "store": store.content().split("\t", 2)[1],
        "view": view,
        "partition_by": partition_by,
        "before": before,
    }
    if found is None:
        start = since or 0
        asked.update(since=start, exported=start, files=[])
        return Manifest(directory, asked)
    for name, value in asked.items():
        if getattr(found, name) != value:
            raise Conflict(
                "the table in %s has %s=%r, not %r"
                % (directory, name, getattr(found, name), value)
            )
    if since is not None and not found.since <= since <= found.exported:
        raise Gap(
            "the table in %s has the commits after %d, up to %d; since %d "
            "leaves some out" % (directory, found.since, found.exported, since),
            reason="gap",
        )
    return found


class _Pending:
    """Changes that are read and not written yet."""

    def __init__(self, schema: "pyarrow.Schema") -> None:
        self.schema = schema
        self.batches: List[Any] = []
        self.bytes = 0
        self.oldest: Optional[int] = None  # commit time of the first change

    def add(self, batch: "pyarrow.RecordBatch") -> None:
        if self.oldest is None:
            self.oldest = batch.column("_commit_time")[0].value
        self.batches.append(batch)
        self.bytes += batch.nbytes

    def take(self) -> "pyarrow.Table":
        import pyarrow

        table = pyarrow.Table.from_batches(self.batches, self.schema)
        self.batches, self.bytes = [], 0
        return table


def _fill(lake: _Lake, pending: _Pending, reader: Any, enough: int) -> bool:
    """Reads to the end; writes whenever there is much. Whether all may be
    written: it has ``enough`` bytes."""
    written = False
    for batch in reader:
        pending.add(batch)
        if pending.bytes >= max(enough, ROUND):
            lake.add(pending.take())
            written = True
    return written or pending.bytes >= enough


def _check(partition_by: Optional[str], maximum_rows: int, sizes: Any) -> None:
    if partition_by is not None and partition_by not in _UNITS:
        raise Invalid(
            "partition_by is %r: minute, hour, day or None" % partition_by
        )
    if maximum_rows < 1 or any(size < 0 for size in sizes):
        raise Invalid("a limit of an export is below what makes sense")


def export(
    store: "Store",
    view: str,
    directory: Any,
    *,
    since: Optional[int] = None,
    until: Optional[int] = None,
    partition_by: Optional[str] = "hour",
    minimum_bytes: int = 0,
    maximum_rows: int = 1_000_000,
    maximum_wait: Optional[float] = None,
    before: bool = False,
    now: Any = None,
    consumer: Optional[str] = None,
    claim_ms: int = 0,
) -> Export:
    """Writes the changes of a view that ``directory`` does not have yet, as
    Parquet files, by pyarrow.

    The table begins after ``since`` (0) and grows with each call, to ``until``
    or the newest commit; what it has is not written again. ``partition_by``
    makes directories of event times: ``"minute"``, ``"hour"``, ``"day"`` or
    None.

    Fewer than ``minimum_bytes`` of changes wait for a later call, unless the
    oldest of them was committed ``maximum_wait`` seconds before ``now`` (the
    store's clock). A file has at most ``maximum_rows``. ``consumer`` keeps the
    store's feed from dropping what was not exported. docs/export.md has the
    rest.
    """
    require("pyarrow", "feature export writes CSV")
    _check(partition_by, maximum_rows, (minimum_bytes, maximum_wait or 0))
    where = os.path.abspath(os.fspath(directory))
    os.makedirs(where, exist_ok=True)
    with locked(where):
        manifest = _manifest(where, store, view, since, partition_by, before)
        removed = repair(where, manifest.files)
        begin = manifest.exported
        _claim(store, consumer, begin, claim_ms)
        none = Export(begin, begin, 0, [], [], 0, removed)
        if until is not None and until <= begin:
            return none
        changes = ViewChanges(
            store, view, since=begin, until=until, before=before
        )
        reader, end = changes.open()
        lake = _Lake(manifest, reader.schema.names, maximum_rows)
        pending = _Pending(reader.schema)
        enough = _fill(lake, pending, reader, minimum_bytes)
        if not enough and maximum_wait is not None and pending.batches:
            waited = _now(store, now) - (pending.oldest or 0)
            enough = waited >= maximum_wait * 1_000_000
        if not enough and pending.batches:
            return none._replace(held=pending.bytes)
        if pending.batches:
            lake.add(pending.take())
        if end > begin or Manifest.read(where) is None:
            lake.finish(end)
        _claim(store, consumer, end, claim_ms)
    return Export(
        begin,
        end,
        sum(file.rows for file in lake.files),
        lake.files,
        [file for file in lake.files if file.late],
        0,
        removed,
    )
