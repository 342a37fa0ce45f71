"""Whole partitions that lie past their period: dropped at once, with count and digest as evidence.

Only where the policy says `drop_partitions` and every row of the table is a subject of its own that
nothing else hangs on or speaks for. The owner of the table lends a function that the DBA's script
makes: it locks the partition, looks itself whether the newest row is due by the server's clock,
counts, makes the digest, and drops. The runner owns nothing and can call nothing else.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from psycopg2 import sql

from lethe.catalogue.days import DATE_TYPES
from lethe.catalogue.graph import Graph, Kind
from lethe.catalogue.model import Partition
from lethe.connections import group_role
from lethe.guards.archived import documents_of
from lethe.policy.model.rules import Rule
from lethe.policy.names import TableName

_UPPER = re.compile(r"^FOR VALUES FROM \('(?P<first>[^']+)'\) TO \('(?P<ends>[^']+)'\)$")


@dataclass(frozen=True, slots=True)
class Droppable:
    """A table whose partitions may be dropped by a rule.

    column     the starting point, by which the table is partitioned
    function   name of the owner's function in Lethe's schema
    """

    table: TableName
    kind: Kind
    rule: str
    column: str
    sql_type: str
    function: str
    partitions: tuple[Partition, ...]


def droppable(graph: Graph, rule: str) -> Droppable | None:
    """The table whose partitions a rule may drop; None if policy or table does not let it."""
    named = graph.policy.rules[rule]
    kind = graph.kind_of(named.cluster)
    entry = graph.policy.tables.get(kind.table) if kind.table else None
    if kind.table is None or entry is None or not entry.drop_partitions or why_not(graph, rule):
        return None
    known = graph.catalogue.tables[kind.table]
    column = named.starting_point.events[0].column
    return Droppable(
        kind.table,
        kind,
        rule,
        column,
        known.columns[column].base_type,
        function_name(kind.table),
        known.partitions,
    )


def why_not(graph: Graph, rule: str) -> list[str]:
    """Say why the partitions of a rule's table cannot be dropped, for `lethe policy check`."""
    named = graph.policy.rules[rule]
    kind = graph.kind_of(named.cluster)
    if kind.table is None or kind.table not in graph.catalogue.tables:
        return ["its subjects are no rows of one table"]
    found = [*_of_subjects(graph, kind, named), *_of_rule(kind, named)]
    table = graph.catalogue.tables[kind.table]
    event = named.starting_point.events[0]
    if table.partition_columns != (event.column,) or not (table.partition_key or "").startswith(
        "RANGE"
    ):
        found.append(f"it is not partitioned by range of '{event.column}' alone")
    if table.columns.get(event.column) and table.columns[event.column].base_type not in DATE_TYPES:
        found.append(f"'{event.column}' is no date")
    return found


def _of_subjects(graph: Graph, kind: Kind, rule: Rule) -> list[str]:
    members = graph.members[rule.cluster]
    policy = graph.policy
    found = []
    if [member.table for member in members] != [kind.table] or members[0].where:
        found.append("other rows belong to the cluster too")
    elif members[0].action.do != "erase" or members[0].anchor is not None:
        found.append("its rows are not simply erased")
    if not kind.unique:
        found.append("no unique key covers the key of the subject")
    if kind.policy.identifiers:
        found.append("its subjects have identifiers, and each needs a tombstone")
    marked = (*policy.guards.holds.values(), *policy.guards.restrictions.values())
    if any(each.subject == kind.name for each in marked):
        found.append("the warehouse marks holds or restrictions on its subjects")
    if documents_of(graph, kind, {member.table for member in members}):
        found.append("its documents are archived, each of which is looked at before it goes")
    if any(ref.parent == kind.table for ref in graph.references):
        found.append("other rows reference it")
    if any(trigger.table == kind.table for trigger in graph.catalogue.triggers):
        found.append("it has triggers, which a drop does not fire")
    if any(spec.file_reference for spec in policy.tables[members[0].table].columns.values()):
        found.append("its rows name files")
    rules = [other for other in policy.rules.values() if other.cluster == rule.cluster]
    if len(rules) != 1 or kind.where:
        found.append("not every row is under this rule")
    return found


