"""The work of a night: what is cleared of a rule's frozen set goes, and is read back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.erasure.drop import drop_partitions, night_of
from lethe.erasure.eraser import Eraser
from lethe.erasure.freeze import frozen_digest, rule_digest
from lethe.erasure.record import Recorder
from lethe.erasure.tally import Tally
from lethe.erasure.together import work_together
from lethe.erasure.verify import Verification, verify_rule
from lethe.errors import GuardStop
from lethe.evidence.acting import acting, open_witness_of
from lethe.evidence.runs import Run
from lethe.evidence.witness import Witness
from lethe.guards.approval import find_decision
from lethe.guards.archived import ArchivedRecords
from lethe.guards.holds import require_force
from lethe.guards.inputs import find_stop
from lethe.guards.limits import count_erased, day_begun, merged
from lethe.keys import KeyRing, year_of
from lethe.policy.model.guards import Batches
from lethe.retention.assignments import assign
from lethe.retention.night import CLEARED, PlannedRule, read_night
from lethe.retention.night_guard import require_allowed

log = logging.getLogger(__name__)

_WORTH_TELLING_S = 1


@dataclass(frozen=True, slots=True)
class Tonight:
    """The night that does the work: its day, and its run unless there is none."""

    on: date
    run_id: UUID | None


def erase_rule(
    site: Site,
    run_id: UUID,
    rule: str,
    *,
    night: Tonight | None = None,
    shard: int = 0,
    proceed: Callable[[], bool] = lambda: True,
    workers: int | None = None,
) -> Tally:
    """Work off what is cleared of a rule's frozen set; others may do so at the same time.

    night    the night that works off a set of an earlier run; None: the run's own
    shard    number of the first worker
    workers  so many at once, on connections of their own; None: as the policy says
    """
    with ExitStack() as stack:
        connection = stack.enter_context(acting(site, f"rule {rule}"))
        found = read_night(connection, run_id)
        planned = next((each for each in found.rules if each.rule == rule), None)
        if planned is None or planned.state not in CLEARED or not planned.due:
            return Tally()
        require_allowed(site, connection, found.run)
        _require_clearance(connection, found.run, planned)
        if (stop := find_stop(connection, found.run.policy_name, rule)) is not None:
            log.warning("Rule %s waits: %s", rule, stop)
            return Tally()
        graph = site.graph(connection)
        require_force(connection, graph.policy, planned.kind, graph)
        night = night or Tonight(found.run.as_of, run_id)
        most = _most(site, connection, planned, night)
        connection.rollback()
        if most is not None and most <= 0:
            log.info("Rule %s: the cap of %s is used up", rule, night.on)
            return Tally()
        manners = site.loaded.policy.guards.batches
        assignment = assign(graph, rule, found.run.as_of, run_id)
        recorder = _recorder(site, connection, found.run, night)
        dropped = drop_partitions(
            connection,
            assignment,
            manners=manners,
            witness=recorder.witness,
            night=night_of(night.on, night.run_id),
            most=most,
        )
        left = None if most is None else most - dropped.subjects
        erasers = [
            Eraser(
                connection,
                assignment,
                recorder,
                manners=manners,
                shard=shard,
                proceed=proceed,
                most=left,
            )
        ]
        for number in range(1, _workers(manners, planned, left, workers)):
            # Opened here: what gives connections out need not stand several threads.
            another = stack.enter_context(acting(site, f"rule {rule}"))
            recorder = _recorder(site, another, found.run, night)
            erasers.append(
                Eraser(
                    another,
                    assignment,
                    recorder,
                    manners=manners,
                    shard=shard + number,
                    proceed=proceed,
                )
            )
        tally = work_together(erasers)
        tally.done += dropped.subjects
        log.info("Rule %s: erased %s subjects in %s batches", rule, tally.done, tally.batches)
        if tally.rested_s >= _WORTH_TELLING_S:
            rested_s = round(tally.rested_s)
            log.info("Rule %s: rested for %s s, because others worked", rule, rested_s)
        return tally


def _workers(manners: Batches, planned: PlannedRule, most: int | None, asked: int | None) -> int:
    """One for a set that is soon done, or of which only a part may go."""
    if most is not None:
        return 1
    if asked is not None:
        return asked
    return max(1, min(manners.workers, planned.due // (4 * manners.subjects)))


def _recorder(site: Site, connection: extensions.connection, run: Run, night: Tonight) -> Recorder:
    recorder = recorder_of(connection, open_witness_of(site, connection), run.as_of)
    recorder.for_night(night.on, night.run_id)
    return recorder


def _most(
    site: Site, connection: extensions.connection, planned: PlannedRule, night: Tonight
) -> int | None:
    """What was approved over the cap is worked off at most the cap a day, oldest first.

    The day's cap is one: what other runs of the day erased counts, and what tonight's own plan
    may still erase without anybody's approval is set aside.
    """
    if planned.state != "approved":
        return None
    policy = site.loaded.policy
    cap = merged(policy.guards.cap, policy.rules[planned.rule].cap).subjects
    if cap is None:
        return None
    since = day_begun(connection, policy, site.today())
    erased, _ = count_erased(connection, policy.policy.name, planned.rule, night.on, None, since)
    rules = read_night(connection, night.run_id).rules if night.run_id else ()
    due = sum(each.due for each in rules if (each.rule, each.state) == (planned.rule, "planned"))
    return cap - erased - due


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
    archived = ArchivedRecords.of(ring)
    connection.commit()
    return Recorder(tokens, tombstones, witness, archived)


def verify_night(site: Site, run_id: UUID) -> dict[str, Verification]:
    """Read back every rule that was worked on.

    Raises  VerificationError if anything planned and done is still there
    """
    found: dict[str, Verification] = {}
    with acting(site, "the read-back") as connection:
        night = read_night(connection, run_id)
        connection.rollback()
        graph = site.graph(connection)
        witness = open_witness_of(site, connection)
        for planned in night.rules if night.run.state == "running" else ():
            if planned.state in CLEARED:
                assignment = assign(graph, planned.rule, night.run.as_of, run_id)
                found[planned.rule] = verify_rule(connection, assignment, witness)
    for rule, verification in found.items():
        verification.require_clean(rule)
    return found
