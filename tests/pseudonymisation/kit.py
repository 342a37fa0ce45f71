"""What the tests of this room share."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from lethe.pseudonymisation.batch import Batches
from lethe.pseudonymisation.logplan import LogPlan
from lethe.pseudonymisation.outcome import Done, Stretch
from lethe.pseudonymisation.runs import RunReport

SECRETS = {
    period: (period * 5).encode()[:32]
    for period in ("2015-01", "2015-05", "2019-02", "2024-05", "2025-10", "2026-11")
}
QUARANTINE_KEY = b"q" * 32


def plan_for(name: str, **changes: Any) -> LogPlan:
    """A plan with keys for the months that the tests use."""
    plan = LogPlan(
        format=name,
        secrets=SECRETS,
        undated_period="2026-11",
        quarantine_key=QUARANTINE_KEY,
        read_on=date(2026, 11, 23),
    )
    return replace(plan, **changes)


def rows_of(done: Done) -> list[dict[str, Any]]:
    """The rows of a stretch, in the order of their lines."""
    if not done.days:
        return []
    return sorted(pa.concat_tables(done.days.values()).to_pylist(), key=lambda row: row["line"])


def process(raw: bytes, name: str, **changes: Any) -> Done:
    """Work on some bytes as one stretch."""
    done = Batches(plan_for(name, **changes)).process(Stretch(raw))
    done.check()
    return done


def output_of(report: RunReport, output: Path) -> pl.DataFrame:
    """The rows that a run wrote."""
    files = [output / part.name for part in report.files if part.name.startswith("day=")]
    if not files:
        return pl.DataFrame()
    return pl.concat(pl.read_parquet(f, hive_partitioning=False) for f in files).sort("line")


CLF = '{ip} - {user} [{time}] "GET {url} HTTP/1.1" 200 {size} "{referrer}" "{agent}"\n'


def combined_line(**values: Any) -> str:
    """A line of the combined format."""
    usual = {
        "ip": "192.0.2.1",
        "user": "-",
        "time": "22/Nov/2026:10:00:00 +0000",
        "url": "/",
        "size": 5,
        "referrer": "-",
        "agent": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    }
    return CLF.format(**{**usual, **values})
