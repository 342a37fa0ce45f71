"""Deletion rules: starting point, standard period, minimum periods (ISO/IEC 27555)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lethe.policy.model.base import Country, Key, Model, Table, Text
from lethe.policy.model.conditions import Conditions
from lethe.policy.periods import Period


class Event(Model):
    """A date or time in a table that hangs on the subject."""

    column: str
    """Column of type date, timestamp or timestamptz."""
    table: Table | None = None
    """Its table; the subject's own by default."""
    where: Conditions = ()
    """Which rows count."""
    running: Conditions | None = None
    """Rows that are still going on: they keep the subject active, whatever their date."""
    optional: bool = False
    """NULL means that the event did not happen; otherwise a NULL is refused and reported."""


class Plausible(Model):
    """Dates that can be true; others are refused and reported, never acted on."""

    from_: date = Field(date(1990, 1, 1), alias="from")
    """First plausible day."""
    to: date = date(2099, 12, 31)
    """Last plausible day."""
    sentinels: tuple[date, ...] = (date(1970, 1, 1), date(1900, 1, 1), date(9999, 12, 31))
    """Days that stand for 'unknown'."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ > self.to:
            raise ValueError(
                f"from ({self.from_}) is later than to ({self.to}): no date is plausible"
            )
        return self


class StartingPoint(Model):
    """When a period starts to run: one event, or one of several."""

    event: Text
    """The event in words, such as 'end of the last service'."""
    latest: tuple[Event, ...] = ()
    """The latest of these."""
    earliest: tuple[Event, ...] = ()
    """The earliest of these."""
    first_known: tuple[Event, ...] = ()
    """The first of these, in this order, that has a date."""
    not_before: Event | None = None
    """A date that the starting point cannot precede (opened before closed); else refused."""
    plausible: Plausible = Plausible()
    """Which dates can be true."""
    although: Text | None = None
    """Why a column that looks like a change date is the right one all the same."""

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if sum(map(bool, (self.latest, self.earliest, self.first_known))) != 1:
            raise ValueError("say exactly one of: latest, earliest, first_known")
        return self

    @property
    def events(self) -> tuple[Event, ...]:
        """The events, whichever way they are combined."""
        return self.latest or self.earliest or self.first_known

    @property
    def choice(self) -> Literal["latest", "earliest", "first_known"]:
        """How the events are combined."""
        if self.latest:
            return "latest"
        return "earliest" if self.earliest else "first_known"


class Minimum(Model):
    """A minimum period of a country's law."""

    period: Period
    """The minimum."""
    law: Annotated[str, Field(min_length=3)]
    """The article that asks for it; no minimum without a citation."""


class Cap(Model):
    """How much a rule may do in one night without approval."""

    subjects: Annotated[int, Field(ge=0)] | None = None
    """Absolute number of subjects."""
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the subjects of that kind."""
    distance: Annotated[float, Field(gt=0)] | None = None
    """Distance from the median of the last nights, in robust standard deviations."""


class Rule(Model):
    """A deletion rule: when a cluster of a subject is due."""

    cluster: Key
    """The cluster that it erases."""
    clause: Key
    """The clause that it keeps."""
    title: Text
    """The rule in words."""
    starting_point: StartingPoint
    """When the period starts."""
    period: Period
    """The standard period."""
    at_least: dict[Country, Minimum] = {}
    """Minimum periods by the subject's country."""
    where: Conditions = ()
    """Which subjects of the cluster the rule claims; the rules of one cluster leave no gap and
    no overlap."""
    cap: Cap | None = None
    """Limits of this rule, where they differ from the general ones."""
    newer_rows: Literal["stop", "ignore"] = "stop"
    """A row with activity newer than the cut-off stops the subject, or is ignored."""
