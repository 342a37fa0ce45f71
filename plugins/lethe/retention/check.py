"""The whole check of a policy: the file, the warehouse, the steps, the rights, the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.bind import Bound, bind
from lethe.catalogue.checks import Found
from lethe.catalogue.graph import Graph
from lethe.catalogue.known import Missing
from lethe.connections import acting_as
from lethe.erasure.check import check_barred, check_partitions, check_rights, check_steps
from lethe.errors import LetheError
from lethe.guards.unfit_holds import open_misfits, say_unfit
from lethe.keys import KeyRing, Tokens, year_of
from lethe.policy.load import LoadedPolicy
from lethe.policy.yaml_problems import dotted
from lethe.retention.clauses import ClauseState, check_clauses, clause_states
from lethe.retention.coverage import CoverageLine, count_coverage


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding with its file and line.

    line  0 where the file says nothing about it
    """

    level: str
    code: str
    file: str
    line: int
    path: str
    message: str
    sql: str | None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else ""
        return f"{place}{self.path}: {self.message}" if self.path else f"{place}{self.message}"

    def as_json(self) -> dict[str, Any]:
        """The finding as a JSON document."""
        return {
            "level": self.level,
            "code": self.code,
            "file": self.file,
            "line": self.line or None,
            "path": self.path,
            "message": self.message,
            "sql": self.sql,
        }


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `lethe policy check` found, all at once.

    database  None where only the file was checked
    """

    file: str
    policy: str
    version: str
    digest: str
    database: str | None
    role: str | None
    as_of: date | None
    problems: tuple[Problem, ...]
    coverage: tuple[CoverageLine, ...]
    clauses: tuple[ClauseState, ...]

    @property
    def faults(self) -> tuple[Problem, ...]:
        """What must be mended before anything can be planned."""
        return tuple(each for each in self.problems if each.level == "fault")

    @property
    def alarms(self) -> tuple[Problem, ...]:
        """What is not kept, or has no answer."""
        return tuple(each for each in self.problems if each.level == "alarm")

    @property
    def advice(self) -> tuple[Problem, ...]:
        """What would be better otherwise."""
        return tuple(each for each in self.problems if each.level == "advice")

    @property
    def gaps(self) -> tuple[CoverageLine, ...]:
        """Rows and subjects that are under no rule or several, and what could not be counted."""
        return tuple(line for line in self.coverage if line.state in ("gap", "not counted"))

    @property
    def exit_code(self) -> int:
        """2 if the file has faults, 1 if the answer is no, 0 otherwise."""
        if self.faults:
            return 2
        return 1 if self.alarms or self.gaps else 0

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON document."""
        return {
            "file": self.file,
            "policy": self.policy,
            "version": self.version,
            "policy_digest": self.digest,
            "database": self.database,
            "role": self.role,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "exit_code": self.exit_code,
            "faults": [each.as_json() for each in self.faults],
            "alarms": [each.as_json() for each in self.alarms],
            "advice": [each.as_json() for each in self.advice],
            "coverage": [line.as_json() for line in self.coverage],
            "clauses": [clause.as_json() for clause in self.clauses],
        }


def check_file(loaded: LoadedPolicy) -> CheckReport:
    """Check what the policy file says by itself."""
    return _report(loaded, None, check_clauses(loaded.policy), (), None)


def check_policy(
    connection: extensions.connection, loaded: LoadedPolicy, as_of: date
) -> CheckReport:
    """Check a policy against a warehouse; nothing is changed, and no row leaves it.

    connection  outside a transaction and not in autocommit; acts as the planner where it may,
                if `lethe init` has been here
    Raises      WarehouseRefused, WarehouseUnreachable
    """
    is_initialised = _is_initialised(connection)
    tokens = _tokens(connection, as_of) if is_initialised else None
    try:
        if is_initialised:
            acting_as(connection, "planner")
        bound = bind(connection, loaded)
        graph = bound.graph
        found = [
            *bound.found,
            *_asked(bound, "the order of erasure", lambda: check_steps(graph)),
            *_asked(bound, "references that stop subjects", lambda: check_barred(graph)),
            *_asked(bound, "rights", lambda: check_rights(connection, bound)),
            *_asked(bound, "partitions", lambda: check_partitions(graph)),
            *check_clauses(loaded.policy),
            *_asked(bound, "holds", lambda: check_holds(connection, graph)),
        ]
        lines: list[CoverageLine] = []
        found += _asked(
            bound,
            "coverage",
            lambda: lines.extend(
                count_coverage(
                    connection,
                    graph,
                    as_of,
                    tokens=tokens,
                    leave_out=_broken_clusters(bound, found),
                )
            ),
        )
    finally:
        if not connection.closed:
            connection.rollback()
    return _report(loaded, bound, found, lines, as_of)


