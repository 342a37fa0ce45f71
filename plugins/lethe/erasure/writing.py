"""Write what a batch did: into the frozen set, the rows by table, the outbox."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2 import extensions

from lethe.erasure.assignment import Assignment
from lethe.erasure.batch import BatchAct
from lethe.erasure.outcomes import Outcomes
from lethe.include import statement
from lethe.policy.names import TableName


def write_outcomes(
    cursor: extensions.cursor, assignment: Assignment, act: BatchAct, *, shard: int
) -> None:
    """Write the outcomes of a batch into the frozen set, in its transaction."""
    outcomes = act.outcomes
    run: Mapping[str, object] = {"run_id": str(assignment.run_id), "rule": assignment.rule}
    if outcomes.decided:
        cursor.execute(
            statement("erasure/decide_subjects"),
            {
                **run,
                "numbers": list(outcomes.decided),
                "outcomes": [outcome for outcome, _ in outcomes.decided.values()],
                "reasons": [reason for _, reason in outcomes.decided.values()],
            },
        )
    tables = sorted({*outcomes.locked, *outcomes.deleted, *outcomes.changed})
    tables = [table for table in tables if _is_touched(outcomes, table)] if act.erased else []
    if tables:
        cursor.execute(
            statement("erasure/count_rows"),
            {
                **run,
                "shard": shard,
                "tables": [str(table) for table in tables],
                "locked": [outcomes.locked[table] for table in tables],
                "deleted": [outcomes.deleted[table] for table in tables],
                "changed": [outcomes.changed[table] for table in tables],
            },
        )
    staying = [each.number for each in act.erased if each.key in outcomes.remaining]
    if staying:
        cursor.execute(
            statement("erasure/register_skeletons"),
            {
                **run,
                "subject_kind": assignment.steps.kind.name,
                "cluster": assignment.steps.cluster,
                "as_of": assignment.as_of,
                "numbers": staying,
            },
        )
    if outcomes.files:
        cursor.execute(
            statement("erasure/add_intents"),
            {
                "run_id": run["run_id"],
                "batch": str(act.batch_id),
                "systems": [system for system, _ in outcomes.files],
                "targets": [target for _, target in outcomes.files],
            },
        )


def _is_touched(outcomes: Outcomes, table: TableName) -> bool:
    return bool(outcomes.locked[table] or outcomes.deleted[table] or outcomes.changed[table])
