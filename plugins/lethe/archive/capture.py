"""Capture: what is new or corrected is appended, in batches; what cannot be is an outcome.

The work list is frozen once as rows of the run. A batch is one transaction: lock, read again,
seal, append, sign, evidence, commit. Whatever kills it, the next run finds what is still missing.
"""

from __future__ import annotations

import hmac
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from psycopg2 import extensions

from lethe.archive.appending import Append, ArchiveKeys
from lethe.archive.binary import (
    begin_row,
    copy_rows,
    pack_bigint,
    pack_bytes,
    pack_instant,
    pack_json_texts,
)
from lethe.archive.capture_rows import Row, read_ahead
from lethe.archive.heads import Head
from lethe.archive.reading import read_records
from lethe.archive.records import NewRecord, verbatim, write_record
from lethe.archive.statements import DocumentStatements
from lethe.catalogue.fragments import Statement
from lethe.catalogue.graph import Graph
from lethe.connections import acting_as
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.guards.bank import holds_account
from lethe.include import statement

log = logging.getLogger(__name__)

BATCH = 4_000
_ROW = begin_row(5)


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


@dataclass(slots=True)
class _Party:
    """A version of party data; leaf_no is None until it is archived."""

    text: str
    token: bytes
    holds_account: bool
    leaf_no: int | None = None
    leaf: bytes = b""