def check_holds(connection: extensions.connection, graph: Graph) -> list[Found]:
    """Holds and restrictions to which this edition would leave no force."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_catalog.pg_attribute WHERE NOT attisdropped AND"
            " attname = 'key_of' AND attrelid = to_regclass('lethe.hold')"
            " AND has_column_privilege(attrelid, attnum, 'SELECT')"
        )
        if cursor.fetchone() != (1,):
            return []  # not initialised, by an older Lethe, or by somebody who may not see holds
    found = open_misfits(connection, graph)
    return [
        Found(
            "alarm",
            "hold-without-force",
            ("subjects", each[0].kind) if each[0].kind in graph.policy.subjects else (),
            sentence,
        )
        for kind in dict.fromkeys(one.kind for one in found)
        if (each := [one for one in found if one.kind == kind])
        for sentence in say_unfit(each)
    ]


def _asked(bound: Bound, what: str, ask: Callable[[], Iterable[Found] | None]) -> list[Found]:
    """Ask of what is bound; where faults left gaps that a question falls into, say it was not."""
    try:
        return list(ask() or ())
    except Missing:
        if not bound.faults:
            raise
        return [Found("advice", "not-checked", (), f"not checked before the faults: {what}")]


def _is_initialised(connection: extensions.connection) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('lethe.warehouse') IS NOT NULL")
        found = cursor.fetchone() == (True,)
    connection.rollback()
    return found


def _tokens(connection: extensions.connection, as_of: date) -> Tokens | None:
    """The maker of tokens, where the warehouse is initialised and the key at hand."""
    try:
        acting_as(connection, "runner")
        return KeyRing.open(connection).tokens("token", year_of(as_of))
    except (LetheError, psycopg2.ProgrammingError):
        return None
    finally:
        if not connection.closed:
            connection.rollback()


def _broken_clusters(bound: Bound, found: Iterable[Found]) -> frozenset[str]:
    """Clusters that a fault touches: their rows cannot be counted before it is mended."""
    policy = bound.loaded.policy
    broken: set[str] = set()
    for each in found:
        if each.level != "fault" or len(each.place) < 2:
            continue
        section, name = str(each.place[0]), str(each.place[1])
        for cluster, spec in policy.clusters.items():
            tables = {str(member.table) for member in bound.graph.members.get(cluster, ())}
            listed = {
                str(table)
                for table, entry in policy.tables.items()
                if entry.cluster == cluster or any(p.cluster == cluster for p in entry.rows)
            }
            events = {
                str(event.table)
                for rule in policy.rules.values()
                if rule.cluster == cluster
                for event in rule.starting_point.events
            }
            if (
                (section == "tables" and name in tables | listed | events)
                or (section == "subjects" and name == spec.subject)
                or (section == "clusters" and name == cluster)
                or (
                    section == "rules"
                    and name in policy.rules
                    and policy.rules[name].cluster == cluster
                )
            ):
                broken.add(cluster)
    return frozenset(broken)


def _report(
    loaded: LoadedPolicy,
    bound: Bound | None,
    found: Iterable[Found],
    coverage: Iterable[CoverageLine],
    as_of: date | None,
) -> CheckReport:
    problems = dict.fromkeys(_problem(loaded, each) for each in found)
    edition = loaded.policy.policy
    catalogue = bound.graph.catalogue if bound else None
    return CheckReport(
        loaded.file,
        edition.name,
        edition.version,
        loaded.digest,
        catalogue.database if catalogue else None,
        catalogue.role if catalogue else None,
        as_of,
        tuple(sorted(problems, key=lambda each: (not each.line, each.line, each.message))),
        tuple(coverage),
        clause_states(loaded.policy),
    )


def _problem(loaded: LoadedPolicy, found: Found) -> Problem:
    line = loaded.line_of(found.place) if found.place else 0
    return Problem(
        found.level, found.code, loaded.file, line, dotted(found.place), found.message, found.sql
    )
