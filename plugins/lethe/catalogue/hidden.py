"""What acts or copies out of sight: triggers, rules, row policies, publications and the like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lethe.policy.names import TableName

Event = Literal["insert", "update", "delete", "truncate", "select"]


Firing = Literal["origin", "always", "replica", "disabled"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that somebody made (not one that enforces a constraint).

    function   'schema.name', quoted where needed
    columns    of UPDATE OF
    partition  set where only this partition has it
    """

    name: str
    table: TableName
    function: str
    timing: Literal["before", "after", "instead of"]
    events: tuple[Event, ...]
    for_each_row: bool
    columns: tuple[str, ...]
    has_condition: bool
    firing: Firing
    partition: TableName | None


@dataclass(frozen=True, slots=True)
class EventTrigger:
    """A trigger on commands of the whole database; `tags` empty means every command."""

    name: str
    event: str
    function: str
    tags: tuple[str, ...]
    firing: Firing


@dataclass(frozen=True, slots=True)
class Rule:
    """A rewrite rule other than the one that makes a view; `instead` can swallow a DELETE."""

    name: str
    table: TableName
    event: Event
    instead: bool
    firing: Firing
    partition: TableName | None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy of row-level security; it acts only where `Table.rls_enabled`."""

    name: str
    table: TableName
    command: Literal["all", "select", "insert", "update", "delete"]
    permissive: bool
    roles: tuple[str, ...]
    partition: TableName | None


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication of logical replication: a copy of rows somewhere else.

    tables  every table that it publishes, also as part of a schema or of all tables
    """

    name: str
    all_tables: bool
    schemas: tuple[str, ...]
    tables: tuple[TableName, ...]
    insert: bool
    update: bool
    delete: bool
    truncate: bool


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription: rows that come from another server, and may come again."""

    name: str
    enabled: bool
    tables: tuple[TableName, ...]


@dataclass(frozen=True, slots=True)
class ReplicationSlot:
    """A logical replication slot of this database: somebody reads its changes."""

    name: str
    plugin: str
    active: bool
