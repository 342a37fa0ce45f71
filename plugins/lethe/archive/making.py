"""Make the records of a batch of documents: judge them, seal them where they will stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

import msgspec
from psycopg2 import extensions

from lethe.archive.appending import Append, ArchiveKeys
from lethe.archive.binary import begin_row, pack_bigint, pack_bytes, pack_instant
from lethe.archive.capture_rows import NULL, Row, parse_row
from lethe.archive.documents import RecordWriter, array_forms, owner_forms, text_of
from lethe.archive.parties import Parties, Party
from lethe.archive.records import NewRecord
from lethe.archive.statements import DocumentStatements
from lethe.errors import TamperingFound
from lethe.guards.bank import holds_account, may_hold_account
from lethe.policy.model.clauses import Edition

_LISTED = begin_row(5)
_HAS_ACCOUNT = "refused: a whole bank account stands in it"


@dataclass(slots=True)
class Batch:
    """Documents of the stream, and what is made of them.

    lines      so many were read
    going      those that are to be archived, with the data of their parties
    append     where it was sealed to stand, if it was sealed ahead
    sealed     its records, as COPY takes them
    listed     rows of the list of archived documents
    corrected  rows of documents that the list knows, with digest and leaf
    fresh      party data that this batch archives
    """

    lines: int
    going: list[tuple[Row, Party]]
    outcomes: Counter[str]
    has_corrections: bool
    notes: Counter[str] = field(default_factory=Counter)
    append: Append | None = None
    sealed: list[bytes] = field(default_factory=list)
    listed: list[bytes] = field(default_factory=list)
    corrected: list[tuple[Row, bytes, int]] = field(default_factory=list)
    fresh: list[Party] = field(default_factory=list)

    def unseal(self) -> None:
        """Forget what was sealed, and where it would have stood."""
        self.append = None
        self.sealed, self.listed, self.corrected = [], [], []
        for party in self.fresh:
            party.leaf_no = None
        self.fresh = []


class Making:
    """Makes the records of one kind of document.

    befores  leaf → record of the versions that the next batch corrects
    """

    def __init__(
        self,
        name: str,
        statements: DocumentStatements,
        edition: Edition,
        as_of: date,
        keys: ArchiveKeys,
    ) -> None:
        self._name = name
        self._kind = statements.document.subject
        self._policy = {"name": edition.name, "version": edition.version}
        self._as_of = as_of
        self._tokens = keys.tokens
        self.parties = Parties(self._kind, keys.tokens, by_day=statements.by_day)
        self.befores: Mapping[int, dict[str, Any]] = {}

    def judge(self, lines: Sequence[bytes]) -> Batch:
        """Read rows of the stream, and refuse what may not be archived."""
        outcomes: Counter[str] = Counter()
        going = []
        corrections = False
        for line in lines:
            row = parse_row(line)
            if row.reason != NULL:
                outcomes[row.reason.decode()] += 1
                continue
            party = self.parties.of(row)
            # Once sealed it could never be searched again: the bank gate is here.
            if party.holds_account or (
                may_hold_account(row.bound) and holds_account(row.bound.decode())
            ):
                outcomes[_HAS_ACCOUNT] += 1
                continue
            corrections = corrections or row.before_no != NULL
            going.append((row, party))
        return Batch(len(lines), going, outcomes, corrections)

    def seal(
        self, batch: Batch, append: Append, snapshot: extensions.connection, known: int
    ) -> None:
        """Seal a batch ahead of its transaction.

        known  leaves in the snapshot; what this run added since is of other subjects
        """
        self.find_parties(batch, snapshot, known)
        batch.append = append
        batch.sealed = [append.seal(new) for new in self.records(batch, append)]

    def find_parties(self, batch: Batch, connection: extensions.connection, known: int) -> None:
        """Find the party data of a batch among the leaves that are known."""
        asked = [pair for pair in batch.going if pair[0].before_no == NULL]
        if known:
            self.parties.find(connection, known, asked)

    def records(self, batch: Batch, append: Append) -> Iterator[NewRecord]:
        """Party data that the archive has not, and documents; notes which leaf each will have."""
        writer = RecordWriter(
            self._name, self._kind, self._policy, self._as_of, self._tokens, append.recorded_at
        )
        listed = batch.listed
        front = _LISTED + pack_bytes(self._name.encode())
        at = pack_instant(append.at)
        for row, party in batch.going:
            digest = sha256(row.bound).digest()
            if row.before_no != NULL:
                yield self._corrected(writer, batch, row, digest, append.next_no)
                continue
            if party.leaf_no is None:
                party.leaf_no = append.next_no
                batch.fresh.append(party)
                self.parties.archived += 1
                yield writer.party(row, party.text, party.token)
                party.leaf = append.leaf(party.leaf_no).hex().encode()
            key = array_forms(row.key)
            leaf = pack_bigint(append.next_no)
            listed.append(b"".join((front, key[1], pack_bytes(digest), leaf, at)))
            yield writer.document(row, party.leaf, party.leaf_no, key)

    def _corrected(
        self, writer: RecordWriter, batch: Batch, row: Row, digest: bytes, leaf: int
    ) -> NewRecord:
        number = int(row.before_no)
        before = self.befores.get(number)
        if before is None:
            raise TamperingFound(
                f"archive: record {number} is listed and is missing; run `lethe archive verify`"
            )
        changed = _changed(row, before)
        for name in changed:
            if name in ("number", "currency", "customer"):
                batch.notes[f"{name} changed"] += 1
        batch.corrected.append((row, digest, leaf))
        return writer.corrected(row, digest, before, changed)


def _changed(row: Row, before: Mapping[str, Any]) -> list[str]:
    now = {
        "number": row.number,
        "issued_on": row.day,
        "country": row.country,
        "currency": row.currency,
        "total": row.total,
        "corrects": row.corrects,
    }
    changed = [name for name, value in now.items() if before[name] != text_of(value)]
    owner = msgspec.json.decode(owner_forms(row.owner)[0])
    return [*changed, "customer"] if before["subject"]["key"] != owner else changed
