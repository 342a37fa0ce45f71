"""Limits: how much a rule may do in one night without anybody looking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from statistics import median
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg2 import extensions

from lethe.evidence.initialise import read_warehouse
from lethe.include import statement
from lethe.policy.model import Policy
from lethe.policy.model.rules import Cap
from lethe.policy.periods import start_of_day

_MOST_NIGHTS = 90

_TO_DEVIATIONS = 1.4826
"""Median absolute deviation to standard deviations, for a normal distribution."""


def over_limit(
    due: int,
    *,
    limits: Cap,
    population: int | None,
    history: Sequence[int],
    nights: int,
    erased: int = 0,
) -> str | None:
    """Say which limit tonight's number is over, in words; None if it is over none.

    population  subjects of that kind, for the share
    erased      subjects that other runs of the same day have erased: a day's cap is a day's cap
    history     numbers of the last nights; share and distance apply from `nights` of them on
    """
    if limits.subjects is not None and due > 0 and erased and due + erased > limits.subjects:
        return (
            f"{due} subjects are due after {erased} were erased already for this day, the cap is "
            f"{limits.subjects} a night"
        )
    if limits.subjects is not None and due > limits.subjects:
        return f"{due} subjects are due, the cap is {limits.subjects} a night"
    if len(history) < nights:
        return None
    if limits.share is not None and population and due > limits.share * population:
        return (
            f"{due} of {population} subjects are due, more than the share of "
            f"{limits.share:.1%} that one night may take"
        )
    if limits.distance is not None and due > 0:
        usual = median(history)
        spread = max(_TO_DEVIATIONS * median(abs(n - usual) for n in history), 1.0)
        if due > usual + limits.distance * spread:
            return (
                f"{due} subjects are due, usual are {usual:g}; that is more than "
                f"{limits.distance:g} robust standard deviations away"
            )
    return None


def judge_limits(
    connection: extensions.connection,
    policy: Policy,
    as_of: date,
    rule: str,
    due: int,
    population: int,
    *,
    night: UUID | None = None,
    since: datetime | None = None,
) -> str | None:
    """Say which limit of the policy a rule would be over at `as_of`; None if over none.

    night  the run that is judged, whose own work does not count against it
    since  see `day_begun`
    """
    guards = policy.guards
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/read_history"),
            {
                "policy_name": policy.policy.name,
                "rule": rule,
                "before": as_of,
                "nights": max(guards.history_nights, _MOST_NIGHTS),
            },
        )
        history = [int(row[1]) for row in cursor.fetchall()]
    _, erased = count_erased(connection, policy.policy.name, rule, as_of, night, since)
    return over_limit(
        due,
        limits=merged(guards.cap, policy.rules[rule].cap),
        population=population,
        history=history,
        nights=guards.history_nights,
        erased=erased,
    )


def day_begun(connection: extensions.connection, policy: Policy, today: date) -> datetime | None:
    """The instant from which whatever was erased counts for today's cap, for whichever day it was
    planned; None on a rehearsal, where years of nights pass within a day."""
    if read_warehouse(connection).rehearsal:
        return None
    return start_of_day(today, ZoneInfo(policy.policy.time_zone))


def count_erased(
    connection: extensions.connection,
    policy_name: str,
    rule: str,
    on: date,
    night: UUID | None,
    since: datetime | None,
) -> tuple[int, int]:
    """Count whom a rule has erased for the night of a day: in all, and by other nights' runs.

    night  the run of the night whose own work does not count among the second
    since  what was erased from then on counts too, for whichever night
    """
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/count_erased"),
            {
                "policy_name": policy_name,
                "rule": rule,
                "day": on,
                "since": since,
                "night": None if night is None else str(night),
            },
        )
        erased, by_others = cursor.fetchone() or (0, 0)
    return int(erased), int(by_others)


def merged(general: Cap, own: Cap | None) -> Cap:
    """The limits of a rule: its own where it says one, else the general ones."""
    if own is None:
        return general
    said = {name: value for name, value in own.model_dump().items() if value is not None}
    return general.model_copy(update=said)
