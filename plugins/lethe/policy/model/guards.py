"""Guards: caps, approval, holds, restrictions, canaries, and manners towards a live database."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lethe.policy.model.base import Key, Model, Text, TimeOfDay
from lethe.policy.model.conditions import Conditions
from lethe.policy.model.rules import Cap
from lethe.policy.periods import Period


class BesideOthers(Model):
    """How batches give way while others work on the database."""

    above: Annotated[float, Field(gt=0)] = 50
    """So many transactions a second of others are others at work."""
    target_ms: Annotated[int, Field(ge=5)] = 25
    """Duration of a batch meanwhile, in milliseconds."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the time that batches may take meanwhile; for the rest of it the eraser rests."""


class Batches(Model):
    """Manners towards a live database; to tune them makes no new edition."""

    subjects: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Subjects a batch at most; adapted to the measured latency."""
    workers: Annotated[int, Field(ge=1, le=16)] = 2
    """So many batches of a rule at once, where its set is large, no cap limits the night and nobody
    else works on the database; else one."""
    target_ms: Annotated[int, Field(ge=10)] = 250
    """Duration of a batch that the size is adapted to, in milliseconds."""
    beside_others: BesideOthers = BesideOthers()
    """What holds instead while others work on the database."""
    lock_timeout_ms: Annotated[int, Field(ge=1)] = 2_000
    """How long a batch waits for a lock."""
    statement_timeout_ms: Annotated[int, Field(ge=1)] = 30_000
    """How long a statement may take."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    """Attempts after a deadlock, a serialisation failure or a lock that was not to be had."""


class Marked(Model):
    """Subjects that the warehouse itself marks as held or restricted."""

    subject: Key
    """Kind of subject."""
    where: Conditions
    """Which of them."""
    because: Text
    """Reason, for the report."""


class RiskFlag(Model):
    """Something that an approver should see before deciding."""

    subject: Key
    """Kind of subject."""
    where: Conditions
    """Which of them carry the flag."""
    title: Text
    """The flag in words."""


class Approver(Model):
    """Somebody who may approve."""

    user: Annotated[str, Field(min_length=1)]
    """User name in Airflow."""
    name: str
    """Name for people."""
    database_role: str = "lethe_approver"
    """Role of his own: at a shell, the login of `lethe_approver` must be a member of it."""


class Canary(Model):
    """A planted subject that must be erased, or must survive."""

    subject: Key
    """Kind of subject."""
    template: str
    """SQL file below `include/` that inserts it."""
    rule: Key | None = None
    """The rule that must claim it; none: no rule may."""
    outcome: Literal["erased", "survives"]
    """What must happen."""


class Guards(Model):
    """Everything that may stop an erasure."""

    cap: Cap = Cap(subjects=1_000)
    """Limits a rule and night, unless a rule has its own."""
    history_nights: Annotated[int, Field(ge=1)] = 14
    """Nights of history before `distance` and `share` apply; before that only absolute limits."""
    approvers: tuple[Approver, ...] = ()
    """Who may approve what is over a limit."""
    approval_timeout: Period = Period.parse("P7D")
    """After this an unanswered question counts as rejected."""
    holds: dict[Key, Marked] = {}
    """Legal holds that the warehouse marks."""
    restrictions: dict[Key, Marked] = {}
    """Restrictions (GDPR Art. 18) that the warehouse marks."""
    risk_flags: dict[Key, RiskFlag] = {}
    """What an approver should see."""
    canaries: dict[Key, Canary] = {}
    """Planted subjects, inserted and rolled back before the real work."""
    batches: Batches = Batches()
    """Batch size and timeouts."""
    done_by: TimeOfDay = "06:00"
    """Local time by which the night must be done, or an alarm is raised."""
    zero_nights: Annotated[int, Field(ge=1)] = 30
    """Nights in a row without any work after which silence is an alarm."""
