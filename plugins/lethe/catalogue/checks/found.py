"""What a check finds, and what it looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from lethe.catalogue.graph import Graph
from lethe.catalogue.model import Catalogue, Column, Table
from lethe.policy.model import Policy
from lethe.policy.model.subjects import Link, PolicyTable
from lethe.policy.names import TableName
from lethe.policy.wording import nearest

Place = tuple[str | int, ...]
Level = Literal["fault", "alarm", "advice"]


@dataclass(frozen=True, slots=True)
class Found:
    """Something that a check found.

    level  fault: nothing can be planned until it is mended; alarm: a promise is not kept, or
           nobody has answered; advice: it would be better otherwise
    code   stable name of the kind of finding
    place  path of keys in the policy file; () where the file says nothing about it
    sql    what would mend it, for a DBA to judge
    """

    level: Level
    code: str
    place: Place
    message: str
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """Policy, catalogue and the graph that joins them."""

    policy: Policy
    catalogue: Catalogue
    graph: Graph

    @property
    def personal(self) -> tuple[TableName, ...]:
        """Tables of the policy that hold personal rows, in its order, if the warehouse has them."""
        return tuple(
            table
            for table, entry in self.policy.tables.items()
            if (entry.cluster or entry.rows) and table in self.catalogue.tables
        )

    def known(self) -> Iterator[tuple[TableName, PolicyTable, Table]]:
        """Tables of the policy that the warehouse has."""
        for name, entry in self.policy.tables.items():
            table = self.catalogue.tables.get(name)
            if table is not None:
                yield name, entry, table

    def column(self, table: TableName | None, name: str) -> Column | None:
        """A column, if table and column are there."""
        known = self.catalogue.tables.get(table) if table is not None else None
        return known.columns.get(name) if known is not None else None

    def in_scope(self, name: TableName) -> bool:
        """The policy speaks about the table's schema, and does not leave the table out."""
        warehouse = self.policy.warehouse
        if warehouse.schemas and name.schema not in warehouse.schemas:
            return False
        return not any(
            ignored.schema_ == name.schema or ignored.table == name for ignored in warehouse.ignore
        )

    def missing_columns(self, table: TableName | None, names: Iterable[str]) -> Iterator[str]:
        """Sentences about columns that a table of the warehouse does not have."""
        known = self.catalogue.tables.get(table) if table is not None else None
        if known is None:
            return
        for name in names:
            if name not in known.columns:
                yield f"table {table} has no column '{name}'; {hint(name, known.columns)}"


def hint(name: str, known: Iterable[str]) -> str:
    """What was probably meant, and what there is."""
    names = list(known)
    near = nearest(name, names)
    meant = f"did you mean '{near}'? " if near is not None else ""
    return f"{meant}it has: {', '.join(names)}"


def table_hint(name: TableName, catalogue: Catalogue) -> str:
    """What was probably meant, or what the schema has."""
    near = nearest(str(name), map(str, catalogue.tables))
    if near is not None:
        return f"did you mean {near}?"
    inside = [table.name for table in catalogue.tables if table.schema == name.schema]
    if inside:
        return f"schema {name.schema} has: {', '.join(sorted(inside))}"
    schemas = sorted({table.schema for table in catalogue.tables})
    return f"it has no table in a schema '{name.schema}'; schemas with tables: " + (
        ", ".join(schemas) or "none"
    )


def links_of(entry: PolicyTable) -> Iterator[tuple[Place, Link]]:
    """The links of a table and of its parts, each with its place below the table."""
    for at, link in enumerate(entry.links):
        yield ("links", at), link
    for number, part in enumerate(entry.rows):
        for at, link in enumerate(part.links):
            yield ("rows", number, "links", at), link
