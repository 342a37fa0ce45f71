"""What a format makes of lines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lethe.pseudonymisation.lines import Lines, Positions

if TYPE_CHECKING:
    import polars as pl


@dataclass(slots=True)
class Parsed:
    """Some lines as columns of raw text.

    rows      which lines, by index; every column has one value a row
    columns   field → text, still personal; `time` is a Datetime in UTC where it could be read
    rejected  reason → lines that could not be read
    """

    rows: Positions
    columns: dict[str, pl.Series]
    rejected: dict[str, Positions] = field(default_factory=dict)


class Format(Protocol):
    """A format; one value serves a whole file.

    Lines that stay in force for those below them (`#Fields:`) are carried from one stretch to
    the next, so that stretches can be worked on in any order.
    """

    name: str
    fields: tuple[str, ...]

    def parse(self, lines: Lines, carried: bytes, /) -> list[Parsed]:
        """Read lines; each line is in exactly one row or rejection of the answer."""

    def carry(self, raw: bytes | memoryview, carried: bytes, /) -> bytes:
        """Give what must be known to read the lines behind this stretch."""


class Stateless(ABC):
    """A format whose lines each stand for themselves."""

    def carry(self, _raw: bytes | memoryview, _carried: bytes, /) -> bytes:
        """Nothing stays in force."""
        return b""

    def parse(self, lines: Lines, _carried: bytes, /) -> list[Parsed]:
        """Read lines; each line is in exactly one row or rejection of the answer."""
        return self.read(lines)

    @abstractmethod
    def read(self, lines: Lines) -> list[Parsed]:
        """Read lines, without regard to what stood above them."""


def rejection(reason: str, rows: Positions) -> Parsed:
    """Give an answer without rows, all of whose lines are rejected."""
    return Parsed(np.empty(0, dtype=np.int64), {}, {reason: rows} if len(rows) else {})
