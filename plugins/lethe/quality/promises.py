"""Promises about people: consent, age, disclosures, processors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from psycopg2 import sql

from lethe.catalogue.conditions import Row, conditions_sql
from lethe.catalogue.days import day_sql
from lethe.catalogue.fragments import all_of, any_of
from lethe.catalogue.fragments import column as qualified
from lethe.catalogue.ways import walk
from lethe.policy.model.conditions import Condition, Exists
from lethe.policy.model.places import AgeLimit, Consent, Disclosures
from lethe.policy.names import TableName, parse_table
from lethe.quality.expectations import POLICY, Scan
from lethe.quality.ground import Found, Ground, OwnScan, RowCheck


def find(ground: Ground) -> Iterator[Found]:
    """Every promise of that sort that the policy makes."""
    yield from _consents(ground)
    yield from _minors(ground)
    yield from _disclosures(ground)
    yield from _processors(ground)


def _consents(ground: Ground) -> Iterator[Found]:
    """No marketing contact without a live consent, and none after it was withdrawn."""
    off = ground.off("consent")
    asked = 0
    for name, consent in ground.policy.consents.items():
        if off is not None or ground.table(consent.table) is None:
            continue
        for written, columns in consent.needed_by.items():
            table = parse_table(written)
            if ground.table(table) is None:
                continue
            asked += 1
            yield from _consent(ground, name, consent, table, tuple(columns))
    if off is not None:
        yield off
    elif not asked:
        yield ground.missing("consent", "no table needs a consent, or it is not there")


def _consent(
    ground: Ground, name: str, consent: Consent, table: TableName, columns: tuple[str, ...]
) -> Iterator[Found]:
    given, withdrawn = (
        day_sql(ground.context, qualified("c", name), ground.graph.column_type(consent.table, name))
        for name in (consent.given_at, consent.withdrawn_at)
    )
    live = sql.SQL(
        "(coalesce({given} <= {today}, false) AND (c.{w} IS NULL OR {withdrawn} >= {today}))"
    ).format(
        given=given,
        withdrawn=withdrawn,
        w=sql.Identifier(consent.withdrawn_at),
        today=sql.Literal(ground.as_of),
    )
    about: sql.Composable = sql.SQL("true")
    if consent.purposes:
        about = sql.SQL("c.{}::text = ANY({})").format(
            sql.Identifier(consent.purpose), ground.values.bind(list(consent.purposes))
        )
    joined = _joined(ground, consent, columns)
    if joined is None:
        because = f"nothing leads from {consent.table} to {table}; declare a link"
        yield ground.broken(f"consent.{name}.{table}", "consent", None, because)
        return
    title = f"every row of {table} has a live consent ({name})"
    holds = _exists(joined, all_of([about, live]))
    yield RowCheck(
        table, ground.expect("consent", f"{name}.{table}", title, table=table, holds=holds)
    )
    if ground.off("withdrawal") is None:
        title = f"no row of {table} outlives the withdrawal of its consent ({name})"
        over = sql.SQL("c.{} IS NOT NULL").format(sql.Identifier(consent.withdrawn_at))
        gone = _exists(joined, all_of([about, over, sql.SQL("NOT {}").format(live)]))
        holds = sql.SQL("NOT ({} AND NOT {})").format(gone, holds)
        yield RowCheck(
            table, ground.expect("withdrawal", f"{name}.{table}", title, table=table, holds=holds)
        )


_Joined = list[tuple[sql.Composable, list[sql.Composable]]]


def _joined(ground: Ground, consent: Consent, columns: tuple[str, ...]) -> _Joined | None:
    """FROM lists and conditions that lead from a row `m` to its consents `c`."""
    first = sql.SQL("{} AS c").format(consent.table.identifier)
    known = ground.catalogue.tables[consent.table].columns
    if all(name in known for name in columns):
        same: list[sql.Composable] = [
            sql.SQL("{} = {}").format(qualified("c", name), qualified("m", name))
            for name in columns
        ]
        return [(first, same)]
    found: _Joined = []
    for theirs in ground.graph.ways.get((consent.subject, consent.table), ()):
        there = walk(theirs, "c")
        same = [
            sql.SQL("{} = {}").format(owner, qualified("m", name))
            for owner, name in zip(there.owner, columns, strict=False)
        ]
        found.append((there.source(first), [*there.conditions, *same]))
    return found or None


def _exists(joined: _Joined, condition: sql.Composable) -> sql.Composable:
    return any_of(
        sql.SQL("EXISTS (SELECT FROM {} WHERE {})").format(source, all_of([*same, condition]))
        for source, same in joined
    )


def _minors(ground: Ground) -> Iterator[Found]:
    """Nobody under one age with a sale, nobody under another at all."""
    off = ground.off("minors")
    if off is not None or not ground.policy.age_limits:
        yield off or ground.missing("minors", "the policy has no age limit")
        return
    for name, limit in ground.policy.age_limits.items():
        kind = ground.graph.kinds.get(limit.subject)
        birth = kind.policy.birth_date if kind is not None else None
        table = ground.table(kind.table) if kind is not None else None
        if kind is None or birth is None or table is None or birth not in table.columns:
            because = f"the warehouse has no birth date of {limit.subject}"
            yield ground.missing("minors", because, what=name, clause=limit.clause)
            continue
        yield from _age(ground, name, limit, table.name, birth)


def _age(
    ground: Ground, name: str, limit: AgeLimit, table: TableName, birth: str
) -> Iterator[Found]:
    kind = ground.graph.kinds[limit.subject]
    born = day_sql(ground.context, qualified("m", birth), ground.graph.column_type(table, birth))
    is_one = conditions_sql(ground.context, Row("m", table, kind), kind.where)
    concerned = all_of([sql.SQL("{} IS NOT NULL").format(born), is_one])
    if limit.erase_under is not None:
        young = _younger(born, limit.erase_under, ground.as_of)
        title = f"nobody under {limit.erase_under} is in {table}"
        holds = sql.SQL("CASE WHEN {} THEN NOT {} END").format(concerned, young)
        yield RowCheck(
            table,
            ground.expect(
                "minors", f"{name}.use", title, table=table, clause=limit.clause, holds=holds
            ),
        )
    if limit.report_under is None:
        return
    sales = limit.sales or tuple(
        document.table
        for document in (ground.policy.archive.documents.values() if ground.policy.archive else ())
        if document.subject == limit.subject
    )
    bought = []
    for sale in dict.fromkeys(sales):
        if ground.table(sale) is None:
            continue
        exists = Condition(exists=Exists(table=sale))
        bought.append(conditions_sql(ground.context, Row("m", table, kind), (exists,)))
    if not bought:
        because = "no table of sales is there; name them under age_limits: sales"
        yield ground.missing("minors", because, what=f"{name}.sale", clause=limit.clause)
        return
    young = _younger(born, limit.report_under, ground.as_of)
    title = f"nothing is sold to anybody under {limit.report_under}"
    holds = sql.SQL("CASE WHEN {} THEN NOT ({} AND {}) END").format(
        concerned, young, any_of(bought)
    )
    yield RowCheck(
        table,
        ground.expect(
            "minors", f"{name}.sale", title, table=table, clause=limit.clause, holds=holds
        ),
    )


def _younger(born: sql.Composable, years: int, today: date) -> sql.Composed:
    return sql.SQL("(({} + make_interval(years => {}))::date > {})").format(
        born, sql.Literal(years), sql.Literal(today)
    )


def _disclosures(ground: Ground) -> Iterator[Found]:
    """Disclosures only on listed grounds and to listed recipients, and people are told."""
    register = ground.policy.disclosures
    off = ground.off("disclosure")
    table = ground.table(register.table) if register is not None else None
    if register is None or table is None or off is not None:
        yield off or ground.missing("disclosure", "there is no register of disclosures")
        return
    name = table.name
    grounds = ground.values.bind(list(register.grounds))
    holds: sql.Composable = sql.SQL("coalesce({}::text = ANY({}), false)").format(
        qualified("m", register.ground), grounds
    )
    title = "data are disclosed on the listed grounds only"
    yield RowCheck(
        name, ground.expect("disclosure", f"{name}.ground", title, table=name, holds=holds)
    )
    yield from _recipients(ground, register)
    if register.told_on is None or ground.off("told") is not None:
        yield ground.off("told") or ground.missing("told", "no column says who was told")
        return
    told = [sql.SQL("{} IS NOT NULL").format(qualified("m", register.told_on))]
    if register.not_told_because is not None:
        told.append(
            sql.SQL("btrim({}::text) <> ''").format(qualified("m", register.not_told_because))
        )
    holds = sql.SQL("coalesce({}, false)").format(any_of(told))
    title = "of every disclosure the person was told, or it is written why not"
    yield RowCheck(name, ground.expect("told", str(name), title, table=name, holds=holds))


def _recipients(ground: Ground, register: Disclosures) -> Iterator[Found]:
    processors = ground.policy.processors.values()
    recipient = sql.SQL("lower(btrim({}::text))").format(qualified("m", register.recipient))
    barred = [each.name.lower() for each in processors if not each.receives]
    checks: list[tuple[str, str, sql.Composable]] = []
    if register.recipients:
        listed = [*register.recipients, *(each.name for each in processors if each.receives)]
        names = ground.values.bind([each.lower() for each in listed])
        kept = sql.SQL("coalesce({} = ANY({}), false)").format(recipient, names)
        checks.append(("recipient", "data are disclosed to listed recipients only", kept))
    if barred:
        kept = sql.SQL("NOT coalesce({} = ANY({}), false)").format(
            recipient, ground.values.bind(barred)
        )
        title = "nothing is disclosed to processors that get no data about people"
        checks.append(("processor", title, kept))
    for what, title, holds in checks:
        kind = "processors" if what == "processor" else "disclosure"
        yield RowCheck(
            register.table,
            ground.expect(
                kind,  # type: ignore[arg-type]
                f"{register.table}.{what}",
                title,
                table=register.table,
                holds=holds,
            ),
        )


def _processors(ground: Ground) -> Iterator[Found]:
    """Processors that get nothing are no recipients of a cluster; those that are, are listed."""
    off = ground.off("processors")
    if off is not None or not ground.policy.processors:
        yield off or ground.missing("processors", "the policy names no processor")
        return
    expectations = []
    for name, processor in ground.policy.processors.items():
        clusters = [
            cluster
            for cluster, spec in ground.policy.clusters.items()
            if name in spec.recipients and not processor.receives
        ]
        title = f"{processor.name} gets what the policy says" + (
            f", but it is a recipient of {', '.join(clusters)}" if clusters else ""
        )
        holds = sql.SQL("false" if clusters else "true")
        expectations.append(ground.expect("processors", name, title, suite=POLICY, holds=holds))
    source = sql.SQL("(SELECT 1) AS m")
    yield OwnScan(Scan("processors", POLICY, source, tuple(expectations)))
