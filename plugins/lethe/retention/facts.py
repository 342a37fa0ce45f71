"""Gather what a period of sweeping is made of, from Lethe's own tables only: quick, reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
from psycopg2 import extensions

from lethe.erasure.freeze import CANDIDATES
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.evidence.initialise import read_warehouse
from lethe.guards.editions import read_editions
from lethe.guards.undecided import read_refusals
from lethe.include import statement
from lethe.policy.model import Policy
from lethe.policy.periods import end_of, start_of_day
from lethe.retention.fact_nights import added_by, late_since, night_of, so_far, summed
from lethe.retention.fact_shapes import (
    ApprovalFacts,
    CopyFacts,
    EditionFacts,
    EventFacts,
    HoldFacts,
    OutboxFacts,
    RefusalFacts,
    RuleFacts,
    SetFacts,
    SweepFacts,
)
from lethe.retention.refresh import REFRESHED, refreshes, say_unrefreshed, unrefreshed

_EVENTS = (
    "warehouse_armed",
    "warehouse_disarmed",
    "warehouse_replayed",
    "witness_opened",
    "sweep_late",
    "sweep_unproven",
    "undecided_decided",
    "files_retried",
    "files_removed",
    "files_given_up",
    "edition_approve",
    "edition_reject",
    "ledger_rows_expired",
)
_STOPPED = tuple(name for name in CANDIDATES if name not in ("due", "held", "restricted"))


def sweep_facts(
    connection: extensions.connection, policy: Policy, first: date, last: date
) -> SweepFacts:
    """Gather the facts of a period.

    connection   in a transaction of the reader
    first, last  days in the policy's time zone, both included
    """
    try:
        return _Gatherer(connection, policy, first, last).gather()
    except psycopg2.Error as error:
        if not connection.closed:
            connection.rollback()
        raise WarehouseRefused(
            f"the facts of the sweep could not be read: {describe_database_error(error)}",
            error.pgcode,
        ) from None


class _Gatherer:
    def __init__(
        self, connection: extensions.connection, policy: Policy, first: date, last: date
    ) -> None:
        self._connection = connection
        self._policy = policy
        self._zone = ZoneInfo(policy.policy.time_zone)
        self._values: dict[str, Any] = {
            "policy_name": policy.policy.name,
            "first": first,
            "last": last,
            "begins": start_of_day(first, self._zone),
            "ends": start_of_day(last + timedelta(days=1), self._zone),
        }
        self._first, self._last = first, last

    def _hold_stops(self) -> list[tuple[str, str]]:
        """Rules that the last plan of the period stopped for a hold without force, and why."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement("guards/list_hold_stops"), self._values)
            return [(str(rule), str(reason)) for rule, reason in cursor.fetchall()]

    def gather(self) -> SweepFacts:
        """Read everything."""
        warehouse = read_warehouse(self._connection)
        runs = self._rows("list_period_runs")
        deltas = self._deltas([str(row[0]) for row in runs])
        for row in runs:
            if row[8] == "running" and row[0] not in deltas and row[11]:
                deltas[str(row[0])] = [so_far(row[11])]
        outlook = _newest_outlook(runs)
        refusals = self._refusals()
        not_kept: dict[str, list[str]] = {}
        for each in refusals:
            if not each.is_kept:
                not_kept.setdefault(each.clause or "without a rule", []).append(each.sentence)
        for view, told in unrefreshed(self._connection, self._policy, self._last).items():
            for clause in told["clauses"]:
                not_kept.setdefault(clause, []).append(say_unrefreshed(view, told))
        for rule, reason in self._hold_stops():
            clause = self._policy.rules[rule].clause if rule in self._policy.rules else None
            not_kept.setdefault(clause or "without a rule", []).append(f"{rule}: {reason}")
        done: dict[str, dict[str, str]] = {}
        for run, _, kind, told in refreshes(self._connection, self._policy, self._last):
            outcome = REFRESHED if kind == "view_refreshed" else str(told["reason"])
            done.setdefault(run, {})[str(told["view"])] = outcome
        return SweepFacts(
            policy=self._policy.policy.name,
            first=self._first,
            last=self._last,
            armed_at=warehouse.armed_at,
            armed_by=warehouse.armed_by,
            rehearsal=warehouse.rehearsal,
            nights=tuple(
                night_of(row, deltas.get(str(row[0]), []), done.get(str(row[0]), {}))
                for row in runs
            ),
            rules=tuple(self._rules(deltas, outlook, late_since(runs, deltas))),
            sets=tuple(self._set(row) for row in self._rows("list_open_sets")),
            holds=tuple(HoldFacts(*row) for row in self._rows("count_holds")),
            approvals=tuple(
                ApprovalFacts(kind, rule, bytes(digest).hex(), decision, by, at)
                for kind, rule, _, digest, decision, by, at in self._rows("list_period_approvals")
            ),
            editions=tuple(self._editions()),
            refusals=tuple(refusals),
            not_kept={clause: tuple(found) for clause, found in not_kept.items()},
            outbox=tuple(OutboxFacts(*row) for row in self._rows("count_outbox")),
            unreached=tuple(
                name
                for name, system in self._policy.systems.items()
                if system.connector is None and system.out_of_scope is None
            ),
            copies=tuple(
                CopyFacts(
                    each.kind, each.name, each.answer, {str(k): v for k, v in each.because.items()}
                )
                for each in self._policy.warehouse.answers
                if each.answer in ("copy", "refresh")
            ),
            events=tuple(
                EventFacts(*row) for row in self._rows("list_events", kinds=list(_EVENTS))
            ),
        )

    def _rows(self, name: str, **more: Any) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement(f"retention/{name}"), {**self._values, **more})
            return cursor.fetchall()

    def _deltas(self, runs: list[str]) -> dict[str, list[dict[str, Any]]]:
        """What each closing within the period adds to the one before: closings add up."""
        found: dict[str, list[dict[str, Any]]] = {}
        rows = self._rows("list_closings", runs=runs)
        for run, closings in groupby(rows, key=lambda row: str(row[0])):
            before: Mapping[str, Any] = {}
            for _, on, payload, seal_no in closings:
                if on >= self._first:
                    found.setdefault(run, []).append(
                        {**payload, "seal_no": seal_no, "added": added_by(payload, before)}
                    )
                before = payload
        return found

    def _rules(
        self,
        deltas: Mapping[str, list[dict[str, Any]]],
        outlook: Mapping[str, Any],
        late: Mapping[str, date],
    ) -> list[RuleFacts]:
        plans = {row[0]: row for row in self._rows("list_last_plans")}
        overdue = {row[0]: (row[3], int(row[4])) for row in self._rows("list_overdue")}
        coming = outlook.get("coming") or {}
        closings = [closing for found in deltas.values() for closing in found]
        facts = []
        for name, rule in self._policy.rules.items():
            kind = self._policy.clusters[rule.cluster].subject
            fact = RuleFacts(name, rule.clause, rule.cluster, kind, None, None)
            fact = _planned(fact, plans[name]) if name in plans else fact
            oldest_on, set_aside = overdue.get(name, (None, 0))
            added = [closing["added"].get(name, {}) for closing in closings]
            facts.append(
                replace(
                    fact,
                    erased=sum(each.get("done", 0) for each in added),
                    skipped=summed(each.get("skipped", {}) for each in added),
                    quarantined=summed(each.get("quarantined", {}) for each in added),
                    overdue_on=oldest_on,
                    overdue_days=max(0, (self._last - oldest_on).days) if oldest_on else 0,
                    set_aside=set_aside,
                    coming=coming.get(name, {}) if isinstance(coming, Mapping) else {},
                    late_since=late.get(name),
                )
            )
        return facts

    def _set(self, row: Sequence[Any]) -> SetFacts:
        run, rule, clause, state, as_of, started_at, counts, oldest, newest = row[:9]
        usual, over_limit, flags, digest = row[9:]
        since = started_at.astimezone(self._zone).date()
        due = int(counts.get("due", 0))
        decided = sum(
            count
            for name, count in counts.items()
            if name == "done" or name.startswith(("skipped: ", "quarantined: "))
        )
        return SetFacts(
            str(run),
            rule,
            clause,
            state,
            as_of,
            since,
            due,
            max(0, due - decided),
            oldest,
            newest,
            None if usual is None else float(usual),
            over_limit or "",
            flags.get("risk", {}),
            flags.get("newest_activity_on"),
            bytes(digest).hex(),
            end_of(since, self._policy.guards.approval_timeout),
        )

    def _editions(self) -> list[EditionFacts]:
        found = read_editions(self._connection)
        own = [each for each in found.seen if each.name == self._policy.policy.name]
        return [
            EditionFacts(
                each.version,
                each.digest.hex(),
                each.effective_from,
                each.announced_on,
                each.first_seen_at,
                each.decision,
                each.decided_by,
                each.decided_at,
                each is found.first,
                each is found.agreed,
            )
            for each in own
        ]

    def _refusals(self) -> list[RefusalFacts]:
        return [
            RefusalFacts(
                each.rule,
                each.clause,
                each.reason,
                each.subjects,
                each.since,
                each.until,
                each.is_kept(self._last),
                each.decided.decided_by if each.decided else None,
                each.decided.decision if each.decided else None,
                each.decided.review_on if each.decided else None,
                each.sentence(),
            )
            for each in read_refusals(self._connection, self._policy, self._last)
        ]


def _planned(fact: RuleFacts, row: Sequence[Any]) -> RuleFacts:
    _, _, _, _, as_of, state, _, counts, _, _ = row
    return replace(
        fact,
        planned_on=as_of,
        state=state,
        due=counts.get("due", 0),
        held=counts.get("held", 0),
        restricted=counts.get("restricted", 0),
        stopped={name: counts[name] for name in _STOPPED if counts.get(name)},
        refused={
            name.removeprefix("refused: "): count
            for name, count in counts.items()
            if name.startswith("refused: ") and count
        },
        active=counts.get("active", 0),
        not_yet_due=counts.get("not yet due", 0),
    )


def _newest_outlook(runs: Sequence[Sequence[Any]]) -> Mapping[str, Any]:
    found = [row[11].get("outlook") for row in runs if row[11].get("outlook")]
    return found[-1] if found else {}
