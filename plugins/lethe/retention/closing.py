"""How a rule of a night ended: its sums, and the night in figures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from psycopg2 import extensions

from lethe.erasure.freeze import CANDIDATES, frozen_digest, rule_digest
from lethe.erasure.verify import Verification
from lethe.errors import VerificationError
from lethe.evidence.runs import Run
from lethe.include import statement
from lethe.retention.night import CLEARED, Night, PlannedRule


@dataclass(slots=True)
class Closing:
    """How a rule of a run ended: the sums."""

    rule: str
    done: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    undecided: int = 0

    def require_sum(self, due: int) -> None:
        """Assert done + skipped + quarantined + undecided = planned.

        Raises  VerificationError if a subject was lost or counted twice
        """
        total = self.done + self.skipped.total() + self.quarantined.total() + self.undecided
        if total != due:
            raise VerificationError(
                f"rule {self.rule}: {due} subjects were planned and {total} have an outcome"
            )


def forget_keys(connection: extensions.connection, run_id: UUID, rule: str) -> None:
    """Forget whom a rule that was stopped would have erased; a newer plan finds them again."""
    with connection.cursor() as cursor:
        named = {"run_id": str(run_id), "rule": rule}
        cursor.execute(statement("retention/forget_undecided"), named)


def close_rule(connection: extensions.connection, run: Run, planned: PlannedRule) -> Closing:
    """Add up a rule's outcomes, and forget the keys of whoever is decided about."""
    closing = Closing(planned.rule, done=int(planned.counts.get("done", 0)))
    for key, count in planned.counts.items():
        outcome, _, reason = key.partition(": ")
        if outcome == "skipped":
            closing.skipped[reason] += count
        elif outcome == "quarantined":
            closing.quarantined[reason] += count
    with connection.cursor() as cursor:
        named = {"run_id": str(run.run_id), "rule": planned.rule}
        cursor.execute(statement("retention/count_outcomes"), named)
        kept_since = planned.flags.get("kept_since")
        for outcome, reason, count, oldest_on in cursor.fetchall():
            if oldest_on and _is_kept_undecided(outcome, reason or ""):
                kept_since = min(kept_since or str(oldest_on), str(oldest_on))
            if outcome is None:
                closing.undecided += count
            elif outcome == "done":
                closing.done += count
            elif outcome == "skipped":
                closing.skipped[reason or "no reason"] += count
            else:
                closing.quarantined[reason or "no reason"] += count
        closing.require_sum(planned.due)
        cursor.execute(statement("retention/purge_decided"), named)
        rows_digest = frozen_digest(connection, run.run_id, planned.rule)
        remaining = rule_digest(run.policy_digest, run.as_of, planned.rule, rows_digest or b"")
        finished = planned.state in CLEARED and not closing.undecided
        cursor.execute(
            statement("retention/write_outcomes"),
            {
                **named,
                "state": "done" if finished else planned.state,
                "counts": json.dumps(_counted(closing)),
                "flags": json.dumps({"remaining": remaining.hex(), "kept_since": kept_since}),
            },
        )
    return closing


def _is_kept_undecided(outcome: str | None, reason: str) -> bool:
    """Nobody decided that this subject stays: rows of others keep it, or a failure."""
    return outcome == "quarantined" or (
        outcome == "skipped"
        and reason.startswith(("still referenced by", "unclassified column", "locked by"))
    )


def _counted(closing: Closing) -> dict[str, int]:
    counts = {"done": closing.done}
    counts |= {f"skipped: {reason}": count for reason, count in closing.skipped.items()}
    counts |= {f"quarantined: {reason}": count for reason, count in closing.quarantined.items()}
    return counts


def payload(
    run: Run, closings: Sequence[Closing], summary: Mapping[str, Any], on: date | None
) -> dict[str, Any]:
    """What the ledger says of a closed run: sums since it was begun."""
    told = {each["rule"]: each for each in summary["rules"]}
    return {
        "as_of": run.as_of.isoformat(),
        "on": (on or run.as_of).isoformat(),
        "policy": run.policy_digest.hex(),
        "rules": {
            closing.rule: {
                "digest": told[closing.rule]["digest"],
                "planned": told[closing.rule]["planned"],
                "done": closing.done,
                "skipped": dict(closing.skipped),
                "quarantined": dict(closing.quarantined),
                "undecided": closing.undecided,
                "tables": told[closing.rule]["tables"],
            }
            for closing in closings
        },
        "outlook": dict(summary["outlook"]),
        "canaries": dict(summary.get("canaries", {})),
    }


def summarise(
    connection: extensions.connection,
    night: Night,
    closings: Sequence[Closing],
    verified: Mapping[str, Verification],
) -> dict[str, Any]:
    """The night in figures: no name, key or token of anybody."""
    tables: dict[str, dict[str, dict[str, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/list_tables"), {"run_id": str(night.run.run_id)})
        for rule, table, deleted, changed in cursor.fetchall():
            tables.setdefault(rule, {})[table] = {"deleted": deleted, "changed": changed}
    rules = {planned.rule: planned for planned in night.rules}
    return {
        "run_id": str(night.run.run_id),
        "policy": night.run.policy_name,
        "version": night.run.policy_version,
        "policy_digest": night.run.policy_digest.hex(),
        "as_of": night.run.as_of.isoformat(),
        "rules": [
            _rule_summary(rules[closing.rule], closing, tables, verified) for closing in closings
        ],
    }


def _rule_summary(
    planned: PlannedRule,
    closing: Closing,
    tables: Mapping[str, dict[str, dict[str, int]]],
    verified: Mapping[str, Verification],
) -> dict[str, Any]:
    verification = verified.get(planned.rule)
    at_plan = CANDIDATES[1:]
    kept = {reason: planned.counts[reason] for reason in at_plan if planned.counts.get(reason)}
    return {
        "rule": planned.rule,
        "clause": planned.clause,
        "cluster": planned.cluster,
        "kind": planned.kind,
        "state": planned.state,
        "over_limit": planned.over_limit,
        "digest": planned.digest.hex(),
        "planned": planned.planned,
        "due": planned.due,
        "erased": closing.done,
        "kept": {**kept, **closing.skipped},
        "quarantined": dict(closing.quarantined),
        "undecided": closing.undecided,
        "refused": {
            reason.removeprefix("refused: "): count
            for reason, count in planned.counts.items()
            if reason.startswith("refused: ")
        },
        "oldest_on": planned.oldest_on.isoformat() if planned.oldest_on else None,
        "tables": tables.get(planned.rule, {}),
        "late": dict(verification.late) if verification else {},
        "arrived_since": verification.arrived if verification else None,
    }
