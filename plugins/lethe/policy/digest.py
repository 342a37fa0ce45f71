"""The fingerprint of a policy: what it says, not how the file is written."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import rfc8785
from pydantic import BaseModel

DOCUMENTS_ONLY: Final[Any] = {
    "readings": True,
    "labels": True,
    "archive": {"purpose": True},
    "systems": {"__all__": {"processor": True}},
    "clauses": {"__all__": {"sentence": True, "control": {"tests": True, "shown_by": True}}},
    "quality": {"extra": {"__all__": {"title": True}}},
    "guards": {"batches": True},
}
"""What only documents: where a sentence stands, who confirmed its reading, which tests prove it,
what a check of one's own or a word of the file is called, what the archive is for, who runs a
system. And how large batches are and how long they rest: the same people go, sooner or later."""


def policy_digest(policy: BaseModel) -> str:
    """Name a policy by the SHA-256 of its canonical JSON, as 64 hexadecimal digits.

    Comments, the order of keys, quotes and defaults written out make no difference; anything that
    changes whom Lethe erases, keeps or tells, and when, makes one.

    Source  RFC 8785
    """
    return hashlib.sha256(rfc8785.dumps(plain_policy(policy))).hexdigest()


def plain_policy(policy: BaseModel) -> Any:
    """What the digest is made over, before it is written as canonical JSON."""
    return _plain(policy.model_dump(mode="python", exclude=DOCUMENTS_ONLY))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
