"""From the rows of the catalogue's queries to the catalogue; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, cast

from lethe.catalogue.assemble_tables import (
    NO_COLUMNS,
    Columns,
    assemble_columns,
    assemble_foreign_keys,
    assemble_tables,
)
from lethe.catalogue.hidden import (
    Event,
    EventTrigger,
    Firing,
    Policy,
    Publication,
    ReplicationSlot,
    Rule,
    Subscription,
    Trigger,
)
from lethe.catalogue.known import Known
from lethe.catalogue.model import Catalogue, Reading, View
from lethe.catalogue.relations import Relations, group_rows
from lethe.catalogue.rows import CatalogueRows, PublicationRow
from lethe.policy.names import TableName

_FIRING: Mapping[str, Firing] = {"O": "origin", "A": "always", "R": "replica", "D": "disabled"}
_RULE_EVENT: Mapping[str, Event] = {"1": "select", "2": "update", "3": "insert", "4": "delete"}
_COMMAND: Mapping[str, Any] = {
    "*": "all",
    "r": "select",
    "a": "insert",
    "w": "update",
    "d": "delete",
}


def assemble_catalogue(rows: CatalogueRows) -> Catalogue:
    """Put the rows together: partitions into their tables, names for numbers."""
    relations = Relations(rows)
    columns = assemble_columns(rows.columns)
    tables = assemble_tables(rows, relations, columns)
    server = rows.server[0]
    return Catalogue(
        server_version_num=server.server_version_num,
        database=server.database,
        role=server.role,
        is_standby=server.is_standby,
        has_large_objects=server.has_large_objects,
        tables=MappingProxyType(Known(tables)),
        foreign_keys=assemble_foreign_keys(rows.foreign_keys, relations, tables),
        views=MappingProxyType(Known(_views(rows, relations, columns))),
        triggers=_triggers(rows, relations),
        event_triggers=tuple(
            EventTrigger(e.name, e.event, e.function, tuple(e.tags), _FIRING[e.firing])
            for e in rows.event_triggers
        ),
        rules=_rules(rows, relations),
        policies=_policies(rows, relations),
        publications=tuple(_publication(p, rows, relations) for p in rows.publications),
        subscriptions=tuple(
            Subscription(s.name, s.enabled, relations.names(s.relations))
            for s in rows.subscriptions
        ),
        replication_slots=tuple(
            ReplicationSlot(s.name, s.plugin, s.active) for s in rows.replication_slots
        ),
    )


def _views(
    rows: CatalogueRows, relations: Relations, columns: Mapping[int, Columns]
) -> dict[TableName, View]:
    sources = group_rows(rows.view_sources, lambda row: row.view)
    reads = {
        view: _readings(
            (relations.name(row.source), row.columns)
            for row in group
            if row.source in relations.by_oid
        )
        for view, group in sources.items()
    }
    direct = {
        relations.own_name(view): tuple(reading.source for reading in readings)
        for view, readings in reads.items()
    }
    return {
        relations.own_name(row.oid): View(
            name=relations.own_name(row.oid),
            is_materialised=row.kind == "m",
            is_populated=row.is_populated,
            columns=columns.get(row.oid, NO_COLUMNS),
            reads=reads.get(row.oid, ()),
            tables=_tables_below(relations.own_name(row.oid), direct),
            extension=row.extension,
        )
        for row in rows.relations
        if row.kind in ("v", "m") and not row.is_ignored
    }


def _readings(found: Iterable[tuple[TableName, list[str]]]) -> tuple[Reading, ...]:
    """One reading a source, for a view may name several partitions of one table."""
    columns: dict[TableName, dict[str, None]] = {}
    for source, names in found:
        columns.setdefault(source, {}).update(dict.fromkeys(names))
    return tuple(Reading(source, tuple(columns[source])) for source in sorted(columns))


def _tables_below(
    view: TableName, direct: Mapping[TableName, tuple[TableName, ...]]
) -> tuple[TableName, ...]:
    seen = {view}
    todo = [view]
    for name in todo:
        for source in direct.get(name, ()):
            if source not in seen:
                seen.add(source)
                todo.append(source)
    return tuple(sorted(name for name in seen if name not in direct and name != view))


def _triggers(rows: CatalogueRows, relations: Relations) -> tuple[Trigger, ...]:
    return tuple(
        Trigger(
            name=t.name,
            table=relations.name(t.relation),
            function=t.function,
            timing=cast("Any", t.timing),
            events=tuple(cast("list[Event]", t.events)),
            for_each_row=t.for_each_row,
            columns=tuple(t.columns),
            has_condition=t.has_condition,
            firing=_FIRING[t.firing],
            partition=relations.partition(t.relation),
        )
        for t in rows.triggers
        if relations.in_sight(t.relation)
    )


def _rules(rows: CatalogueRows, relations: Relations) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            name=r.name,
            table=relations.name(r.relation),
            event=_RULE_EVENT[r.event],
            instead=r.instead,
            firing=_FIRING[r.firing],
            partition=relations.partition(r.relation),
        )
        for r in rows.rules
        if relations.in_sight(r.relation)
    )


def _policies(rows: CatalogueRows, relations: Relations) -> tuple[Policy, ...]:
    return tuple(
        Policy(
            name=p.name,
            table=relations.name(p.relation),
            command=_COMMAND[p.command],
            permissive=p.permissive,
            roles=tuple(p.roles),
            partition=relations.partition(p.relation),
        )
        for p in rows.policies
        if relations.in_sight(p.relation)
    )


def _publication(row: PublicationRow, rows: CatalogueRows, relations: Relations) -> Publication:
    listed = set(row.relations)
    published = (
        r.oid
        for r in rows.relations
        if r.oid in listed
        or (
            r.kind in ("r", "p")
            and not r.is_unlogged
            and (row.all_tables or r.schema in row.schemas)
        )
    )
    return Publication(
        name=row.name,
        all_tables=row.all_tables,
        schemas=tuple(row.schemas),
        tables=relations.names(published),
        insert=row.insert,
        update=row.update,
        delete=row.delete,
        truncate=row.truncate,
    )
