"""Relations by number, and the table that each one is part of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from lethe.catalogue.rows import CatalogueRows
from lethe.policy.names import TableName

Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)


class Relations:
    """What the oids of the catalogue's rows stand for; a partition stands for its whole table."""

    def __init__(self, rows: CatalogueRows) -> None:
        self.by_oid = {row.oid: row for row in rows.relations}
        self._above = {
            row.child: row.parent
            for row in rows.inheritance
            if row.child in self.by_oid and self.by_oid[row.child].is_partition
        }

    def root(self, oid: int) -> int:
        """Climb from a partition to its table."""
        while oid in self._above:
            oid = self._above[oid]
        return oid

    def own_name(self, oid: int) -> TableName:
        """Name the relation itself."""
        row = self.by_oid[oid]
        return TableName(row.schema, row.name)

    def name(self, oid: int) -> TableName:
        """Name the table that the relation is, or is part of."""
        return self.own_name(self.root(oid))

    def partition(self, oid: int) -> TableName | None:
        """Name the relation if it is a partition."""
        return self.own_name(oid) if self.root(oid) != oid else None

    def in_sight(self, oid: int) -> bool:
        """Say whether its table is a user's, and not ignored."""
        row = self.by_oid.get(self.root(oid))
        return row is not None and not row.is_ignored

    def names(self, oids: Iterable[int]) -> tuple[TableName, ...]:
        """Name the tables in sight among these, each once."""
        return tuple(sorted({self.name(oid) for oid in oids if self.in_sight(oid)}))


def group_rows(rows: Iterable[Row], key: Callable[[Row], Key]) -> Mapping[Key, Sequence[Row]]:
    """Put rows of one key together, in their order."""
    groups: defaultdict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups
