"""Files of the erased that no connector destroys: a person looks, and has them tried or settled.

What is decided stands on the ledger with the approver's name and reason; the report counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg2 import extensions

from lethe.errors import GuardStop, UsageError
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.guards.answers import require_approver
from lethe.guards.approval import deciding
from lethe.include import statement
from lethe.policy.model import Policy
from lethe.policy.model.places import System

Decision = Literal["retried", "removed", "given up"]
_KINDS: Mapping[Decision, str] = {
    "retried": "files_retried",
    "removed": "files_removed",
    "given up": "files_given_up",
}
MOST_REASON = 500


@dataclass(frozen=True, slots=True)
class SetAside:
    """A file that waits for a person.

    state  'set aside', 'failing', or 'out of reach': its system has no connector
    error  class of the last error
    """

    intent_id: UUID
    system: str
    intended_at: datetime
    attempts: int
    error: str | None
    state: str


def list_set_aside(
    connection: extensions.connection, systems: Mapping[str, System]
) -> list[SetAside]:
    """List the files that wait for a person, by system, oldest first; no path is read.

    connection  in a transaction of the reader
    """
    reached = [name for name, system in systems.items() if system.connector is not None]
    with connection.cursor() as cursor:
        cursor.execute(statement("erasure/list_set_aside"), {"reached": reached})
        return [SetAside(UUID(str(row[0])), *row[1:]) for row in cursor.fetchall()]


def read_targets(connection: extensions.connection, files: Sequence[SetAside]) -> dict[UUID, str]:
    """Read the paths of files, which may be personal.

    connection  in a transaction that acts as the approver
    """
    with deciding(connection, "list"), connection.cursor() as cursor:
        cursor.execute(statement("erasure/read_targets"), _intents(files))
        return {UUID(str(intent)): str(target) for intent, target in cursor.fetchall()}


def decide_files(
    connection: extensions.connection,
    policy: Policy,
    files: Sequence[SetAside],
    decision: Decision,
    by: str,
    reason: str,
    witness: Witness | None = None,
) -> None:
    """Have files tried anew, or settle them by an approver's word, and commit.

    connection  in a transaction that acts as the approver
    reason      why, on the ledger; of 'retried' it may be ''
    Raises      GuardStop where the policy does not name that person, or somebody was quicker
    """
    said = " ".join(reason.split())
    if len(said) > MOST_REASON or not (said or decision == "retried"):
        raise UsageError(f"say why, in at most {MOST_REASON} letters, and name no person")
    require_approver(policy, by)
    name = "erasure/retry_intents" if decision == "retried" else "erasure/settle_intents"
    with deciding(connection):
        with connection.cursor() as cursor:
            values = _intents(files) | ({} if decision == "retried" else {"outcome": decision})
            cursor.execute(statement(name), values)
            met = Counter(str(system) for (system,) in cursor.fetchall())
        if not files or met.total() != len(files):
            connection.rollback()
            raise GuardStop(
                "some of these files do not wait any more; look again with `lethe sweep files list`"
            )
        why = {"reason": said} if said else {}
        batch = EvidenceBatch(connection, None, witness)
        batch.add_rows(
            LedgerRow(_KINDS[decision], {"system": system, "files": count, "by": by, **why})
            for system, count in sorted(met.items())
        )
        batch.commit()


def _intents(files: Sequence[SetAside]) -> dict[str, object]:
    return {"intents": [str(each.intent_id) for each in files]}
