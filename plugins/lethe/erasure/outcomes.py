"""What became of the subjects and rows of a batch, and how it is written down."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from lethe.policy.names import TableName

Key = tuple[str, ...]

DUE_EARLIER = "due earlier than planned"
"""Skipped, for a frozen set covers nobody whose day moved forward; the next plan has them."""


class RowsDiffer(Exception):
    """A statement of a batch did not do what was counted under lock; the batch is rolled back."""


@dataclass(slots=True)
class Outcomes:
    """What became of the subjects and rows of a batch.

    decided   number → (outcome, reason)
    locked    table → rows counted under lock, before anything is changed
    deleted   table → rows; `changed`: blanked or unlinked
    by_key    subject key → table → rows, for the ledger
    shared    rows of tables that hang on several subjects, by table
    deferred  subjects left undecided, for what stands in their way may go first
    """

    decided: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    locked: Counter[TableName] = field(default_factory=Counter)
    deleted: Counter[TableName] = field(default_factory=Counter)
    changed: Counter[TableName] = field(default_factory=Counter)
    by_key: dict[Key, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    shared: Counter[str] = field(default_factory=Counter)
    identifiers: dict[Key, tuple[str | None, ...]] = field(default_factory=dict)
    files: list[tuple[str, str]] = field(default_factory=list)
    remaining: set[Key] = field(default_factory=set)
    deferred: int = 0

    def count(self, outcome: str) -> int:
        """How many subjects had an outcome."""
        return sum(1 for found, _ in self.decided.values() if found == outcome)
