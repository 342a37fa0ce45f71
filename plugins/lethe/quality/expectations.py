"""Expectations as plain frozen data: what must be true, of which rows, and who says so.

An expectation is a boolean over a row: true keeps it, false breaks it, NULL is not concerned. A
scan is one pass over one relation that answers several expectations at once; nothing but these
booleans is ever selected, so no value of a row can reach a report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from shlex import quote
from typing import Any, Literal

from psycopg2 import sql

from lethe.catalogue.fragments import comma, key_text
from lethe.policy.names import TableName

Severity = Literal["critical", "warning"]
Stage = Literal["input", "state", "outcome"]
"""input: before the guard of the sweep; outcome: after it; state: whenever."""

WAREHOUSE = "warehouse"
"""The suite of tables that belong to no cluster."""
POLICY = "policy"
"""The suite of what policy and catalogue tell without a row."""


def rows_command(key: str) -> str:
    """What shows the rows that break an expectation, fit for a shell whatever tables are called."""
    return f"lethe quality rows {quote(key)}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that must be true.

    key       stable name, such as 'card.crm.account'
    title     in words, for Data Docs
    mostly    share of the concerned rows that must keep it
    few       so many may break it, whatever their share
    holds     boolean over the rows of its scan; None where rows are counted (`between`)
    wrong     SELECT of the rows that break it (column `key` text[]), instead of `holds`
    statement  of the policy, whose rows are wrong: FROM list with the alias `s`
    at_least  so many rows must keep it, instead of a share
    between   how many rows there may be
    touches   tables whose rules a critical input stops
    rules     rules that it is about, if it is not about tables
    """

    key: str
    kind: str
    suite: str
    title: str
    clause: str | None
    severity: Severity
    owner: str | None
    mostly: float = 1.0
    few: int = 0
    stage: Stage = "state"
    holds: sql.Composable | None = None
    wrong: sql.Composable | None = None
    statement: sql.Composable | None = None
    at_least: int | None = None
    between: tuple[int, int | None] | None = None
    touches: tuple[TableName, ...] = ()
    rules: tuple[str, ...] = ()

    def is_kept(self, concerned: int, failing: int, rows: int) -> bool:
        """Judge the counts of a scan."""
        if self.between is not None:
            low, high = self.between
            return rows >= low and (high is None or rows <= high)
        if self.at_least is not None:
            return concerned - failing >= self.at_least
        return failing <= max(self.few, concerned * (1 - self.mostly) + 1e-9)

    def as_document(self) -> dict[str, Any]:
        """The expectation as a file shows it, without its SQL."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "title": self.title,
            "clause": self.clause,
            "severity": self.severity,
            "owner": self.owner,
            "stage": self.stage,
            "mostly": self.mostly,
        }
        if self.few:
            found["few"] = self.few
        if self.at_least is not None:
            found["at_least_rows"] = self.at_least
        if self.between is not None:
            found["rows_between"] = list(self.between)
        if self.rules:
            found["rules"] = list(self.rules)
        return found


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over one relation, for several expectations.

    name    table or topic
    source  FROM list, whose rows the alias `m` names; None: the expectations bring their own rows
    key     columns of `m` that name a row
    weight  bytes to read, for the largest to be asked first
    """

    name: str
    suite: str
    source: sql.Composable | None
    expectations: tuple[Expectation, ...]
    table: TableName | None = None
    key: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    weight: int = 0

    def only(self, expectations: Iterable[Expectation]) -> Scan:
        """The same pass for some of its expectations."""
        return replace(self, expectations=tuple(expectations))

    @property
    def flags(self) -> tuple[tuple[str, Expectation], ...]:
        """The boolean columns of the query, and what each one answers."""
        return tuple(
            (f"e{number}", each)
            for number, each in enumerate(self.expectations, start=1)
            if each.between is None
        )

    def query(self) -> sql.Composed:
        """The relation that is judged: one boolean a row and expectation, and nothing else."""
        if self.source is None:
            return self._union()
        flags = comma(
            sql.SQL("({}) AS {}").format(each.holds or sql.SQL("true"), sql.Identifier(name))
            for name, each in self.flags
        )
        if not self.flags:
            flags = sql.SQL("true AS e0")  # type: ignore[assignment]
        return sql.SQL("SELECT {} FROM {}").format(flags, self.source)

    def _union(self) -> sql.Composed:
        flags = comma(
            sql.SQL("CASE m.n WHEN {} THEN false END AS {}").format(
                sql.Literal(number), sql.Identifier(name)
            )
            for number, (name, _) in enumerate(self.flags)
        )
        rows = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {} AS n FROM ({}) AS w").format(
                sql.Literal(number), each.wrong or sql.SQL("SELECT")
            )
            for number, (_, each) in enumerate(self.flags)
        )
        return sql.SQL("SELECT {} FROM ({}) AS m").format(flags, rows)

    def counts(self) -> sql.Composed:
        """Count in one pass: rows, then (concerned, failing) of each flag."""
        parts: list[sql.Composable] = [sql.SQL("count(*)")]
        for name, _ in self.flags:
            parts.append(sql.SQL("count({})").format(sql.Identifier(name)))
            parts.append(sql.SQL("count(*) FILTER (WHERE NOT {})").format(sql.Identifier(name)))
        return sql.SQL("SELECT {} FROM ({}) AS q").format(comma(parts), self.query())

    def failing_keys(self, expectation: Expectation, limit: int) -> sql.Composed | None:
        """SELECT of the keys of rows that break an expectation; None where rows have no key."""
        if expectation.wrong is not None:
            return sql.SQL("SELECT w.key FROM ({}) AS w LIMIT {}").format(
                expectation.wrong, sql.Literal(limit)
            )
        if expectation.holds is None or self.source is None or not self.key:
            return None
        return sql.SQL(
            "SELECT q.key FROM (SELECT {} AS key, ({}) AS kept FROM {}) AS q"
            " WHERE NOT q.kept LIMIT {}"
        ).format(
            key_text([sql.SQL("m.{}").format(_quoted(name)) for name in self.key]),
            expectation.holds,
            self.source,
            sql.Literal(limit),
        )


