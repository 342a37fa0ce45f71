"""The warehouse as plain frozen data: what a policy is checked against and a plan is made from.

    Catalogue
    ├── tables        Table → columns, keys, indexes, checks, partitions
    ├── foreign_keys  ForeignKey
    ├── views         View (plain and materialised), with what each one reads
    └── what acts or copies out of sight: triggers, event_triggers, rules, policies,
        publications, subscriptions, replication_slots, large objects

Nothing here holds the value of a row. A partition is no table of its own: it is listed in the
table that it is part of, and whatever hangs on it is told of that table, with the partition named.
A child of classical inheritance is a table of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lethe.catalogue.hidden import (
    EventTrigger,
    Policy,
    Publication,
    ReplicationSlot,
    Rule,
    Subscription,
    Trigger,
)
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


@dataclass(frozen=True, slots=True)
class Reading:
    """What a view takes from one relation; no column named means the relation as a whole."""

    source: TableName
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A view, plain or materialised (then it holds copies).

    reads   direct: tables and views it names, also through functions with an SQL body
    tables  the same followed down to tables; the bodies of other functions are not seen
    """

    name: TableName
    is_materialised: bool
    is_populated: bool
    columns: Mapping[str, Column]
    reads: tuple[Reading, ...]
    tables: tuple[TableName, ...]
    extension: str | None


@dataclass(frozen=True, slots=True)
class MissingRight:
    """What the current role would need to read a table."""

    table: TableName
    right: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One database, as its catalogue tells it to one role.

    server_version_num  such as 180004
    role                whose rights and whose row-level security are told
    has_large_objects   the database holds at least one large object
    """

    server_version_num: int
    database: str
    role: str
    is_standby: bool
    has_large_objects: bool
    tables: Mapping[TableName, Table]
    foreign_keys: tuple[ForeignKey, ...]
    views: Mapping[TableName, View]
    triggers: tuple[Trigger, ...]
    event_triggers: tuple[EventTrigger, ...]
    rules: tuple[Rule, ...]
    policies: tuple[Policy, ...]
    publications: tuple[Publication, ...]
    subscriptions: tuple[Subscription, ...]
    replication_slots: tuple[ReplicationSlot, ...]

    def foreign_keys_from(self, child: TableName) -> tuple[ForeignKey, ...]:
        """Name the foreign keys that rows of this table hold."""
        return tuple(key for key in self.foreign_keys if key.child == child)

    def foreign_keys_to(self, parent: TableName) -> tuple[ForeignKey, ...]:
        """Name the foreign keys that refer to rows of this table."""
        return tuple(key for key in self.foreign_keys if key.parent == parent)

    def heirs_of(self, table: TableName) -> tuple[TableName, ...]:
        """Name the tables that inherit from this one, at any depth."""
        heirs: list[TableName] = []
        todo = [table]
        for parent in todo:
            new = [
                t.name
                for t in self.tables.values()
                if parent in t.inherits_from and t.name not in heirs
            ]
            heirs += new
            todo += new
        return tuple(sorted(heirs))

    def views_over(self, table: TableName) -> tuple[View, ...]:
        """Name the views that show rows of this table, directly or through other views."""
        return tuple(view for view in self.views.values() if table in view.tables)

    def publications_of(self, table: TableName) -> tuple[Publication, ...]:
        """Name the publications that carry changes of this table away."""
        return tuple(p for p in self.publications if table in p.tables)

    def missing_rights(self) -> tuple[MissingRight, ...]:
        """Say what the current role would need to read every table."""
        missing = []
        for table in self.tables.values():
            if "usage" not in table.rights:
                missing.append(MissingRight(table.name, f"USAGE on schema {table.name.schema}"))
            unread = [c.name for c in table.columns.values() if not c.readable]
            if unread and "select" not in table.rights:
                whole = len(unread) == len(table.columns)
                right = "SELECT" if whole else f"SELECT on column {', '.join(unread)}"
                missing.append(MissingRight(table.name, right))
        return tuple(missing)
