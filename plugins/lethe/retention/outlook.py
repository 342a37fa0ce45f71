"""What the closing of a night adds to its sums: what comes, what is not kept, who came back.

Counts and days only. What cannot be found out says so, and never stops the closing of a night.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.graph import Graph
from lethe.catalogue.site import Site
from lethe.connections import Role, acting_as
from lethe.errors import LetheError, describe_database_error
from lethe.evidence.runs import Run
from lethe.evidence.witness import Witness
from lethe.guards.findings import note_findings
from lethe.guards.undecided import not_kept, read_refusals
from lethe.include import statement
from lethe.keys import KeyRing
from lethe.retention.preview import HORIZONS, preview
from lethe.retention.returned import Returned, find_returned, summary_of

Part = dict[str, Any]


def look_ahead(site: Site, run: Run, witness: Witness | None) -> Part:
    """Gather the outlook of a night that is about to be closed.

    Returns  coming: rule → days → subjects that become due within them
             not_kept: clause → refusals in words; overdue_days: rule → days of the oldest
             returned: kind → restored, same_identifier, same_key; seen: those marked as seen
             zero_nights: nights in a row without work before this one
    """
    with (
        site.connected("runner") as connection,
        site.connected("planner") as planner,
        ThreadPoolExecutor(1, thread_name_prefix="outlook") as beside,
    ):
        graph = site.graph(connection)
        # The server counts what comes while the tokens of who is there are made here.
        coming = beside.submit(_asked, planner, "planner", lambda: _coming(planner, graph, run))
        found = _asked(connection, "runner", lambda: _returned(connection, graph, witness))
        returned = found
        if isinstance(found, list):
            ask = partial(_noted, connection, site, run, found, witness)
            returned = _with_seen(summary_of(found), _asked(connection, "runner", ask))
    with site.connected("reader") as connection:
        return {
            "coming": coming.result(),
            "not_kept": _asked(connection, "reader", lambda: _not_kept(connection, site, run)),
            "overdue_days": _asked(connection, "reader", lambda: _overdue(connection, site, run)),
            "returned": returned,
            "zero_nights": _asked(connection, "reader", lambda: _zero_nights(connection, site)),
        }


def count_tonight(outlook: Part, erased: int) -> Part:
    """Let tonight count among the nights without work, or end their series."""
    before = outlook["zero_nights"]
    if not isinstance(before, int):
        return outlook
    return {**outlook, "zero_nights": 0 if erased else before + 1}


def _asked(connection: extensions.connection, role: Role, ask: Callable[[], Any]) -> Any:
    """Ask in a transaction of its own, which leaves nothing behind."""
    try:
        acting_as(connection, role)
        return ask()
    except LetheError as error:
        return {"failed": str(error)}
    except psycopg2.Error as error:
        return {"failed": describe_database_error(error)}
    finally:
        if not connection.closed:
            connection.rollback()


def _coming(connection: extensions.connection, graph: Graph, run: Run) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for each in preview(connection, graph, run.as_of, HORIZONS):
        found.setdefault(each.rule, {})[str(each.days)] = each.due
    return found


def _not_kept(connection: extensions.connection, site: Site, run: Run) -> dict[str, list[str]]:
    refusals = read_refusals(connection, site.loaded.policy, run.as_of)
    return {
        clause or "without a rule": [each.sentence() for each in found]
        for clause, found in not_kept(refusals, run.as_of).items()
    }


def _overdue(connection: extensions.connection, site: Site, run: Run) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/list_overdue"), {"policy_name": site.edition[0]})
        rows = cursor.fetchall()
    return {
        rule: 0 if oldest_on is None else max(0, (run.as_of - oldest_on).days)
        for rule, _, _, oldest_on, _ in rows
    }


def _returned(
    connection: extensions.connection, graph: Graph, witness: Witness | None
) -> list[Returned]:
    ring = KeyRing.open(connection, witness=witness)
    return find_returned(connection, graph, ring)


def _noted(
    connection: extensions.connection,
    site: Site,
    run: Run,
    found: list[Returned],
    witness: Witness | None,
) -> dict[tuple[str, str], int]:
    """Put tonight's findings on the ledger, and count those that an approver has seen."""
    every = {each for kind in found for each in kind.found}
    return note_findings(connection, site.edition[0], run.run_id, every, witness)


def _with_seen(returned: Part, seen: Mapping[Any, Any]) -> Part:
    """What cannot be put on the ledger counts as not seen: it rings."""
    for (kind, sort), number in seen.items() if "failed" not in seen else ():
        returned[kind].setdefault("seen", {})[sort] = number
    return returned


def _zero_nights(connection: extensions.connection, site: Site) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/count_zero_nights"), {"policy_name": site.edition[0]})
        row = cursor.fetchone()
    return int(row[0]) if row else 0
