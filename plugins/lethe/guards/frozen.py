"""The frozen set, looked at as a whole: risk flags, newest activity, the list of tokens."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from psycopg2 import extensions, sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.days import day_sql
from lethe.catalogue.fragments import Values, all_of, column, comma, type_name
from lethe.catalogue.graph import Graph, Kind
from lethe.catalogue.ways import is_written, same, walk
from lethe.errors import ActError
from lethe.guards.statements import candidate_key, key_columns, matching
from lethe.keys import Tokens
from lethe.policy.model.guards import RiskFlag
from lethe.policy.names import quoted


@dataclass(frozen=True, slots=True)
class FlagCount:
    """How many subjects of a set carry a risk flag."""

    name: str
    title: str
    count: int


def flags_of(graph: Graph, kind: Kind) -> dict[str, RiskFlag]:
    """The risk flags that can be asked about a kind of subject."""
    return {
        name: flag
        for name, flag in graph.policy.guards.risk_flags.items()
        if flag.subject == kind.name and kind.table is not None
    }


def count_flags(
    connection: extensions.connection, graph: Graph, run_id: UUID, rule: str, as_of: date
) -> tuple[tuple[FlagCount, ...], date | None]:
    """Count the flags over a rule's undecided frozen subjects, and find their newest activity."""
    kind = graph.kind_of(graph.policy.rules[rule].cluster)
    context = Context(graph, as_of, Values())
    flags = flags_of(graph, kind)
    select = sql.SQL("{} SELECT {}").format(
        _with_flags(context, kind, run_id, rule, flags),
        comma(
            [
                *(
                    sql.SQL("(SELECT count(*) FROM {})").format(quoted(f"f{number}"))
                    for number in range(len(flags))
                ),
                _newest_activity(context, kind, rule),
            ]
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute(select, context.values.bound)
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 (aggregates always give a row)
    counted = tuple(
        FlagCount(name, flag.title.get("en") or next(iter(flag.title.values())), int(count))
        for (name, flag), count in zip(flags.items(), row, strict=False)
    )
    return counted, row[-1]


def write_list(
    connection: extensions.connection,
    graph: Graph,
    run_id: UUID,
    rule: str,
    as_of: date,
    *,
    tokens: Tokens,
    folder: Path,
) -> Path:
    """Write the sortable list of a frozen set: token, due date, flags; never a key.

    connection  in a transaction; rows are streamed through a cursor of the server
    Returns     the CSV file, readable by its owner only
    """
    kind = graph.kind_of(graph.policy.rules[rule].cluster)
    context = Context(graph, as_of, Values())
    flags = flags_of(graph, kind)
    select = _listing(context, kind, run_id, rule, flags)
    file = folder / f"{run_id}-{rule}.csv"
    part = file.with_suffix(".part")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as text:
            writer = csv.writer(text)
            writer.writerow(["token", "due_on", *flags])
            with connection.cursor(name="lethe_list") as cursor:
                cursor.itersize = 5_000
                cursor.execute(select, context.values.bound)
                while rows := cursor.fetchmany(5_000):
                    named = tokens.subjects(kind.name, [row[0] for row in rows])
                    for token, row in zip(named, rows, strict=True):
                        marks = ("yes" if flagged else "" for flagged in row[2:])
                        writer.writerow([token.hex(), row[1], *marks])
        part.replace(file)
    except OSError as error:
        raise ActError(f"the list {file} cannot be written ({error.strerror})") from None
    return file


def settled_plans(kind: Kind) -> sql.Composed:
    """A relation to put after `decided`: who is still in an approved, unfinished set of the rule
    becomes 'in an open plan', so that nobody belongs to two open plans.

    values  run_id (uuid), rule (text), edition (bytea): the plan that is being frozen
    Returns  a SELECT of key, starting_on, due_on, outcome
    """
    found: sql.Composable = sql.SQL(
        "SELECT DISTINCT s.key FROM lethe.plan_rule AS p"
        " JOIN lethe.run AS r ON r.run_id = p.run_id AND r.policy_digest = %(edition)s"
        " JOIN lethe.plan_subject AS s ON s.run_id = p.run_id AND s.rule = p.rule"
        " WHERE p.rule = %(rule)s AND p.run_id <> %(run_id)s AND p.state = 'approved'"
        " AND s.outcome IS NULL"
    )
    if not kind.spelt_once:
        # Two open sets may write one key in two ways: look for any, join none twice.
        own = [column("c", f"k{i}") for i in range(len(kind.key))]
        found = sql.SQL(
            "SELECT c.key FROM decided AS c"
            " WHERE c.outcome = 'due' AND EXISTS (SELECT FROM ({}) AS w WHERE {})"
        ).format(found, is_written(kind, sql.SQL("w.key"), own))
    return sql.SQL(
        "SELECT d.key, d.starting_on, d.due_on,"
        " CASE WHEN d.outcome = 'due' AND o.key IS NOT NULL THEN 'in an open plan'"
        " ELSE d.outcome END AS outcome"
        " FROM decided AS d LEFT JOIN ({}) AS o ON o.key = d.key"
    ).format(found)


def _candidates(context: Context, kind: Kind, run_id: UUID, rule: str) -> sql.Composed:
    keys = comma(
        sql.SQL("f.key[{}]::{} AS {}").format(
            sql.Literal(number + 1), type_name(sql_type), quoted(f"k{number}")
        )
        for number, sql_type in enumerate(kind.types)
    )
    return sql.SQL(
        "SELECT f.subject_no, f.key, f.due_on, {} FROM lethe.plan_subject AS f"
        " WHERE f.run_id = {} AND f.rule = {} AND f.outcome IS NULL"
    ).format(keys, context.values.bind(str(run_id)), context.values.bind(rule))


def _with_flags(
    context: Context, kind: Kind, run_id: UUID, rule: str, flags: dict[str, RiskFlag]
) -> sql.Composed:
    relations = [
        sql.SQL("candidates AS MATERIALIZED ({})").format(_candidates(context, kind, run_id, rule))
    ]
    for number, flag in enumerate(flags.values()):
        relations.append(
            sql.SQL("{} AS (SELECT DISTINCT {} FROM ({}) AS m({}))").format(
                quoted(f"f{number}"),
                key_columns(kind),
                matching(context, kind, flag.where),
                key_columns(kind),
            )
        )
    return sql.SQL("WITH {}").format(comma(relations))


def _listing(
    context: Context, kind: Kind, run_id: UUID, rule: str, flags: dict[str, RiskFlag]
) -> sql.Composed:
    names = [f"f{number}" for number in range(len(flags))]
    marks = [sql.SQL("{} IS NOT NULL").format(column(name, "k0")) for name in names]
    joins = sql.SQL(" ").join(
        sql.SQL("LEFT JOIN {} ON {}").format(
            quoted(name), all_of(same(candidate_key(kind, name), candidate_key(kind)))
        )
        for name in names
    )
    return sql.SQL("{} SELECT {} FROM candidates AS c {} ORDER BY c.subject_no").format(
        _with_flags(context, kind, run_id, rule, flags),
        comma([sql.SQL("c.key"), sql.SQL("c.due_on"), *marks]),
        joins,
    )


def _newest_activity(context: Context, kind: Kind, rule: str) -> sql.Composable:
    graph = context.graph
    found: list[sql.Composable] = []
    for member in graph.members[graph.policy.rules[rule].cluster]:
        if member.activity is None:
            continue
        sql_type = graph.column_type(member.table, member.activity)
        day = day_sql(context, column("m", member.activity), sql_type)
        for way in graph.ways.get((kind.name, member.table), ()):
            walked = walk(way, "m")
            first = sql.SQL("{} AS m").format(member.table.identifier)
            where = [
                *walked.conditions,
                *same(walked.owner, candidate_key(kind)),
                conditions_sql(context, Row("m", member.table, kind), member.where),
            ]
            found.append(_newest(day, walked.source(first), where))
    if not found:
        return sql.SQL("NULL::date")
    return sql.SQL("greatest({})").format(comma(found))


def _newest(
    day: sql.Composable, source: sql.Composable, where: Sequence[sql.Composable]
) -> sql.Composed:
    return sql.SQL("(SELECT max({}) FROM {}, candidates AS c WHERE {})").format(
        day, source, all_of(where)
    )
