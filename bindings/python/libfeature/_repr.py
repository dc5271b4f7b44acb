# SPDX-License-Identifier: Apache-2.0
"""What a prompt and a notebook show: tables of features, never an error."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any, Iterable, List, Sequence

from ._errors import Error

if TYPE_CHECKING:
    from ._core import Store
    from ._query import Query
    from ._result import Rows

__all__ = ["query_html", "rows_html", "rows_text", "store_html"]

#: Rows and columns that are shown; the rest is counted.
SHOWN_ROWS, SHOWN_COLUMNS, SHOWN_WIDTH = 20, 20, 32


def _cell(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return "%.6g" % value
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    text = str(value)
    return text if len(text) <= SHOWN_WIDTH else text[: SHOWN_WIDTH - 1] + "…"


def _table(rows: "Rows", mark: Any) -> "tuple[List[str], List[List[str]]]":
    """Heads, and cells that ``mark`` has dressed, of the rows that are shown:
    the features, then the state in each view."""
    names = rows.columns[:SHOWN_COLUMNS]
    rows = rows.head(SHOWN_ROWS)
    heads, columns = list(names), []
    for name in names:
        filled = rows._answer.bits(rows._index(name))
        columns.append(
            [
                mark(_cell(value), value is None, default)
                for value, default in zip(rows.column(name), filled)
            ]
        )
    for view in rows.views:
        heads.append(view)
        columns.append(
            [mark(state, False, False) for state in rows.state_names(view)]
        )
    return heads, [list(row) for row in zip(*columns)]


def _rest(rows: "Rows") -> str:
    text = "%d rows x %d features, commit %d" % (
        len(rows),
        len(rows.columns),
        rows.commit,
    )
    if len(rows) > SHOWN_ROWS:
        text += ", the first %d rows shown" % SHOWN_ROWS
    if len(rows.columns) > SHOWN_COLUMNS:
        text += ", the first %d features shown" % SHOWN_COLUMNS
    return text


def rows_text(rows: "Rows") -> str:
    """An answer as a table of text; ``*`` marks a value of the fill policy."""
    heads, cells = _table(
        rows, lambda text, null, default: text + "*" * default
    )
    lines = [heads, *cells]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    shown = [
        "  ".join(
            text.rjust(width) for text, width in zip(line, widths)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*shown, _rest(rows)])


def _html(
    heads: Sequence[str], lines: Iterable[Sequence[str]], caption: str
) -> str:
    """A table; cells are HTML already, the rest is text."""
    head = "".join("<th>%s</th>" % escape(text) for text in heads)
    body = "".join(
        "<tr>%s</tr>" % "".join("<td>%s</td>" % cell for cell in line)
        for line in lines
    )
    return (
        "<table><caption>%s</caption><thead><tr>%s</tr></thead>"
        "<tbody>%s</tbody></table>" % (escape(caption), head, body)
    )


def _dress(text: str, null: bool, default: bool) -> str:
    if null:
        return '<span style="color: gray">null</span>'
    if default:
        return (
            '<i style="color: gray" title="chosen by the fill policy">%s'
            "</i>" % escape(text)
        )
    return escape(text)


def rows_html(rows: "Rows") -> str:
    """The same in HTML: nulls and filled values are gray."""
    heads, cells = _table(rows, _dress)
    return _html(heads, cells, _rest(rows))


def query_html(query: "Query") -> str:
    """The keys and columns of a query."""
    lines = [("key", key.name, key.type_name, "") for key in query.keys]
    lines += [
        ("feature", column.name, column.type_name, query.views[column.view])
        for column in query.columns
    ]
    return _html(
        ("", "name", "type", "view"),
        [[escape(text) for text in line] for line in lines],
        "fingerprint %016x" % query.fingerprint,
    )


def store_html(store: "Store") -> str:
    """A store: where it is, its numbers and its definitions."""
    try:
        stats, text = store.stats(), store.describe()
    except Error as error:
        return "<p>%s: %s</p>" % (escape(repr(store)), escape(str(error)))
    numbers = [
        ("views", stats.views),
        ("services", stats.services),
        ("rows", stats.rows),
        ("commit", stats.sequence),
        ("bytes", stats.file_size),
    ]
    return _html(
        [name for name, _ in numbers],
        [["{:,}".format(value) for _, value in numbers]],
        store.path,
    ) + "<pre>%s</pre>" % escape(text)
