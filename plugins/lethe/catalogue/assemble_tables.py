"""From rows to tables with their columns, keys, indexes and partitions, and to foreign keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from lethe.catalogue.known import Known
from lethe.catalogue.model import (
    Check,
    Column,
    ForeignKey,
    Index,
    Partition,
    Reaction,
    Right,
    Table,
    TableKind,
    TypeKind,
)
from lethe.catalogue.relations import Relations, group_rows
from lethe.catalogue.rows import (
    CatalogueRows,
    ColumnRow,
    ForeignKeyRow,
    IndexRow,
    InheritanceRow,
    RelationRow,
)
from lethe.policy.names import TableName

Columns = Mapping[str, Column]

NO_COLUMNS: Columns = MappingProxyType(Known())
_KIND: Mapping[str, TableKind] = {"r": "table", "p": "partitioned", "f": "foreign"}
_TYPE_KIND: Mapping[str, TypeKind] = {
    "b": "base",
    "c": "composite",
    "e": "enum",
    "r": "range",
    "m": "multirange",
    "p": "pseudo",
}
_REACTION: Mapping[str, Reaction] = {
    "a": "no action",
    "r": "restrict",
    "c": "cascade",
    "n": "set null",
    "d": "set default",
}
_GENERATED: Mapping[str, Any] = {"": None, "s": "stored", "v": "virtual"}
_IDENTITY: Mapping[str, Any] = {"": None, "a": "always", "d": "by default"}
_REPLICA: Mapping[str, Any] = {"d": "default", "n": "nothing", "f": "full", "i": "index"}


def assemble_columns(rows: Iterable[ColumnRow]) -> Mapping[int, Columns]:
    """Group columns by the oid of their relation, in the order of the relation."""
    return {
        relation: MappingProxyType(Known({row.name: _column(row) for row in group}))
        for relation, group in group_rows(rows, lambda row: row.relation).items()
    }


def _column(row: ColumnRow) -> Column:
    return Column(
        name=row.name,
        type=row.type,
        base_type=row.base_type,
        bare_type=row.bare_type,
        element_type=row.element_type,
        category=row.category,
        type_kind=_TYPE_KIND[row.type_kind],
        nullable=row.nullable,
        has_default=row.has_default,
        generated=_GENERATED[row.generated],
        generated_from=tuple(row.generated_from),
        identity=_IDENTITY[row.identity],
        readable=row.readable,
        updatable=row.updatable,
        is_bytewise=row.is_bytewise,
    )


def assemble_tables(
    rows: CatalogueRows, relations: Relations, columns: Mapping[int, Columns]
) -> dict[TableName, Table]:
    """Make a table of every relation that stores rows and is no partition."""
    indexes = group_rows(rows.indexes, lambda row: row.relation)
    checks = group_rows(rows.checks, lambda row: row.relation)
    parents = group_rows(rows.inheritance, lambda row: row.child)
    partitions = _partitions(rows.inheritance, relations)
    tables = (
        _table(
            row,
            columns.get(row.oid, NO_COLUMNS),
            indexes.get(row.oid, ()),
            tuple(Check(c.name, tuple(c.columns)) for c in checks.get(row.oid, ())),
            tuple(
                relations.own_name(link.parent)
                for link in parents.get(row.oid, ())
                if link.parent in relations.by_oid
            ),
            partitions.get(row.oid, ()),
        )
        for row in rows.relations
        if row.kind in _KIND and not row.is_partition and not row.is_ignored
    )
    return {table.name: table for table in tables}


def _table(
    row: RelationRow,
    columns: Columns,
    indexes: Sequence[IndexRow],
    checks: tuple[Check, ...],
    inherits_from: tuple[TableName, ...],
    partitions: tuple[Partition, ...],
) -> Table:
    primary = [tuple(index.columns) for index in indexes if index.is_primary]
    return Table(
        name=TableName(row.schema, row.name),
        kind=_KIND[row.kind],
        columns=columns,
        primary_key=primary[0] if primary else None,
        unique_keys=_unique_keys(indexes),
        indexes=tuple(_index(index) for index in indexes),
        checks=checks,
        row_estimate=_row_estimate(row, partitions),
        size_bytes=row.size_bytes + sum(part.size_bytes for part in partitions),
        unlogged=row.is_unlogged,
        rls_enabled=row.rls_enabled,
        rls_forced=row.rls_forced,
        rls_filters_us=row.rls_filters_us,
        inherits_from=inherits_from,
        partition_key=row.partition_key,
        partition_columns=tuple(row.partition_columns),
        partitions=partitions,
        replica_identity=_REPLICA[row.replica_identity],
        foreign_server=row.foreign_server,
        extension=row.extension,
        rights=frozenset(cast("list[Right]", row.rights)),
    )


def _index(row: IndexRow) -> Index:
    return Index(
        name=row.name,
        columns=tuple(row.columns),
        method=row.method,
        is_unique=row.is_unique,
        is_partial=row.is_partial,
        has_expressions=row.has_expressions,
        is_valid=row.is_valid,
    )


def _unique_keys(indexes: Iterable[IndexRow]) -> tuple[tuple[str, ...], ...]:
    keys = (
        tuple(index.columns)
        for index in indexes
        if index.is_unique
        and index.is_immediate
        and index.is_valid
        and not index.is_partial
        and not index.has_expressions
    )
    return tuple(dict.fromkeys(keys))


def _row_estimate(row: RelationRow, partitions: Iterable[Partition]) -> int | None:
    if row.kind != "p":
        return row.row_estimate
    known = [
        part.row_estimate
        for part in partitions
        if part.kind != "partitioned" and part.row_estimate is not None
    ]
    return sum(known) if known else None


def _partitions(
    links: Iterable[InheritanceRow], relations: Relations
) -> Mapping[int, tuple[Partition, ...]]:
    found: dict[int, list[Partition]] = {}
    for link in links:
        row = relations.by_oid.get(link.child)
        if row is None or not row.is_partition or link.parent not in relations.by_oid:
            continue
        part = Partition(
            name=relations.own_name(link.child),
            parent=relations.own_name(link.parent),
            bound=link.bound or "",
            kind=_KIND[row.kind],
            key=row.partition_key,
            row_estimate=row.row_estimate,
            size_bytes=row.size_bytes,
        )
        found.setdefault(relations.root(link.child), []).append(part)
    return {root: tuple(sorted(parts, key=lambda p: p.name)) for root, parts in found.items()}


def assemble_foreign_keys(
    rows: Iterable[ForeignKeyRow], relations: Relations, tables: Mapping[TableName, Table]
) -> tuple[ForeignKey, ...]:
    """Make a foreign key of every row that touches a table in sight."""
    return tuple(
        _foreign_key(row, relations, tables)
        for row in rows
        if relations.in_sight(row.child) or relations.in_sight(row.parent)
    )


def _foreign_key(
    row: ForeignKeyRow, relations: Relations, tables: Mapping[TableName, Table]
) -> ForeignKey:
    child = relations.name(row.child)
    columns = tables[child].columns if child in tables else NO_COLUMNS
    return ForeignKey(
        constraint=row.constraint,
        child=child,
        child_columns=tuple(row.child_columns),
        parent=relations.name(row.parent),
        parent_columns=tuple(row.parent_columns),
        on_delete=_REACTION[row.on_delete],
        on_update=_REACTION[row.on_update],
        deferrable=row.deferrable,
        initially_deferred=row.initially_deferred,
        nullable_columns=tuple(
            name for name in row.child_columns if name in columns and columns[name].may_be_nulled
        ),
        set_columns=tuple(row.set_columns),
        match_full=row.match_full,
        validated=row.validated,
        enforced=row.enforced,
        child_partition=relations.partition(row.child),
        parent_partition=relations.partition(row.parent),
    )
