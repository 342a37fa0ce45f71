"""The evidence of a batch: a tombstone before each erasure, a ledger row a subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from psycopg2 import extensions

from lethe.erasure.assignment import Assignment, Claimed
from lethe.erasure.batch import BatchAct
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import Json, LedgerRow
from lethe.evidence.tombstones import make_tombstones
from lethe.evidence.witness import Witness
from lethe.guards.archived import ArchivedRecords
from lethe.keys import Tokens
from lethe.policy.model.subjects import Identifier


class Recorder:
    """Writes what batches did; holds the keys of tokens and tombstones in memory."""

    def __init__(
        self,
        tokens: Tokens,
        tombstones: Tokens,
        witness: Witness | None,
        archived: ArchivedRecords | None = None,
    ) -> None:
        self._tokens = tokens
        self._tombstones = tombstones
        self.witness = witness
        self.archived = archived
        self._night: dict[str, Json] = {}

    def for_night(self, on: date, run_id: UUID | None) -> None:
        """Say whose work it is: the day of the night that does it, and its run."""
        self._night = {"on": on.isoformat(), "night": str(run_id) if run_id else None}

    def begin(self, connection: extensions.connection, assignment: Assignment) -> EvidenceBatch:
        """Begin the evidence of one batch, in its transaction."""
        return EvidenceBatch(connection, assignment.run_id, self.witness)

    def bury(self, evidence: EvidenceBatch, assignment: Assignment, act: BatchAct) -> None:
        """Write the tombstones of whoever is about to be erased."""
        going = act.erased
        evidence.add_tombstones(
            make_tombstones(
                self._tombstones,
                assignment.steps.kind.name,
                [each.key for each in going],
                _identifier_values(assignment, going, act),
                [each.starting_on for each in going],
            )
        )

    def write(self, evidence: EvidenceBatch, assignment: Assignment, act: BatchAct) -> None:
        """Write the ledger rows of a batch: one a subject, one for what is shared or skipped."""
        kind = assignment.steps.kind.name
        going = act.erased
        tokens = self._tokens.subjects(kind, [each.key for each in going])
        payloads: dict[tuple[object, ...], dict[str, Json]] = {}
        rows = []
        for each, token in zip(going, tokens, strict=True):
            counts = act.outcomes.by_key[each.key]
            alike = (each.due_on, *counts.items())
            payload = payloads.get(alike)
            if payload is None:  # of thousands, most have the same rows
                payload = payloads[alike] = {
                    "rule": assignment.rule,
                    "cluster": assignment.steps.cluster,
                    "kind": kind,
                    "due_on": each.due_on.isoformat() if each.due_on else None,
                    "rows": dict(counts),
                }
            rows.append(LedgerRow("subject_erased", payload, token, self._tokens.key_id))
        evidence.add_rows(
            [*rows, LedgerRow("batch_done", {**_batch_payload(assignment, act), **self._night})]
        )


def _batch_payload(assignment: Assignment, act: BatchAct) -> dict[str, Json]:
    outcomes = act.outcomes
    skipped = Counter(
        reason or "" for found, reason in outcomes.decided.values() if found == "skipped"
    )
    return {
        "rule": assignment.rule,
        "done": outcomes.count("done"),
        "skipped": dict(skipped),
        "shared_rows": dict(outcomes.shared),
        "files": len(outcomes.files),
    }


def _identifier_values(
    assignment: Assignment, going: Sequence[Claimed], act: BatchAct
) -> dict[str, list[str | None]]:
    values: dict[str, list[str | None]] = {}
    at = 0
    for name, identifier in assignment.steps.kind.policy.identifiers.items():
        width = len(identifier.columns)
        values[name] = [
            normalised(identifier, act.outcomes.identifiers.get(each.key, ())[at : at + width])
            for each in going
        ]
        at += width
    return values


def normalised(identifier: Identifier, parts: Sequence[str | None]) -> str | None:
    """Write an identifier's value the same way each time; None where a part is missing."""
    if len(parts) == 1 == len(identifier.columns) and parts[0] and identifier.normalise == "lower":
        return parts[0].strip().casefold() or None  # an e-mail: what most identifiers are
    if len(parts) != len(identifier.columns) or any(part is None for part in parts):
        return None
    text = "\x1f".join((part or "").strip() for part in parts)
    if identifier.normalise == "lower":
        text = text.casefold()
    elif identifier.normalise == "digits":
        text = "".join(character for character in text if character.isdigit())
    return text or None
