"""Lines for mails, which a verifier reads out of them again: the mailbox is the witness."""

from __future__ import annotations

from datetime import date
from uuid import UUID


def seal_line(warehouse_id: UUID, seal_no: int, seal_hash: str) -> str:
    """A seal of the ledger; seal_hash: hexadecimal."""
    return f"lethe-ledger-seal 1 {warehouse_id} {seal_no} {seal_hash}"


def key_line(warehouse_id: UUID, fingerprint: str) -> str:
    """The key that signs evidence packs."""
    return f"lethe-evidence-key 1 {warehouse_id} {fingerprint}"


def pack_line(warehouse_id: UUID, kind: str, first: date, last: date, manifest_sha256: str) -> str:
    """An evidence pack; kind: day or month."""
    return f"lethe-evidence-pack 1 {warehouse_id} {kind} {first} {last} {manifest_sha256}"
