"""Canaries: planted subjects that must be erased tonight, and planted ones that must survive.

They are inserted, planned and erased in one transaction that is rolled back, before the real work.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from uuid import uuid4

import psycopg2
import sqlparse
from psycopg2 import errorcodes, extensions, sql

from lethe.catalogue.fragments import all_of, column, type_name
from lethe.catalogue.graph import Graph, Kind
from lethe.connections import acting_as
from lethe.erasure.outcomes import Key
from lethe.erasure.rehearsal import Assign, act_out
from lethe.errors import GuardStop, LetheError, describe_database_error
from lethe.evidence.privileges import Grant
from lethe.include import read_text
from lethe.policy.model.guards import Canary
from lethe.policy.names import TableName


def try_canaries(
    connection: extensions.connection, graph: Graph, as_of: date, assign: Assign
) -> dict[str, str]:
    """Plant every canary, sweep it under each rule of its kind, and roll back.

    connection  outside a transaction, or in one that may be rolled back
    Returns     canary → what became of it
    Raises      GuardStop if one answer is wrong: then the real work must not start
    """
    found: dict[str, str] = {}
    wrong: list[str] = []
    for name, canary in graph.policy.guards.canaries.items():
        connection.rollback()
        try:
            found[name], fault = _try(connection, graph, canary, as_of, assign)
        except psycopg2.Error as error:
            fault = describe_database_error(error) + _way_out(error, canary)
        except LetheError as error:
            fault = str(error)
        finally:
            if not connection.closed:
                connection.rollback()
        if fault:
            wrong.append(f"canary '{name}': {fault}")
    if wrong:
        raise GuardStop(f"nothing is erased: {'; '.join(wrong)}")
    return found


def canary_grants(connection: extensions.connection, graph: Graph) -> list[Grant]:
    """Name the rights that the runner needs to plant the canaries: INSERT, as the planner tells.

    connection  of the owner; nothing is executed
    """
    tables: dict[TableName, None] = {}
    for canary in graph.policy.guards.canaries.values():
        connection.rollback()
        try:
            with connection.cursor() as cursor:
                text = "EXPLAIN (VERBOSE, FORMAT JSON) " + _template(canary)
                cursor.execute(text, {"as_of": date(2026, 1, 1)})
                row = cursor.fetchone()
        except (psycopg2.Error, GuardStop, TypeError, KeyError, ValueError, IndexError):
            continue  # planting it will say what is wrong
        finally:
            connection.rollback()
        plan = row[0] if row else []
        plan = json.loads(plan) if isinstance(plan, str) else plan
        tables |= dict.fromkeys(_inserted(each["Plan"] for each in plan))
    return [Grant(table, ("INSERT",)) for table in tables]


def _inserted(nodes: Iterable[dict[str, object]]) -> Iterable[TableName]:
    for node in nodes:
        if node.get("Node Type") == "ModifyTable" and node.get("Operation") == "Insert":
            yield TableName(str(node["Schema"]), str(node["Relation Name"]))
        inner = node.get("Plans")
        if isinstance(inner, list):
            yield from _inserted(inner)


def _try(
    connection: extensions.connection, graph: Graph, canary: Canary, as_of: date, assign: Assign
) -> tuple[str, str | None]:
    """What became of a canary, and what is wrong with that."""
    kind = graph.kinds[canary.subject]
    rules = [
        name
        for name, rule in graph.policy.rules.items()
        if graph.policy.clusters[rule.cluster].subject == kind.name
    ]
    acting_as(connection, "runner")
    key = _plant(connection, canary, as_of, kind)
    outcomes = {}
    # The rule that should erase comes last: what it leaves behind tells nothing about others.
    for rule in sorted(rules, key=lambda each: (each == canary.rule, each)):
        assignment = assign(graph, rule, as_of, uuid4())
        (outcomes[rule],) = act_out(connection, assignment, [key]).values()
    erasing = sorted(rule for rule, outcome in outcomes.items() if outcome == "done")
    there = kind.table is None or _is_there(connection, kind, key)
    return _judge(canary, outcomes, erasing, there=there)


def _judge(
    canary: Canary, outcomes: dict[str, str], erasing: list[str], *, there: bool
) -> tuple[str, str | None]:
    told = ", ".join(f"{rule}: {outcome}" for rule, outcome in sorted(outcomes.items()))
    if canary.rule is not None and outcomes.get(canary.rule, "already gone") == "already gone":
        return told, f"rule {canary.rule} should claim it and does not"
    if canary.outcome == "survives":
        fault = f"it should survive and was erased ({told})" if erasing or not there else None
        return told, fault
    if canary.rule is not None and canary.rule not in erasing:
        return told, f"rule {canary.rule} should erase it and did not ({told})"
    if not erasing:
        return told, f"it should be erased and was not ({told})"
    return told, None


def _plant(connection: extensions.connection, canary: Canary, as_of: date, kind: Kind) -> Key:
    planting = _template(canary)
    with connection.cursor() as cursor:
        try:
            cursor.execute(planting, {"as_of": as_of})
        except (TypeError, KeyError, ValueError, IndexError):
            raise GuardStop(
                f"{canary.template} asks for values that a canary has not; it has %(as_of)s alone, "
                "and %% is a percent sign"
            ) from None
        rows = cursor.fetchall() if cursor.description else []
    if len(rows) != 1 or len(rows[0]) != len(kind.key) or any(part is None for part in rows[0]):
        raise GuardStop(
            f"{canary.template} must give one row: the key of subject '{kind.name}' "
            f"({', '.join(kind.key)}) as text"
        )
    return tuple(str(part) for part in rows[0])


def _template(canary: Canary) -> str:
    """The one statement of a template: with several, one of them might end the transaction, and
    what was planted would stay."""
    text = sqlparse.format(read_text(canary.template), strip_comments=True)
    statements = [each for each in sqlparse.split(text) if each.strip(" \t\r\n;")]
    if len(statements) != 1:
        raise GuardStop(
            f"{canary.template} holds {len(statements)} statements; it must be one, which gives "
            "the key (WITH … INSERT … RETURNING)"
        )
    return statements[0]


def _is_there(connection: extensions.connection, kind: Kind, key: Key) -> bool:
    matched = all_of(
        sql.SQL("{} = {}::{}").format(column("s", name), sql.Placeholder(f"k{i}"), type_name(each))
        for i, (name, each) in enumerate(zip(kind.key, kind.types, strict=True))
    )
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} AS s WHERE {})").format(kind.source, matched)
    with connection.cursor() as cursor:
        cursor.execute(query, {f"k{i}": part for i, part in enumerate(key)})
        row = cursor.fetchone()
    return row is not None and bool(row[0])


def _way_out(error: psycopg2.Error, canary: Canary) -> str:
    if error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE:
        return (
            f"; the runner needs INSERT on the tables of {canary.template} (`lethe init` grants "
            "it), and SELECT on what it returns"
        )
    return f"; see {canary.template}"
