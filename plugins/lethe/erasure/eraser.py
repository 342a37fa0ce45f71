"""The eraser: works a frozen set off, oldest first, in batches that a live database hardly feels.

Who goes tonight is decided by age; those who go tonight go in the order of their keys, so that the
rows of a batch lie side by side and every page is fetched and written once, not once a batch.
Several workers may run on one set; each claims its own rows. A batch that fails is cut in halves,
down to the one subject that makes it fail: that one is quarantined, and the rest goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import psycopg2
from psycopg2 import extensions

from lethe.erasure.assignment import Assignment, Claimed
from lethe.erasure.batch import BatchAct
from lethe.erasure.failure import Failure, roll_back
from lethe.erasure.outcomes import RowsDiffer
from lethe.erasure.pace import Pace
from lethe.erasure.prepared import Prepared, prepare
from lethe.erasure.questions import by_key
from lethe.erasure.record import Recorder
from lethe.erasure.tally import Tally
from lethe.erasure.traffic import Traffic
from lethe.erasure.transaction import Transaction
from lethe.erasure.writing import write_outcomes
from lethe.errors import WarehouseRefused
from lethe.include import statement
from lethe.policy.model.guards import Batches

log = logging.getLogger(__name__)

_WINDOW = 50_000
"""So many of the oldest are put in the order of their keys at a time; fewer where a cap says so."""
_GOLDEN = 0.618034
"""However many workers there are, so many turns of a circle lie apart."""
_ALIKE = 25
"""So many subjects in a row that fail of what a function raises with a code of those classes:
then it is no matter of single subjects."""


class Eraser:
    """One worker on one assignment."""

    def __init__(
        self,
        connection: extensions.connection,
        assignment: Assignment,
        recorder: Recorder,
        *,
        manners: Batches,
        shard: int = 0,
        proceed: Callable[[], bool] = lambda: True,
        most: int | None = None,
    ) -> None:
        self._connection = connection
        self._assignment = assignment
        self._recorder = recorder
        self._manners = manners
        self._shard = shard
        self._proceed = proceed
        self._most = most
        self._pace = Pace(manners)
        self._alike = 0
        self._deferred = 0
        self._worked_s = 0.0
        self._told = False
        connection.rollback()
        # Lock first, check second: each statement must see what was committed before it.
        connection.set_session(isolation_level="READ COMMITTED", readonly=False)
        self.traffic = Traffic(connection, above=manners.beside_others.above)
        self._prepared: Prepared = prepare(connection, assignment)
        self._by_key = by_key(assignment.steps.kind)
        connection.rollback()
        self.tally = Tally()

    @property
    def connection(self) -> extensions.connection:
        """Its connection; outside a transaction between two batches."""
        return self._connection

    def only_while(self, may_go_on: Callable[[], bool]) -> None:
        """Ask this too before each batch; it may wait before it answers."""
        proceed = self._proceed
        self._proceed = lambda: proceed() and may_go_on()

    def stop(self) -> None:
        """End after the batch in hand; may be called from another thread."""
        self._proceed = lambda: False

    def work(self) -> Tally:
        """Work until nothing undecided is left that another worker does not hold."""
        done = -1
        while self.tally.done > done:
            done, self._deferred = self.tally.done, 0
            self._round(final=False)
            if not self._deferred:
                break
        self._round(final=True)
        return self.tally

    def _round(self, *, final: bool) -> None:
        after = 0
        while self._goes_on() and (window := self._oldest(after)):
            after = max(window)
            window = self._apart(window)
            while window and self._goes_on():
                self._give_way()
                taken = self._size()
                self._claim_and_erase(window[:taken], final=final)
                window = window[taken:]

    def _goes_on(self) -> bool:
        return self._proceed() and (self._most is None or self.tally.done < self._most)

    def _oldest(self, after: int) -> list[int]:
        """Numbers of the oldest undecided subjects, at most as many as may go, by their keys."""
        most = _WINDOW if self._most is None else min(_WINDOW, self._most - self.tally.done)
        with self._transaction() as cursor:
            cursor.execute(
                statement("erasure/list_oldest", by_key=self._by_key),
                {**self._run, "after": after, "most": most},
            )
            return [number for (number,) in cursor.fetchall()]

    def _apart(self, window: list[int]) -> list[int]:
        """Begin elsewhere than the other workers: they meet only where one has been."""
        begin = int(len(window) * (self._shard * _GOLDEN % 1.0))
        return window[begin:] + window[:begin]

    def _size(self) -> int:
        size = self._pace.size
        return size if self._most is None else max(1, min(size, self._most - self.tally.done))

    def _claim_and_erase(self, numbers: Sequence[int], *, final: bool) -> None:
        started = time.monotonic()
        with self._transaction() as cursor:
            claimed = self._claim(cursor, numbers)
            if not claimed:
                return
            failure = self._try(cursor, claimed, final=final)
        if failure is None:
            took_s = time.monotonic() - started
            self.tally.longest_ms = max(self.tally.longest_ms, took_s * 1000)
            if 2 * len(claimed) >= len(numbers):  # else mostly what a batch costs in itself
                self._pace.took(took_s * 1000, len(claimed))
            self._worked_s = took_s
        else:
            self._pace.failed()
            self._again(claimed, failure, attempt=1, final=final)

    def _give_way(self) -> None:
        """Leave the server to others for a while, between two transactions."""
        self._pace.give_way(beside_others=self.traffic.is_busy())
        if self.traffic.was_seen and not self._told:
            self._told = True
            log.info("Rule %s: others work; batches are small and rest", self._assignment.rule)
        rest_s = self._pace.rest_s(self._worked_s)
        if rest_s > 0:
            time.sleep(rest_s)
            self.tally.rested_s += rest_s
        self._worked_s = 0.0

    def _claim(self, cursor: extensions.cursor, numbers: Sequence[int]) -> list[Claimed]:
        cursor.execute(statement("erasure/claim_batch"), {**self._run, "numbers": list(numbers)})
        return [_claimed(row) for row in cursor.fetchall()]

    def _try(
        self,
        cursor: extensions.cursor,
        claimed: Sequence[Claimed],
        *,
        final: bool,
        strict: bool = False,
    ) -> Failure | None:
        """Act on claimed subjects and commit; if that fails, roll back and say why."""
        evidence = self._recorder.begin(self._connection, self._assignment)
        act = BatchAct(
            cursor,
            self._assignment,
            self._prepared,
            claimed,
            evidence.batch,
            self._recorder.archived,
        )
        try:
            if act.settle(final=final, strict=strict):
                self._recorder.bury(evidence, self._assignment, act)
                act.erase()
            self._deferred += act.outcomes.deferred
            if not act.outcomes.decided:
                return None
            write_outcomes(cursor, self._assignment, act, shard=self._shard)
            self._recorder.write(evidence, self._assignment, act)
            evidence.commit()
        except RowsDiffer as error:
            self._connection.rollback()
            return Failure(str(error))
        except WarehouseRefused:
            self._connection.rollback()
            raise
        except psycopg2.Error as error:
            return roll_back(self._connection, error, self._assignment.rule)
        self.tally.add(act)
        self._alike = 0 if act.erased else self._alike
        return None

    def _again(
        self,
        claimed: Sequence[Claimed],
        failure: Failure,
        *,
        attempt: int,
        final: bool,
        strict: bool = False,
    ) -> None:
        """Try a failed batch again: whole if the failure may pass, else in halves."""
        strict = strict or failure.is_about_rows
        if failure.may_pass and attempt < self._manners.attempts:
            time.sleep(min(2.0, 0.05 * 2**attempt))
            self._retry(claimed, attempt + 1, final=final, strict=strict)
        elif len(claimed) > 1:
            middle = len(claimed) // 2
            self._retry(claimed[:middle], attempt, final=final, strict=strict)
            self._retry(claimed[middle:], attempt, final=final, strict=strict)
        else:
            self._quarantine(claimed[0], failure)

    def _retry(
        self, claimed: Sequence[Claimed], attempt: int, *, final: bool, strict: bool
    ) -> None:
        with self._transaction() as cursor:
            mine = self._claim(cursor, [each.number for each in claimed])
            failure = self._try(cursor, mine, final=final, strict=strict) if mine else None
        if failure is not None:
            self._again(mine, failure, attempt=attempt, final=final, strict=strict)

    def _quarantine(self, claimed: Claimed, failure: Failure) -> None:
        """Set one subject aside; one whose rows somebody else holds is only skipped."""
        outcome = "skipped" if failure.is_locked else "quarantined"
        reason = "locked by somebody else" if failure.is_locked else failure.reason
        with self._transaction() as cursor:
            self._prepared.watch.require_same(cursor)
            log.warning("Rule %s: one subject %s: %s", self._assignment.rule, outcome, reason)
            cursor.execute(
                statement("erasure/decide_subjects"),
                {
                    **self._run,
                    "numbers": [claimed.number],
                    "outcomes": [outcome],
                    "reasons": [reason],
                },
            )
            self._connection.commit()
        (self.tally.skipped if failure.is_locked else self.tally.quarantined)[reason] += 1
        if failure.is_fatal:
            self._alike += 1
            if self._alike >= _ALIKE:
                raise WarehouseRefused(
                    f"rule {self._assignment.rule}: {_ALIKE} subjects in a row failed "
                    f"({failure.reason}); the rest is left as it is",
                    failure.sqlstate,
                )

    @property
    def _run(self) -> dict[str, object]:
        return {"run_id": str(self._assignment.run_id), "rule": self._assignment.rule}

    def _transaction(self) -> Transaction:
        return Transaction(self._connection, self._manners)


def _claimed(row: tuple[object, ...]) -> Claimed:
    number, key, due_on, starting_on = row
    return Claimed(int(number), tuple(key), due_on, starting_on)  # type: ignore[call-overload,arg-type]
