# SPDX-License-Identifier: Apache-2.0
"""libfeature: the embedded feature store, for Python.

Define feature views in text, write rows from dicts, frames or Arrow streams,
and read batches of features for batches of entities from one snapshot::

    import libfeature as lf

    with lf.Store.open("drivers", create=True) as store:
        store.apply('''
            CREATE ENTITY driver (driver_id INT64);
            CREATE FEATURE VIEW stats (trips INT64 DEFAULT 0) FOR driver;
        ''')
        store.write("stats", {"driver_id": [7, 8], "trips": [12, 40]})
        rows = store.query("stats:trips").read({"driver_id": [7, 8, 9]})
        rows["trips"]               # array([12, 40, 0])
        rows.defaulted("trips")     # array([False, False, True])

numpy, pyarrow, pandas and polars are used where the caller has them; none is
needed.
"""

from ._batch import Batch
from ._changes import ChangeRecord, Changes, Source, SourceOffset
from ._copies import (
    Progress,
    SnapshotReport,
    Verification,
    check_snapshot,
    compact,
    restore,
    verify,
)
from ._core import Store
from ._errors import (
    IO,
    Busy,
    Closed,
    Conflict,
    Corrupt,
    Error,
    Full,
    Gap,
    Invalid,
    NoMemory,
    NotFound,
    Unsupported,
    Version,
)
from ._ffi import (
    Fill,
    Operation,
    Outcome,
    Role,
    SketchFormat,
    SketchKind,
    State,
    Status,
    Sync,
    Type,
)
from ._library import lib as _lib
from ._history import History, HistoryReport
from ._join import Joined
from ._lake import Export, check_lake, export, lake_files
from ._load import load_parquet
from ._loads import Load, LoadReport
from ._native import Commit, Field, Stats
from ._query import Query, Reader
from ._result import Rows
from ._scan import Scan, Tiles
from ._sketch import Sketch
from ._upkeep import Maintenance, maintain
from ._view_changes import ViewChanges
from ._write import Batches

__all__ = [
    "IO",
    "Batch",
    "Batches",
    "Busy",
    "ChangeRecord",
    "Changes",
    "Closed",
    "Commit",
    "Conflict",
    "Corrupt",
    "Error",
    "Export",
    "Field",
    "Fill",
    "Full",
    "Gap",
    "History",
    "HistoryReport",
    "Invalid",
    "Joined",
    "Load",
    "LoadReport",
    "Maintenance",
    "NoMemory",
    "NotFound",
    "Operation",
    "Outcome",
    "Progress",
    "Query",
    "Reader",
    "Role",
    "Rows",
    "Scan",
    "Sketch",
    "SketchFormat",
    "SketchKind",
    "SnapshotReport",
    "Source",
    "SourceOffset",
    "State",
    "Stats",
    "Status",
    "Store",
    "Sync",
    "Tiles",
    "Type",
    "Unsupported",
    "Verification",
    "Version",
    "ViewChanges",
    "__version__",
    "check_lake",
    "check_snapshot",
    "compact",
    "export",
    "lake_files",
    "load_parquet",
    "maintain",
    "restore",
    "verify",
    "version",
]


def version() -> str:
    """The version of the C library that was loaded."""
    number = _lib.feature_version()
    return "%d.%d.%d" % (number // 10000, number // 100 % 100, number % 100)


__version__ = version()
