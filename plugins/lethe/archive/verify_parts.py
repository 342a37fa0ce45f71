"""A range of leaves to be verified, and what was found there: plain data between processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_MOST = 200


@dataclass(frozen=True, slots=True)
class Range:
    """Leaves [start, end), from a whole tile on.

    absent   those of them that are no living record
    secrets  keys of the ring, by id
    spans    of each head: its text, the leaf after its last, the key that it is wrapped under
    """

    start: int
    end: int
    absent: frozenset[int]
    secrets: Mapping[str, bytes]
    spans: tuple[tuple[str, int, str], ...]
    warehouse: bytes


@dataclass(slots=True)
class Part:
    """What a range gave.

    listed      so many documents stand in the list of archived documents
    unlisted    documents that it does not name
    superseded  documents that a later version names as the one before it
    clocks      records of frozen clocks
    """

    records: int = 0
    listed: int = 0
    faults: list[str] = field(default_factory=list)
    unlisted: set[int] = field(default_factory=set)
    superseded: set[int] = field(default_factory=set)
    clocks: set[int] = field(default_factory=set)

    def fault(self, text: str) -> None:
        """Note a fault."""
        if len(self.faults) < _MOST:
            self.faults.append(text)
