"""The rows of the catalogue's queries; field for field what `include/sql/catalogue/` selects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast

from psycopg2 import extensions

from lethe.include import statement


class ServerRow(NamedTuple):
    server_version_num: int
    database: str
    role: str
    is_standby: bool
    has_large_objects: bool


class RelationRow(NamedTuple):
    oid: int
    schema: str
    name: str
    is_ignored: bool
    kind: str
    is_partition: bool
    is_unlogged: bool
    row_estimate: int | None
    size_bytes: int
    rls_enabled: bool
    rls_forced: bool
    rls_filters_us: bool
    is_populated: bool
    replica_identity: str
    partition_key: str | None
    partition_columns: list[str]
    foreign_server: str | None
    extension: str | None
    rights: list[str]


class ColumnRow(NamedTuple):
    relation: int
    name: str
    type: str
    base_type: str
    bare_type: str
    element_type: str | None
    category: str
    type_kind: str
    nullable: bool
    has_default: bool
    generated: str
    generated_from: list[str]
    identity: str
    is_bytewise: bool
    readable: bool
    updatable: bool


class InheritanceRow(NamedTuple):
    child: int
    parent: int
    bound: str | None


class IndexRow(NamedTuple):
    relation: int
    name: str
    columns: list[str]
    method: str
    is_primary: bool
    is_unique: bool
    is_immediate: bool
    is_partial: bool
    has_expressions: bool
    is_valid: bool


class CheckRow(NamedTuple):
    relation: int
    name: str
    columns: list[str]


class ForeignKeyRow(NamedTuple):
    constraint: str
    child: int
    child_columns: list[str]
    parent: int
    parent_columns: list[str]
    on_delete: str
    on_update: str
    deferrable: bool
    initially_deferred: bool
    set_columns: list[str]
    match_full: bool
    validated: bool
    enforced: bool


class ViewSourceRow(NamedTuple):
    view: int
    source: int
    columns: list[str]


class TriggerRow(NamedTuple):
    relation: int
    name: str
    function: str
    timing: str
    events: list[str]
    for_each_row: bool
    columns: list[str]
    has_condition: bool
    firing: str


class EventTriggerRow(NamedTuple):
    name: str
    event: str
    function: str
    tags: list[str]
    firing: str


class RuleRow(NamedTuple):
    relation: int
    name: str
    event: str
    instead: bool
    firing: str


class PolicyRow(NamedTuple):
    relation: int
    name: str
    command: str
    permissive: bool
    roles: list[str]


class PublicationRow(NamedTuple):
    name: str
    all_tables: bool
    schemas: list[str]
    relations: list[int]
    insert: bool
    update: bool
    delete: bool
    truncate: bool


class SubscriptionRow(NamedTuple):
    name: str
    enabled: bool
    relations: list[int]


class ReplicationSlotRow(NamedTuple):
    name: str
    plugin: str
    active: bool


@dataclass(frozen=True, slots=True)
class CatalogueRows:
    """Everything that was read, query by query."""

    server: tuple[ServerRow, ...]
    relations: tuple[RelationRow, ...]
    columns: tuple[ColumnRow, ...]
    inheritance: tuple[InheritanceRow, ...]
    indexes: tuple[IndexRow, ...]
    checks: tuple[CheckRow, ...]
    foreign_keys: tuple[ForeignKeyRow, ...]
    view_sources: tuple[ViewSourceRow, ...]
    triggers: tuple[TriggerRow, ...]
    event_triggers: tuple[EventTriggerRow, ...]
    rules: tuple[RuleRow, ...]
    policies: tuple[PolicyRow, ...]
    publications: tuple[PublicationRow, ...]
    subscriptions: tuple[SubscriptionRow, ...]
    replication_slots: tuple[ReplicationSlotRow, ...]


Row = TypeVar("Row", bound=tuple[Any, ...])


def fetch_rows(cursor: extensions.cursor, ignore_schemas: tuple[str, ...]) -> CatalogueRows:
    """Ask every query once, however many tables there are."""
    values = {"ignore_schemas": list(ignore_schemas)}

    def fetch(name: str, row: type[Row]) -> tuple[Row, ...]:
        return tuple(_rows(cursor, name, row, values))

    return CatalogueRows(
        server=fetch("read_server", ServerRow),
        relations=fetch("read_relations", RelationRow),
        columns=fetch("read_columns", ColumnRow),
        inheritance=fetch("read_inheritance", InheritanceRow),
        indexes=fetch("read_indexes", IndexRow),
        checks=fetch("read_checks", CheckRow),
        foreign_keys=fetch("read_foreign_keys", ForeignKeyRow),
        view_sources=fetch("read_view_sources", ViewSourceRow),
        triggers=fetch("read_triggers", TriggerRow),
        event_triggers=fetch("read_event_triggers", EventTriggerRow),
        rules=fetch("read_rules", RuleRow),
        policies=fetch("read_policies", PolicyRow),
        publications=fetch("read_publications", PublicationRow),
        subscriptions=fetch("read_subscriptions", SubscriptionRow),
        replication_slots=fetch("read_replication_slots", ReplicationSlotRow),
    )


def _rows(
    cursor: extensions.cursor, name: str, row: type[Row], values: Mapping[str, list[str]]
) -> Iterator[Row]:
    cursor.execute(statement(f"catalogue/{name}"), values)
    selected = tuple(column.name for column in cursor.description or ())
    declared = cast(tuple[str, ...], getattr(row, "_fields", ()))
    if selected != declared:
        raise TypeError(f"catalogue/{name} selects {selected}, {row.__name__} has {declared}")
    make = cast(Any, row)._make
    return (make(values_of_row) for values_of_row in cursor.fetchall())
