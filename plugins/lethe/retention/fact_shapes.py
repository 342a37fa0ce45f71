"""What a period of sweeping is made of, as plain data: counts, days, digests, names of rules.

Nothing here names anybody who was swept. People who decided appear by the name they decided under.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from typing import Any

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NightFacts:
    """One run of the sweep, and what was done for it within the period.

    state      planned, running, waiting, done, stopped (report-only too), failed, superseded
    erased     subjects erased within the period, by deletion rule
    tables     table → rows deleted, changed (blanked or unlinked) within the period
    skipped    reason → subjects that were due and stayed
    canaries   canary → what became of it
    returned   kind of subject → restored, same_identifier, same_key (the restore guard)
    refreshed  materialised view → refreshed, or why not
    oldest_overdue_days  of all rules, as the night found it; None if it could not be asked
    """

    run_id: str
    as_of: date
    edition: str
    policy_digest: str
    state: str
    reason: str | None
    requested_by: str | None
    started_at: datetime
    finished_at: datetime | None
    seal_no: int | None
    erased: Counts = field(default_factory=dict)
    tables: Mapping[str, Counts] = field(default_factory=dict)
    skipped: Counts = field(default_factory=dict)
    quarantined: Counts = field(default_factory=dict)
    undecided: int = 0
    canaries: Mapping[str, str] = field(default_factory=dict)
    returned: Mapping[str, Any] = field(default_factory=dict)
    refreshed: Mapping[str, str] = field(default_factory=dict)
    zero_nights: int | None = None
    oldest_overdue_days: int | None = None


@dataclass(frozen=True, slots=True)
class SetFacts:
    """A frozen set over a limit: it waits, is being worked off, or was refused.

    state       waiting, approved or rejected
    due         subjects in the set; left: of them nobody has decided about yet
    usual       median of the last nights
    risk        risk flag → subjects that carry it
    expires_on  last day on which an answer is taken
    """

    run_id: str
    rule: str
    clause: str | None
    state: str
    as_of: date
    since: date
    due: int
    left: int
    oldest_on: date | None
    newest_on: date | None
    usual: float | None
    over_limit: str
    risk: Counts
    newest_activity_on: str | None
    digest: str
    expires_on: date


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """A deletion rule: how it stood in its last plan, and what it did in the period.

    due, held, restricted, stopped, refused, active, not_yet_due  subjects in the last plan
    refused      reason → subjects whose dates cannot be acted on
    erased, skipped, quarantined                                  subjects in the period
    overdue_on   day on which the oldest subject that is still there became due
    set_aside    subjects that are quarantined now
    late_since   of sets that were erased from later than the day after they were due: since when
                 the oldest had been due; None: in time
    coming       days → subjects that become due within them
    """

    rule: str
    clause: str | None
    cluster: str | None
    subject: str
    planned_on: date | None
    state: str | None
    due: int = 0
    held: int = 0
    restricted: int = 0
    stopped: Counts = field(default_factory=dict)
    refused: Counts = field(default_factory=dict)
    active: int = 0
    not_yet_due: int = 0
    erased: int = 0
    skipped: Counts = field(default_factory=dict)
    quarantined: Counts = field(default_factory=dict)
    overdue_on: date | None = None
    overdue_days: int = 0
    set_aside: int = 0
    coming: Counts = field(default_factory=dict)
    late_since: date | None = None


@dataclass(frozen=True, slots=True)
class HoldFacts:
    """Holds, or restrictions (GDPR Art. 18), in force at the end of the period.

    sort    hold or restriction
    origin  the query of the policy, or how it was laid (hand, request, ...)
    """

    sort: str
    subject: str
    owner: str
    origin: str
    count: int
    past_review: int
    next_review_on: date


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """A decision: about a frozen set (kind plan) or an edition of the policy (kind policy)."""

    kind: str
    rule: str | None
    digest: str
    decision: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class EditionFacts:
    """An edition of the policy that this warehouse has seen."""

    version: str
    digest: str
    effective_from: date | None
    announced_on: date | None
    first_seen_at: datetime
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    is_first: bool
    is_in_force: bool


@dataclass(frozen=True, slots=True)
class RefusalFacts:
    """Subjects that a rule cannot date, since when, and whether the clause is kept for all that."""

    rule: str
    clause: str | None
    reason: str
    subjects: int | None
    since: date
    until: date
    is_kept: bool
    decided_by: str | None
    decision: str | None
    review_on: date | None
    sentence: str


@dataclass(frozen=True, slots=True)
class OutboxFacts:
    """Files and other systems: confirmed in the period, open and set aside today."""

    system: str
    confirmed: int
    open: int
    set_aside: int
    oldest_open_at: datetime | None


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """A copy of personal data that the sweep does not reach, or reaches by a refresh."""

    kind: str
    name: str
    answer: str
    because: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What else the ledger noted: arming, alarms, replays, decisions, wrong canaries."""

    at: datetime
    kind: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SweepFacts:
    """Everything that a report says of the sweep in a period, first and last day included.

    armed_by      None: report-only
    not_kept      clause → sentences that say why
    unreached     systems of the policy without a connector, for which nothing is confirmed
    """

    policy: str
    first: date
    last: date
    armed_at: datetime | None
    armed_by: str | None
    rehearsal: bool
    nights: tuple[NightFacts, ...]
    rules: tuple[RuleFacts, ...]
    sets: tuple[SetFacts, ...]
    holds: tuple[HoldFacts, ...]
    approvals: tuple[ApprovalFacts, ...]
    editions: tuple[EditionFacts, ...]
    refusals: tuple[RefusalFacts, ...]
    not_kept: Mapping[str, tuple[str, ...]]
    outbox: tuple[OutboxFacts, ...]
    unreached: tuple[str, ...]
    copies: tuple[CopyFacts, ...]
    events: tuple[EventFacts, ...]

    @property
    def waiting(self) -> tuple[SetFacts, ...]:
        """Sets that wait for an answer."""
        return tuple(each for each in self.sets if each.state == "waiting")

    def as_data(self) -> dict[str, Any]:
        """The facts as a JSON document."""
        plain: dict[str, Any] = as_plain(self)
        return plain


def as_plain(value: Any) -> Any:
    """Turn facts into what JSON knows: days and instants become ISO 8601 text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: as_plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): as_plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [as_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
