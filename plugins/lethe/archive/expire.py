"""Expiry: what is past its last day is destroyed, through the same guards as the sweep.

A frozen set of records, its digest, the cap, approval over it, holds and restrictions, and the
decision again under lock at the moment of the act. Record, salt and both copies of the data key go
with the row; a signed leaf says that it was lawful, and that nothing else is missing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from psycopg2 import extensions, sql

from lethe.archive.appending import Append, ArchiveKeys
from lethe.archive.capture import told
from lethe.archive.expired import Expired, ended_token
from lethe.archive.expiry_statements import UNNAMED, count_waiting, judge_expiry, lock_subjects
from lethe.archive.sound import CHANGED, find_unsound
from lethe.archive.statements import archive_of, kinds_of
from lethe.catalogue.graph import Graph
from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.erasure.freeze import frozen_digest, rule_digest
from lethe.erasure.outcomes import DUE_EARLIER
from lethe.errors import GuardStop, VerificationError
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.runs import Run
from lethe.evidence.witness import Witness
from lethe.guards.approval import find_decision
from lethe.guards.limits import over_limit
from lethe.guards.undecided import expiry_rule
from lethe.include import statement

log = logging.getLogger(__name__)

_BATCH = 500
_CLEARED = ("planned", "approved")
_APPROVED_EARLIER = sql.SQL(
    "SELECT FROM lethe.plan_subject AS s JOIN lethe.plan_rule AS p USING (run_id, rule)"
    " WHERE p.rule = %(rule)s AND p.state = 'approved' AND p.run_id <> %(run_id)s"
    " AND s.outcome IS NULL AND s.key = d.key"
)


class Expiry:
    """Expiry of the documents of one kind of subject, by one run."""

    def __init__(
        self,
        connection: extensions.connection,
        site: Site,
        graph: Graph,
        kind: str,
        *,
        run: Run,
        keys: ArchiveKeys,
        witness: Witness | None,
    ) -> None:
        self._connection = connection
        self._site = site
        self._graph = graph
        self._kind = kind
        self._run = run
        self._keys = keys
        self._witness = witness
        self._clause = archive_of(graph).clause
        self.rule = expiry_rule(kind)
        self._named = {"run_id": str(run.run_id), "rule": self.rule}

    def plan(self) -> Expired:
        """Freeze what is due, once; nothing is destroyed."""
        found = Expired(self.rule)
        judge = judge_expiry(self._graph, self._kind, self._run.as_of)
        waiting = count_waiting(self._graph, self._run.as_of)
        text = sql.SQL(
            "{}, settled AS (SELECT d.*, CASE WHEN d.outcome = 'due' AND EXISTS ({})"
            " THEN 'approved earlier' ELSE d.outcome END AS what FROM decided AS d),"
            " frozen AS (INSERT INTO lethe.plan_subject"
            " (run_id, rule, subject_no, subject_kind, key, due_on, starting_point)"
            " SELECT %(run_id)s, %(rule)s, row_number() OVER (ORDER BY due_on, leaf_no), %(kind)s,"
            " key, due_on, starting_on FROM settled WHERE what = 'due' RETURNING 1)"
            " SELECT what, country, count(*), min(due_on), max(due_on) FROM settled"
            " GROUP BY what, country UNION ALL SELECT w.outcome, NULL, w.documents, NULL, NULL"
            " FROM ({}) AS w(outcome, documents)"
        ).format(judge.text, _APPROVED_EARLIER, waiting.text)
        acting_as(self._connection, "runner")
        with self._connection.cursor() as cursor:
            cursor.execute(statement("archive/supersede_waiting"), self._named)
            cursor.execute(statement("archive/supersede_work"), self._named)
            cursor.execute(statement("archive/forget_work"), self._named)
            cursor.execute(statement("erasure/set_planning"))
            values = {**judge.values, **waiting.values, **self._named, "kind": "archive_record"}
            cursor.execute(text, values)
            oldest, newest = self._count(found, cursor.fetchall())
            rows = frozen_digest(self._connection, self._run.run_id, self.rule) or bytes(32)
            found.digest = rule_digest(self._run.policy_digest, self._run.as_of, self.rule, rows)
            self._judge_limits(cursor, found)
            self._write(cursor, found, oldest, newest)
        self._connection.commit()
        return found

    def read(self) -> Expired:
        """Read the frozen set of an earlier night, to work off what was approved of it.

        Raises  GuardStop if the rows are not those that its digest names
        """
        with self._connection.cursor() as cursor:
            cursor.execute(statement("archive/read_plan"), self._named)
            row = cursor.fetchone()
        if row is None:
            raise GuardStop(f"{self.rule}: there is no plan of run {self._run.run_id}")
        state, counts, digest, over = row
        rows = frozen_digest(self._connection, self._run.run_id, self.rule) or bytes(32)
        named = rule_digest(self._run.policy_digest, self._run.as_of, self.rule, rows)
        self._connection.rollback()
        if named != bytes(digest):
            raise GuardStop(
                f"{self.rule}: the frozen set is not the one that its digest names; nothing of it "
                "is destroyed"
            )
        return Expired(self.rule, dict(counts), named, state, over)

    def work(self, found: Expired) -> None:
        """Destroy what is cleared of the frozen set, oldest first; of an approved one at most the
        cap a night."""
        most = self._graph.policy.guards.cap.subjects if found.state == "approved" else None
        more = found.state in _CLEARED
        while more:
            size = _BATCH if most is None else min(_BATCH, most - found.documents)
            more = size > 0 and self._batch(found, size)
        acting_as(self._connection, "runner")
        with self._connection.cursor() as cursor:
            if found.state in _CLEARED:
                cursor.execute(statement("archive/count_open"), self._named)
                (found.left,) = cursor.fetchone() or (0,)
                found.state = found.state if found.left else "done"
            # The plan first, its rows then, as whoever supersedes them locks them.
            self._set_state(cursor, found)
            if found.state == "done":
                cursor.execute(statement("archive/forget_work"), self._named)
        self._connection.commit()

    def _count(
        self, found: Expired, rows: Sequence[tuple[Any, ...]]
    ) -> tuple[date | None, date | None]:
        """Gather the outcomes; gives the first and the last day of what is due.

        Raises  VerificationError if a living document is in no outcome, or in two
        """
        days: list[date] = []
        unnamed = held = 0
        for outcome, country, count, first, last in rows:
            if outcome is None:
                held = int(count)
            elif outcome == UNNAMED:
                unnamed = int(count)
            else:
                found.counts[outcome] = found.counts.get(outcome, 0) + int(count)
            if outcome == "due":
                days += [first, last]
            if outcome == "beyond the promise":
                law = self._law_of(country)
                found.beyond[law] = found.beyond.get(law, 0) + int(count)
        if sum(found.counts.values()) != held:
            raise VerificationError(
                f"{self.rule}: of {held} archived documents {sum(found.counts.values())} have an "
                "outcome; nothing is destroyed"
            )
        # Once a night: what no kind of subject of this policy judges.
        if unnamed and self._kind == kinds_of(self._graph)[0]:
            found.counts[UNNAMED] = unnamed
        return (min(days), max(days)) if days else (None, None)

    def _law_of(self, country: str | None) -> str:
        minimums = archive_of(self._graph).legal_minimum
        own = self._graph.policy.controller.country
        bound = country if country in minimums else own
        return f"{bound}: {minimums[bound].law}"

    def _judge_limits(self, cursor: extensions.cursor, found: Expired) -> None:
        guards = self._graph.policy.guards
        cursor.execute(
            statement("archive/read_history"),
            {
                "policy_name": self._run.policy_name,
                "rule": self.rule,
                "before": self._run.as_of,
                "nights": max(guards.history_nights, 90),
            },
        )
        found.over_limit = over_limit(
            found.due,
            limits=guards.cap,
            population=sum(found.counts.values()),
            history=[int(row[1]) for row in cursor.fetchall()],
            nights=guards.history_nights,
        )
        if found.over_limit is not None:
            decision = find_decision(self._connection, found.digest, self._run.policy_digest)
            states = {"approve": "approved", "reject": "rejected"}
            found.state = states.get(decision.decision if decision else "", "waiting")

    def _write(
        self, cursor: extensions.cursor, found: Expired, oldest: date | None, newest: date | None
    ) -> None:
        cursor.execute(
            statement("archive/write_plan"),
            {
                **self._named,
                "kind": "archive_record",
                "clause": self._clause,
                "planned": found.due,
                "counts": json.dumps(found.counts),
                "oldest_on": oldest,
                "newest_on": newest,
                "digest": found.digest,
                "state": found.state,
                "over_limit": found.over_limit,
            },
        )

    def _set_state(self, cursor: extensions.cursor, found: Expired) -> None:
        cursor.execute(statement("archive/set_plan_state"), {**self._named, "state": found.state})

    def _batch(self, found: Expired, size: int) -> bool:
        acting_as(self._connection, "runner")
        with self._connection.cursor() as cursor:
            cursor.execute(statement("archive/claim_expired"), {**self._named, "size": size})
            claimed = {
                int(leaf): (int(number), due_on) for number, leaf, due_on in cursor.fetchall()
            }
            if not claimed:
                self._connection.rollback()
                return False
            append = Append.begin(self._connection, self._keys)
            due, outcomes = self._recheck(cursor, claimed)
            odd = find_unsound(self._connection, self._keys, due)
            found.changed += [leaf for leaf, why in odd.items() if why == CHANGED]
            due, outcomes = [leaf for leaf in due if leaf not in odd], {**outcomes, **odd}
            gone = self._destroy(cursor, append, due) if due else 0
            cursor.execute(
                statement("erasure/decide_subjects"),
                {
                    **self._named,
                    "numbers": [claimed[leaf][0] for leaf in outcomes],
                    "outcomes": ["skipped" if why else "done" for why in outcomes.values()],
                    "reasons": list(outcomes.values()),
                },
            )
        if due:
            head = append.finish()
            evidence = EvidenceBatch(self._connection, self._run.run_id, self._witness)
            counts = {"rule": self.rule, "documents": len(due), "destroyed": gone}
            evidence.add_rows([told(head, counts)])
            evidence.add_event("archive_head", {"head": head.line(self._keys.warehouse_id)})
            evidence.commit()
        else:
            self._connection.commit()
        found.documents += len(due)
        found.destroyed += gone
        found.skipped.update(why for why in outcomes.values() if why)
        return True

    def _recheck(
        self, cursor: extensions.cursor, claimed: Mapping[int, tuple[int, date]]
    ) -> tuple[list[int], dict[int, str | None]]:
        """Lock first, decide again in a second statement.

        What is due on an earlier day than in the frozen set nobody was shown or approved.
        """
        leaves = {"leaves": list(claimed)}
        cursor.execute(statement("guards/lock_holds_shared"))
        lock = lock_subjects(self._graph, self._kind)
        if lock is not None:
            cursor.execute(lock.text, {**lock.values, **leaves})
        cursor.execute(statement("archive/lock_frozen"), leaves)
        judge = judge_expiry(self._graph, self._kind, self._run.as_of, batch=True)
        cursor.execute(
            sql.SQL("{} SELECT leaf_no, outcome, due_on FROM decided").format(judge.text),
            {**judge.values, **leaves},
        )
        now = {int(leaf): (str(outcome), due_on) for leaf, outcome, due_on in cursor.fetchall()}
        outcomes: dict[int, str | None] = {}
        for leaf, (_, planned_on) in claimed.items():
            outcome, due_on = now.get(leaf, ("already gone", None))
            if outcome == "due" and due_on < planned_on:
                outcome = DUE_EARLIER
            outcomes[leaf] = None if outcome == "due" else outcome
        return [leaf for leaf, why in outcomes.items() if why is None], outcomes

    def _destroy(self, cursor: extensions.cursor, append: Append, due: Sequence[int]) -> int:
        day = self._run.as_of
        cursor.execute(statement("archive/find_ending"), {"leaves": list(due)})
        ended = {
            int(leaf): ended_token(self._keys, str(kind), str(key), int(leaf), day.isoformat())
            for leaf, kind, key in cursor.fetchall()
        }
        cursor.execute(
            statement("archive/end_documents"),
            {"leaves": list(ended), "tokens": list(ended.values()), "day": day},
        )
        cursor.execute(statement("archive/forget_ended"), {"leaves": list(ended)})
        cursor.execute(statement("archive/delete_documents"), {"leaves": list(due)})
        rows = cursor.fetchall()
        subjects = {"kinds": [row[2] for row in rows], "keys": [row[3] for row in rows]}
        gone = [int(row[0]) for row in rows]
        parties = {"parties": sorted({int(row[1]) for row in rows})}
        cursor.execute(statement("archive/delete_parties"), parties)
        gone += [int(row[0]) for row in cursor.fetchall()]
        cursor.execute(statement("archive/delete_clocks"), subjects)
        gone += [int(row[0]) for row in cursor.fetchall()]
        cursor.execute(statement("archive/delete_frozen"), subjects)
        for leaf in sorted(gone):
            append.add_statement(leaf, day.isoformat(), self._clause, ends=leaf in ended)
        return len(gone)
