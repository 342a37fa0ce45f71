"""What expectations are derived from: bound policy, day, and what other duties hand over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from psycopg2 import sql

from lethe.catalogue.bind import Bound
from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.fragments import Statement, Values
from lethe.catalogue.graph import Graph, Kind
from lethe.catalogue.model import Catalogue, Table
from lethe.policy.model import Policy
from lethe.policy.model.archive import CheckKind
from lethe.policy.model.conditions import Conditions
from lethe.policy.names import TableName
from lethe.policy.said import say_text
from lethe.quality.expectations import (
    WAREHOUSE,
    Absent,
    Expectation,
    Scan,
    Severity,
    Stage,
)
from lethe.quality.series import Series

DEFAULTS: Mapping[CheckKind, tuple[Severity, float]] = {
    "card": ("critical", 1.0),
    "iban": ("critical", 1.0),
    "address": ("critical", 1.0),
    "automatic": ("warning", 1.0),
    "critical": ("critical", 1.0),
    "password": ("critical", 1.0),
    "email": ("warning", 0.98),
    "country": ("warning", 0.98),
    "vat": ("warning", 0.9),
    "consent": ("critical", 1.0),
    "withdrawal": ("critical", 1.0),
    "minors": ("critical", 1.0),
    "disclosure": ("critical", 1.0),
    "told": ("warning", 1.0),
    "processors": ("critical", 1.0),
    "overdue": ("warning", 1.0),
    "orphans": ("warning", 1.0),
    "parts": ("warning", 1.0),
    "dates": ("critical", 0.9),
    "archive": ("warning", 1.0),
    "links": ("warning", 0.9),
    "freshness": ("warning", 1.0),
    "volume": ("warning", 1.0),
    "classified": ("critical", 1.0),
    "leak": ("critical", 1.0),
    "unread": ("warning", 1.0),
}
"""Severity and threshold of every kind, unless the policy says otherwise."""
FEW: Mapping[CheckKind, int] = {"dates": 20}
"""Rows that may break a kind whatever their share, unless the policy names a share or a number.

