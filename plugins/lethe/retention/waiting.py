"""The sortable list of a set that waits: written when the question is asked, gone when settled."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from psycopg2 import extensions

from lethe.catalogue.graph import Graph
from lethe.connections import acting_as
from lethe.errors import ActError
from lethe.evidence.witness import Witness
from lethe.guards.frozen import write_list
from lethe.guards.questions import Question
from lethe.include import home_folder, statement
from lethe.keys import KeyRing, year_of

log = logging.getLogger(__name__)


def lists_folder() -> Path:
    """Where the lists lie while their sets wait."""
    return home_folder() / "reports" / "waiting"


def write_lists(
    connection: extensions.connection,
    graph: Graph,
    witness: Witness,
    questions: Sequence[Question],
) -> dict[tuple[UUID, str], Path]:
    """Write the list of each set that is asked about: tokens, due days, flags; never a key.

    Returns  (run, rule) → file; a list that cannot be written is left out, and logged
    """
    found: dict[tuple[UUID, str], Path] = {}
    for each in questions:
        acting_as(connection, "runner")
        ring = KeyRing.open(connection, witness=witness)
        tokens = ring.tokens("token", year_of(each.as_of), create=True)
        connection.commit()
        acting_as(connection, "runner")
        try:
            found[each.run_id, each.rule] = write_list(
                connection,
                graph,
                each.run_id,
                each.rule,
                each.as_of,
                tokens=tokens,
                folder=lists_folder(),
            )
        except ActError as error:
            log.warning("Rule %s is asked about without its list: %s", each.rule, error)
        connection.rollback()
    return found


def forget_lists(connection: extensions.connection) -> list[str]:
    """Remove the lists of sets that do not wait any more; returns the names of the files.

    connection  in a transaction of the runner
    """
    folder = lists_folder()
    files = list(folder.glob("*.csv")) if folder.is_dir() else []
    if not files:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/list_waiting_sets"))
        waiting = {f"{run_id}-{rule}.csv" for run_id, rule in cursor.fetchall()}
    gone = [file for file in files if file.name not in waiting]
    for file in gone:
        file.unlink(missing_ok=True)
    return sorted(file.name for file in gone)
