"""The outbox: files that erased rows named are destroyed, confirmed and put on the ledger.

An intent was committed with the erasure. An attempt is counted and committed before it is made, so
that a crash between the act and its confirmation leads to another attempt, which finds nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from psycopg2 import extensions

from lethe.connections import acting_as
from lethe.erasure.stores import Outside, Store, open_store, plain_name
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.include import statement
from lethe.policy.model import Policy
from lethe.policy.model.places import System
from lethe.policy.names import TableName, quoted

log = logging.getLogger(__name__)

_MOST_ATTEMPTS = 12
"""Minutes at first, days at the end; then a person must look."""
_CHUNK = 100
_TOLD = {
    "done": "files_destroyed",
    "absent": "files_destroyed",
    "kept": "files_kept",
    "quarantined": "files_set_aside",
}


@dataclass(slots=True)
class Fulfilled:
    """What became of the intents of one call: (system, outcome) → files; `failed`: tried again."""

    files: Counter[tuple[str, str]] = field(default_factory=Counter)

    def of(self, system: str) -> dict[str, int]:
        """Outcome → files of a system."""
        return {what: count for (name, what), count in self.files.items() if name == system}

    def by_system(self) -> dict[str, dict[str, int]]:
        """System → outcome → files."""
        return {name: self.of(name) for name in sorted({name for name, _ in self.files})}


@dataclass(frozen=True, slots=True)
class _Intent:
    intent_id: str
    run_id: str | None
    system: str
    target: str
    attempts: int


def fulfil_intents(
    connection: extensions.connection,
    systems: Mapping[str, System],
    witness: Witness | None,
    *,
    named_in: Mapping[str, Sequence[tuple[TableName, str]]] | None = None,
) -> Fulfilled:
    """Fulfil every intent that is due for an attempt and whose system has a connector.

    A file that a living row still names is kept: it goes with the last of them.

    named_in    system → tables and columns that name its files (see `naming_columns`)
    connection  of the runner, outside a transaction; several workers may do so at once
    """
    stores = {
        name: open_store(system.connector)
        for name, system in systems.items()
        if system.connector is not None
    }
    done = Fulfilled()
    while stores and (claimed := _claim(connection, list(stores))):
        kept = _still_named(connection, stores, named_in or {}, claimed)
        results = [
            (intent, "kept", None)
            if (intent.system, intent.target) in kept
            else (intent, *_attempt(stores[intent.system], intent))
            for intent in claimed
        ]
        _confirm(connection, results, witness)
        done.files.update((intent.system, outcome or "failed") for intent, outcome, _ in results)
    for (system, outcome), count in sorted(done.files.items()):
        log.info("System %s: %s files %s", system, count, outcome)
    return done


def naming_columns(policy: Policy) -> dict[str, list[tuple[TableName, str]]]:
    """Name for each system the tables and columns that name its files."""
    found: dict[str, list[tuple[TableName, str]]] = {}
    for table, entry in policy.tables.items():
        for name, spec in entry.columns.items():
            if spec.file_reference is not None:
                found.setdefault(spec.file_reference, []).append((table, name))
    return found


def open_intents(connection: extensions.connection) -> dict[str, dict[str, int]]:
    """Count, system by system, what is open and what was set aside: not kept, for the report."""
    with connection.cursor() as cursor:
        cursor.execute(statement("erasure/count_intents"))
        return {
            system: {"open": waiting, "quarantined": quarantined}
            for system, waiting, quarantined, _ in cursor.fetchall()
        }


def _claim(connection: extensions.connection, systems: list[str]) -> list[_Intent]:
    acting_as(connection, "runner")
    with connection.cursor() as cursor:
        cursor.execute(statement("erasure/claim_intents"), {"systems": systems, "size": _CHUNK})
        claimed = [_Intent(*row) for row in cursor.fetchall()]
    connection.commit()
    return claimed


def _still_named(
    connection: extensions.connection,
    stores: Mapping[str, Store],
    named_in: Mapping[str, Sequence[tuple[TableName, str]]],
    claimed: Sequence[_Intent],
) -> set[tuple[str, str]]:
    """The (system, target) of claimed files that a row of any table still names."""
    found: set[tuple[str, str]] = set()
    acting_as(connection, "runner")
    with connection.cursor() as cursor:
        for system in {intent.system for intent in claimed}:
            store = stores[system]
            plain = {
                intent.target: plain_name(store, intent.target)
                for intent in claimed
                if intent.system == system
            }
            last = {target: name.rpartition("/")[2] for target, name in plain.items()}
            asked = {
                "prefix": store.prefix,
                "is_folder": store.is_folder,
                "targets": list(plain.values()),
                "names": list(last.values()),
            }
            for table, column in named_in.get(system, ()):
                named = statement(
                    "erasure/find_named_files", table=table.identifier, column=quoted(column)
                )
                cursor.execute(named, asked)
                for name, steps_back in cursor.fetchall():
                    names = last if steps_back else plain
                    found |= {(system, target) for target in plain if names[target] == name}
    connection.rollback()
    return found


def _attempt(store: Store, intent: _Intent) -> tuple[str | None, str | None]:
    """Outcome (None: to be retried) and class of the error; its text may hold the path."""
    try:
        outcome = store.destroy(intent.target)
    except Outside as error:
        return "quarantined", f"Outside: {error}"
    except Exception as error:
        log.warning("System %s: a file could not be destroyed: %s", intent.system, type(error))
        last = intent.attempts >= _MOST_ATTEMPTS
        return ("quarantined" if last else None), type(error).__name__
    # An earlier attempt may have been cut off between the act and its confirmation.
    return ("done" if outcome == "absent" and intent.attempts > 1 else outcome), None


def _confirm(
    connection: extensions.connection,
    results: list[tuple[_Intent, str | None, str | None]],
    witness: Witness | None,
) -> None:
    acting_as(connection, "runner")
    with connection.cursor() as cursor:
        cursor.execute(
            statement("erasure/close_intents"),
            {
                "intents": [intent.intent_id for intent, _, _ in results],
                "outcomes": [outcome for _, outcome, _ in results],
                "errors": [error for _, _, error in results],
            },
        )
        closed = Counter(
            (run_id, system, outcome) for run_id, system, outcome in cursor.fetchall() if outcome
        )
    if not closed:
        connection.commit()
        return
    runs = {run_id for run_id, _, _ in closed}
    # A batch is of one run; files of several runs go under none, and their rows name the runs.
    run = next(iter(runs)) if len(runs) == 1 else None
    evidence = EvidenceBatch(connection, UUID(str(run)) if run else None, witness)
    evidence.add_rows(
        LedgerRow(
            _TOLD[outcome or ""],
            {
                "run": str(run_id) if run_id else None,
                "system": system,
                "outcome": outcome,
                "files": count,
            },
        )
        for (run_id, system, outcome), count in sorted(closed.items(), key=str)
    )
    evidence.commit()