class Capture:
    """The capture of one kind of document, by one run."""

    def __init__(
        self,
        connection: extensions.connection,
        reader: extensions.connection,
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
        self._reader = reader
        self._statements = DocumentStatements(graph, name, as_of)
        self._kind = self._statements.document.subject
        self._policy = {"name": graph.policy.policy.name, "version": graph.policy.policy.version}
        self._run_id = run_id
        self._as_of = as_of
        self._keys = keys
        self._witness = witness
        self._size = batch
        self._run = {"run_id": str(run_id), "rule": f"capture:{name}"}
        self._heads: set[int] = set()
        self.captured = Captured(name)

    def work(self) -> Captured:
        """Archive everything that is new or corrected."""
        self._list_work()
        for rows in read_ahead(self._reader, self._statements, self._run, self._size):
            self._batch(rows)
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

    def _batch(self, rows: Sequence[Row]) -> None:
        acting_as(self._connection, "runner")
        append = Append(self._connection, self._keys)
        parties = self._parties_of(rows)
        going, outcomes = self._sort_out(append, rows, parties)
        notes: Counter[str] = Counter()
        if not going:
            self._connection.rollback()
        else:
            self._archive(append, going, parties, outcomes, notes)
            self._commit(append, outcomes)
            self._heads.add(append.head_no)
        self.captured.outcomes.update(outcomes)
        self.captured.notes.update(notes)

    def _sort_out(
        self, append: Append, rows: Sequence[Row], parties: Mapping[int, _Party]
    ) -> tuple[list[Row], Counter[str]]:
        """What is to be archived, decided again under the lock of the archive."""
        outcomes: Counter[str] = Counter()
        going = []
        for row in rows:
            if row.key is None:
                outcomes["gone meanwhile"] += 1
            elif row.ended:
                outcomes["account erased"] += 1
            elif row.owner is None:
                outcomes["refused: no customer"] += 1
            elif row.before == row.digest:
                outcomes["unchanged"] += 1
            elif parties[row.number].holds_account or holds_account(row.bound):
                # Once sealed it could never be searched again: the bank gate is here.
                outcomes["refused: a whole bank account stands in it"] += 1
            else:
                going.append(row)
        others = set(range(rows[0].head_no + 1, append.head_no)) - self._heads
        if not others and all(row.before_no is None for row in going):
            return going, outcomes
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("archive/find_archived"),
                {
                    "document_type": self.captured.document,
                    "kind": self._kind,
                    "keys": [row.key for row in going],
                    "owners": [row.owner for row in going],
                },
            )
            now = {key: (leaf, ended) for key, leaf, ended in cursor.fetchall()}
        still = [row for row in going if now[row.key] == (row.before_no, False)]
        if len(still) < len(going):
            outcomes["left to a newer run"] += len(going) - len(still)
        return still, outcomes

    def _archive(
        self,
        append: Append,
        going: Sequence[Row],
        parties: Mapping[int, _Party],
        outcomes: Counter[str],
        notes: Counter[str],
    ) -> None:
        befores = self._read_before(going)
        self._find_parties(append, going, parties, befores)
        archived: list[tuple[Row, int]] = []
        append.add_all(self._records(append, going, parties, befores, archived, notes))
        corrected = sum(1 for row in going if row.before_no in befores)
        counted = {"archived": len(going) - corrected, "corrected": corrected}
        outcomes.update({name: count for name, count in counted.items() if count})
        self._mark(append, archived)

    def _records(
        self,
        append: Append,
        going: Sequence[Row],
        parties: Mapping[int, _Party],
        befores: Mapping[int, dict[str, Any]],
        archived: list[tuple[Row, int]],
        notes: Counter[str],
    ) -> Iterator[NewRecord]:
        """Party data that the archive has not, and documents; notes which leaf each will have."""
        for row in going:
            before = None if row.before_no is None else befores.get(row.before_no)
            if before is None:
                party = parties[row.number]
                if party.leaf_no is None:
                    party.leaf_no = append.next_no
                    yield self._party_record(append, row, party)
                    party.leaf = append.leaf(party.leaf_no)
                named = {"leaf": party.leaf.hex(), "leaf_no": party.leaf_no}
            else:
                named = before["party"]
            changed = self._changed(row, before) if before else []
            for name in changed:
                if name in ("number", "currency"):
                    notes[f"{name} changed"] += 1
            archived.append((row, append.next_no))
            yield self._document_record(append, row, named, before, changed)

    def _mark(self, append: Append, archived: Sequence[tuple[Row, int]]) -> None:
        new = [(row, leaf) for row, leaf in archived if row.before is None]
        kind = pack_bytes(self.captured.document.encode())
        at = pack_instant(append.at)
        rows = (
            b"".join(
                (
                    _ROW,
                    kind,
                    pack_json_texts(row.key_json),
                    pack_bytes(row.digest),
                    pack_bigint(leaf),
                    at,
                )
            )
            for row, leaf in new
        )
        if new:
            copy_rows(self._connection, "archive/copy_archived", rows)
        again = [(row, leaf) for row, leaf in archived if row.before is not None]
        if not again:
            return
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("archive/mark_archived"),
                {
                    "document_type": self.captured.document,
                    "keys": [row.key for row, _ in again],
                    "digests": [row.digest for row, _ in again],
                    "leaves": [leaf for _, leaf in again],
                    "at": append.at,
                },
            )

    @staticmethod
    def _changed(row: Row, before: Mapping[str, Any]) -> list[str]:
        now = {
            "number": row.title,
            "issued_on": row.day,
            "country": row.country,
            "currency": row.currency,
            "total": row.total,
            "corrects": row.corrects,
        }
        return [name for name, value in now.items() if before[name] != value]

    def _document_record(
        self,
        append: Append,
        row: Row,
        party: Mapping[str, Any],
        before: dict[str, Any] | None,
        changed: list[str],
    ) -> NewRecord:
        record = write_record(
            {
                "bound": verbatim(row.bound),
                "change": {"what": changed, "why": "correction"} if before else None,
                "corrects": row.corrects,
                "country": row.country,
                "currency": row.currency,
                "financial_year_end": row.year_end,
                "issued_on": row.day,
                "key": verbatim(row.key_json),
                "kind": "document",
                "number": row.title,
                "party": party,
                "policy": self._policy,
                "previous": row.before_no if before else None,
                "recorded_at": append.recorded_at,
                "subject": {"key": verbatim(row.owner_json), "kind": self._kind},
                "total": row.total,
                "type": self.captured.document,
                "valid_from": self._as_of.isoformat() if before else row.day,
                "version": before["version"] + 1 if before else 1,
            }
        )
        return NewRecord(
            "document",
            self._kind,
            row.owner or "",
            row.owner_json,
            self._token(b"document", row.digest),
            record,
            self.captured.document,
            row.key,
            row.key_json,
            row.title,
            row.day,
            row.country,
            int(party["leaf_no"]),
        )

    def _party_record(self, append: Append, row: Row, party: _Party) -> NewRecord:
        self.captured.parties += 1
        record = write_record(
            {
                "bound": verbatim(party.text),
                "kind": "party",
                "policy": self._policy,
                "recorded_at": append.recorded_at,
                "subject": {"key": verbatim(row.owner_json), "kind": self._kind},
                "valid_from": row.day,
            }
        )
        owner = row.owner or ""
        return NewRecord("party", self._kind, owner, row.owner_json, party.token, record)

    def _parties_of(self, rows: Sequence[Row]) -> dict[int, _Party]:
        """The party data of each document; equal data of one subject are one and the same."""
        found: dict[int, _Party] = {}
        same: dict[tuple[str, str], _Party] = {}
        by_day: dict[tuple[str, str | None], _Party] = {}
        for row in rows:
            if row.owner is None:
                continue
            named = row.owner, row.day if self._statements.by_day else None
            if row.party is not None:
                text = row.owner, row.party
                if text not in same:
                    token = self._token(b"party", row.party.encode())
                    same[text] = _Party(row.party, token, holds_account(row.party))
                by_day[named] = same[text]
            found[row.number] = by_day[named]
        return found

    def _find_parties(
        self,
        append: Append,
        rows: Sequence[Row],
        parties: Mapping[int, _Party],
        befores: Mapping[int, dict[str, Any]],
    ) -> None:
        """Find the versions of party data that the archive holds already.

        A corrected document stays bound to the version that it was issued under.
        """
        asked = {
            (str(row.owner), parties[row.number].token): parties[row.number]
            for row in rows
            if row.before_no not in befores
        }
        if not asked:
            return
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("archive/find_parties"),
                {
                    "kind": self._kind,
                    "keys": [owner for owner, _ in asked],
                    "tokens": [token for _, token in asked],
                },
            )
            for owner, token, number in cursor.fetchall():
                party = asked[owner, bytes(token)]
                party.leaf_no, party.leaf = int(number), append.leaf(int(number))

    def _read_before(self, rows: Sequence[Row]) -> dict[int, dict[str, Any]]:
        numbers = [row.before_no for row in rows if row.before_no is not None]
        if not numbers:
            return {}
        return {
            opened.leaf_no: opened.record
            for opened in read_records(self._connection, self._keys, leaves=numbers)
        }

    def _commit(self, append: Append, outcomes: Mapping[str, int]) -> None:
        head = append.finish()
        evidence = EvidenceBatch(self._connection, self._run_id, self._witness)
        evidence.add_rows([told(head, {"document": self.captured.document, **outcomes})])
        evidence.add_event("archive_head", {"head": head.line(self._keys.warehouse_id)})
        evidence.commit()
        log.info(
            "%s: %s; the tree has %s leaves", self.captured.document, dict(outcomes), head.tree_size
        )

    def _close(self) -> None:
        left = self.captured.issued - self.captured.outcomes.total()
        if left:
            self.captured.outcomes["left to a newer run"] = left
        acting_as(self._connection, "runner")
        with self._connection.cursor() as cursor:
            cursor.execute(statement("archive/forget_work"), self._run)
        self._connection.commit()

    def _token(self, what: bytes, content: bytes) -> bytes:
        return hmac.digest(self._keys.tokens, b"%s\x00%s" % (what, content), "sha256")

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
