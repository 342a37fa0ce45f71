"""What an erasure says about a policy: orders, what would hang, rights that are missing."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2 import extensions

from lethe.catalogue.bind import Bound, as_faults, bind, faults_of
from lethe.catalogue.checks import Found
from lethe.catalogue.graph import Graph
from lethe.catalogue.writing import write
from lethe.connections import group_role
from lethe.erasure.grants import needed_grants
from lethe.erasure.steps import plan_steps
from lethe.errors import PolicyError
from lethe.evidence.privileges import Grant, grant_statements
from lethe.policy.load import LoadedPolicy


def require_plannable(connection: extensions.connection, loaded: LoadedPolicy) -> Graph:
    """Bind a policy, and refuse one that cannot be bound or whose erasures cannot be ordered.

    Raises  PolicyError with all faults, WarehouseRefused, WarehouseUnreachable
    """
    bound = bind(connection, loaded)
    faults = (*bound.faults, *as_faults(loaded, check_steps(bound.graph)))
    if faults:
        raise PolicyError(faults)
    return bound.graph


def check_steps(graph: Graph) -> list[Found]:
    """Find clusters whose erasure cannot be ordered, or would leave something hanging."""
    return [
        found
        for cluster, members in graph.members.items()
        if members
        for found in faults_of(plan_steps(graph, cluster)[1])
    ]


def check_barred(graph: Graph) -> Iterator[Found]:
    """Advise where rows of another cluster stop subjects as long as they are there."""
    for cluster, members in graph.members.items():
        if not members:
            continue
        going = {m.table for m in members if m.action.do == "erase" and not m.where}
        for member, ref in plan_steps(graph, cluster)[0].barred:
            if ref.child not in going:
                yield Found(
                    "advice",
                    "barring-reference",
                    ("tables", str(member.table)),
                    f"rows of {ref.child} ({', '.join(ref.columns)}) that stay stop the erasure "
                    f"of their {member.table} (cluster '{cluster}') until they are gone; say "
                    "when_due: skeleton here, or when_gone: unlink there, if they should not",
                )


def check_rights(bound: Bound) -> Iterator[Found]:
    """Find rights that the current role lacks for what the plan reads and changes.

    The catalogue tells what the role of the connection may do; nothing more is asked.
    """
    catalogue = bound.graph.catalogue
    for grant in needed_grants(bound.graph):
        lacking = _lacking(bound, grant) if grant.role == "runner" else None
        if lacking is not None:
            wanted = Grant(grant.table, (grant.privileges[0],), lacking, grant.role)
            columns = f" ({', '.join(lacking)})" if lacking else ""
            yield Found(
                "alarm",
                "missing-right",
                ("tables", str(grant.table)),
                f"role {catalogue.role} lacks {grant.privileges[0]}{columns} on {grant.table}; run "
                "this as a DBA, or `lethe init`, or print all with `lethe init --print-sql`",
                "; ".join(write(one) for one in grant_statements([wanted])),
            )
    for table in sorted({grant.table for grant in needed_grants(bound.graph)}):
        if catalogue.tables[table].rls_filters_us:
            yield Found(
                "alarm",
                "filtered-rows",
                ("tables", str(table)),
                f"row-level security filters what role {catalogue.role} sees of {table}, so that "
                "every statement on it stops with an error",
                f'ALTER ROLE "{group_role("runner")}" BYPASSRLS',
            )


def _lacking(bound: Bound, grant: Grant) -> tuple[str, ...] | None:
    """Columns without the right; () for the whole table; None if nothing lacks."""
    table = bound.graph.catalogue.tables[grant.table]
    (privilege,) = grant.privileges
    if "usage" in table.rights and privilege.lower() in table.rights:
        return None
    if privilege == "SELECT":
        unread = tuple(c.name for c in table.columns.values() if not c.readable)
        return () if unread or "usage" not in table.rights else None
    if privilege == "UPDATE":
        fixed = tuple(c for c in grant.columns if not table.columns[c].updatable)
        return fixed or (grant.columns if "usage" not in table.rights else None)
    return ()
