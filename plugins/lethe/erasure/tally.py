"""What a worker did: subjects by outcome and reason, batches, and how long it rested."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lethe.erasure.batch import BatchAct


@dataclass(slots=True)
class Tally:
    """What a worker did, by outcome and reason."""

    done: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    longest_ms: float = 0.0
    rested_s: float = 0.0

    def add(self, act: BatchAct) -> None:
        """Count a committed batch."""
        self.batches += 1
        for outcome, reason in act.outcomes.decided.values():
            if outcome == "done":
                self.done += 1
            elif outcome == "skipped":
                self.skipped[reason or ""] += 1
            else:
                self.quarantined[reason or ""] += 1

    def include(self, other: Tally) -> None:
        """Add what another worker did."""
        self.done += other.done
        self.skipped += other.skipped
        self.quarantined += other.quarantined
        self.batches += other.batches
        self.longest_ms = max(self.longest_ms, other.longest_ms)
        self.rested_s += other.rested_s
