"""One batch: lock first, re-check second, then tombstones, rows, ledger and witness, then commit.

Everything of a batch is one transaction. The witness outside the warehouse is told before the
commit, so that a restore of the warehouse cannot make us forget whom we erased.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from psycopg2 import extensions

from lethe.erasure.assignment import Assignment, Claimed
from lethe.erasure.prepared import Act, Batch, Prepared
from lethe.errors import VerificationError
from lethe.include import statement
from lethe.policy.names import TableName

Key = tuple[str, ...]


@dataclass(slots=True)
class Outcomes:
    """What became of the subjects and rows of a batch.

    decided   number → (outcome, reason)
    deleted   table → rows; `changed`: blanked or unlinked
    by_key    subject key → table → rows, for the ledger
    shared    rows of tables that hang on several subjects, by table
    """

    decided: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    deleted: Counter[TableName] = field(default_factory=Counter)
    changed: Counter[TableName] = field(default_factory=Counter)
    by_key: dict[Key, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    shared: Counter[str] = field(default_factory=Counter)
    identifiers: dict[Key, tuple[str | None, ...]] = field(default_factory=dict)
    files: list[tuple[str, str]] = field(default_factory=list)
    remaining: set[Key] = field(default_factory=set)

    def count(self, outcome: str) -> int:
        """How many subjects had an outcome."""
        return sum(1 for found, _ in self.decided.values() if found == outcome)


class BatchAct:
    """The act on one batch, within the caller's transaction."""

    def __init__(
        self,
        cursor: extensions.cursor,
        assignment: Assignment,
        prepared: Prepared,
        claimed: Sequence[Claimed],
        batch_id: UUID,
    ) -> None:
        self._cursor = cursor
        self._assignment = assignment
        self._prepared = prepared
        self._by_key = {each.key: each for each in claimed}
        self.batch_id = batch_id
        self.outcomes = Outcomes()
        self._going: dict[Key, Claimed] = dict(self._by_key)
        self._anchored: dict[TableName, list[Key]] = {}

    def settle(self, *, wait: bool) -> list[Claimed]:
        """Lock and re-check; gives the subjects that may go, oldest first.

        wait  subjects that somebody else has locked count as skipped; else they stay undecided
        """
        self._lock(wait=wait)
        if self._going:
            self._recheck()
        self._bar()
        if self._going:
            self._read_before()
        return self.erased

    def erase(self) -> None:
        """Erase those that `settle` gave; nothing is committed here."""
        if self._going:
            self._act()

    @property
    def erased(self) -> list[Claimed]:
        """The subjects that may go, and after `erase` are gone, oldest first."""
        return list(self._going.values())

    def _batch(self) -> Batch:
        numbers = [each.number for each in self._going.values()]
        return Batch(str(self._assignment.run_id), self._assignment.rule, numbers)

    def _skip(self, keys: Iterable[Key], reason: str) -> None:
        for key in keys:
            claimed = self._going.pop(key, None)
            if claimed is not None:
                self.outcomes.decided[claimed.number] = ("skipped", reason)

    def _lock(self, *, wait: bool) -> None:
        prepared = self._prepared
        if prepared.lock is not None:
            locked = _keys(prepared.lock.fetch(self._cursor, self._batch()))
            missing = [key for key in self._going if key not in locked]
            if missing:
                self._sort_out(missing, wait=wait)
        for lock in prepared.locks if self._going else ():
            lock.run(self._cursor, self._batch())

    def _sort_out(self, missing: Sequence[Key], *, wait: bool) -> None:
        """A subject that gave no lock is gone, or in somebody else's hands."""
        numbers = [self._going[key].number for key in missing]
        batch = Batch(str(self._assignment.run_id), self._assignment.rule, numbers)
        seen = _keys(self._prepared.recheck.fetch(self._cursor, batch))
        for key in missing:
            if key not in seen:
                self._skip([key], "already gone")
            elif wait:
                self._skip([key], "locked by somebody else")
            else:
                del self._going[key]

    def _recheck(self) -> None:
        rows = self._prepared.recheck.fetch(self._cursor, self._batch())
        found = {tuple(cast(list[str], key)): str(outcome) for key, outcome in rows}
        for key in list(self._going):
            outcome = found.get(key, "already gone")
            if outcome != "due":
                self._skip([key], _reason(outcome))

    def _bar(self) -> None:
        """Stop subjects whose rows are referenced from outside; a stop may stop others."""
        again = True
        while again and self._going:
            again = False
            for child, anchor, ready in self._prepared.barred:
                if anchor is not None or not self._going:
                    continue
                barred = _keys(ready.fetch(self._cursor, self._batch()))
                if barred:
                    self._skip(barred, f"still referenced by {child}")
                    again = True

    def _read_before(self) -> None:
        prepared, batch = self._prepared, self._batch()
        for ready in prepared.anchors:
            found = sorted(_keys(ready.find.fetch(self._cursor, batch)))
            going = _keys(ready.going.fetch(self._cursor, batch, found)) if found else set()
            table = ready.anchor.table
            self._anchored[table] = sorted(self._unbarred(table, going))
            staying = [key for key in found if key not in set(self._anchored[table])]
            for cut in ready.cuts if staying else ():
                for _, rows in cut.fetch(self._cursor, batch, staying):
                    self.outcomes.changed[table] += int(cast(int, rows))
        if prepared.identifiers is not None:
            for row in prepared.identifiers.fetch(self._cursor, batch):
                key = tuple(cast(list[str], row[0]))
                self.outcomes.identifiers[key] = tuple(cast("tuple[str | None, ...]", row[1:]))
        for column in prepared.files:
            for _, target in self._rows(column.act):
                if target:
                    self.outcomes.files.append((column.system, str(target)))

    def _unbarred(self, table: TableName, going: set[Key]) -> set[Key]:
        for _, anchor, ready in self._prepared.barred:
            if anchor == str(table) and going:
                going -= _keys(ready.fetch(self._cursor, self._batch(), sorted(going)))
        return going

    def _rows(self, act: Act) -> list[tuple[object, ...]]:
        anchored = self._anchored[act.anchor] if act.anchor else ()
        if act.anchor and not anchored:
            return []
        return act.ready.fetch(self._cursor, self._batch(), anchored)

    def _act(self) -> None:
        prepared = self._prepared
        if prepared.deferred:
            self._cursor.execute(prepared.deferred)
        for act in prepared.cuts:
            if not act.anchor or self._anchored[act.anchor]:
                anchored = self._anchored[act.anchor] if act.anchor else ()
                act.ready.run(self._cursor, self._batch(), anchored)
        for act in prepared.unlinks:
            self._tally(act, self.outcomes.changed)
        for act in prepared.deletes:
            self._tally(act, self.outcomes.deleted)
        for act in prepared.blankings:
            owners = self._tally(act, self.outcomes.changed)
            if not act.anchor:
                self.outcomes.remaining |= owners
        if prepared.deferred:
            self._cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for claimed in self._going.values():
            self.outcomes.decided[claimed.number] = ("done", None)

    def _tally(self, act: Act, total: Counter[TableName]) -> set[Key]:
        found = [(tuple(cast(list[str], key)), cast(int, rows)) for key, rows in self._rows(act)]
        if not found:
            return set()
        table, acted_on = str(act.table), sum(rows for _, rows in found)
        total[act.table] += acted_on
        if act.anchor:
            self.outcomes.shared[table] += acted_on
            return set()
        by_key = self.outcomes.by_key
        for key, rows in found:
            if key not in self._going:
                raise VerificationError(
                    f"{act.table}: a statement acted on a subject outside its batch; "
                    "the batch was rolled back"
                )
            counts = by_key[key]
            counts[table] = counts.get(table, 0) + rows
        return {key for key, _ in found}


