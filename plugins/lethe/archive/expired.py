"""What expiry did, and what it leaves of a document."""

from __future__ import annotations

import hmac
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lethe.archive.appending import ArchiveKeys
from lethe.errors import TamperingFound


@dataclass(slots=True)
class Expired:
    """What became of the archived documents of a kind of subject.

    counts     every living document record, by what the clock says
    stopped    why nothing of it may be destroyed tonight
    destroyed  leaves: documents, and party data or clocks that nothing needs any more
    left       approved, and over the cap of one night: the next nights go on
    changed    leaves of those that are not what was sealed; they stay
    beyond     country → documents kept past the published period, because of its law
    """

    rule: str
    counts: dict[str, int] = field(default_factory=dict)
    digest: bytes = b""
    state: str = "planned"
    over_limit: str | None = None
    stopped: str | None = None
    documents: int = 0
    destroyed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    left: int = 0
    changed: list[int] = field(default_factory=list)
    beyond: dict[str, int] = field(default_factory=dict)

    @property
    def due(self) -> int:
        """Documents that may be destroyed."""
        return self.counts.get("due", 0)

    def require_unchanged(self) -> None:
        """Say that something was tampered with, once everything else is done.

        Raises  TamperingFound
        """
        if self.changed:
            raise TamperingFound(
                f"archive: record {self.changed[0]} was to be destroyed and is not what was "
                f"sealed ({len(self.changed)} in all); it stays. Run `lethe archive verify`"
            )


def ended_token(keys: ArchiveKeys, document_type: str, key: str, leaf: int, day: str) -> bytes:
    """What stands for the digest of a document that has ended: nobody changes it unnoticed."""
    text = "\x00".join(("ended", document_type, key, str(leaf), day))
    return hmac.digest(keys.tokens, text.encode(), "sha256")


def outcomes_of(found: Expired) -> dict[str, Any]:
    """The expiry of a kind of subject as the summary tells it."""
    return {
        "rule": found.rule,
        "state": found.state,
        "over_limit": found.over_limit,
        "stopped": found.stopped,
        "digest": found.digest.hex(),
        "counts": found.counts,
        "documents_destroyed": found.documents,
        "leaves_destroyed": found.destroyed,
        "skipped": dict(found.skipped),
        "left": found.left,
        "beyond_the_promise": found.beyond,
        "refused": {
            outcome.removeprefix("refused: "): count
            for outcome, count in found.counts.items()
            if outcome.startswith("refused: ")
        },
    }
