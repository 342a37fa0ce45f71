"""The one statement that judges: for every subject of a rule, whether it is due and if not, why.

The same text, restricted to the keys of a batch, re-checks the decision at the moment of the act.

    subjects    whom the rule claims
    e0, e1 …    the events of the starting point, one row a subject
    dated       starting point, and whether it can be believed
    judged      outcome by date alone
    candidates  those whose period has ended
    held, restricted, newer, unarchived   what stops a candidate
    decided     the result: k0…, starting_on, due_on, outcome
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from psycopg2 import sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.days import day_sql
from lethe.catalogue.events import earliest_source, event_sources
from lethe.catalogue.fragments import (
    Statement,
    Values,
    all_of,
    column,
    comma,
    key_text,
)
from lethe.catalogue.graph import Graph, Kind, Member
from lethe.catalogue.ways import is_written, same, walk
from lethe.erasure.steps import plan_steps
from lethe.guards.statements import candidate_key, held, key_columns, restricted, unarchived
from lethe.policy.model.rules import Rule
from lethe.policy.names import TableName, quoted
from lethe.retention.claims import claimed_subjects
from lethe.retention.dates import dated

PASSED_OVER = ("not yet due", "active")
"""Outcomes that need nobody's attention."""


def judge(
    graph: Graph,
    name: str,
    as_of: date,
    *,
    batch: bool = False,
    trusted: Collection[TableName] = (),
) -> Statement:
    """Compose the judging statement of a rule, up to the relation `decided`.

    batch    restrict it to the batch
    trusted  tables whose newer rows are not looked for: their delete will tell of them
    Returns  a WITH list without a final SELECT; values bound
    """
    rule = graph.policy.rules[name]
    kind = graph.kind_of(rule.cluster)
    context = Context(graph, as_of, Values())
    members = graph.members[rule.cluster]
    asked = [member for member in members if member.table not in trusted]
    relations = [
        *_starting(context, kind, rule, members, batch=batch),
        ("judged", _judged(context, kind, rule)),
        ("candidates", sql.SQL("SELECT * FROM judged WHERE outcome = 'due'")),
        ("held", _union(kind, held(context, kind))),
        ("restricted", _union(kind, restricted(context, kind))),
        ("newer", _union(kind, _newer(context, kind, rule, asked))),
        ("unarchived", _union(kind, unarchived(context, kind, {m.table for m in members}))),
        ("decided", _decided(kind)),
    ]
    materialised = {"subjects": batch, "judged": True, "candidates": True}
    if batch:
        # Few rows, of which the planner knows nothing: read once, not once a subject.
        materialised = {name: True for name, _ in relations}
    return Statement(_with(relations, materialised), context.values.bound)


def date_subjects(graph: Graph, name: str, as_of: date) -> Statement:
    """Compose what comes before judging: every subject of a rule with its starting point.

    Returns  a WITH list up to the relation `dated` (k0…, starting_on, running, missing,
             implausible, contradiction); needs nothing of Lethe's own schema
    """
    rule = graph.policy.rules[name]
    kind = graph.kind_of(rule.cluster)
    context = Context(graph, as_of, Values())
    relations = _starting(context, kind, rule, graph.members[rule.cluster], batch=False)
    return Statement(_with(relations, {}), context.values.bound)


def _starting(
    context: Context, kind: Kind, rule: Rule, members: Sequence[Member], *, batch: bool
) -> list[tuple[str, sql.Composable]]:
    events = event_sources(context, kind, rule.starting_point, batch=batch)
    opened = earliest_source(context, kind, rule.starting_point, batch=batch)
    return [
        ("subjects", claimed_subjects(context, kind, rule, members, batch=batch)),
        *((source.name, source.text) for source in events),
        *([(opened.name, opened.text)] if opened else []),
        ("dated", dated(context, kind, rule, events, opened)),
    ]


def _with(
    relations: Sequence[tuple[str, sql.Composable]], materialised: Mapping[str, bool]
) -> sql.Composed:
    return sql.SQL("WITH {}").format(
        comma(
            sql.SQL("{} AS {}({})").format(
                quoted(relation),
                sql.SQL("MATERIALIZED " if materialised.get(relation) else ""),
                text,
            )
            for relation, text in relations
        )
    )


def _nothing_came(context: Context, kind: Kind, rule: Rule) -> sql.Composable:
    """Whose own row is kept as it is, of him nothing else is there; what comes is due as it was."""
    steps = plan_steps(context.graph, rule.cluster)[0]
    if not steps.keeps_subject or any(b.nulled or b.replaced for b in steps.own_blankings):
        return sql.SQL("true")
    found: list[sql.Composable] = []
    for member in steps.deletes:
        for way in member.ways if member.action.do == "erase" and not member.anchor else ():
            walked = walk(way, "m")
            where = [
                *walked.conditions,
                *same(walked.owner, candidate_key(kind, "d")),
                conditions_sql(context, Row("m", member.table, kind), member.where),
            ]
            source = walked.source(sql.SQL("{} AS m").format(member.table.identifier))
            text = "NOT EXISTS (SELECT FROM {} WHERE {})"
            found.append(sql.SQL(text).format(source, all_of(where)))
    return all_of(found)


