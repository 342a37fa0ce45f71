"""Rows of a raw table as columns of raw text: pseudonymised, packed to be set aside, unpacked."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg2

from lethe.errors import LetheError
from lethe.pseudonymisation.batch import Batches
from lethe.pseudonymisation.formats.parsed import Parsed
from lethe.pseudonymisation.leakscan import ADDRESS_COLUMNS
from lethe.pseudonymisation.logplan import ADDRESS_METHODS, Kind, LogPlan

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


def pseudonymise_rows(
    batches: Batches, frame: pl.DataFrame, start: int = 0
) -> tuple[list[tuple[pa.Table, Any]], dict[str, list[Any]]]:
    """Pseudonymise rows of raw text; a row that the code fails on is set aside alone.

    Returns  tables with the day of each row; reason → places of the rows that have none
    """
    rejected: dict[str, list[Any]] = {}
    try:
        parsed = Parsed(np.arange(start, start + len(frame)), _typed(batches.plan, frame))
        tables, _ = batches.pseudonymise(parsed, 1, rejected, in_order=False)
    except (OSError, MemoryError, psycopg2.Error, LetheError):
        raise
    except Exception as fault:
        if len(frame) == 1:
            return [], {f"failed-{type(fault).__name__}": [np.array([start])]}
        middle = len(frame) // 2
        tables, rejected = pseudonymise_rows(batches, frame[:middle], start)
        others, lost = pseudonymise_rows(batches, frame[middle:], start + middle)
        for why, rows in lost.items():
            rejected.setdefault(why, []).extend(rows)
        tables += others
    return tables, rejected


def _typed(plan: LogPlan, frame: pl.DataFrame) -> dict[str, pl.Series]:
    """Give the columns of a frame of text the types that their kinds need."""
    import polars as pl

    columns: dict[str, pl.Series] = {}
    for name in frame.columns:
        values, kind = frame[name], plan.kind_of(name)
        if name == "time":
            micros = values.cast(pl.Int64, strict=False)
            values = micros.cast(pl.Datetime("us", "UTC"))
        elif kind is Kind.NUMBER:
            values = values.cast(pl.Float64 if name == "duration" else pl.Int64, strict=False)
        columns[name] = values
    return columns


def address_columns(plan: LogPlan) -> frozenset[str]:
    """Name the columns that hold nothing but pseudonyms of addresses."""
    made = {name for name, method in plan.methods.items() if method in ADDRESS_METHODS}
    return ADDRESS_COLUMNS | made


def pack_rows(frame: pl.DataFrame, chosen: dict[str, Any]) -> bytes:
    """Write some rows of raw text with the reason why they were set aside."""
    import polars as pl

    parts = [frame[rows.tolist()].with_columns(_reason=pl.lit(why)) for why, rows in chosen.items()]
    sink = io.BytesIO()
    pl.concat(parts).write_ipc_stream(sink, compression="zstd")
    return sink.getvalue()


def unpack_rows(packed: bytes) -> pl.DataFrame:
    """Undo `pack_rows`; the column `_reason` is left out."""
    import polars as pl

    return pl.read_ipc_stream(io.BytesIO(packed)).drop("_reason")
