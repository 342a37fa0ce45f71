"""The work of a night: what is cleared of a rule's frozen set goes, and is read back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from uuid import UUID

from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.erasure.eraser import Eraser, Tally
from lethe.erasure.freeze import frozen_digest, rule_digest
from lethe.erasure.record import Recorder
from lethe.erasure.verify import Verification, verify_rule
from lethe.errors import GuardStop
from lethe.evidence.runs import Run
from lethe.evidence.witness import Witness
from lethe.guards.approval import find_decision
from lethe.guards.holds import require_queries
from lethe.guards.inputs import find_stop
from lethe.guards.limits import merged
from lethe.keys import KeyRing, year_of
from lethe.retention.assignments import assign
from lethe.retention.night import CLEARED, PlannedRule, acting, read_night, witness_of
from lethe.retention.night_guard import require_allowed

log = logging.getLogger(__name__)


def erase_rule(
    site: Site,
    run_id: UUID,
    rule: str,
    *,
    shard: int = 0,
    proceed: Callable[[], bool] = lambda: True,
) -> Tally:
    """Work off what is cleared of a rule's frozen set; several workers may do so at once.

    shard  number of the worker
    """
    with acting(site, "runner", f"rule {rule}") as connection:
        night = read_night(connection, run_id)
        planned = next((each for each in night.rules if each.rule == rule), None)
        if planned is None or planned.state not in CLEARED:
            return Tally()
        require_allowed(site, connection, night.run)
        _require_clearance(connection, night.run, planned)
        if (stop := find_stop(connection, night.run.policy_name, rule)) is not None:
            log.warning("Rule %s waits: %s", rule, stop)
            return Tally()
        require_queries(connection, site.loaded.policy, planned.kind)
        connection.rollback()
        graph = site.graph(connection)
        witness = witness_of(site, connection)
        recorder = recorder_of(connection, witness, night.run.as_of)
        eraser = Eraser(
            connection,
            assign(graph, rule, night.run.as_of, run_id),
            recorder,
            manners=site.loaded.policy.guards.batches,
            shard=shard,
            proceed=proceed,
            most=_most(site, planned),
        )
        tally = eraser.work()
        log.info("Rule %s: erased %s subjects in %s batches", rule, tally.done, tally.batches)
        return tally


def _most(site: Site, planned: PlannedRule) -> int | None:
    """What was approved over the cap is worked off at most the cap a night, oldest first."""
    if planned.state != "approved":
        return None
    policy = site.loaded.policy
    return merged(policy.guards.cap, policy.rules[planned.rule].cap).subjects


def _require_clearance(connection: extensions.connection, run: Run, planned: PlannedRule) -> None:
    """The frozen rows are still those that the digest names, and an approval names the digest."""
    if planned.state == "approved":
        decision = find_decision(connection, planned.digest, run.policy_digest)
        if decision is None or decision.decision != "approve":
            raise GuardStop(f"rule {planned.rule}: no approval of its digest is on record")
    rows = frozen_digest(connection, run.run_id, planned.rule)
    found = rule_digest(run.policy_digest, run.as_of, planned.rule, rows) if rows else None
    remaining = planned.flags.get("remaining", planned.digest.hex())
    if found is not None and found.hex() != remaining:
        raise GuardStop(
            f"rule {planned.rule}: the frozen set is not the one that its digest names; plan again"
        )


def recorder_of(connection: extensions.connection, witness: Witness, as_of: date) -> Recorder:
    acting_as(connection, "runner")
    ring = KeyRing.open(connection, witness=witness)
    tokens = ring.tokens("token", year_of(as_of), create=True)
    tombstones = ring.tokens("tombstone", year_of(as_of), create=True)
    connection.commit()
    return Recorder(tokens, tombstones, witness)


def verify_night(site: Site, run_id: UUID) -> dict[str, Verification]:
    """Read back every rule that was worked on.

    Raises  VerificationError if anything planned and done is still there
    """
    found: dict[str, Verification] = {}
    with acting(site, "runner", "the read-back") as connection:
        night = read_night(connection, run_id)
        connection.rollback()
        graph = site.graph(connection)
        witness = witness_of(site, connection)
        for planned in night.rules if night.run.state == "running" else ():
            if planned.state in CLEARED:
                assignment = assign(graph, planned.rule, night.run.as_of, run_id)
                found[planned.rule] = verify_rule(connection, assignment, witness)
    for rule, verification in found.items():
        verification.require_clean(rule)
    return found
