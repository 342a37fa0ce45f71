"""What policy and catalogue tell, and what the history of a table makes likely."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from psycopg2 import sql

from lethe.catalogue.conditions import base_of
from lethe.catalogue.days import DATE_TYPES, day_sql
from lethe.catalogue.fragments import all_of
from lethe.catalogue.fragments import column as qualified
from lethe.catalogue.graph import Hop
from lethe.catalogue.ways import equalities
from lethe.policy.model.conditions import Conditions
from lethe.policy.model.subjects import Link, PolicyTable
from lethe.policy.names import TableName, parse_table
from lethe.policy.periods import Period, boundary
from lethe.quality.expectations import POLICY, Expectation, Scan
from lethe.quality.ground import Found, Ground, OwnScan, RowCheck

_PERSON = frozenset({"identifier", "name", "contact"})


def find(ground: Ground) -> Iterator[Found]:
    """Classification, automatic data beside people, links, freshness, volume."""
    yield from _classified(ground)
    yield from _automatic(ground)
    yield from _links(ground)
    yield from _fresh(ground)
    yield from _volume(ground)


def _classified(ground: Ground) -> Iterator[Found]:
    """Every column has a class: a new one is found the night after it came."""
    off = ground.off("classified")
    if off is not None:
        yield off
        return
    expectations = []
    for name, table in ground.catalogue.tables.items():
        if not ground.in_scope(name) or table.kind == "foreign":
            continue
        new = ground.bound.unclassified.get(name, ())
        is_listed = name in ground.policy.tables
        title = f"every column of {name} is classified"
        if new:
            title += f", but not {', '.join(new)}"
        elif not is_listed:
            title = f"table {name} is in the policy"
        holds = sql.SQL("true" if is_listed and not new else "false")
        expectations.append(
            ground.expect("classified", str(name), title, suite=POLICY, holds=holds)
        )
    if expectations:
        yield OwnScan(_constant("classification", expectations))


def _constant(name: str, expectations: list[Expectation]) -> Scan:
    return Scan(name, POLICY, sql.SQL("(SELECT 1) AS m"), tuple(expectations))


def _automatic(ground: Ground) -> Iterator[Found]:
    """Automatic data stand beside a person only to prevent fraud, or with a declared reason."""
    off = ground.off("automatic")
    if off is not None:
        yield off
        return
    expectations = []
    for name, entry in ground.policy.tables.items():
        table = ground.table(name)
        automatic = [
            column
            for column, spec in entry.columns.items()
            if spec.class_ == "automatic" and table is not None and column in table.columns
        ]
        if not automatic:
            continue
        people = _people(ground, name, entry, automatic)
        allowed = entry.linked_because is not None or _against_fraud(ground, name)
        title = f"automatic data of {name} stand beside nobody, or prevent fraud"
        if people and not allowed:
            title += f"; {', '.join(people)} stand beside {', '.join(automatic)}"
        holds = sql.SQL("false" if people and not allowed else "true")
        expectations.append(ground.expect("automatic", str(name), title, suite=POLICY, holds=holds))
    if expectations:
        yield OwnScan(_constant("automatic data", expectations))
    else:
        yield ground.missing("automatic", "no column holds automatic data")


def _people(ground: Ground, name: TableName, entry: PolicyTable, automatic: list[str]) -> list[str]:
    """Columns that name a person, or lead to one in another table."""
    found = [column for column, spec in entry.columns.items() if spec.class_ in _PERSON]
    for (kind, table), ways in ground.graph.ways.items():
        if table != name or not _is_person(ground, kind):
            continue
        for way in ways:
            if len(way) > 1 or ground.graph.kinds[kind].table != name:
                found += [each for each in way[0].columns if each not in automatic]
    for link in entry.links:
        if link.to is not None and link.role == "reference":
            owners = {
                kind.table for kind in ground.graph.kinds.values() if _is_person(ground, kind.name)
            }
            found += [c for c in link.columns if link.to in owners and c not in automatic]
    return sorted(set(found))


def _is_person(ground: Ground, kind: str) -> bool:
    """A kind of subject that somebody can be recognised by."""
    return bool(ground.policy.subjects[kind].identifiers)


def _against_fraud(ground: Ground, name: TableName) -> bool:
    purposes = (
        purpose
        for cluster in ground.clusters_of(name)
        for purpose in ground.policy.clusters[cluster].purpose
    )
    return any(ground.policy.purposes[purpose].against_fraud for purpose in purposes)


def _links(ground: Ground) -> Iterator[Found]:
    """Links that no foreign key enforces lead somewhere."""
    off = ground.off("links")
    if off is not None:
        yield off
        return
    said = {
        (each.table, each.column)
        for each in ground.policy.quality.extra.values()
        if each.expect == "references"
    }
    seen: set[str] = set()
    asked: set[tuple[object, ...]] = set()
    for name, hop, part, may_dangle in _undeclared(ground):
        same = (name, hop.columns, hop.to, hop.where, part)
        if (name, hop.columns[0]) in said or hop.to is None or same in asked:
            continue
        asked.add(same)
        concerned = [
            *(sql.SQL("{} IS NOT NULL").format(qualified("m", c)) for c in hop.columns),
            *(
                sql.SQL("{}::text = {}").format(qualified("m", c), ground.values.bind(value))
                for c, value in hop.where
            ),
            *([ground.where(name, part)] if part else []),
        ]
        holds = sql.SQL("CASE WHEN {} THEN EXISTS (SELECT FROM {} AS t WHERE {}) END").format(
            all_of(concerned), hop.to.identifier, all_of(equalities(hop, "m", "t"))
        )
        columns = ", ".join(hop.columns)
        title = f"{columns} of {name} leads to a row of {hop.to}"
        what = f"{name}.{hop.columns[0]}"
        # One column that leads to several tables has an expectation for each.
        what = f"{what}.{hop.to}" if what in seen else what
        seen.add(what)
        made = ground.expect("links", what, title, table=name, holds=holds)
        check = ground.policy.quality.checks.get("links")
        if not may_dangle and (check is None or check.mostly is None):
            made = replace(made, mostly=1.0)
        yield RowCheck(name, made)


_Undeclared = tuple[TableName, Hop, Conditions, bool]


def _undeclared(ground: Ground) -> Iterator[_Undeclared]:
    """Table, link, which rows, and whether they may lose what they point to: erased rows leave
    references behind."""
    declared = {
        (key.child, tuple(key.child_columns), key.parent)
        for key in ground.catalogue.foreign_keys
        if key.validated and key.enforced
    }
    for name, entry in ground.policy.tables.items():
        parts: list[tuple[Conditions, Iterable[Link]]] = [((), entry.links)]
        parts += ((part.where, part.links) for part in entry.rows)
        for where, link in ((where, link) for where, links in parts for link in links):
            if link.to is None or link.references is None or ground.table(link.to) is None:
                continue
            columns, references = tuple(link.columns), tuple(link.references)
            if ground.table(name) is None or (name, columns, link.to) in declared:
                continue
            if name != link.to:
                hop = Hop(columns, link.to, references, link.match, True, False, link.where)
                yield name, hop, where, link.role == "reference" and _is_erased(ground, link.to)
    for key in ground.catalogue.foreign_keys:
        if not (key.validated and key.enforced) and ground.in_scope(key.child):
            hop = Hop(key.child_columns, key.parent, key.parent_columns)
            yield key.child, hop, (), _is_erased(ground, key.parent)


def _is_erased(ground: Ground, name: TableName) -> bool:
    entry = ground.policy.tables.get(name)
    is_somebodys = entry is not None and bool(ground.clusters_of(name))
    return is_somebodys and entry is not None and entry.when_due.do != "keep"


def _fresh(ground: Ground) -> Iterator[Found]:
    """Tables that must have got a row lately."""
    off = ground.off("freshness")
    if off is not None or not ground.policy.quality.freshness:
        yield off or ground.missing("freshness", "the policy names no table")
        return
    for written, period in ground.policy.quality.freshness.items():
        name = parse_table(written)
        column = newest_column(ground, name)
        if ground.table(name) is None or column is None:
            because = f"the warehouse has no table {name}, or it has no date"
            yield ground.missing("freshness", because, what=str(name))
            continue
        day = day_sql(
            ground.context, qualified("m", column), ground.graph.column_type(name, column)
        )
        first = boundary(ground.as_of, period)
        holds = sql.SQL("{} > {}").format(day, sql.Literal(first))
        title = f"{name} has a row of the last {_words(period)}"
        made = ground.expect("freshness", str(name), title, table=name, at_least=1, holds=holds)
        yield RowCheck(name, made)


def _words(period: Period) -> str:
    named = {
        "year": period.years,
        "month": period.months,
        "week": period.weeks,
        "day": period.days,
    }
    return " ".join(
        unit if number == 1 else f"{number} {unit}s" for unit, number in named.items() if number
    )


def newest_column(ground: Ground, name: TableName) -> str | None:
    """The column that tells when a row came."""
    entry, table = ground.policy.tables.get(name), ground.table(name)
    if entry is None or table is None:
        return None
    if entry.activity is not None:
        return entry.activity
    for rule in ground.policy.rules.values():
        kind = ground.graph.kinds.get(ground.policy.clusters[rule.cluster].subject)
        for event in rule.starting_point.events:
            if kind is not None and (event.table or kind.table) == name:
                return event.column
    for column in table.columns.values():
        if base_of(column.base_type) in DATE_TYPES:
            return column.name
    return None


def _volume(ground: Ground) -> Iterator[Found]:
    """Tables that suddenly hold far more or fewer rows than in the nights before."""
    off = ground.off("volume")
    if off is not None or not ground.volumes:
        yield off or ground.missing("volume", "there is too little history yet")
        return
    for written, between in ground.volumes.items():
        name = parse_table(written)
        if ground.table(name) is None or not ground.in_scope(name):
            continue
        title = f"{name} holds about as many rows as it did"
        yield RowCheck(name, ground.expect("volume", str(name), title, table=name, between=between))
