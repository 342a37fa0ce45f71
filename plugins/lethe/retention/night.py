"""One night of the sweep: guard, erase, verify, close. Every step may be run again."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.erasure.eraser import Eraser, Tally
from lethe.erasure.freeze import CANDIDATES, frozen_digest, rule_digest
from lethe.erasure.record import Recorder
from lethe.erasure.verify import Verification, verify_rule
from lethe.errors import GuardStop, VerificationError, WarehouseRefused, describe_database_error
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.runs import Run, read_run, set_state
from lethe.evidence.seal import seal_ledger
from lethe.evidence.settle import require_in_step
from lethe.evidence.witness import Witness
from lethe.evidence.witness_opening import open_witness
from lethe.guards.approval import find_decision
from lethe.guards.editions import require_edition, see_edition
from lethe.guards.holds import require_queries
from lethe.guards.inputs import find_stop
from lethe.guards.limits import merged, over_limit
from lethe.guards.questions import settle_answers, supersede
from lethe.include import statement
from lethe.keys import KeyRing, year_of
from lethe.policy.periods import boundary, start_of_day
from lethe.retention.assignments import assign
from lethe.retention.outlook import count_tonight, look_ahead
from lethe.retention.waiting import forget_lists

log = logging.getLogger(__name__)

RuleState = Literal["planned", "waiting", "approved", "rejected", "superseded", "stopped", "done"]
CLEARED = ("planned", "approved")
"""States in which a rule may be worked on."""


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """A rule of a run, as the warehouse keeps it."""

    rule: str
    kind: str
    cluster: str
    clause: str
    state: RuleState
    planned: int
    counts: Mapping[str, int]
    oldest_on: date | None
    newest_on: date | None
    over_limit: str | None
    digest: bytes
    flags: Mapping[str, Any]

    @property
    def due(self) -> int:
        """Subjects that were due when the set was frozen."""
        return self.counts.get("due", 0)


@dataclass(frozen=True, slots=True)
class Night:
    """A run and its rules."""

    run: Run
    rules: tuple[PlannedRule, ...]

    @property
    def cleared(self) -> tuple[str, ...]:
        """Rules that may be worked on."""
        return tuple(rule.rule for rule in self.rules if rule.state in CLEARED)


@dataclass(slots=True)
class Closing:
    """How a rule of a run ended: the sums."""

    rule: str
    done: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    undecided: int = 0

    def require_sum(self, due: int) -> None:
        """Assert done + skipped + quarantined + undecided = planned.

        Raises  VerificationError if a subject was lost or counted twice
        """
        total = self.done + self.skipped.total() + self.quarantined.total() + self.undecided
        if total != due:
            raise VerificationError(
                f"rule {self.rule}: {due} subjects were planned and {total} have an outcome"
            )


def read_night(connection: extensions.connection, run_id: UUID) -> Night:
    """Read a run and its rules."""
    run = read_run(connection, run_id)
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/list_plan_rules"), {"run_id": str(run_id)})
        return Night(run, tuple(_planned(row) for row in cursor.fetchall()))


def _planned(row: Sequence[Any]) -> PlannedRule:
    fields = list(row)
    fields[10] = bytes(row[10])
    return PlannedRule(*fields)


def guard_night(site: Site, run_id: UUID) -> Night:
    """Ask every guard; what is over a limit waits, the rest is cleared.

    Raises  GuardStop if nothing at all may be done tonight
    """
    with acting(site, "runner", "the guard") as connection:
        night = read_night(connection, run_id)
        if night.run.state in ("done", "superseded"):
            return night
        see_edition(connection, site.loaded)
        settle_answers(connection, site.loaded.policy, expired_before(site))
        supersede(connection, night.run.policy_name, run_id)
        forget_lists(connection)
        _require_allowed(site, connection, night.run)
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


def _require_allowed(site: Site, connection: extensions.connection, run: Run) -> None:
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


def _judge_limits(
    site: Site, connection: extensions.connection, run: Run, planned: PlannedRule
) -> None:
    guards = site.loaded.policy.guards
    limits = merged(guards.cap, site.loaded.policy.rules[planned.rule].cap)
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/read_history"),
            {
                "policy_name": run.policy_name,
                "rule": planned.rule,
                "before": run.as_of,
                "nights": max(guards.history_nights, 90),
            },
        )
        history = [int(row[1]) for row in cursor.fetchall()]
    over = over_limit(
        planned.due,
        limits=limits,
        population=sum(planned.counts.values()),
        history=history,
        nights=guards.history_nights,
    )
    if over is None:
        return
    decision = find_decision(connection, planned.digest, run.policy_digest)
    state = {"approve": "approved", "reject": "rejected"}.get(
        decision.decision if decision else "", "waiting"
    )
    set_rule_state(connection, run.run_id, planned.rule, state, over_limit=over)


def set_rule_state(
    connection: extensions.connection,
    run_id: UUID,
    rule: str,
    state: str,
    *,
    over_limit: str | None = None,
) -> None:
    """Write how far a rule of a run has come; the caller commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("retention/set_rule_state"),
            {"run_id": str(run_id), "rule": rule, "state": state, "over_limit": over_limit},
        )


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
        _require_allowed(site, connection, night.run)
        _require_clearance(connection, night.run, planned)
        if (stop := find_stop(connection, night.run.policy_name, rule)) is not None:
            log.warning("Rule %s waits: %s", rule, stop)
            return Tally()
        require_queries(connection, site.loaded.policy, planned.kind)
        connection.rollback()
        graph = site.graph(connection)
        witness = witness_of(site, connection)
        recorder = _recorder(connection, witness, night.run.as_of)
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


