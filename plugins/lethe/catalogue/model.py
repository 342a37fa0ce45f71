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

from lethe.catalogue.hidden import (
    EventTrigger,
    Policy,
    Publication,
    ReplicationSlot,
    Rule,
    Subscription,
    Trigger,
)
from lethe.catalogue.table import (
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
from lethe.policy.names import TableName

__all__ = [
    "Catalogue",
    "Check",
    "Column",
    "ForeignKey",
    "Index",
    "MissingRight",
    "Partition",
    "Reaction",
    "Reading",
    "Right",
    "Table",
    "TableKind",
    "TypeKind",
    "View",
]


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
