"""What the statements of a batch say that they did, held against what was met under lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from datetime import date
from typing import Any, cast

from lethe.erasure.outcomes import Key, Outcomes, RowsDiffer
from lethe.erasure.ready import Act, Rows
from lethe.errors import VerificationError
from lethe.policy.names import TableName


class Counts:
    """The rows of one batch, by table and by subject.

    last_due  subject → last day of activity that does not stop it
    """

    def __init__(self, outcomes: Outcomes, counted: Sequence[tuple[TableName, bool]]) -> None:
        self._outcomes = outcomes
        self._counted = counted
        self._handled: Counter[TableName] = Counter()
        self._met: dict[TableName, Counter[Key]] = {}
        self.last_due: dict[Key, date | None] = {}

    def meet(self, table: TableName, rows: Rows) -> None:
        """Note the rows by which a group is judged: of others that come now nobody knows a day."""
        met = self._met.setdefault(table, Counter())
        met.update(tuple(cast(list[str], row[0])) for row in rows)

    def add(self, act: Act, told: Rows, total: Counter[TableName], going: Set[Key]) -> set[Key]:
        """Add up what a statement told, by table and by subject; gives whose rows it met.

        total   deleted or changed rows, by table
        going   subjects of the batch
        Raises  RowsDiffer, VerificationError
        """
        found = cast(list[tuple[Any, ...]], told)
        if not found:
            return set()
        newer = [row for row in found if row[2] is not None] if len(found[0]) > 2 else []
        if act.does == "delete" and any(self._is_newer(act, row) for row in newer):
            raise RowsDiffer(f"rows of {act.table} became newer")
        owners: dict[Key, int] = {tuple(row[0]) if row[0] else (): row[1] for row in found}
        acted_on = sum(owners.values())
        table = str(act.table)
        total[act.table] += acted_on
        if act.does != "unlink":
            self._handled[act.table] += acted_on
        if act.anchor:
            self._outcomes.shared[table] += acted_on
            return set()
        if not owners.keys() <= going:
            raise VerificationError(
                f"{act.table}: a statement acted on a subject outside its batch; "
                "the batch was rolled back"
            )
        met = self._met.get(act.table) if act.does in ("delete", "blank") else None
        if met is not None and any(rows > met[key] for key, rows in owners.items()):
            raise RowsDiffer(f"rows of {act.table} came")
        by_key = self._outcomes.by_key
        for key, rows in owners.items():
            counts = by_key[key]
            counts[table] = counts.get(table, 0) + rows
        return set(owners)

    def _is_newer(self, act: Act, row: tuple[Any, ...]) -> bool:
        """A row came that would stop its subject; a shared one, any of the batch's subjects."""
        limits = self.last_due
        own = [limits.get(tuple(row[0] or ()))] if not act.anchor else [*limits.values()]
        days = [day for day in own if day is not None]
        return not days or row[2] > max(days)

    def require_equal(self) -> None:
        """What was deleted or blanked is what was counted under lock, table by table.

        Counted are the tables where a trigger or rule may swallow a delete; everywhere else the
        server does what it says.
        """
        counted = {table for table, _ in self._counted}
        for table in self._handled.keys() - counted:
            self._outcomes.locked[table] = self._handled[table]
        for table, is_exact in self._counted:
            locked, handled = self._outcomes.locked[table], self._handled[table]
            if handled > locked or (is_exact and handled != locked):
                raise RowsDiffer(f"other rows of {table} were erased than counted under lock")
