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
from lethe.erasure.partitions import why_not
from lethe.erasure.rights import find_obstacles, has_roles, require_rights
from lethe.erasure.steps import plan_steps
from lethe.errors import PolicyError
from lethe.evidence.privileges import Grant, grant_statements, missing_grants
from lethe.policy.load import LoadedPolicy


def require_plannable(connection: extensions.connection, loaded: LoadedPolicy) -> Graph:
    """Bind a policy, and refuse one that cannot be bound, whose erasures cannot be ordered, or for
    which the runner would lack a right at the act.

    Raises  PolicyError with all faults, ConfigurationError, WarehouseRefused, WarehouseUnreachable
    """
    bound = bind(connection, loaded)
    faults = (*bound.faults, *as_faults(loaded, check_steps(bound.graph)))
    if faults:
        raise PolicyError(faults)
    require_rights(connection, bound.graph)
    return bound.graph


def check_steps(graph: Graph) -> list[Found]:
    """Find clusters whose erasure cannot be ordered, would leave something hanging, or erases
    nothing at all."""
    found: list[Found] = []
    ruled = {rule.cluster for rule in graph.policy.rules.values()}
    for cluster, members in graph.members.items():
        if members:
            steps, findings = plan_steps(graph, cluster)
            found += faults_of(findings)
            if cluster in ruled and not findings and steps.changes_nothing:
                found.append(_nothing(cluster))
    return found


def _nothing(cluster: str) -> Found:
    return Found(
        "fault",
        "erases-nothing",
        ("clusters", cluster),
        "its rules would erase nobody: every table of it keeps its rows as they are; say under "
        "when_due what to blank or replace, or leave the rule out",
    )


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


def check_partitions(graph: Graph) -> Iterator[Found]:
    """Find tables whose partitions the policy wants dropped, and why they cannot be."""
    for rule, named in graph.policy.rules.items():
        table = graph.kind_of(named.cluster).table
        entry = graph.policy.tables.get(table) if table else None
        reasons = why_not(graph, rule) if entry is not None and entry.drop_partitions else []
        if reasons:
            yield Found(
                "alarm",
                "no-partition-drop",
                ("tables", str(table), "drop_partitions"),
                f"rule '{rule}' cannot drop whole partitions: {'; '.join(reasons)}; its rows go "
                "singly all the same",
            )


def check_rights(connection: extensions.connection, bound: Bound) -> Iterator[Found]:
    """Find rights that the plan needs and does not have.

    Where `lethe init` has been, those of Lethe's group roles count; else the current role's.
    """
    grants = needed_grants(bound.graph)
    is_ready = has_roles(connection)
    missing = missing_grants(connection, grants) if is_ready else list(_own(bound, grants))
    for grant in missing:
        role = group_role(grant.role) if is_ready else bound.graph.catalogue.role
        columns = f" ({', '.join(grant.columns)})" if grant.columns else ""
        yield Found(
            "alarm",
            "missing-right",
            ("tables", str(grant.table)),
            f"role {role} lacks {', '.join(grant.privileges)}{columns} on {grant.table}; run "
            "`lethe init`, or give your DBA what `lethe init --print-sql` prints",
            "; ".join(write(one) for one in grant_statements([grant])),
        )
    if is_ready:
        for each in find_obstacles(connection, bound.graph, grants):
            place = ("tables", str(each.table))
            yield Found("alarm", each.code, place, each.says, each.way_out)
        return
    there = bound.graph.catalogue.tables
    for table in sorted({grant.table for grant in grants} & there.keys()):
        if there[table].rls_filters_us:
            yield Found(
                "alarm",
                "filtered-rows",
                ("tables", str(table)),
                f"row-level security filters what role {bound.graph.catalogue.role} sees of "
                f"{table}, so that every statement on it stops with an error; let a login with "
                "BYPASSRLS run Lethe",
            )


def _own(bound: Bound, grants: list[Grant]) -> Iterator[Grant]:
    there = bound.graph.catalogue.tables  # a materialised view is none of them
    for grant in grants:
        own = grant.role == "runner" and grant.table in there
        lacking = _lacking(bound, grant) if own else None
        if lacking is not None:
            yield Grant(grant.table, grant.privileges, lacking, grant.role)


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