def _judged(context: Context, kind: Kind, rule: Rule) -> sql.Composable:
    interval = sql.Literal(rule.period.interval)
    unread: sql.Composable = sql.SQL("")
    due: sql.Composable = sql.SQL("(starting_on + {}::interval)::date + 1").format(interval)
    if rule.at_least:
        whens = [
            sql.SQL(
                "WHEN {} THEN greatest(starting_on + {}::interval,"
                " starting_on + {}::interval)::date + 1"
            ).format(context.values.bind(country), interval, sql.Literal(minimum.period.interval))
            for country, minimum in rule.at_least.items()
        ]
        due = sql.SQL("CASE country {} ELSE {} END").format(sql.SQL(" ").join(whens), due)
        # Whoever lives in 'Germany' may have a longer minimum than nobody's country has.
        unread = sql.SQL("WHEN country !~ '^[A-Z]{{2}}$' THEN 'refused: unknown country' ").format()
    text = (
        "SELECT {key}, starting_on, last_due, CASE"
        " WHEN running THEN 'active'"
        " WHEN implausible THEN 'refused: implausible date'"
        " WHEN missing THEN 'refused: no date'"
        " WHEN contradiction THEN 'refused: contradictory dates'"
        " WHEN starting_on IS NULL THEN 'refused: no starting point'"
        " WHEN starting_on > last_due THEN 'not yet due'"
        " WHEN contested THEN 'refused: under several rules'"
        # Somebody came back without a newer day, or a restore brought him: a person decides.
        " WHEN NOT bare AND {skeleton} THEN 'refused: filled again'"
        " {unread}ELSE 'due' END AS outcome,"
        " CASE WHEN starting_on <= last_due AND NOT implausible THEN {due} END AS due_on"
        " FROM dated AS d WHERE NOT {skeleton_left}"
    )
    skeleton = (
        "EXISTS (SELECT FROM lethe.skeleton AS b"
        " WHERE b.subject_kind = {kind} AND b.cluster = {cluster} AND {same}"
        " AND NOT d.running AND (d.starting_on IS NULL OR d.starting_on <= b.erased_on){bare})"
    )
    own = candidate_key(kind, "d")
    named = {
        "kind": context.values.bind(kind.name),
        "cluster": context.values.bind(rule.cluster),
        "same": is_written(kind, sql.SQL("b.key"), own),
    }
    return sql.SQL(text).format(
        key=comma(own),
        due=due,
        unread=unread,
        skeleton=sql.SQL(skeleton).format(bare=sql.SQL(""), **named),
        # Within it, so that the planner joins instead of looking once a subject.
        skeleton_left=sql.SQL(skeleton).format(
            bare=sql.SQL(" AND d.bare AND {}").format(_nothing_came(context, kind, rule)), **named
        ),
    )


def _newer(
    context: Context, kind: Kind, rule: Rule, members: Sequence[Member]
) -> list[sql.Composable]:
    """Candidates with a row that came after the cut-off."""
    if rule.newer_rows == "ignore":
        return []
    found: list[sql.Composable] = []
    for member in members:
        if member.activity is None:
            continue
        sql_type = context.graph.column_type(member.table, member.activity)
        day = day_sql(context, column("m", member.activity), sql_type)
        row = Row("m", member.table, kind)
        for way in member.ways:
            walked = walk(way, "m")
            first = sql.SQL("{} AS m").format(member.table.identifier)
            found.append(
                sql.SQL("SELECT {key} FROM {source}, candidates AS c WHERE {where}").format(
                    key=comma(candidate_key(kind)),
                    source=walked.source(first),
                    where=all_of(
                        [
                            *walked.conditions,
                            *same(walked.owner, candidate_key(kind)),
                            sql.SQL("{} > c.last_due").format(day),
                            conditions_sql(context, row, member.where),
                        ]
                    ),
                )
            )
    return found


def _union(kind: Kind, parts: Sequence[sql.Composable]) -> sql.Composable:
    if not parts:
        return sql.SQL("SELECT {} FROM candidates WHERE false").format(key_columns(kind))
    return sql.SQL(" UNION ").join(
        sql.SQL("SELECT DISTINCT {} FROM ({}) AS p({})").format(
            key_columns(kind), part, key_columns(kind)
        )
        for part in parts
    )


def _decided(kind: Kind) -> sql.Composable:
    key = candidate_key(kind, "j")
    joins = sql.SQL(" ").join(
        sql.SQL("LEFT JOIN {0} ON {1}").format(
            quoted(name), all_of(same(candidate_key(kind, name), key))
        )
        for name in ("held", "restricted", "newer", "unarchived")
    )
    text = (
        "SELECT {key}, {text} AS key, j.starting_on, j.due_on, j.last_due, j.outcome"
        " FROM judged AS j WHERE j.outcome <> 'due' UNION ALL"
        " SELECT {key}, {text}, j.starting_on, j.due_on, j.last_due, CASE"
        " WHEN held.k0 IS NOT NULL THEN 'held'"
        " WHEN restricted.k0 IS NOT NULL THEN 'restricted'"
        " WHEN newer.k0 IS NOT NULL THEN 'newer rows'"
        " WHEN unarchived.k0 IS NOT NULL THEN 'not archived'"
        " ELSE 'due' END FROM candidates AS j {joins}"
    )
    return sql.SQL(text).format(key=comma(key), text=key_text(key), joins=joins)
