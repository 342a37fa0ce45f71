"""Capture: what is new or corrected is appended, in batches; what cannot be is an outcome.

One snapshot says what is new, and streams it. A batch is one transaction: lock, decide again where
another run came between, seal, append, sign, evidence, commit. Whatever kills it, the next run
finds what is still missing.
"""

from __future__ import annotations

import gc
import logging
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from psycopg2 import extensions

from lethe.archive.appending import Append, ArchiveKeys, Place
from lethe.archive.binary import copy_packed
from lethe.archive.capture_rows import stream_apart, stream_rows
from lethe.archive.comparing import Comparison, compare_documents, settle_grown
from lethe.archive.heads import Head
from lethe.archive.making import Batch, Making
from lethe.archive.part_statements import PartStatements
from lethe.archive.reading import read_records
from lethe.catalogue.graph import Graph
from lethe.connections import acting_as
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.include import statement

log = logging.getLogger(__name__)

BATCH = 10_000


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


class Capture:
    """The capture of one kind of document, by one run.

    reader  a connection for the snapshot alone
    dsn     for a further one, where there is much to read
    """

    def __init__(
        self,
        connection: extensions.connection,
        reader: extensions.connection,
        graph: Graph,
        name: str,
        *,
        run_id: UUID,
        as_of: date,
        policy_digest: bytes,
        keys: ArchiveKeys,
        witness: Witness | None,
        dsn: str | None = None,
        batch: int = BATCH,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._dsn = dsn
        self._statements = PartStatements(graph, name, as_of)
        self._policy_digest = policy_digest
        self._run_id = run_id
        self._keys = keys
        self._witness = witness
        self._size = batch
        self._making = Making(name, self._statements, graph.policy.policy, as_of, keys)
        self._compared = Comparison(Place(0, 0))
        self._heads: set[int] = set()
        self._archived: set[str] = set()
        self.captured = Captured(name)

    def work(self) -> Captured:
        """Archive everything that is new or corrected."""
        captured = self.captured
        found = self._compared = compare_documents(
            self._connection, self._reader, self._statements, self._policy_digest, self._keys
        )
        captured.outcomes.update(found.outcomes)
        captured.issued = found.outcomes.total() if found.issued is None else found.issued
        if found.deleted:
            captured.notes["archived, and deleted from the warehouse"] += found.deleted
        if found.is_much and self._dsn is not None:
            with uncollected():
                self._work_ahead(stream_apart(self._reader, self._query(), self._size, self._dsn))
        elif found.pending:
            for lines in stream_rows(self._reader, self._query(), self._size):
                self._archive(self._making.judge(lines))
        captured.parties = self._making.parties.archived
        self._reader.rollback()
        settle_grown(
            self._connection,
            found,
            self._statements,
            self._policy_digest,
            self._keys,
            heads=self._heads,
            archived=self._archived,
        )
        return captured

    def _query(self) -> str:
        found = self._compared
        pending = self._statements.read_pending(by_key=found.keys is not None)
        with self._reader.cursor() as cursor:
            values = {**pending.values, "parts": found.parts, "keys": found.keys}
            return cursor.mogrify(pending.text, values).decode()

    def _work_ahead(self, batches: Iterator[list[bytes]]) -> None:
        """Seal a batch where it will stand while the one before it is written."""
        end = place = self._compared.place
        known = place.size
        writing: Future[Place] | None = None
        with ThreadPoolExecutor(1, "lethe-archive-writer") as writer:
            for lines in batches:
                batch = self._making.judge(lines)
                if not batch.has_corrections:
                    self._making.seal(batch, Append(self._keys, place), self._reader, known)
                end = writing.result() if writing else end
                writing = writer.submit(self._write, batch, end)
                place = Place(end.head_no + 1, end.size + len(batch.sealed))
                if batch.has_corrections or not batch.going:
                    place = writing.result()
            if writing:
                writing.result()

    def _write(self, batch: Batch, end: Place) -> Place:
        """Write a batch that was sealed ahead, or seal it again if another run came between."""
        if batch.append is None or not batch.going:
            return self._archive(batch) or end
        acting_as(self._connection, "runner")
        if not batch.append.enter(self._connection):
            self._connection.rollback()
            batch.unseal()
            return self._archive(batch) or end
        batch.append.add_rows(batch.sealed)
        return self._finish(batch, batch.append)

    def _archive(self, batch: Batch) -> Place | None:
        """Archive a batch where the archive is now, judged again under its lock."""
        acting_as(self._connection, "runner")
        append = Append.begin(self._connection, self._keys)
        self._recheck(append, batch)
        if not batch.going:
            self._connection.rollback()
            self._count(batch)
            return None
        self._making.befores = self._read_before(batch)
        self._making.find_parties(batch, self._connection, append.place.size)
        append.add_all(self._making.records(batch, append))
        return self._finish(batch, append)

    def _recheck(self, append: Append, batch: Batch) -> None:
        others = set(range(self._compared.place.head_no + 1, append.head_no)) - self._heads
        if not batch.going or (not others and not batch.has_corrections):
            return
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("archive/find_archived"),
                {
                    "document_type": self.captured.document,
                    "kind": self._statements.document.subject,
                    "keys": [row.key.decode() for row, _ in batch.going],
                    "owners": [row.owner.decode() for row, _ in batch.going],
                },
            )
            now = {key.encode(): (leaf, ended) for key, leaf, ended in cursor.fetchall()}
        still = [
            (row, party) for row, party in batch.going if now[row.key] == (row.before_leaf, False)
        ]
        if len(still) < len(batch.going):
            batch.outcomes["left to a newer run"] += len(batch.going) - len(still)
        batch.going = still

    def _read_before(self, batch: Batch) -> dict[int, dict[str, Any]]:
        numbers = [row.before_leaf for row, _ in batch.going if row.before_leaf is not None]
        if not numbers:
            return {}
        return {
            opened.leaf_no: opened.record
            for opened in read_records(self._connection, self._keys, leaves=numbers)
        }

    def _finish(self, batch: Batch, append: Append) -> Place:
        """List the documents, write the head and the evidence, commit."""
        counted = {
            "archived": len(batch.going) - len(batch.corrected),
            "corrected": len(batch.corrected),
        }
        batch.outcomes.update({name: count for name, count in counted.items() if count})
        if batch.listed:
            copy_packed(self._connection, "archive/copy_archived", batch.listed)
        named = {"document_type": self.captured.document}
        with self._connection.cursor() as cursor:
            if batch.corrected:
                values = {
                    "keys": [row.key.decode() for row, _, _ in batch.corrected],
                    "digests": [digest for _, digest, _ in batch.corrected],
                    "leaves": [leaf for _, _, leaf in batch.corrected],
                    "at": append.at,
                }
                cursor.execute(statement("archive/mark_archived"), named | values)
                # What another run noted of them while this one looked is true no more.
                parts = {"parts": self._compared.compared, "kept": None}
                cursor.execute(statement("archive/forget_unchanged"), named | parts)
        head = append.finish()
        evidence = EvidenceBatch(self._connection, self._run_id, self._witness)
        evidence.add_rows([told(head, {"document": self.captured.document, **batch.outcomes})])
        evidence.add_event("archive_head", {"head": head.line(self._keys.warehouse_id)})
        evidence.commit()
        self._heads.add(append.head_no)
        self._archived.update(row.key.decode() for row, _ in batch.going)
        self._count(batch)
        log.info(
            "%s: %s; the tree has %s leaves",
            self.captured.document,
            dict(batch.outcomes),
            head.tree_size,
        )
        return append.end

    def _count(self, batch: Batch) -> None:
        if self._compared.issued is None:
            self.captured.issued += batch.lines
        self.captured.outcomes.update(batch.outcomes)
        self.captured.notes.update(batch.notes)


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no cycles meanwhile: a hundred thousand rows are in none, and each is looked at."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


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
