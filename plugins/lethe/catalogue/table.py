"""One table as plain frozen data: its columns, keys, indexes, checks, partitions, foreign keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lethe.policy.names import TableName

TableKind = Literal["table", "partitioned", "foreign"]
TypeKind = Literal["base", "enum", "composite", "range", "multirange", "pseudo"]
Reaction = Literal["no action", "restrict", "cascade", "set null", "set default"]
Right = Literal["usage", "select", "insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or view.

    type            SQL text, always with its schema unless built in
    base_type       the same with every domain taken off
    bare_type       the same without length and precision: cast keys to this, for a cast to
                    varchar(3) or to a domain over it cuts in silence and matches another row
    element_type    of an array, what it holds, with every domain taken off
    category        pg_type.typcategory of the base type: S text, N number, D date, B boolean, …
    nullable        neither the column nor a domain of its type refuses NULL
    generated_from  columns of the same table that a generated column is computed from
    readable        the current role may SELECT it; `updatable`: may UPDATE it
    is_bytewise     its collation calls no two different texts equal
    """

    name: str
    type: str
    base_type: str
    bare_type: str
    element_type: str | None
    category: str
    type_kind: TypeKind
    nullable: bool
    has_default: bool
    generated: Literal["stored", "virtual"] | None
    generated_from: tuple[str, ...]
    identity: Literal["always", "by default"] | None
    readable: bool
    updatable: bool
    is_bytewise: bool = True

    @property
    def is_domain(self) -> bool:
        return self.type != self.base_type

    @property
    def is_array(self) -> bool:
        return self.element_type is not None

    @property
    def is_json(self) -> bool:
        return bool({"json", "jsonb"} & {self.base_type, self.element_type})

    @property
    def is_text(self) -> bool:
        return self.category == "S"

    @property
    def width(self) -> int | None:
        """How many characters it takes, where its type has a limit."""
        found = re.fullmatch(r"character(?: varying)?\((\d+)\)", self.base_type)
        return int(found[1]) if found else None

    @property
    def may_name_large_object(self) -> bool:
        """An oid (also under the domain `lo`), alone or in an array."""
        return "oid" in {self.base_type, self.element_type}

    @property
    def may_be_nulled(self) -> bool:
        return self.nullable and self.generated is None


@dataclass(frozen=True, slots=True)
class Index:
    """An index, for advice.

    columns  its leading plain columns, up to the first expression
    """

    name: str
    columns: tuple[str, ...]
    method: str
    is_unique: bool
    is_partial: bool
    has_expressions: bool
    is_valid: bool


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK constraint: it may refuse a blanked or replaced value."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition, at any depth.

    parent  the table or partition right above
    bound   as in CREATE TABLE: FOR VALUES … or DEFAULT
    key     of a partition that is itself partitioned, such as 'LIST (country)'
    """

    name: TableName
    parent: TableName
    bound: str
    kind: TableKind
    key: str | None
    row_estimate: int | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table with everything that is part of it.

    unique_keys       of whole rows: not partial, no expression, not deferrable; primary key first
    row_estimate      as of the last ANALYZE or the running statistics; None if nobody knows
    size_bytes        with indexes and TOAST, as of the last VACUUM or ANALYZE
    rls_enabled       row-level security is on; `rls_forced`: for the owner too
    rls_filters_us    it filters what the current role sees
    inherits_from     parents of classical inheritance: their queries return this table's rows
    partition_key     such as 'RANGE (created_at)'; an expression in it reads '(expression)'
    replica_identity  what logical replication calls a row by
    foreign_server    where the rows of a foreign table are
    extension         the extension that owns the table
    rights            what the current role may do here; 'usage' is of the schema
    """

    name: TableName
    kind: TableKind
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...] | None
    unique_keys: tuple[tuple[str, ...], ...]
    indexes: tuple[Index, ...]
    checks: tuple[Check, ...]
    row_estimate: int | None
    size_bytes: int
    unlogged: bool
    rls_enabled: bool
    rls_forced: bool
    rls_filters_us: bool
    inherits_from: tuple[TableName, ...]
    partition_key: str | None
    partition_columns: tuple[str, ...]
    partitions: tuple[Partition, ...]
    replica_identity: Literal["default", "nothing", "full", "index"]
    foreign_server: str | None
    extension: str | None
    rights: frozenset[Right]

    @property
    def is_readable(self) -> bool:
        """The current role may read every column of it."""
        return "usage" in self.rights and all(c.readable for c in self.columns.values())

    @property
    def large_object_columns(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns.values() if c.may_name_large_object)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key, once, however many partitions repeat it.

    child, parent      may lie in an ignored schema, if the other one does not
    nullable_columns   those of `child_columns` that can be nulled to cut the link
    set_columns        those that ON DELETE SET NULL or SET DEFAULT sets
    match_full         MATCH FULL: only all columns NULL cut the link; else any one does
    child_partition    set where only this partition of the child declares it
    parent_partition   set where it refers to this partition of the parent
    """

    constraint: str
    child: TableName
    child_columns: tuple[str, ...]
    parent: TableName
    parent_columns: tuple[str, ...]
    on_delete: Reaction
    on_update: Reaction
    deferrable: bool
    initially_deferred: bool
    nullable_columns: tuple[str, ...]
    set_columns: tuple[str, ...]
    match_full: bool
    validated: bool
    enforced: bool
    child_partition: TableName | None
    parent_partition: TableName | None

    @property
    def is_self_reference(self) -> bool:
        return self.child == self.parent

    @property
    def can_be_cut(self) -> bool:
        """The link can go while the child row stays."""
        needed = self.child_columns if self.match_full else self.child_columns[:1]
        return len(self.nullable_columns) >= len(needed)
