"""Somebody may change the tables while they are worked: then no batch goes by what was read before.

A DELETE keeps new foreign keys and triggers away from its table until its transaction ends, so a
look after the act and before the commit sees whatever it has met.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from psycopg2 import extensions

from lethe.catalogue.model import Catalogue
from lethe.errors import WarehouseRefused
from lethe.include import statement
from lethe.policy.names import TableName

_CHANGED = (
    "foreign keys or triggers of its tables changed while it was worked; what is not committed was "
    "rolled back, and the next run goes on with the tables as they are then"
)


@dataclass(frozen=True, slots=True)
class Watch:
    """Tables, and what can reach rows out of sight of a statement on them.

    numbers  oids of the tables
    state    of their triggers when the rule was prepared
    """

    rule: str
    numbers: tuple[int, ...]
    state: str

    def require_same(self, cursor: extensions.cursor) -> None:
        """Refuse what was done in a transaction that met other foreign keys or triggers.

        Raises  WarehouseRefused; the caller rolls back
        """
        if _state(cursor, self.numbers) != self.state:
            raise WarehouseRefused(f"rule {self.rule}: {_CHANGED}", None)


def watch_tables(
    cursor: extensions.cursor, catalogue: Catalogue, rule: str, tables: Collection[TableName]
) -> Watch:
    """Begin to watch the tables on which a rule acts.

    Raises  WarehouseRefused where they have other foreign keys by now than the catalogue told
    """
    # Bound, not composed: a percent sign in a name stands once.
    names = [table.identifier.as_string(cursor).replace("%%", "%") for table in tables]
    cursor.execute(statement("erasure/read_references"), {"tables": names})
    numbers, keys = cursor.fetchone() or ([], 0)
    known = [
        key for key in catalogue.foreign_keys if key.parent in tables and not key.parent_partition
    ]
    if len(known) != keys:
        raise WarehouseRefused(f"rule {rule}: {_CHANGED}", None)
    found = tuple(int(number) for number in numbers or () if number is not None)
    return Watch(rule, found, _state(cursor, found))


def _state(cursor: extensions.cursor, numbers: tuple[int, ...]) -> str:
    cursor.execute(statement("erasure/read_triggers_state"), {"numbers": list(numbers)})
    row = cursor.fetchone()
    return str(row[0]) if row else ""
