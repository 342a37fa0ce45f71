"""Capture: what is new or corrected is appended, in batches; what cannot be is an outcome.

The work list is frozen once as rows of the run. A batch is one transaction: lock, read again,
seal, append, sign, evidence, commit. Whatever kills it, the next run finds what is still missing.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from psycopg2 import extensions

from lethe.archive.appending import Append, ArchiveKeys
from lethe.archive.heads import Head
from lethe.archive.reading import read_records
from lethe.archive.records import NewRecord, write_record
from lethe.archive.statements import DocumentStatements
from lethe.catalogue.fragments import Statement
from lethe.catalogue.graph import Graph
from lethe.connections import acting_as
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.canonical import canonical_instant
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.include import statement

log = logging.getLogger(__name__)

BATCH = 1_000
_SEEN = ("number", "issued_on", "country", "currency", "total", "corrects")


@dataclass(slots=True)
class Captured:
    """What became of the issued documents of one kind.

    outcomes  every issued document of the warehouse, by what became of it
    notes     what somebody should look at, besides: corrections of numbers, deleted documents
    """

    document: str
    outcomes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    issued: int = 0
    parties: int = 0

    @property
    def refused(self) -> dict[str, int]:
        """Documents that could not be archived, by reason."""
        return {
            reason.removeprefix("refused: "): count
            for reason, count in self.outcomes.items()
            if reason.startswith("refused: ")
        }


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    key: str | None
    owner: str | None
    title: str | None
    day: str | None
    country: str | None
    currency: str | None
    total: str | None
    corrects: str | None
    bound: str
    digest: memoryview
    party: str
    year_end: str
    before: memoryview | None
    before_no: int | None
    key_json: str
    owner_json: str
    ended: bool


class Capture:
    """The capture of one kind of document, by one run."""

    def __init__(
        self,
        connection: extensions.connection,
        graph: Graph,
        name: str,
        *,
        run_id: UUID,
        as_of: date,
        keys: ArchiveKeys,
        witness: Witness | None,
        batch: int = BATCH,
    ) -> None:
        self._connection = connection
        self._statements = DocumentStatements(graph, name, as_of)
        self._kind = self._statements.document.subject
        self._policy = graph.policy.policy
        self._run_id = run_id
        self._as_of = as_of
        self._keys = keys
        self._witness = witness
        self._size = batch
        self._run = {"run_id": str(run_id), "rule": f"capture:{name}"}
        self.captured = Captured(name)

    def work(self, proceed: Callable[[], bool] = lambda: True) -> Captured:
        """Archive everything that is new or corrected."""
        self._list_work()
        after: int | None = 0
        while after is not None and proceed():
            after = self._batch(after)
        self._close()
        return self.captured

    def _list_work(self) -> None:
        acting_as(self._connection, "runner")
        with self._connection.cursor() as cursor:
            cursor.execute(statement("archive/supersede_work"), self._run)
            cursor.execute(statement("archive/forget_work"), self._run)
            cursor.execute(statement("erasure/set_planning"))
            found = self._fetch(cursor, self._statements.find_pending(), self._run)
            for reason, count in found:
                self.captured.issued += count
                if reason is not None:
                    self.captured.outcomes[reason] += count
            (deleted,) = self._fetch(cursor, self._statements.find_deleted(), {})[0]
            if deleted:
                self.captured.notes["archived, and deleted from the warehouse"] += deleted
        self._connection.commit()

    def _batch(self, after: int) -> int | None:
        acting_as(self._connection, "runner")
        append = Append(self._connection, self._keys)
        with self._connection.cursor() as cursor:
            rows = self._fetch(
                cursor,
                self._statements.read_batch(),
                {**self._run, "after": after, "size": self._size},
            )
            if not rows:
                self._connection.rollback()
                return None
            outcomes, notes = self._archive(append, cursor, [_Row(*row) for row in rows])
            self._decide(cursor, outcomes)
        self._commit(append, outcomes)
        for reason in outcomes.values():
            self.captured.outcomes[reason] += 1
        self.captured.notes.update(notes)
        return int(rows[-1][0])

    def _archive(
        self, append: Append, cursor: extensions.cursor, rows: Sequence[_Row]
    ) -> tuple[dict[int, str], Counter[str]]:
        outcomes: dict[int, str] = {}
        notes: Counter[str] = Counter()
        going = []
        for row in rows:
            if row.key is None:
                outcomes[row.number] = "gone meanwhile"
            elif row.ended:
                outcomes[row.number] = "account erased"
            elif row.owner is None:
                outcomes[row.number] = "refused: no customer"
            elif row.before is not None and bytes(row.before) == bytes(row.digest):
                outcomes[row.number] = "unchanged"
            else:
                going.append(row)
        befores = self._read_before(going)
        parties = self._find_parties(cursor, append, going, befores)
        archived = []
        for row in going:
            before = befores.get(row.before_no) if row.before_no is not None else None
            number, changed = self._add(append, row, parties[row.number], before)
            archived.append((row.key, bytes(row.digest), number))
            outcomes[row.number] = "corrected" if before else "archived"
            notes.update(f"{name} changed" for name in changed if name in ("number", "currency"))
        if archived:
            cursor.execute(
                statement("archive/mark_archived"),
                {
                    "document_type": self.captured.document,
                    "keys": [key for key, _, _ in archived],
                    "digests": [digest for _, digest, _ in archived],
                    "leaves": [number for _, _, number in archived],
                    "at": append.at,
                },
            )
        return outcomes, notes

    def _add(
        self, append: Append, row: _Row, party_no: int, before: dict[str, Any] | None
    ) -> tuple[int, list[str]]:
        fields: dict[str, Any] = {
            "corrects": row.corrects,
            "country": row.country,
            "currency": row.currency,
            "financial_year_end": row.year_end,
            "issued_on": row.day,
            "number": row.title,
            "total": row.total,
        }
        changed = [name for name in _SEEN if before and before[name] != fields[name]]
        document = NewRecord(
            "document",
            self._kind,
            row.owner or "",
            self._token("document", row.bound),
            write_record(
                {
                    **fields,
                    "change": {"what": changed, "why": "correction"} if before else None,
                    "key": json.loads(row.key_json),
                    "kind": "document",
                    "party": {"leaf": append.leaf(party_no).hex(), "leaf_no": party_no},
                    "policy": self._named_policy(),
                    "previous": row.before_no if before else None,
                    "recorded_at": canonical_instant(append.at),
                    "subject": {"key": json.loads(row.owner_json), "kind": self._kind},
                    "type": self.captured.document,
                    "valid_from": self._as_of.isoformat() if before else row.day,
                    "version": before["version"] + 1 if before else 1,
                },
                row.bound,
            ),
            self.captured.document,
            row.key,
            row.title,
            row.day,
            row.country,
            party_no,
        )
        return append.add(document), changed

    def _find_parties(
        self,
        cursor: extensions.cursor,
        append: Append,
        rows: Sequence[_Row],
        befores: dict[int, dict[str, Any]],
    ) -> dict[int, int]:
        """The version of the party that each document is bound to; one that is missing is added.

        A corrected document stays bound to the version that it was issued under.
        """
        tokens = {row.number: self._token("party", row.party) for row in rows}
        cursor.execute(
            statement("archive/find_parties"),
            {
                "kind": self._kind,
                "keys": [row.owner for row in rows],
                "tokens": list(tokens.values()),
            },
        )
        known = {(key, bytes(token)): int(number) for key, token, number in cursor.fetchall()}
        found = {}
        for row in rows:
            before = befores.get(row.before_no) if row.before_no is not None else None
            if before is not None:
                found[row.number] = int(before["party"]["leaf_no"])
                continue
            named = (row.owner, tokens[row.number])
            if named not in known:
                known[named] = self._add_party(append, row, tokens[row.number])
            found[row.number] = known[named]
        return found

    def _add_party(self, append: Append, row: _Row, token: bytes) -> int:
        self.captured.parties += 1
        return append.add(
            NewRecord(
                "party",
                self._kind,
                row.owner or "",
                token,
                write_record(
                    {
                        "kind": "party",
                        "policy": self._named_policy(),
                        "recorded_at": canonical_instant(append.at),
                        "subject": {"key": json.loads(row.owner_json), "kind": self._kind},
                        "valid_from": row.day,
                    },
                    row.party,
                ),
            )
        )

    def _read_before(self, rows: Sequence[_Row]) -> dict[int, dict[str, Any]]:
        numbers = [row.before_no for row in rows if row.before_no is not None]
        if not numbers:
            return {}
        return {
            opened.leaf_no: opened.record
            for opened in read_records(self._connection, self._keys, leaves=numbers)
        }

    def _decide(self, cursor: extensions.cursor, outcomes: dict[int, str]) -> None:
        skipped = {
            number: None if reason in ("archived", "corrected") else reason
            for number, reason in outcomes.items()
        }
        cursor.execute(
            statement("erasure/decide_subjects"),
            {
                **self._run,
                "numbers": list(outcomes),
                "outcomes": ["skipped" if reason else "done" for reason in skipped.values()],
                "reasons": list(skipped.values()),
            },
        )

    def _commit(self, append: Append, outcomes: dict[int, str]) -> None:
        if not any(reason in ("archived", "corrected") for reason in outcomes.values()):
            self._connection.commit()
            return
        head = append.finish()
        evidence = EvidenceBatch(self._connection, self._run_id, self._witness)
        counted = Counter(outcomes.values())
        evidence.add_rows([told(head, {"document": self.captured.document, **counted})])
        evidence.add_event("archive_head", {"head": head.line(self._keys.warehouse_id)})
        evidence.commit()
        log.info("%s: %s; the tree has %s leaves", self.captured.document, counted, head.tree_size)

    def _close(self) -> None:
        left = self.captured.issued - self.captured.outcomes.total()
        if left:
            self.captured.outcomes["left to a newer run"] = left
        acting_as(self._connection, "runner")
        with self._connection.cursor() as cursor:
            cursor.execute(statement("archive/forget_work"), self._run)
        self._connection.commit()

    def _token(self, what: str, text: str) -> bytes:
        return hmac.digest(self._keys.tokens, f"{what}\x00{text}".encode(), "sha256")

    def _named_policy(self) -> dict[str, str]:
        return {"name": self._policy.name, "version": self._policy.version}

    @staticmethod
    def _fetch(
        cursor: extensions.cursor, found: Statement, values: dict[str, Any]
    ) -> list[tuple[Any, ...]]:
        cursor.execute(found.text, {**found.values, **values})
        return cursor.fetchall()


def told(head: Head, counts: dict[str, Any]) -> LedgerRow:
    """The ledger row of an append."""
    return LedgerRow(
        "archive_appended",
        {
            "head_no": head.head_no,
            "tree_size": head.tree_size,
            "root": head.root.hex(),
            "counts": counts,
        },
    )