def _keys(rows: Iterable[tuple[object, ...]]) -> set[Key]:
    return {tuple(cast(list[str], row[0])) for row in rows}


def _reason(outcome: str) -> str:
    return "no longer due" if outcome in ("active", "not yet due") else outcome


def write_outcomes(
    cursor: extensions.cursor, assignment: Assignment, act: BatchAct, *, shard: int
) -> None:
    """Write the outcomes of a batch into the frozen set, in its transaction."""
    outcomes = act.outcomes
    run: Mapping[str, object] = {"run_id": str(assignment.run_id), "rule": assignment.rule}
    if outcomes.decided:
        cursor.execute(
            statement("erasure/decide_subjects"),
            {
                **run,
                "numbers": list(outcomes.decided),
                "outcomes": [outcome for outcome, _ in outcomes.decided.values()],
                "reasons": [reason for _, reason in outcomes.decided.values()],
            },
        )
    tables = sorted({*outcomes.deleted, *outcomes.changed})
    if tables:
        cursor.execute(
            statement("erasure/count_rows"),
            {
                **run,
                "shard": shard,
                "tables": [str(table) for table in tables],
                "deleted": [outcomes.deleted[table] for table in tables],
                "changed": [outcomes.changed[table] for table in tables],
            },
        )
    staying = [each.number for each in act.erased if each.key in outcomes.remaining]
    if staying:
        cursor.execute(
            statement("erasure/register_skeletons"),
            {
                **run,
                "subject_kind": assignment.steps.kind.name,
                "cluster": assignment.steps.cluster,
                "as_of": assignment.as_of,
                "numbers": staying,
            },
        )
    if outcomes.files:
        cursor.execute(
            statement("erasure/add_intents"),
            {
                "run_id": run["run_id"],
                "batch": str(act.batch_id),
                "systems": [system for system, _ in outcomes.files],
                "targets": [target for _, target in outcomes.files],
            },
        )
