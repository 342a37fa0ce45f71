"""A batch acted out in full and never committed: what the self-test and the canaries stand on."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID, uuid4

from psycopg2 import extensions

from lethe.catalogue.graph import Graph
from lethe.erasure.assignment import Assignment, Claimed
from lethe.erasure.batch import BatchAct
from lethe.erasure.outcomes import Key
from lethe.erasure.prepared import prepare
from lethe.erasure.record import Recorder
from lethe.erasure.writing import write_outcomes
from lethe.include import statement
from lethe.keys import Tokens

Assign = Callable[[Graph, str, date, UUID], Assignment]
"""Makes the assignment of a rule: the one that the run itself uses."""


def act_out(
    connection: extensions.connection, assignment: Assignment, keys: Sequence[Key]
) -> dict[Key, str]:
    """Freeze subjects by key, and erase in the caller's transaction those that are due.

    Locks, re-check, tombstones, deletes and ledger rows are those of a real batch; nothing is
    committed, and the witness hears nothing.
    Returns  key → `done`, or the reason why not
    """
    run = {"run_id": str(assignment.run_id), "rule": assignment.rule}
    with connection.cursor() as cursor:
        cursor.execute(
            statement("erasure/begin_rehearsal"),
            {"run_id": run["run_id"], "as_of": assignment.as_of},
        )
        cursor.execute(
            statement("erasure/freeze_keys"),
            {
                **run,
                "kind": assignment.steps.kind.name,
                "keys": [_array_text(key) for key in keys],
            },
        )
        claimed = [Claimed(number, key, None, None) for number, key in enumerate(keys, start=1)]
        recorder = Recorder(_passing_key(), _passing_key(), None)
        evidence = recorder.begin(connection, assignment)
        act = BatchAct(cursor, assignment, prepare(connection, assignment), claimed, evidence.batch)
        if act.settle(final=True, thorough=True):
            recorder.bury(evidence, assignment, act)
            act.erase()
        write_outcomes(cursor, assignment, act, shard=0)
        recorder.write(evidence, assignment, act)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    decided = act.outcomes.decided
    return {
        each.key: found if found == "done" else reason or found
        for each in claimed
        for found, reason in [decided.get(each.number, ("undecided", None))]
    }


def _passing_key() -> Tokens:
    """A key that nobody keeps: what it names is rolled back."""
    return Tokens(os.urandom(32), uuid4())


def _array_text(key: Key) -> str:
    escaped = (part.replace("\\", "\\\\").replace('"', '\\"') for part in key)
    return "{" + ",".join(f'"{part}"' for part in escaped) + "}"
