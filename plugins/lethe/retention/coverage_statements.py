"""The coverage proof as SQL: rows of nobody, subjects and rows under no rule or under two.

Every statement is set-based and selects from one relation `found`, whose rows are what is wrong:
`why text`, `key text[]` (NULL where a table has no key to name a row by).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from psycopg2 import sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.days import day_sql
from lethe.catalogue.fragments import Statement, Values, all_of, any_of, column, comma, key_text
from lethe.catalogue.graph import Graph, Kind, Member, Way
from lethe.catalogue.ways import is_written, same, walk
from lethe.policy.names import TableName, quoted
from lethe.policy.periods import boundary
from lethe.retention.claims import holds_root, in_cluster
from lethe.retention.statements import date_subjects

OVERDUE = ", overdue"
"""Ends the reason of rows that have waited longer than the policy allows for a decision."""

_AGES = {1: "under 1 year", 2: "1 to 2 years", 5: "2 to 5 years", 10: "5 to 10 years"}


@dataclass(frozen=True, slots=True)
class Proof:
    """One question of the proof.

    topic    what is counted, such as 'rows of nobody'
    subject  kind whose keys the examples are; None: they are keys of rows of `table`
    """

    topic: str
    cluster: str | None
    rule: str | None
    table: TableName | None
    subject: str | None
    found: Statement


def prove(graph: Graph, as_of: date, *, skeletons: bool) -> list[Proof]:
    """Compose every question of the proof, in the order of the policy.

    skeletons  Lethe's schema is there: what was erased but for its key is left out of the dates
    """
    proofs: list[Proof] = []
    for cluster, members in graph.members.items():
        if cluster not in graph.policy.clusters or not members:
            continue
        kind = graph.kind_of(cluster)
        parted = {table for table, entry in graph.policy.tables.items() if entry.rows}
        proofs += (
            _orphans(graph, kind, member, as_of)
            for member in members
            if member.table in graph.policy.tables and member.table not in parted
        )
        proofs += _partition(graph, kind, cluster, members, as_of)
        proofs += _dates(graph, kind, cluster, as_of, skeletons=skeletons)
        if graph.policy.clusters[cluster].undecided is not None:
            proofs += (_undecided(graph, kind, member, as_of) for member in members)
    for table, entry in graph.policy.tables.items():
        if entry.rows and any(m.table == table for some in graph.members.values() for m in some):
            proofs.append(_parts(graph, table, as_of))
    return proofs


def _named(member: Member) -> sql.Composed:
    only = sql.SQL("ONLY " if member.only else "")
    return sql.SQL("{}{} AS m").format(only, member.table.identifier)


def _row_key(unique_key: Sequence[str] | None) -> sql.Composable:
    if not unique_key:
        return sql.SQL("NULL::text[]")
    return key_text([column("m", name) for name in unique_key])


def _orphans(graph: Graph, kind: Kind, member: Member, as_of: date) -> Proof:
    """Rows of a member that lead to no subject: their link is NULL, or dangles."""
    context = Context(graph, as_of, Values())
    without = all_of(
        any_of(sql.SQL("{} IS NULL").format(column("m", name)) for name in way[0].columns)
        for way in member.ways
    )
    where = [sql.SQL("NOT {}").format(one) for one in _hangs(context, kind, member)]
    if _is_unlinked(graph, member):
        where.append(sql.SQL("NOT ({})").format(without))
    text = (
        "SELECT CASE WHEN {without} THEN 'no link' ELSE 'dangling link' END AS why, {key} AS key"
        " FROM {table} WHERE {where}"
    )
    select = sql.SQL(text).format(
        without=without,
        key=_row_key(member.unique_key),
        table=_named(member),
        where=all_of(where),
    )
    found = Statement(select, context.values.bound)
    return Proof("rows of nobody", member.cluster, None, member.table, None, found)


def _is_unlinked(graph: Graph, member: Member) -> bool:
    """The policy keeps these rows and cuts their links: one that hangs on nobody is as it wants."""
    cut = {frozenset(r.columns) for r in graph.references if r.child == member.table and r.unlink}
    return member.action.do == "keep" and all(
        frozenset(way[0].columns) in cut for way in member.ways
    )


def _hangs(context: Context, kind: Kind, member: Member) -> list[sql.Composable]:
    """What is true, one or another, of a row that leads to a subject."""
    if member.table == kind.table:
        row = Row("m", member.table, kind)
        own = [sql.SQL("{} IS NOT NULL").format(column("m", name)) for name in kind.key]
        is_one = all_of([*own, conditions_sql(context, row, kind.where)])
        return [sql.SQL("(({}) IS TRUE)").format(is_one)]
    return [_leads(context, kind, way) for way in member.ways]


def _leads(context: Context, kind: Kind, way: Way) -> sql.Composable:
    walked = walk(way, "m")
    own = [column("s", name) for name in kind.key]
    conditions = [*walked.conditions, *same(own, walked.owner)]
    if kind.table is not None:
        conditions.append(conditions_sql(context, Row("s", kind.table, kind), kind.where))
    return sql.SQL("EXISTS (SELECT FROM {source} WHERE {where})").format(
        source=walked.source(sql.SQL("{} AS s").format(kind.source)), where=all_of(conditions)
    )


def _partition(
    graph: Graph, kind: Kind, cluster: str, members: Sequence[Member], as_of: date
) -> Iterable[Proof]:
    """Subjects of a cluster that no rule claims, or more than one."""
    rules = [rule for rule in graph.policy.rules.values() if rule.cluster == cluster]
    if not rules or (len(rules) == 1 and not rules[0].where):
        return
    context = Context(graph, as_of, Values())
    own = [column("s", name) for name in kind.key]
    where: list[sql.Composable] = [sql.SQL("{} IS NOT NULL").format(part) for part in own]
    claims: list[sql.Composable] = [sql.SQL("true") for _ in rules]
    if kind.table is not None:
        row = Row("s", kind.table, kind)
        where.append(conditions_sql(context, row, kind.where))
        claims = [conditions_sql(context, row, rule.where) for rule in rules]
        if not holds_root(kind, members):
            where.append(in_cluster(context, kind, members, own, batch=False))
    each = "(({}) IS TRUE)::int" if kind.unique else "coalesce(bool_or({}), false)::int"
    number = sql.SQL(" + ").join(sql.SQL(each).format(claim) for claim in claims)
    text = (
        "SELECT CASE WHEN number = 0 THEN 'under no rule' ELSE 'under several rules' END AS why,"
        " key FROM"
        " (SELECT {key} AS key, {number} AS number FROM {source} AS s WHERE {where} {group}) AS c"
        " WHERE number <> 1"
    )
    group = sql.SQL("") if kind.unique else sql.SQL("GROUP BY {}").format(comma(own))
    select = sql.SQL(text).format(
        key=key_text(own), number=number, source=kind.source, where=all_of(where), group=group
    )
    found = Statement(select, context.values.bound)
    yield Proof("subjects and rules", cluster, None, None, kind.name, found)


def _parts(graph: Graph, table: TableName, as_of: date) -> Proof:
    """Rows of a table in parts that no part claims, or more than one.

    A part claims the rows that meet its condition and lead to a subject of its kind.
    """
    context = Context(graph, as_of, Values())
    members = [m for found in graph.members.values() for m in found if m.table == table]
    meets, claims = [], []
    for member in members:
        kind = graph.kind_of(member.cluster)
        where = conditions_sql(context, Row("m", table, kind), member.where)
        meets.append(sql.SQL("({}) IS TRUE").format(where))
        leads = any_of(_hangs(context, kind, member))
        claims.append(sql.SQL("(({}) AND ({}) IS TRUE)::int").format(where, leads))
    text = (
        "SELECT CASE WHEN number > 1 THEN 'in several parts' WHEN meets THEN 'of nobody'"
        " ELSE 'in no part' END AS why, key FROM"
        " (SELECT {key} AS key, {number} AS number, {meets} AS meets FROM {table}) AS c"
        " WHERE number IS DISTINCT FROM 1"
    )
    select = sql.SQL(text).format(
        key=_row_key(members[0].unique_key),
        number=sql.SQL(" + ").join(sql.SQL("coalesce({}, 0)").format(claim) for claim in claims),
        meets=any_of(meets),
        table=_named(members[0]),
    )
    return Proof("rows and parts", None, None, table, None, Statement(select, context.values.bound))


def _dates(
    graph: Graph, kind: Kind, cluster: str, as_of: date, *, skeletons: bool
) -> Iterable[Proof]:
    """Subjects whose starting point cannot be told, so that no period runs."""
    text = (
        "{dated} SELECT CASE WHEN implausible THEN 'implausible date' WHEN missing THEN 'no date'"
        " WHEN contradiction THEN 'contradictory dates' ELSE 'no starting point' END AS why,"
        " {key} AS key FROM dated AS d"
        " WHERE NOT running AND (implausible OR missing OR contradiction OR starting_on IS NULL)"
        " AND {alive}"
    )
    key = key_text([quoted(f"k{i}") for i in range(len(kind.key))])
    for name, rule in graph.policy.rules.items():
        if rule.cluster == cluster:
            dated = date_subjects(graph, name, as_of)
            alive = _not_skeleton(kind, cluster) if skeletons else sql.SQL("true")
            select = sql.SQL(text).format(dated=dated.text, key=key, alive=alive)
            found = Statement(select, dated.values)
            yield Proof("starting points", cluster, name, None, kind.name, found)


def _not_skeleton(kind: Kind, cluster: str) -> sql.Composable:
    own = [column("d", f"k{i}") for i in range(len(kind.key))]
    return sql.SQL(
        "NOT EXISTS (SELECT FROM lethe.skeleton AS b WHERE b.subject_kind = {} AND b.cluster = {}"
        " AND {} AND (d.starting_on IS NULL OR d.starting_on <= b.erased_on))"
    ).format(sql.Literal(kind.name), sql.Literal(cluster), is_written(kind, sql.SQL("b.key"), own))


def _undecided(graph: Graph, kind: Kind, member: Member, as_of: date) -> Proof:
    """Rows without a period, by age in years where the table tells when a row came."""
    context = Context(graph, as_of, Values())
    patience = boundary(as_of, graph.policy.undecided_after.default)
    unknown = f"age unknown{OVERDUE if graph.policy.policy.effective_from <= patience else ''}"
    age: sql.Composable = sql.Literal(unknown)
    if member.activity is not None:
        sql_type = graph.column_type(member.table, member.activity)
        day = day_sql(context, column("m", member.activity), sql_type)
        age = sql.SQL("CASE WHEN {day} IS NULL THEN {unknown} {whens} END {overdue}").format(
            day=day,
            unknown=sql.Literal(unknown),
            whens=_age_in_years(context, day, as_of),
            overdue=sql.SQL("|| CASE WHEN {} <= {} THEN {} ELSE '' END").format(
                day, sql.Literal(patience), sql.Literal(OVERDUE)
            ),
        )
    text = "SELECT {age} AS why, {key} AS key FROM {table} WHERE {where}"
    select = sql.SQL(text).format(
        age=age,
        key=_row_key(member.unique_key),
        table=_named(member),
        where=conditions_sql(context, Row("m", member.table, kind), member.where),
    )
    found = Statement(select, context.values.bound)
    return Proof("rows without a period", member.cluster, None, member.table, None, found)


def _age_in_years(context: Context, day: sql.Composable, as_of: date) -> sql.Composed:
    today = context.values.bind(as_of)
    whens = [
        sql.SQL("WHEN {day} > ({today}::date - {years}::interval)::date THEN {name}").format(
            day=day, today=today, years=sql.Literal(f"{years} years"), name=sql.Literal(name)
        )
        for years, name in _AGES.items()
    ]
    return sql.SQL("{} ELSE '10 years and more'").format(sql.SQL(" ").join(whens))


def count(proof: Proof) -> sql.Composed:
    """Count what is wrong, by reason."""
    return sql.SQL("SELECT why, count(*) FROM ({}) AS found GROUP BY why ORDER BY why").format(
        proof.found.text
    )


def example_keys(proof: Proof) -> sql.Composed:
    """Up to three keys of what is wrong for one reason.

    values  why (text)
    """
    return sql.SQL(
        "SELECT key FROM ({}) AS found WHERE why = %(why)s AND key IS NOT NULL LIMIT 3"
    ).format(proof.found.text)
