"""Materialised views that the policy wants refreshed: what was erased goes from their copies too.

Done after a night is closed, view by view, each in a transaction of its own with its row on the
ledger. A view whose sources were changed since its last refresh is refreshed, whatever came
between; one that cannot be stays an alarm, and its clauses are not kept.
"""

from __future__ import annotations

import graphlib
import logging
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.graph import Graph
from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import describe_database_error
from lethe.evidence.acting import acting, open_witness_of
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.seal import seal_ledger
from lethe.evidence.witness import Witness
from lethe.include import statement
from lethe.policy.model import Policy
from lethe.policy.names import TableName

log = logging.getLogger(__name__)
REFRESHED = "refreshed"


def refresh_views(site: Site, run_id: UUID) -> dict[str, str]:
    """Refresh the views whose sources a sweep has changed; call it when the night is closed.

    Returns  view → refreshed, or why not; nothing is raised for one that is refused
    """
    if not any(each.answer == "refresh" for each in site.loaded.policy.warehouse.answers):
        return {}
    found: dict[str, str] = {}
    with acting(site, "refreshing views") as connection:
        connection.rollback()
        graph = site.graph(connection)
        witness = open_witness_of(site, connection)
        for view in _stale(connection, graph):
            found[str(view)] = _refresh(connection, graph, run_id, view, witness)
        if found:
            seal_ledger(connection, witness)
    return found


def refreshes(
    connection: extensions.connection, policy: Policy, last: date
) -> list[tuple[str, date, str, Mapping[str, Any]]]:
    """What became of each refresh up to a day, oldest first: run, day, kind, payload."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("retention/list_refreshes"),
            {"policy_name": policy.policy.name, "last": last},
        )
        return [(str(run), as_of, kind, told) for run, as_of, kind, told in cursor.fetchall()]


def unrefreshed(
    connection: extensions.connection, policy: Policy, last: date
) -> dict[str, Mapping[str, Any]]:
    """The views whose last refresh was refused: view → reason, clauses, since."""
    left: dict[str, Mapping[str, Any]] = {}
    for _, as_of, kind, told in refreshes(connection, policy, last):
        view = str(told["view"])
        if kind == "view_refreshed":
            left.pop(view, None)
        else:
            since = left.get(view, {}).get("since", as_of.isoformat())
            left[view] = {**told, "since": since}
    wanted = {each.name for each in policy.warehouse.answers if each.answer == "refresh"}
    return {view: told for view, told in left.items() if view in wanted}


def say_unrefreshed(view: str, told: Mapping[str, Any]) -> str:
    """One sentence about a view that still holds what was erased."""
    return (
        f"the materialised view {view} was not refreshed since {told['since']} and may still show "
        f"what was erased ({told['reason']})"
    )


def _stale(connection: extensions.connection, graph: Graph) -> list[TableName]:
    wanted = graph.refreshed_views
    pairs = [(view, source) for view in wanted for source in graph.catalogue.views[view].tables]
    if not pairs:
        return []
    acting_as(connection, "runner")
    with connection.cursor() as cursor:
        cursor.execute(
            statement("retention/list_stale_views"),
            {
                "policy_name": graph.policy.policy.name,
                "views": [str(view) for view, _ in pairs],
                "sources": [str(source) for _, source in pairs],
            },
        )
        stale = {row[0] for row in cursor.fetchall()}
    connection.rollback()
    sorter: graphlib.TopologicalSorter[TableName] = graphlib.TopologicalSorter()
    for view in wanted:
        reads = {each.source for each in graph.catalogue.views[view].reads}
        sorter.add(view, *(reads & set(wanted)))
    return [view for view in sorter.static_order() if str(view) in stale]


def _refresh(
    connection: extensions.connection,
    graph: Graph,
    run_id: UUID,
    view: TableName,
    witness: Witness,
) -> str:
    clauses = _clauses_of(graph, view)
    manners = graph.policy.guards.batches
    try:
        acting_as(connection, "runner")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, true)", (f"{manners.lock_timeout_ms}ms",)
            )
            cursor.execute(
                statement("retention/read_refreshable"),
                {"schema": view.schema, "name": view.name},
            )
            (beside,) = cursor.fetchone() or (False,)
            name = "retention/refresh_view_beside" if beside else "retention/refresh_view"
            cursor.execute(statement(name, view=view.identifier))
        _note(connection, run_id, "view_refreshed", {"view": str(view)}, witness)
    except psycopg2.Error as error:
        reason = describe_database_error(error)
        if connection.closed:
            raise
        connection.rollback()
        log.error("The materialised view %s was not refreshed: %s", view, reason)
        acting_as(connection, "runner")
        told = {"view": str(view), "reason": reason, "clauses": clauses}
        _note(connection, run_id, "view_not_refreshed", told, witness)
        return reason
    log.info("Refreshed the materialised view %s", view)
    return REFRESHED


def _note(
    connection: extensions.connection,
    run_id: UUID,
    kind: str,
    told: Mapping[str, Any],
    witness: Witness,
) -> None:
    evidence = EvidenceBatch(connection, run_id, witness)
    evidence.add_rows([LedgerRow(kind, told)])
    evidence.commit()


def _clauses_of(graph: Graph, view: TableName) -> list[str]:
    """The clauses whose rules erase rows that the view copies."""
    sources = set(graph.catalogue.views[view].tables)
    rules = graph.policy.rules.values()
    return sorted(
        {
            rule.clause
            for rule in rules
            if sources & {member.table for member in graph.members[rule.cluster]}
        }
    )
