"""Tonight's plan: read aloud, or frozen as the rows of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID, uuid4

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.graph import Graph
from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.erasure.check import require_plannable
from lethe.erasure.freeze import RulePlan, freeze_rule, plan_digest, read_rule
from lethe.errors import UsageError, WarehouseRefused, describe_database_error
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.runs import Run, begin_run
from lethe.guards.limits import day_begun, judge_limits
from lethe.include import statement
from lethe.retention.assignments import assign, order_rules


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What a night would do, rule by rule.

    over  rule → the limit that it is over: it would wait for an approval of its digest
    """

    policy: tuple[str, str, bytes]
    as_of: date
    rules: tuple[RulePlan, ...]
    over: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> bytes:
        """The digest of all rules together."""
        return plan_digest(self.rules)


def chosen_rules(graph: Graph, rules: Iterable[str] | None) -> list[str]:
    """The rules of a run, in the order of the act.

    Raises  UsageError for a rule that the policy does not have
    """
    known = graph.policy.rules
    chosen = list(known) if not rules else list(dict.fromkeys(rules))
    for rule in chosen:
        if rule not in known:
            raise UsageError(f"the policy has no rule '{rule}'; it has: {', '.join(known)}")
    return order_rules(graph, chosen)


def read_plan(site: Site, as_of: date, rules: Sequence[str] | None = None) -> SweepPlan:
    """Plan a night and write nothing."""
    with site.connected("planner") as connection:
        graph = require_plannable(connection, site.loaded)
        try:
            acting_as(connection, "planner")
            read_warehouse(connection)
            connection.rollback()
            plans = [
                _read(connection, graph, rule, as_of, site.digest)
                for rule in chosen_rules(graph, rules)
            ]
            acting_as(connection, "planner")
            over = {plan.rule: _over(connection, site, as_of, plan) for plan in plans}
            connection.rollback()
        except psycopg2.Error as error:
            raise _refused("planning", error) from None
    waiting = {rule: reason for rule, reason in over.items() if reason}
    return SweepPlan(site.edition, as_of, tuple(plans), waiting)


def _over(connection: extensions.connection, site: Site, as_of: date, plan: RulePlan) -> str | None:
    policy = site.loaded.policy
    return judge_limits(
        connection,
        policy,
        as_of,
        plan.rule,
        plan.due,
        sum(plan.counts.values()),
        since=day_begun(connection, policy, site.today()),
    )


def _read(
    connection: extensions.connection, graph: Graph, rule: str, as_of: date, digest: bytes
) -> RulePlan:
    acting_as(connection, "planner")
    plan = read_rule(connection, assign(graph, rule, as_of, uuid4()), digest)
    connection.rollback()
    return plan


def freeze_plan(
    site: Site,
    as_of: date,
    *,
    name: str | None = None,
    requested_by: str | None = None,
    rules: Sequence[str] | None = None,
) -> UUID:
    """Freeze a night's plan as rows of a run; a run of the same name is reused as it is."""
    with site.connected("planner") as connection:
        graph = require_plannable(connection, site.loaded)
        try:
            acting_as(connection, "planner")
            read_warehouse(connection)
            run = begin_run(
                connection,
                kind="sweep",
                name=name,
                policy=site.edition,
                as_of=as_of,
                requested_by=requested_by,
            )
            if not _is_frozen(connection, run):
                for rule in chosen_rules(graph, rules):
                    _freeze(connection, graph, run, rule)
            connection.commit()
        except psycopg2.Error as error:
            if not connection.closed:
                connection.rollback()
            raise _refused("freezing the plan", error) from None
    return run.run_id


def _is_frozen(connection: extensions.connection, run: Run) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/list_plan_rules"), {"run_id": str(run.run_id)})
        return cursor.fetchone() is not None


def _freeze(connection: extensions.connection, graph: Graph, run: Run, rule: str) -> None:
    plan = freeze_rule(connection, assign(graph, rule, run.as_of, run.run_id), run.policy_digest)
    add_plan_rule(connection, run.run_id, plan)


def add_plan_rule(connection: extensions.connection, run_id: UUID, plan: RulePlan) -> None:
    """Write what a rule of a run plans; the caller commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("retention/add_plan_rule"),
            {
                "run_id": str(run_id),
                "rule": plan.rule,
                "subject_kind": plan.kind,
                "cluster": plan.cluster,
                "clause": plan.clause,
                "planned": plan.planned,
                "counts": json.dumps(dict(plan.counts)),
                "oldest_on": plan.oldest_on,
                "newest_on": plan.newest_on,
                "digest": plan.digest,
            },
        )


def _refused(doing: str, error: psycopg2.Error) -> WarehouseRefused:
    return WarehouseRefused(
        f"{doing} failed: {describe_database_error(error)}. If rights are missing, `lethe init` "
        "grants what the policy needs",
        error.pgcode,
    )
