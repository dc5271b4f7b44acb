# SPDX-License-Identifier: Apache-2.0
"""Parquet into a feature view, by pyarrow or duckdb: neither is needed for
anything else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, List, Optional, Sequence, Union

from ._errors import Invalid, NotFound
from ._native import named
from ._write import Columns

if TYPE_CHECKING:
    from ._core import Store
    from ._native import Commit

__all__ = ["load_parquet"]

Paths = Union[str, "os.PathLike[str]", Sequence[Union[str, "os.PathLike[str]"]]]


def load_parquet(
    store: "Store",
    view: str,
    path: Paths,
    operation: Any = None,
    *,
    columns: Columns = None,
    engine: Optional[str] = None,
    **options: Any,
) -> "Commit":
    """Writes one or several Parquet files into a view, as one stream.

    Goes through pyarrow, or duckdb where there is no pyarrow; ``engine`` names
    one. Only ``columns`` are read, if they are given. The rest is as for
    :meth:`Store.write`; ``commit_rows`` keeps memory bounded.
    """
    paths, columns = _existing(path), named(columns)
    for name, reader in (("pyarrow", _by_pyarrow), ("duckdb", _by_duckdb)):
        if engine not in (None, name):
            continue
        try:
            rows = reader(paths, columns)
        except ImportError:
            continue
        return store.write(view, rows, operation, columns=columns, **options)
    raise Invalid(
        "Parquet is read by pyarrow or duckdb: install one of them"
        if engine is None
        else "%r is not here to read Parquet with" % engine
    )


def _existing(path: Paths) -> List[str]:
    listed = [path] if isinstance(path, (str, os.PathLike)) else list(path)
    names = [os.fspath(one) for one in listed]
    for name in names:
        if not os.path.exists(name):
            raise NotFound("there is no file %s" % name, reason="name")
    if not names:
        raise Invalid("no Parquet file was named")
    return names


def _picked(columns: Columns) -> Optional[List[str]]:
    if columns is None:
        return None
    return list(columns.values() if hasattr(columns, "values") else columns)


def _by_pyarrow(paths: List[str], columns: Columns) -> Any:
    import pyarrow
    from pyarrow import parquet

    try:
        files = [parquet.ParquetFile(path) for path in paths]
        schema = files[0].schema_arrow
        picked = _picked(columns)
        if picked is not None:
            schema = pyarrow.schema([schema.field(name) for name in picked])

        def batches() -> Any:
            for file in files:
                for batch in file.iter_batches(columns=picked):
                    yield batch.select(schema.names)

        return pyarrow.RecordBatchReader.from_batches(schema, batches())
    except (OSError, KeyError, pyarrow.ArrowException) as error:
        raise Invalid("cannot read Parquet: %s" % error) from error


def _by_duckdb(paths: List[str], columns: Columns) -> Any:
    import duckdb

    try:
        relation = duckdb.read_parquet(paths)
        picked = _picked(columns)
        if picked is not None:
            relation = relation.project(
                ", ".join('"%s"' % name.replace('"', '""') for name in picked)
            )
        return relation
    except duckdb.Error as error:
        raise Invalid("cannot read Parquet: %s" % error) from error
