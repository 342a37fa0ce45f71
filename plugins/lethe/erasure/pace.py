"""How many subjects the next batch takes: what the last ones cost decides."""

from __future__ import annotations

from lethe.policy.model.guards import Batches

_FIRST = 50
_FLOOR = 20
"""Below it a batch costs what its statements cost, however few subjects it holds."""
_LONGEST_REST_S = 1.0


class Pace:
    """Begins small, grows at most twofold, and converges on the duration that the policy aims at.

    A slow batch counts at once and fades over the next few: what a batch holds, it holds for as
    long as it lasts, so one that is too large is worse than several that are too small. While
    others work, batches aim at less, and rest after each.
    """

    def __init__(self, manners: Batches) -> None:
        self._manners = manners
        self._cost_ms = 0.0
        self._grown = min(_FIRST, manners.subjects)
        self._floor = min(_FLOOR, manners.subjects)
        self._beside_others = False

    @property
    def size(self) -> int:
        """Subjects that the next batch takes."""
        if not self._cost_ms:
            return self._grown
        return max(min(self._floor, self._grown), min(self._grown, int(self._aim / self._cost_ms)))

    def give_way(self, *, beside_others: bool) -> None:
        """Say whether others work on the database."""
        self._beside_others = beside_others

    def took(self, duration_ms: float, subjects: int) -> None:
        """Hear how long a batch was open."""
        cost = max(duration_ms, 1.0) / subjects
        self._cost_ms = max(cost, 0.7 * self._cost_ms + 0.3 * cost)
        # Even so few may have so many rows that the batch is far too long: then fewer.
        is_far_off = duration_ms > 2 * self._manners.target_ms and subjects <= self._floor
        wanted = int(self._manners.target_ms / self._cost_ms) if is_far_off else subjects * 2
        self._grown = max(1, min(wanted, subjects * 2, self._manners.subjects))

    def failed(self) -> None:
        """Hear that a batch was rolled back."""
        self._grown = max(1, self.size // 2)

    def rest_s(self, duration_s: float) -> float:
        """How long to rest after a batch, so that batches are open for the share that they may."""
        if not self._beside_others:
            return 0.0
        share = self._manners.beside_others.share
        return min(_LONGEST_REST_S, duration_s * (1 - share) / share)

    @property
    def _aim(self) -> int:
        manners = self._manners
        if self._beside_others:
            return min(manners.target_ms, manners.beside_others.target_ms)
        return manners.target_ms