def witness_of(site: Site, connection: extensions.connection) -> Witness:
    """Open the witness that the policy names."""
    acting_as(connection, "runner")
    warehouse = read_warehouse(connection)
    connection.rollback()
    named = site.loaded.policy.evidence.witness
    return open_witness(named.kind, named.location, warehouse.warehouse_id)


def settle_night(site: Site, as_of: date) -> None:
    """Before any work: the warehouse is not behind its witness, and the night's keys exist.

    Raises  GuardStop after a restore
    """
    with acting(site, "runner", "comparing the warehouse with its witness") as connection:
        witness = witness_of(site, connection)
        require_in_step(connection, witness)
        acting_as(connection, "runner")
        ring = KeyRing.open(connection, witness=witness)
        for purpose in ("token", "tombstone"):
            ring.create(purpose, year_of(as_of))
        connection.commit()


def _recorder(connection: extensions.connection, witness: Witness, as_of: date) -> Recorder:
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


def close_night(
    site: Site, run_id: UUID, verified: Mapping[str, Verification], *, on: date | None = None
) -> Run:
    """Assert the sums, write outcomes and summary, seal the ledger, forget decided keys.

    on  day whose night did the work; None: the day that the run was planned for
    """
    with acting(site, "runner", "closing the run") as connection:
        night = read_night(connection, run_id)
        if night.run.state in ("done", "superseded"):
            return night.run
        if night.run.state == "stopped":
            return _close_stopped(site, connection, night)
        witness = witness_of(site, connection)
        known = night.run.summary.get("outlook")
        ahead = known or look_ahead(site, night.run, witness)
        acting_as(connection, "runner")
        closings = [_close_rule(connection, night.run, planned) for planned in night.rules]
        outlook = known or count_tonight(ahead, sum(closing.done for closing in closings))
        summary = summarise(connection, read_night(connection, run_id), closings, verified)
        summary["outlook"] = outlook
        stopped = {planned.rule for planned in night.rules if planned.state == "stopped"}
        for rule in stopped:
            _forget_keys(connection, run_id, rule)
        waiting = any(each.undecided for each in closings if each.rule not in stopped)
        set_state(connection, run_id, "waiting" if waiting else "running", summary=summary)
        _record_closing(connection, night.run, _payload(night.run, closings, summary, on), witness)
        seal = seal_ledger(connection, witness)
        acting_as(connection, "runner")
        set_state(
            connection,
            run_id,
            "waiting" if waiting else "done",
            finished=True,
            seal_no=seal.seal_no if seal else None,
        )
        connection.commit()
        return read_run(connection, run_id)


