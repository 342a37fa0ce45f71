"""Before a night works: compared with its witness, asked about, and cleared or made to wait."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import GuardStop
from lethe.evidence.acting import acting, open_witness_of
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.runs import Run, set_state
from lethe.evidence.settle import require_in_step
from lethe.guards.answers import settle_answers, supersede
from lethe.guards.approval import find_decision
from lethe.guards.edition_gate import require_edition
from lethe.guards.editions import see_edition
from lethe.guards.holds import require_force
from lethe.guards.inputs import stop_rule
from lethe.guards.limits import day_begun, judge_limits
from lethe.keys import KeyRing, year_of
from lethe.policy.periods import boundary, start_of_day
from lethe.retention.night import Night, PlannedRule, read_night, set_rule_state
from lethe.retention.open_sets import leave_to_open_sets
from lethe.retention.waiting import forget_lists


def guard_night(site: Site, run_id: UUID) -> Night:
    """Ask every guard; what is over a limit waits, the rest is cleared.

    Raises  GuardStop if nothing at all may be done tonight
    """
    with acting(site, "the guard") as connection:
        night = read_night(connection, run_id)
        if night.run.state in ("done", "superseded"):
            return night
        see_edition(connection, site.loaded)
        settle_answers(connection, site.loaded.policy, expired_before(site))
        supersede(connection, night.run.policy_name, run_id)
        forget_lists(connection)
        require_allowed(site, connection, night.run)
        for planned in night.rules:
            if planned.state == "planned":
                leave_to_open_sets(connection, night.run, planned)
        _stop_unheld(site, connection, read_night(connection, run_id))
        for planned in read_night(connection, run_id).rules:
            if planned.state == "planned":
                _judge_limits(site, connection, night.run, planned)
        set_state(connection, run_id, "running")
        connection.commit()
        return read_night(connection, run_id)


def expired_before(site: Site) -> datetime:
    """Sets of runs begun before this instant that nobody answered count as rejected."""
    policy = site.loaded.policy
    last = boundary(site.today(), policy.guards.approval_timeout) + timedelta(days=1)
    return start_of_day(last, ZoneInfo(policy.policy.time_zone))


def require_allowed(site: Site, connection: extensions.connection, run: Run) -> None:
    warehouse = read_warehouse(connection)
    if run.policy_digest != site.digest:
        raise GuardStop("the policy changed since the plan was frozen; plan again")
    if run.as_of > site.today() and not warehouse.rehearsal:
        raise GuardStop(
            f"as-of {run.as_of} lies in the future: it may be planned anywhere, and executed only "
            "on a warehouse made with `lethe init --rehearsal`"
        )
    require_edition(connection, site.loaded, run.as_of)
    if not warehouse.armed:
        reason = "report-only: the approver has not armed this warehouse (`lethe init --arm`)"
        set_state(connection, run.run_id, "stopped", reason=reason, finished=True)
        connection.commit()
        raise GuardStop(reason)


def _stop_unheld(site: Site, connection: extensions.connection, night: Night) -> None:
    """Stop the rules under which somebody would go on whom a hold without force was laid."""
    graph = site.graph(connection)
    for planned in night.rules:
        if planned.state == "planned":
            try:
                require_force(connection, graph.policy, planned.kind, graph)
            except GuardStop as stop:
                stop_rule(connection, night.run.run_id, planned.rule, str(stop), by="holds")


def _judge_limits(
    site: Site, connection: extensions.connection, run: Run, planned: PlannedRule
) -> None:
    over = judge_limits(
        connection,
        site.loaded.policy,
        run.as_of,
        planned.rule,
        planned.due,
        sum(planned.counts.values()),
        night=run.run_id,
        since=day_begun(connection, site.loaded.policy, site.today()),
    )
    if over is None:
        return
    decision = find_decision(connection, planned.digest, run.policy_digest)
    state = {"approve": "approved", "reject": "rejected"}.get(
        decision.decision if decision else "", "waiting"
    )
    set_rule_state(connection, run.run_id, planned.rule, state, over_limit=over)


def settle_night(site: Site, as_of: date) -> None:
    """Before any work: the warehouse is not behind its witness, and the night's keys exist.

    Raises  GuardStop after a restore
    """
    with acting(site, "comparing the warehouse with its witness") as connection:
        witness = open_witness_of(site, connection)
        require_in_step(connection, witness)
        acting_as(connection, "runner")
        ring = KeyRing.open(connection, witness=witness)
        for purpose in ("token", "tombstone"):
            ring.create(purpose, year_of(as_of))
        connection.commit()