A date that cannot be believed is refused and reported by itself; a rule waits for a fault of the
source, not for the few wrong dates that every table has."""


class Proof(Protocol):
    """One question of the coverage proof; `found` selects `why` and `key` of what is wrong."""

    @property
    def topic(self) -> str: ...
    @property
    def cluster(self) -> str | None: ...
    @property
    def rule(self) -> str | None: ...
    @property
    def table(self) -> TableName | None: ...
    @property
    def found(self) -> Statement: ...


@dataclass(frozen=True, slots=True)
class Handed:
    """What retention knows and quality asks: who is due, dated, covered.

    judge     (graph, rule, as_of) → WITH list up to `decided`
    dated     (graph, rule, as_of) → WITH list up to `dated`; needs nothing of Lethe's own schema
    prove     the questions of the coverage proof
    """

    judge: Callable[[Graph, str, date], Statement]
    dated: Callable[[Graph, str, date], Statement]
    prove: Callable[[Graph, date, bool], Sequence[Proof]]


@dataclass(frozen=True, slots=True)
class Ground:
    """A policy bound to a warehouse on a day.

    initialised  Lethe's own schema is there
    archived     the archive has begun
    volumes      table → (fewest, most) rows that its history makes likely
    vat          column → (distinct values, of which wrong), where somebody counted them
    log_files    folder of pseudonymised logs → is each file without a raw address?
    series       columns of long numbers that are no cards → what was seen of them
    """

    bound: Bound
    as_of: date
    handed: Handed | None
    initialised: bool = False
    archived: bool = False
    volumes: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    vat: Mapping[tuple[TableName, str], tuple[int, int]] = field(default_factory=dict)
    series: Mapping[tuple[TableName, str], Series] = field(default_factory=dict)
    log_files: Mapping[str, Sequence[bool]] = field(default_factory=dict)
    values: Values = field(default_factory=Values)

    @property
    def policy(self) -> Policy:
        return self.bound.graph.policy

    @property
    def graph(self) -> Graph:
        return self.bound.graph

    @property
    def catalogue(self) -> Catalogue:
        return self.bound.graph.catalogue

    @property
    def context(self) -> Context:
        """Where conditions are composed; every value gets a name of its own."""
        return Context(self.graph, self.as_of, self.values)

    def table(self, name: TableName | None) -> Table | None:
        """A table, if the warehouse has it."""
        return self.catalogue.tables.get(name) if name is not None else None

    def in_scope(self, name: TableName) -> bool:
        """The policy speaks about the table."""
        warehouse = self.policy.warehouse
        if name in self.policy.tables:
            return True
        if warehouse.schemas and name.schema not in warehouse.schemas:
            return False
        return not any(
            ignored.schema_ == name.schema or ignored.table == name for ignored in warehouse.ignore
        )

    def clusters_of(self, table: TableName) -> tuple[str, ...]:
        """The clusters that rows of a table belong to."""
        entry = self.policy.tables.get(table)
        if entry is None:
            return ()
        if entry.cluster is not None:
            return (entry.cluster,)
        return tuple(dict.fromkeys(part.cluster for part in entry.rows))

    def suite_of(self, table: TableName) -> str:
        """The suite of a table: its first cluster."""
        return next(iter(self.clusters_of(table)), WAREHOUSE)

    def rules_of(self, table: TableName) -> tuple[str, ...]:
        """The rules that act on a table."""
        clusters = {
            cluster
            for cluster, members in self.graph.members.items()
            if any(member.table == table for member in members)
        } | set(self.clusters_of(table))
        return tuple(name for name, rule in self.policy.rules.items() if rule.cluster in clusters)

    def kind_of(self, table: TableName) -> Kind:
        """A kind of subject that rows of a table hang on, for conditions; any where none does."""
        for cluster in self.clusters_of(table):
            subject = self.policy.clusters[cluster].subject
            if subject in self.graph.kinds:
                return self.graph.kinds[subject]
        for (kind, found), _ in self.graph.ways.items():
            if found == table:
                return self.graph.kinds[kind]
        return next(iter(self.graph.kinds.values()))

    def where(self, table: TableName, conditions: Conditions) -> sql.Composable:
        """Conditions over rows `m` of a table."""
        return conditions_sql(self.context, Row("m", table, self.kind_of(table)), conditions)

    def rows_of(self, table: TableName) -> sql.Composable:
        """The FROM list of a table; one that others inherit from is read alone."""
        known = self.catalogue.tables.get(table)
        alone = known is not None and known.kind == "table" and self.catalogue.heirs_of(table)
        return sql.SQL("ONLY {} AS m" if alone else "{} AS m").format(table.identifier)

    def key_of(self, table: TableName) -> tuple[str, ...]:
        """The columns that name a row."""
        known = self.catalogue.tables.get(table)
        return known.unique_keys[0] if known is not None and known.unique_keys else ()

    def expect(
        self,
        kind: CheckKind,
        what: str,
        title: str,
        *,
        table: TableName | None = None,
        suite: str | None = None,
        clause: str | None = None,
        stage: Stage = "state",
        holds: sql.Composable | None = None,
        wrong: sql.Composable | None = None,
        at_least: int | None = None,
        between: tuple[int, int | None] | None = None,
        rules: tuple[str, ...] = (),
    ) -> Expectation:
        """Make an expectation of a kind, with what the policy says about that kind.

        what  what it is about: table, column, rule
        """
        check = self.policy.quality.checks.get(kind)
        severity, mostly = DEFAULTS[kind]
        few = FEW.get(kind, 0) if check is None or check.mostly is None else 0
        return Expectation(
            key=f"{kind}.{what}",
            kind=kind,
            suite=suite or (self.suite_of(table) if table is not None else WAREHOUSE),
            title=title,
            clause=(check.clause if check else None) or clause,
            severity=(check.severity if check else None) or severity,
            owner=(check.owner if check else None) or self.policy.quality.owner,
            mostly=(check.mostly if check else None) or mostly,
            few=check.few if check is not None and check.few is not None else few,
            stage=stage,
            holds=holds,
            wrong=wrong,
            at_least=at_least,
            between=between,
            touches=(table,) if table is not None else (),
            rules=rules,
        )

    def off(self, kind: CheckKind) -> Absent | None:
        """What the policy says about a kind that it does not check."""
        check = self.policy.quality.checks.get(kind)
        if check is None or check.off_because is None:
            return None
        return self.missing(kind, say_text(check.off_because))

    def missing(
        self, kind: CheckKind, because: str, *, what: str = "", clause: str | None = None
    ) -> Absent:
        """A kind of expectation that this warehouse gives no ground for."""
        check = self.policy.quality.checks.get(kind)
        return Absent(
            f"{kind}.{what}" if what else kind,
            kind,
            WAREHOUSE,
            (check.clause if check else None) or clause,
            DEFAULTS[kind][0],
            "not applicable",
            because,
        )

    def broken(self, expectation: str, kind: str, clause: str | None, because: str) -> Absent:
        """An expectation that cannot be asked: something about it is wrong."""
        return Absent(expectation, kind, WAREHOUSE, clause, "warning", "not checked", because)


@dataclass(frozen=True, slots=True)
class RowCheck:
    """An expectation over the rows of a table, which shares the scan of that table.

    beside  relations of one row beside each row `m`, by alias, that `holds` reads; whoever wants
            the same shares it
    """

    table: TableName
    expectation: Expectation
    beside: Mapping[str, sql.Composable] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OwnScan:
    """Expectations that bring a scan of their own."""

    scan: Scan


Found = RowCheck | OwnScan | Absent
