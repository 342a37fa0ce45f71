"""Batches of rows of a raw table on their way, and what became of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg2 import extensions

from lethe.pseudonymisation.linkability import (
    Linkability,
)

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


@dataclass(slots=True)
class RowsDone:
    """What became of the rows of a raw table, or of a part of it.

    spared      rows that stay because a hold or a restriction is on them
    over_limit  limits of the policy that the output does not keep: the last batch was not taken
    """

    source: str
    title: str
    read: int = 0
    written: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    spared: int = 0
    batches: int = 0
    linkability: Linkability | None = None
    over_limit: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return {
            "source": self.source,
            "file": self.title,
            "format": "columns",
            "read": self.read,
            "written": self.written,
            "quarantined": dict(sorted(self.quarantined.items())),
            "spared": self.spared,
            "batches": self.batches,
            "repeated": False,
            "raw_destroyed": not self.over_limit,
            "linkability": asdict(self.linkability) if self.linkability else None,
            "over_limit": list(self.over_limit),
            "fault": None,
        }


@dataclass(frozen=True, slots=True)
class Aside:
    """How rows are set aside: under which month's key, since when, until when."""

    month: str
    key: bytes = field(repr=False)
    on: date
    ends_on: date
    number: UUID | None = None
    sealed: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that was read and deleted, in a transaction that is still open."""

    number: int
    connection: extensions.connection
    bound: tuple[str, ...] | None
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Ready:
    """A batch that was pseudonymised and may be written."""

    taken: Taken
    days: dict[str, pa.Table]
    rejected: dict[str, list[Any]]
    reasons: Counter[str]


def bound_to(aside: Aside) -> bytes:
    return aside.number.bytes if aside.number else b""
