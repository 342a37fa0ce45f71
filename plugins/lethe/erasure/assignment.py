"""What a wing asks of the eraser: whom, by which decision, and how to check it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from lethe.catalogue.fragments import Statement
from lethe.catalogue.graph import Graph
from lethe.erasure.steps import Steps
from lethe.policy.names import TableName


@dataclass(frozen=True, slots=True)
class Assignment:
    """One rule's part of a run.

    decide   WITH list up to the relation `decided` (k0…, key, starting_on, due_on, outcome)
    recheck  the same, restricted to the keys of a batch
    glance   the same again, but for newer rows of tables whose delete tells of them; where one
             does, the batch is rolled back and begins anew with `recheck`
    locks    table → statements that lock, for a batch, the rows that the decision rests on
    cut_off  last day of activity that stops no subject, wherever it lives; None: none stops one
    keeps    statements that keep, for a batch, what outlives its rows; they run before the act
    """

    graph: Graph
    run_id: UUID
    rule: str
    clause: str
    as_of: date
    steps: Steps
    decide: Statement
    recheck: Statement
    glance: Statement
    locks: tuple[tuple[TableName, Statement], ...]
    cut_off: date | None = None
    keeps: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A frozen subject that this worker has claimed.

    key  PostgreSQL's text form of each key column
    """

    number: int
    key: tuple[str, ...]
    due_on: date | None
    starting_on: datetime | None
