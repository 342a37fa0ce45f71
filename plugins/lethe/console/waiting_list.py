"""The list of a set that waits, as the page shows it: tokens, due days, flags; never a key.

The list is a file that was written when the question was asked (`retention.waiting`), in the order
of the frozen set. It is read once and kept while the same file is looked at again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from lethe.console.listing import PAGE, Asked, Ordered
from lethe.retention.waiting import lists_folder

_EXPORT_ROWS = 20_000
_lock = threading.Lock()
_kept: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Line:
    """One subject of a set: its token and when it became due."""

    token: str
    due_on: date | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page(Ordered):
    """One page of the list of a set.

    flags  the flags that the list knows, in its order
    total  subjects that match; all: subjects in the list
    """

    lines: tuple[Line, ...]
    flags: tuple[str, ...]
    total: int
    all: int
    page: int
    pages: int
    asked: Asked


def list_file(run_id: UUID, rule: str) -> Path | None:
    """Say where the list of a set lies; None if it is not on this machine.

    rule  as the warehouse names it, not as somebody asked for it
    """
    file = lists_folder() / f"{run_id}-{rule}.csv"
    return file if file.parent == lists_folder() and file.is_file() else None


def read_page(file: Path, asked: Asked, size: int = PAGE) -> Page:
    """Sort, filter and cut the list of a set.

    Raises  OSError if the file has gone meanwhile
    """
    frame = _frame(file)
    flags = tuple(frame.columns[2:])
    if asked.column not in ("token", "due_on", *flags):
        asked = Asked("due_on", asked.find, asked.only, asked.page)
    found = _arranged(frame, asked, flags)
    pages = max(1, -(-found.height // size))
    page = min(asked.page, pages)
    cut = found.slice((page - 1) * size, size)
    lines = tuple(
        Line(row[0], row[1], tuple(name for name, mark in zip(flags, row[2:], strict=True) if mark))
        for row in cut.iter_rows()
    )
    return Page(lines, flags, found.height, frame.height, page, pages, asked)


def export(file: Path, asked: Asked) -> Iterator[str]:
    """Write the list as CSV, sorted and filtered as asked, piece by piece."""
    import polars as pl

    frame = _frame(file)
    flags = tuple(frame.columns[2:])
    found = _arranged(frame, asked, flags).with_columns(
        pl.when(pl.col(name)).then(pl.lit("yes")).otherwise(pl.lit("")).alias(name)
        for name in flags
    )
    yield ",".join(found.columns) + "\r\n"
    for begin in range(0, found.height, _EXPORT_ROWS):
        yield found.slice(begin, _EXPORT_ROWS).write_csv(
            include_header=False, line_terminator="\r\n"
        )


def _arranged(frame: Any, asked: Asked, flags: Sequence[str]) -> Any:
    import polars as pl

    found = frame
    if asked.only in flags:
        found = found.filter(pl.col(asked.only))
    elif asked.only == "-":
        found = found.filter(~pl.any_horizontal(*flags)) if flags else found
    if asked.find:
        find = asked.find.lower()
        found = found.filter(
            pl.col("token").str.starts_with(find)
            | pl.col("due_on").cast(pl.String).str.starts_with(find)
        )
    if asked.column == "due_on" and not asked.descends:
        return found  # the order of the file
    if asked.column in found.columns:
        # The largest set is cut to a page anyway: a stable order costs more than it is worth.
        found = found.sort(asked.column, descending=asked.descends, nulls_last=True)
    return found


def _frame(file: Path) -> Any:
    import polars as pl

    stat = file.stat()
    name = f"{file}\0{stat.st_mtime_ns}\0{stat.st_size}"
    with _lock:
        if name not in _kept:
            frame = pl.read_csv(
                file, schema_overrides={"token": pl.String, "due_on": pl.Date}, infer_schema=False
            )
            marks = [pl.col(each).fill_null("") == "yes" for each in frame.columns[2:]]
            _kept.clear()
            _kept[name] = frame.with_columns(marks)
        return _kept[name]