def _record_closing(
    connection: extensions.connection, run: Run, payload: Mapping[str, Any], witness: Witness
) -> None:
    """Put the sums on the ledger and commit; once, though a crash came before the seal."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("retention/find_closing"),
            {"run_id": str(run.run_id), "payload": json.dumps(payload)},
        )
        if cursor.fetchone() == (True,):
            connection.commit()
            return
    evidence = EvidenceBatch(connection, run.run_id, witness)
    evidence.add_rows([LedgerRow("sweep_closed", payload)])
    evidence.commit()


def close_stopped(site: Site, run_id: UUID) -> None:
    """Close a night that a guard stopped as a whole: its figures stay, whom it planned does not."""
    with acting(site, "runner", "closing the run") as connection:
        night = read_night(connection, run_id)
        if night.run.state == "stopped":
            _close_stopped(site, connection, night)


def _close_stopped(site: Site, connection: extensions.connection, night: Night) -> Run:
    """A night that only reports: write what it would have done, and forget whom."""
    witness = witness_of(site, connection)
    outlook = night.run.summary.get("outlook") or look_ahead(site, night.run, witness)
    acting_as(connection, "runner")
    closings = [Closing(planned.rule, undecided=planned.due) for planned in night.rules]
    summary = {**summarise(connection, night, closings, {}), "outlook": outlook}
    run = night.run
    for planned in night.rules:
        _forget_keys(connection, run.run_id, planned.rule)
        set_rule_state(connection, run.run_id, planned.rule, "stopped")
    set_state(connection, run.run_id, "stopped", reason=run.reason, summary=summary)
    connection.commit()
    return read_run(connection, run.run_id)


def require_worked_off(run: Run) -> None:
    """Refuse to call a night good whose cleared rules were not worked off.

    Raises  VerificationError with the rules; run the night again, it goes on where it was
    """
    left = [
        f"{each['rule']} ({each['undecided']})"
        for each in run.summary["rules"]
        if each["undecided"] and each["state"] == "planned"
    ]
    if left:
        raise VerificationError(
            f"not worked off: {', '.join(left)}; clear the failed tasks, they go on where they were"
        )


def _forget_keys(connection: extensions.connection, run_id: UUID, rule: str) -> None:
    """Forget whom a rule that was stopped would have erased; a newer plan finds them again."""
    with connection.cursor() as cursor:
        named = {"run_id": str(run_id), "rule": rule}
        cursor.execute(statement("retention/forget_undecided"), named)


def _close_rule(connection: extensions.connection, run: Run, planned: PlannedRule) -> Closing:
    """Add up a rule's outcomes, and forget the keys of whoever is decided about."""
    closing = Closing(planned.rule, done=int(planned.counts.get("done", 0)))
    for key, count in planned.counts.items():
        outcome, _, reason = key.partition(": ")
        if outcome == "skipped":
            closing.skipped[reason] += count
        elif outcome == "quarantined":
            closing.quarantined[reason] += count
    with connection.cursor() as cursor:
        named = {"run_id": str(run.run_id), "rule": planned.rule}
        cursor.execute(statement("retention/count_outcomes"), named)
        rows = cursor.fetchall()
        for outcome, reason, count in rows:
            if outcome is None:
                closing.undecided += count
            elif outcome == "done":
                closing.done += count
            elif outcome == "skipped":
                closing.skipped[reason or "no reason"] += count
            else:
                closing.quarantined[reason or "no reason"] += count
        closing.require_sum(planned.due)
        cursor.execute(statement("retention/purge_decided"), named)
        rows_digest = frozen_digest(connection, run.run_id, planned.rule)
        remaining = rule_digest(run.policy_digest, run.as_of, planned.rule, rows_digest or b"")
        finished = planned.state in CLEARED and not closing.undecided
        cursor.execute(
            statement("retention/write_outcomes"),
            {
                **named,
                "state": "done" if finished else planned.state,
                "counts": json.dumps(_counted(closing)),
                "flags": json.dumps({"remaining": remaining.hex()}),
            },
        )
    return closing


