"""How many subjects the next batch takes: what the last ones cost decides."""

from __future__ import annotations

from lethe.policy.model.guards import Batches

_FIRST = 50
_FLOOR = 20
"""Below it a batch costs what its statements cost, however few subjects it holds."""


class Pace:
    """Begins small, grows at most twofold, and converges on the duration that the policy aims at.

    A slow batch counts at once and fades over the next few: what a batch holds, it holds for as
    long as it lasts, so one that is too large is worse than several that are too small.
    """

    def __init__(self, manners: Batches) -> None:
        self._manners = manners
        self._cost_ms = 0.0
        self._floor = min(_FLOOR, manners.subjects)
        self.size = min(_FIRST, manners.subjects)

    def took(self, duration_ms: float, subjects: int) -> None:
        """Hear how long a batch was open."""
        cost = max(duration_ms, 1.0) / subjects
        self._cost_ms = max(cost, 0.7 * self._cost_ms + 0.3 * cost)
        wanted = min(self._manners.target_ms / self._cost_ms, subjects * 2, self._manners.subjects)
        # Even so few may have so many rows that the batch is far too long: then fewer.
        is_far_off = duration_ms > 2 * self._manners.target_ms and subjects <= self._floor
        self.size = max(1 if is_far_off else min(self._floor, subjects * 2), int(wanted))

    def failed(self) -> None:
        """Hear that a batch was rolled back."""
        self.size = max(1, self.size // 2)
