"""One batch: lock first, re-check second, then tombstones, rows, ledger and witness, then commit.

Everything of a batch is one transaction. The witness outside the warehouse is told before the
commit, so that a restore of the warehouse cannot make us forget whom we erased.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import cast
from uuid import UUID

from psycopg2 import extensions

from lethe.erasure.assignment import Assignment, Claimed
from lethe.erasure.counts import Counts
from lethe.erasure.outcomes import DUE_EARLIER, Key, Outcomes, RowsDiffer
from lethe.erasure.ready import Act, Batch, Prepared
from lethe.erasure.rows import anchor_values
from lethe.guards.archived import DAMAGED, ArchivedRecords, documents_of
from lethe.include import statement
from lethe.policy.names import TableName

log = logging.getLogger(__name__)


class BatchAct:
    """The act on one batch, within the caller's transaction."""

    def __init__(
        self,
        cursor: extensions.cursor,
        assignment: Assignment,
        prepared: Prepared,
        claimed: Sequence[Claimed],
        batch_id: UUID,
        archived: ArchivedRecords | None = None,
    ) -> None:
        self._cursor = cursor
        self._assignment = assignment
        self._prepared = prepared
        self._going: dict[Key, Claimed] = {each.key: each for each in claimed}
        self._shared: dict[TableName, list[Key]] = {}
        self._anchored: dict[TableName, list[Key]] = {}
        self._staying: dict[TableName, set[Key]] = defaultdict(set)
        self._is_group = assignment.steps.kind.is_group
        self._archived = archived if _has_documents(assignment) else None
        self.batch_id = batch_id
        self.outcomes = Outcomes()
        self._counts = Counts(self.outcomes, prepared.counted)

    def settle(self, *, final: bool, strict: bool = False, thorough: bool = False) -> list[Claimed]:
        """Lock and re-check; gives the subjects that may go, oldest first.

        final     decide about everybody; else those who are locked or barred stay undecided, for
                  somebody may be about to let go of them
        strict    look for what the database itself would refuse: it just did
        thorough  look for newer rows also where the delete would tell of them
        """
        self._lock(final=final)
        if self._going:
            self._recheck(thorough=thorough or strict)
        if self._going and self._archived is not None:
            self._open_records(self._archived)
        if self._going:
            self._bar(final=final, strict=strict)
        if self._going:
            self._read_before()
        return self.erased

    def erase(self) -> None:
        """Erase those that `settle` gave; nothing is committed here.

        Raises  RowsDiffer if other rows were met than had been counted under lock
        """
        if self._going:
            for keep in self._prepared.keeps:
                keep.run(self._cursor, self._batch())
            self._cut_shared()
            self._act()

    @property
    def erased(self) -> list[Claimed]:
        """The subjects that may go, and after `erase` are gone, oldest first."""
        return list(self._going.values())

    def _batch(self, numbers: list[int] | None = None) -> Batch:
        anchored: dict[str, list[str]] = {}
        for ready in self._prepared.anchors:
            anchored |= anchor_values(ready.anchor, self._anchored.get(ready.anchor.table, []))
        return Batch(
            str(self._assignment.run_id),
            self._assignment.rule,
            [each.number for each in self._going.values()] if numbers is None else numbers,
            anchored,
        )

    def _skip(self, keys: Iterable[Key], reason: str) -> None:
        for key in keys:
            claimed = self._going.pop(key, None)
            if claimed is not None:
                self.outcomes.decided[claimed.number] = ("skipped", reason)

    def _defer(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if self._going.pop(key, None) is not None:
                self.outcomes.deferred += 1

    def _lock(self, *, final: bool) -> None:
        prepared, kind = self._prepared, self._assignment.steps.kind
        if prepared.lock is not None:
            rows = prepared.lock.fetch(self._cursor, self._batch())
            locked = _keys(rows)
            if self._is_group and kind.table is not None:
                self._counts.meet(kind.table, rows)
            for row in rows if rows and len(rows[0]) > 1 else ():
                key = tuple(cast(list[str], row[0]))
                self.outcomes.identifiers[key] = tuple(cast("tuple[str | None, ...]", row[1:]))
            missing = [key for key in self._going if key not in locked]
            if missing:
                self._sort_out(missing, final=final)
        for table, lock in prepared.locks if self._going else ():
            if self._is_group:
                self._counts.meet(table, lock.fetch(self._cursor, self._batch()))
            else:
                lock.run(self._cursor, self._batch())

    def _sort_out(self, missing: Sequence[Key], *, final: bool) -> None:
        """A subject that gave no lock is gone, or in somebody else's hands."""
        batch = self._batch([self._going[key].number for key in missing])
        seen = _keys(self._prepared.recheck.fetch(self._cursor, batch))
        self._skip([key for key in missing if key not in seen], "already gone")
        locked = [key for key in missing if key in seen]
        if final:
            self._skip(locked, "locked by somebody else")
        else:
            self._defer(locked)

    def _recheck(self, *, thorough: bool) -> None:
        self._cursor.execute(statement("guards/lock_holds_shared"))
        decide = self._prepared.recheck if thorough else self._prepared.glance
        rows = decide.fetch(self._cursor, self._batch())
        found = {tuple(cast(list[str], row[0])): str(row[1]) for row in rows}
        self._counts.last_due = {
            tuple(cast(list[str], row[0])): cast("date | None", row[2]) for row in rows
        }
        for key in list(self._going):
            outcome = found.get(key, "already gone")
            if outcome != "due":
                self._skip([key], _reason(outcome))
        self._skip(_due_earlier(rows, self._going), DUE_EARLIER)

    def _open_records(self, archived: ArchivedRecords) -> None:
        """Keep whoever has an archived record that is missing or does not open."""
        numbers = [each.number for each in self._going.values()]
        run_id, rule = self._assignment.run_id, self._assignment.rule
        damaged = archived.find_damaged(self._cursor, run_id, rule, numbers)
        if damaged:
            log.error("Rule %s: archived records of %s subjects are damaged", rule, len(damaged))
        self._skip([key for key, each in self._going.items() if each.number in damaged], DAMAGED)

    def _bar(self, *, final: bool, strict: bool) -> None:
        """Stop subjects, and rows they share, that must stay; each stop may stop others."""
        bars = (*self._prepared.bars, *(self._prepared.suspects if strict else ()))
        again = True
        while again and self._going:
            again = False
            self._find_shared()
            for bar in bars if self._going else ():
                if bar.anchor is not None and not self._anchored.get(bar.anchor):
                    continue
                stopped = _keys(bar.ready.fetch(self._cursor, self._batch()))
                if not stopped:
                    continue
                again = True
                if bar.anchor is not None:
                    self._staying[bar.anchor] |= stopped
                    left = [key for key in self._anchored[bar.anchor] if key not in stopped]
                    self._anchored[bar.anchor] = left
                elif final:
                    self._skip(stopped, bar.reason)
                else:
                    self._defer(stopped)

    def _find_shared(self) -> None:
        """Lock the rows that the batch shares with others; those that nobody else needs go."""
        for ready in self._prepared.anchors:
            table = ready.anchor.table
            found = sorted(_keys(ready.find.fetch(self._cursor, self._batch())))
            self._shared[table] = self._anchored[table] = found
            going = _keys(ready.going.fetch(self._cursor, self._batch())) if found else set()
            self._anchored[table] = sorted(going - self._staying[table])

    def _read_before(self) -> None:
        prepared, batch = self._prepared, self._batch()
        for column in prepared.files:
            for _, target in self._rows(column.act):
                if target:
                    self.outcomes.files.append((column.system, str(target)))
        if prepared.count is not None:
            (counts,) = prepared.count.fetch(self._cursor, batch)
            for (table, _), rows in zip(prepared.counted, counts, strict=True):
                self.outcomes.locked[table] += int(cast(int, rows))

    def _cut_shared(self) -> None:
        """Cut the links of shared rows that stay for somebody else."""
        for ready in self._prepared.anchors:
            table = ready.anchor.table
            going = set(self._anchored[table])
            staying = [key for key in self._shared[table] if key not in going]
            batch = self._batch()
            batch = replace(
                batch, anchored={**batch.anchored, **anchor_values(ready.anchor, staying)}
            )
            for cut in ready.cuts if staying else ():
                for _, rows in cut.fetch(self._cursor, batch):
                    self.outcomes.changed[table] += int(cast(int, rows))

    def _rows(self, act: Act) -> list[tuple[object, ...]]:
        if act.anchor and not self._anchored[act.anchor]:
            return []
        return act.ready.fetch(self._cursor, self._batch())

    def _act(self) -> None:
        prepared = self._prepared
        if prepared.deferred:
            self._cursor.execute(prepared.deferred)
        for act in prepared.acts:
            if act.does == "cut":
                self._rows(act)
                continue
            deletes = act.does == "delete"
            for part, rows in act.parts(self._rows(act)):
                counts = self.outcomes.deleted if deletes else self.outcomes.changed
                owners = self._counts.add(part, rows, counts, self._going.keys())
                if act.does == "blank" and not act.anchor:
                    self.outcomes.remaining |= owners
        if prepared.deferred:
            self._cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        self._counts.require_equal()
        self._require_none_left()
        prepared.watch.require_same(self._cursor)
        if self._assignment.steps.keeps_subject:
            self.outcomes.remaining |= set(self._going)
        for claimed in self._going.values():
            self.outcomes.decided[claimed.number] = ("done", None)

    def _require_none_left(self) -> None:
        """What was deleted is gone, whatever triggers of the warehouse did meanwhile."""
        left = self._prepared.left
        if left is None:
            return
        self._cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        (counts,) = left.fetch(self._cursor, self._batch())
        for table, rows in zip(self._prepared.left_of, counts, strict=True):
            if rows:
                raise RowsDiffer(f"rows of {table} were there again after they had been deleted")


def _has_documents(assignment: Assignment) -> bool:
    steps, graph = assignment.steps, assignment.graph
    tables = {member.table for member in graph.members[steps.cluster]}
    return bool(documents_of(graph, steps.kind, tables))


def _due_earlier(rows: Iterable[tuple[object, ...]], going: Mapping[Key, Claimed]) -> list[Key]:
    """Who is due earlier than when the set was frozen: nobody was shown or approved that."""
    found = []
    for row in rows:
        key = tuple(cast(list[str], row[0]))
        due_on, claimed = cast("date | None", row[3]), going.get(key)
        if due_on and claimed and claimed.due_on and due_on < claimed.due_on:
            found.append(key)
    return found


def _keys(rows: Iterable[tuple[object, ...]]) -> set[Key]:
    return {tuple(cast(list[str], row[0])) for row in rows}


def _reason(outcome: str) -> str:
    return "no longer due" if outcome in ("active", "not yet due") else outcome
