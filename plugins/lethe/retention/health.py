"""Is the house in order? One answer for a monitor that stands outside of Airflow.

Only Lethe's own tables are read, by index: quick on any warehouse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
from psycopg2 import extensions

from lethe.errors import (
    WarehouseRefused,
    WarehouseUnreachable,
    describe_database_error,
)
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.witness import Witness
from lethe.guards.holds import lost_queries
from lethe.guards.undecided import not_kept, read_refusals
from lethe.guards.unfit_holds import say_unfit, unfit_holds
from lethe.include import statement
from lethe.policy.model import Policy
from lethe.policy.periods import end_of
from lethe.retention.refresh import say_unrefreshed, unrefreshed
from lethe.retention.witness_signs import compare_with_witness

_UNSEALED_HOURS = 24.0


_FILES_MAY_WAIT_DAYS = 2
"""Attempts are made for some days; after this somebody should know."""


@dataclass(slots=True)
class Health:
    """What a monitor needs to know.

    facts     name → value, all that was looked at
    problems  what is not in order, in words; none: healthy
    """

    as_of: date
    facts: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        """Nothing is out of order."""
        return not self.problems

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 not."""
        return 0 if self.is_healthy else 1

    def line(self) -> str:
        """Everything in one line."""
        if self.problems:
            return f"not healthy: {'; '.join(self.problems)}"
        facts = self.facts
        return (
            f"healthy: last sealed sweep {facts['last_sweep']}, oldest overdue "
            f"{facts['oldest_overdue_days']} days, {facts['waiting']} waiting for approval, "
            f"{facts['holds']} holds, witness at {facts['witness'] or 'none'}"
        )

    def as_data(self) -> dict[str, Any]:
        """The answer as JSON data."""
        return {
            "healthy": self.is_healthy,
            "as_of": self.as_of.isoformat(),
            "problems": list(self.problems),
            **self.facts,
        }


def check_health(
    connection: extensions.connection,
    policy: Policy,
    as_of: date,
    *,
    witness: Witness | None = None,
    now: datetime | None = None,
) -> Health:
    """Ask every sign of life; nothing is written.

    connection  in a transaction of the reader
    now         the instant; with it, tonight's sweep must be done by `guards.done_by`
    """
    health = Health(as_of)
    try:
        if not read_warehouse(connection).armed:
            health.problems.append("report-only: the warehouse is not armed, nothing is erased")
        with connection.cursor() as cursor:
            _ask_sweep(cursor, health, policy, now)
            _ask_overdue(cursor, health, policy)
            _ask_files(cursor, health, policy)
            _ask_zero_nights(cursor, health, policy)
            _ask_waiting(cursor, health, policy)
            _ask_holds(cursor, health)
            _ask_seals(cursor, health)
            said, problems = compare_with_witness(cursor, witness)
            health.facts |= said
            health.problems.extend(problems)
        _ask_queries(connection, health, policy)
        _ask_unfit(connection, health, policy)
        _ask_views(connection, health, policy)
        _ask_undecided(connection, health, policy)
    except psycopg2.Error as error:
        if connection.closed or (error.pgcode or "08").startswith(("08", "57P")):
            raise WarehouseUnreachable("the warehouse went away while it was asked") from None
        connection.rollback()
        raise WarehouseRefused(
            f"health could not be read: {describe_database_error(error)}", error.pgcode
        ) from None
    return health


def _ask_sweep(
    cursor: extensions.cursor, health: Health, policy: Policy, now: datetime | None
) -> None:
    cursor.execute(statement("retention/read_last_sweep"), _named(policy))
    row = cursor.fetchone()
    sealed_on, finished_at, newest_on, state, reason = row or (None,) * 5
    age = None if sealed_on is None else (health.as_of - sealed_on).days
    health.facts |= {
        "last_sweep": _iso(sealed_on),
        "last_sweep_finished_at": finished_at.isoformat() if finished_at else None,
        "last_sweep_age_days": age,
        "newest_run_state": state,
    }
    if age is None:
        health.problems.append("no sweep has been sealed yet")
    elif age > _sweep_may_be(policy, health.as_of, now):
        health.problems.append(f"the last sealed sweep is {age} days old, of {sealed_on}")
    if state in ("failed", "stopped") and (sealed_on is None or newest_on > sealed_on):
        health.problems.append(f"the sweep of {newest_on} {state}: {reason or 'no reason given'}")


def _sweep_may_be(policy: Policy, as_of: date, now: datetime | None) -> int:
    """How old the last sweep may be: tonight's may still be under way until `done_by`."""
    if now is None:
        return 1
    local = now.astimezone(ZoneInfo(policy.policy.time_zone))
    is_over = local.date() == as_of and local.time() >= time.fromisoformat(policy.guards.done_by)
    return 0 if is_over else 1