def _quoted(name: str) -> sql.Identifier:
    return sql.Identifier(name.replace("%", "%%"))


@dataclass(frozen=True, slots=True)
class Absent:
    """An expectation that this warehouse gives no ground for, or that cannot be asked.

    state  'not applicable': its tables or columns are not there, or the policy says why not;
           'not checked': something is wrong with the expectation itself
    """

    key: str
    kind: str
    suite: str
    clause: str | None
    severity: Severity
    state: Literal["not applicable", "not checked"]
    because: str
    stage: Stage = "state"
    touches: tuple[TableName, ...] = ()


@dataclass(frozen=True, slots=True)
class Derivation:
    """Everything that follows from a policy for a warehouse."""

    scans: tuple[Scan, ...]
    absent: tuple[Absent, ...]

    @property
    def suites(self) -> tuple[str, ...]:
        """The names of the suites, in order."""
        return tuple(
            dict.fromkeys([*(scan.suite for scan in self.scans), *(a.suite for a in self.absent)])
        )

    def of(self, suites: Sequence[str] | None = None, stage: Stage | None = None) -> Derivation:
        """What belongs to some suites, or to one stage."""
        scans = []
        for scan in self.scans:
            kept = [each for each in scan.expectations if stage in (None, each.stage)]
            if kept and (suites is None or scan.suite in suites):
                scans.append(scan.only(kept))
        absent = [
            each
            for each in self.absent
            if (suites is None or each.suite in suites) and stage in (None, each.stage)
        ]
        return Derivation(tuple(scans), tuple(absent))

    def find(self, key: str) -> tuple[Scan, Expectation] | None:
        """The expectation of that key, with its scan."""
        for scan in self.scans:
            for each in scan.expectations:
                if each.key == key:
                    return scan, each
        return None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all expectations that can be asked."""
        return tuple(each.key for scan in self.scans for each in scan.expectations)