def _counted(closing: Closing) -> dict[str, int]:
    counts = {"done": closing.done}
    counts |= {f"skipped: {reason}": count for reason, count in closing.skipped.items()}
    counts |= {f"quarantined: {reason}": count for reason, count in closing.quarantined.items()}
    return counts


def _payload(
    run: Run, closings: Sequence[Closing], summary: Mapping[str, Any], on: date | None
) -> dict[str, Any]:
    """What the ledger says of a closed run: sums since it was begun."""
    tables = {each["rule"]: each["tables"] for each in summary["rules"]}
    return {
        "as_of": run.as_of.isoformat(),
        "on": (on or run.as_of).isoformat(),
        "policy": run.policy_digest.hex(),
        "rules": {
            closing.rule: {
                "done": closing.done,
                "skipped": dict(closing.skipped),
                "quarantined": dict(closing.quarantined),
                "undecided": closing.undecided,
                "tables": tables[closing.rule],
            }
            for closing in closings
        },
        "outlook": dict(summary["outlook"]),
    }


def summarise(
    connection: extensions.connection,
    night: Night,
    closings: Sequence[Closing],
    verified: Mapping[str, Verification],
) -> dict[str, Any]:
    """The night in figures: no name, key or token of anybody."""
    tables: dict[str, dict[str, dict[str, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/list_tables"), {"run_id": str(night.run.run_id)})
        for rule, table, deleted, changed in cursor.fetchall():
            tables.setdefault(rule, {})[table] = {"deleted": deleted, "changed": changed}
    rules = {planned.rule: planned for planned in night.rules}
    return {
        "run_id": str(night.run.run_id),
        "policy": night.run.policy_name,
        "version": night.run.policy_version,
        "policy_digest": night.run.policy_digest.hex(),
        "as_of": night.run.as_of.isoformat(),
        "rules": [
            _rule_summary(rules[closing.rule], closing, tables, verified) for closing in closings
        ],
    }


def _rule_summary(
    planned: PlannedRule,
    closing: Closing,
    tables: Mapping[str, dict[str, dict[str, int]]],
    verified: Mapping[str, Verification],
) -> dict[str, Any]:
    verification = verified.get(planned.rule)
    at_plan = CANDIDATES[1:]
    kept = {reason: planned.counts[reason] for reason in at_plan if planned.counts.get(reason)}
    return {
        "rule": planned.rule,
        "clause": planned.clause,
        "cluster": planned.cluster,
        "kind": planned.kind,
        "state": planned.state,
        "over_limit": planned.over_limit,
        "digest": planned.digest.hex(),
        "planned": planned.planned,
        "due": planned.due,
        "erased": closing.done,
        "kept": {**kept, **closing.skipped},
        "quarantined": dict(closing.quarantined),
        "undecided": closing.undecided,
        "refused": {
            reason.removeprefix("refused: "): count
            for reason, count in planned.counts.items()
            if reason.startswith("refused: ")
        },
        "oldest_on": planned.oldest_on.isoformat() if planned.oldest_on else None,
        "tables": tables.get(planned.rule, {}),
        "late": dict(verification.late) if verification else {},
        "arrived_since": verification.arrived if verification else None,
    }


@contextmanager
def acting(site: Site, role: Literal["runner"], doing: str) -> Iterator[extensions.connection]:
    """A connection that begins as a role; a database error becomes a message without values."""
    with site.connected(role) as connection:
        try:
            acting_as(connection, role)
            yield connection
        except psycopg2.Error as error:
            if not connection.closed:
                connection.rollback()
            raise WarehouseRefused(
                f"{doing} failed: {describe_database_error(error)}", error.pgcode
            ) from None