def _ask_overdue(cursor: extensions.cursor, health: Health, policy: Policy) -> None:
    cursor.execute(statement("retention/list_overdue"), _named(policy))
    overdue: dict[str, int] = {}
    quarantined: dict[str, int] = {}
    for rule, clause, state, oldest_on, set_aside in cursor.fetchall():
        overdue[rule] = 0 if oldest_on is None else max(0, (health.as_of - oldest_on).days)
        if set_aside:
            quarantined[rule] = int(set_aside)
        if oldest_on and end_of(oldest_on, policy.guards.approval_timeout) < health.as_of:
            health.problems.append(
                f"rule {rule} (clause {clause}, {state}): the oldest subject is "
                f"{overdue[rule]} days overdue"
            )
    health.facts |= {
        "overdue_days": overdue,
        "oldest_overdue_days": max(overdue.values(), default=0),
        "quarantined": quarantined,
    }
    health.problems.extend(
        f"rule {rule}: {count} subjects are set aside" for rule, count in quarantined.items()
    )


def _ask_files(cursor: extensions.cursor, health: Health, policy: Policy) -> None:
    """Files of the erased that are still there: tried for days, or never tried again."""
    cursor.execute(statement("erasure/count_intents"))
    files = {}
    for system, waiting, set_aside, oldest in cursor.fetchall():
        known = policy.systems.get(system)
        if known is None or known.connector is None:
            continue  # what nobody reaches is told as 'not kept'
        files[system] = {"open": waiting, "set_aside": set_aside}
        days = (health.as_of - oldest.date()).days
        if set_aside:
            health.problems.append(
                f"system {system}: {set_aside} files of erased people were set aside and are still "
                "there: `lethe sweep files list`"
            )
        elif waiting and days > _FILES_MAY_WAIT_DAYS:
            health.problems.append(
                f"system {system}: {waiting} files of erased people wait, one for {days} days: "
                "`lethe sweep files list`"
            )
    health.facts["files"] = files


def _ask_zero_nights(cursor: extensions.cursor, health: Health, policy: Policy) -> None:
    cursor.execute(statement("retention/count_zero_nights"), _named(policy))
    row = cursor.fetchone()
    nights = int(row[0]) if row else 0
    health.facts["zero_nights"] = nights
    if nights >= policy.guards.zero_nights:
        health.problems.append(f"nobody was erased in the last {nights} nights")


def _ask_waiting(cursor: extensions.cursor, health: Health, policy: Policy) -> None:
    cursor.execute(statement("retention/list_waiting"), _named(policy))
    rows = cursor.fetchall()
    zone = ZoneInfo(policy.policy.time_zone)
    since = {rule: started.astimezone(zone).date() for rule, started in reversed(rows)}
    health.facts |= {
        "waiting": len(rows),
        "waiting_days": {rule: (health.as_of - day).days for rule, day in since.items()},
    }
    health.problems.extend(
        f"rule {rule} has waited for an approval since {day}"
        for rule, day in since.items()
        if end_of(day, policy.guards.approval_timeout) < health.as_of
    )


def _ask_holds(cursor: extensions.cursor, health: Health) -> None:
    cursor.execute(statement("retention/count_open_holds"), {"as_of": health.as_of})
    row = cursor.fetchone()
    holds, late = row or (0, 0)
    health.facts |= {"holds": int(holds), "holds_past_review": int(late)}
    if late:
        health.problems.append(f"{late} holds are past their review")


def _ask_seals(cursor: extensions.cursor, health: Health) -> None:
    cursor.execute(statement("retention/count_unsealed"))
    row = cursor.fetchone()
    batches, hours = row or (0, 0.0)
    health.facts |= {"unsealed_batches": int(batches), "unsealed_hours": round(hours, 1)}
    if batches and hours > _UNSEALED_HOURS:
        health.problems.append(
            f"{batches} batches of evidence are not sealed, the oldest for {hours:.0f} hours"
        )


def _ask_queries(connection: extensions.connection, health: Health, policy: Policy) -> None:
    for sort, kind, query in lost_queries(connection, policy):
        health.problems.append(
            f"a {sort} on '{query}' of {kind} is in force, and the policy has no such query"
        )


def _ask_unfit(connection: extensions.connection, health: Health, policy: Policy) -> None:
    """Holds that an edition left without force; whose values do not fit, the night has found."""
    unfit = unfit_holds(connection, policy)
    health.facts["holds_without_force"] = len(unfit)
    health.problems.extend(say_unfit(unfit))
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/list_hold_stops"), {**_named(policy), "last": health.as_of}
        )
        stopped = cursor.fetchall()
    health.problems.extend(f"rule {rule} was stopped: {reason}" for rule, reason in stopped)


def _ask_views(connection: extensions.connection, health: Health, policy: Policy) -> None:
    for view, told in unrefreshed(connection, policy, health.as_of).items():
        health.problems.append(say_unrefreshed(view, told))


def _ask_undecided(connection: extensions.connection, health: Health, policy: Policy) -> None:
    refusals = read_refusals(connection, policy, health.as_of)
    broken: Mapping[str, Any] = not_kept(refusals, health.as_of)
    health.facts |= {
        "refused": [refusal.sentence() for refusal in refusals],
        "not_kept": {
            clause: [refusal.sentence() for refusal in found] for clause, found in broken.items()
        },
    }
    health.problems.extend(
        f"clause {clause or 'without a rule'} is not kept: {refusal.sentence()}"
        for clause, found in broken.items()
        for refusal in found
    )


def _named(policy: Policy) -> dict[str, str]:
    return {"policy_name": policy.policy.name}


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