def _of_rule(kind: Kind, rule: Rule) -> list[str]:
    point = rule.starting_point
    event = point.events[0]
    plain = (
        len(point.events) == 1
        and point.not_before is None
        and event.table in (None, kind.table)
        and not event.where
        and event.running is None
    )
    found = [] if plain else ["its starting point is not one plain column"]
    if rule.where or rule.at_least:
        found.append("the rule has conditions or minimums by country")
    return found


def ends_of(partition: Partition) -> tuple[str, str] | None:
    """First value and end of a partition, as the catalogue writes them; None for one without."""
    match = _UPPER.match(partition.bound)
    if match is None or partition.kind != "table":
        return None
    return match["first"], match["ends"]


def is_plausible(partition: Partition, rule: Rule) -> bool:
    """No row of it can have a date that the rule refuses to believe."""
    found = ends_of(partition)
    if found is None:
        return False
    plausible = rule.starting_point.plausible
    first, ends = (_day(text) for text in found)
    if first is None or ends is None or first < plausible.from_ or ends > plausible.to:
        return False
    return not any(first <= sentinel < ends for sentinel in plausible.sentinels)


def _day(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def function_name(table: TableName) -> str:
    """The name of the owner's function for a table."""
    return f"drop_partition_{hashlib.sha256(str(table).encode()).hexdigest()[:12]}"


def drop_functions(graph: Graph) -> list[sql.SQL]:
    """Write the functions by which owners let whole partitions go, for whoever may make them."""
    written = []
    for name in graph.policy.rules:
        found = droppable(graph, name)
        if found is not None:
            written.append(sql.SQL(_function(graph, found)))
    return written


def _function(graph: Graph, found: Droppable) -> str:
    policy = graph.policy.policy
    zone = ZoneInfo(policy.time_zone).key
    day = {
        "date": "t.{c}",
        "timestamp with time zone": "(t.{c} AT TIME ZONE '{z}')::date",
        "timestamp without time zone": "((t.{c} AT TIME ZONE '{n}') AT TIME ZONE '{z}')::date",
    }[found.sql_type].format(c=_identifier(found.column), z=zone, n=policy.naive_time_zone)
    places = {
        "FUNCTION": found.function,
        "PARENT": _literal(f"{_identifier(found.table.schema)}.{_identifier(found.table.name)}"),
        "DAY": day.replace("'", "''").replace("%", "%%"),
        "PERIOD": _literal(graph.policy.rules[found.rule].period.interval),
        "ZONE": _literal(zone),
        "RUNNER": group_role("runner"),
    }
    text = _TEMPLATE
    for place, value in places.items():
        text = text.replace(f"<{place}>", value)
    return text


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_TEMPLATE = """DO $make$ BEGIN
EXECUTE $function$
CREATE OR REPLACE FUNCTION lethe.<FUNCTION>(
    of_schema text, of_name text, last_due date, with_digest boolean,
    OUT rows bigint, OUT newest date, OUT digest bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE i.inhparent = <PARENT>::regclass AND n.nspname = of_schema AND c.relname = of_name
          AND c.relkind = 'r' AND NOT i.inhdetachpending) THEN
        RAISE EXCEPTION 'no partition of that name' USING ERRCODE = 'undefined_table';
    END IF;
    EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', of_schema, of_name);
    EXECUTE format('SELECT count(*), max(<DAY>), CASE WHEN $1 THEN'
                   ' sha256(string_agg(sha256(convert_to(t::text, ''UTF8'')), ''''::bytea)) END'
                   ' FROM %I.%I AS t', of_schema, of_name)
        INTO rows, newest, digest USING with_digest;
    -- Never by the caller's word alone.
    IF newest IS NULL OR newest > last_due
       OR (newest + <PERIOD>::interval)::date >= (now() AT TIME ZONE <ZONE>)::date THEN
        RAISE EXCEPTION 'not all of the partition is due' USING ERRCODE = 'check_violation';
    END IF;
    EXECUTE format('DROP TABLE %I.%I', of_schema, of_name);
END $body$ $function$;
EXECUTE format('ALTER FUNCTION lethe.<FUNCTION> OWNER TO %I',
               (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = <PARENT>::regclass));
REVOKE ALL ON FUNCTION lethe.<FUNCTION> FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lethe.<FUNCTION> TO <RUNNER>;
END $make$"""
