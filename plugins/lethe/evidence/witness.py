"""The witness: a place outside the warehouse that a restore of the warehouse does not roll back.

It keeps a chain of records: batches with their tombstones, seals, holds, the making and ending of
keys. A record is durable there before the transaction that it tells of commits here.
"""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from lethe.errors import LetheError, TamperingFound
from lethe.evidence.ledger import Json
from lethe.keys import KeyRecord

log = logging.getLogger(__name__)

BEGINNING = bytes(32)


class Position(NamedTuple):
    """Where the chain stands: number and hash of its last record; 0 and zeros if empty."""

    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class WitnessRecord:
    """One record of the chain.

    kind    opened, batch, seal, committed (the warehouse has that batch or seal), void (it never
            had it), checked, replayed, key_created, key_destroyed
    batch   the batch that it tells of, if any
    writer  the process that wrote it; a writer has at most one batch that is not committed yet
    """

    number: int
    at: datetime
    writer: UUID
    kind: str
    batch: UUID | None
    body: Mapping[str, Any]
    previous: bytes
    digest: bytes


class Witness(ABC):
    """What every kind of witness can do; one object serves one process or thread."""

    def __init__(self, warehouse_id: UUID) -> None:
        self.warehouse_id = warehouse_id
        self.writer = uuid4()

    @abstractmethod
    def position(self) -> Position:
        """Say where the chain stands."""

    @abstractmethod
    def append(self, kind: str, body: Mapping[str, Json], batch: UUID | None = None) -> Position:
        """Add a record durably and say where it stands."""

    @abstractmethod
    def records(self, after: int = 0) -> Iterator[WitnessRecord]:
        """Read the records after a number, oldest first, checking the chain.

        Raises  TamperingFound at the first record that does not continue it
        """

    @abstractmethod
    def records_backwards(self) -> Iterator[WitnessRecord]:
        """Read the records newest first; each is checked alone and against the one after it."""

    @abstractmethod
    def keep_key(self, key_id: UUID, wrapped: Mapping[str, Json]) -> None:
        """Keep a wrapped key beside the chain, where it can be destroyed."""

    @abstractmethod
    def kept_key(self, key_id: UUID) -> Mapping[str, Any] | None:
        """Give a wrapped key that was kept and not destroyed."""

    @abstractmethod
    def destroy_key(self, key_id: UUID) -> None:
        """Destroy the wrapped key that was kept."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections."""

    def confirm(self, promise: Position) -> None:
        """Say that the warehouse committed what a record promised.

        That is done, whatever becomes of this: a confirmation that fails is only logged.
        """
        try:
            self.append("committed", {"number": promise.number})
        except LetheError as error:
            log.warning("Record %s was committed, unconfirmed: %s", promise.number, error)

    def renew_writer(self) -> None:
        """Take another name as writer, after a commit whose end is unknown."""
        self.writer = uuid4()

    # The three below make every witness a KeyWitness.

    def key_created(self, record: KeyRecord) -> None:
        """Keep a key that was made, so that a restore does not lose it."""
        if record.wrapped is None or record.nonce is None:
            raise ValueError("a destroyed key cannot be kept")
        kept: dict[str, Json] = {
            "key_id": str(record.key_id),
            "purpose": record.purpose,
            "period": record.period,
            "kek_id": record.kek_id,
            "created_at": record.created_at.isoformat(),
            "destroy_after": _day(record.destroy_after),
            "wrapped": encode(record.wrapped),
            "nonce": encode(record.nonce),
        }
        self.keep_key(record.key_id, kept)
        told = {name: kept[name] for name in ("key_id", "purpose", "period", "kek_id")}
        self.append("key_created", told | {"wrapped_sha256": sha256(record.wrapped).hexdigest()})

    def key_destroyed(self, record: KeyRecord) -> None:
        """Keep the end of a key, and end its copy here."""
        self.append(
            "key_destroyed",
            {
                "key_id": str(record.key_id),
                "purpose": record.purpose,
                "period": record.period,
                "final_at": _day(record.final_at),
            },
        )
        self.destroy_key(record.key_id)

    def find_key(self, purpose: str, period: str) -> KeyRecord | None:
        """Find the living key of a purpose and period that is kept here; the newest of several."""
        living: dict[UUID, None] = {}
        for record in self.records():
            if record.kind == "key_destroyed":
                living.pop(UUID(record.body["key_id"]), None)
            elif record.kind == "key_created" and (
                (record.body["purpose"], record.body["period"]) == (purpose, period)
            ):
                living[UUID(record.body["key_id"])] = None
        kept = (self.kept_key(key_id) for key_id in reversed(living))
        return next((read_kept_key(each) for each in kept if each is not None), None)


def write_record(
    previous: Position,
    writer: UUID,
    kind: str,
    body: Mapping[str, Json],
    batch: UUID | None,
) -> tuple[str, Position]:
    """Write the next record of a chain as one line of JSON, its hash as the last member.

    The hash is SHA-256 of the line without it; the line holds the hash of the record before.
    """
    line = json.dumps(
        {
            "no": previous.number + 1,
            "at": datetime.now(UTC).isoformat(),
            "writer": str(writer),
            "kind": kind,
            "batch": None if batch is None else str(batch),
            "body": body,
            "previous": previous.digest.hex(),
        },
        ensure_ascii=True,
        allow_nan=False,
        separators=(",", ":"),
    )
    digest = sha256(line.encode()).digest()
    return f'{line[:-1]},"hash":"{digest.hex()}"}}', Position(previous.number + 1, digest)


def read_record(line: str, place: str) -> WitnessRecord:
    """Read one line and check its own hash.

    Raises  TamperingFound
    """
    head, mark, tail = line.rpartition(',"hash":"')
    digest = sha256(f"{head}}}".encode()).digest()
    if not mark or tail != f'{digest.hex()}"}}':
        raise TamperingFound(f"{place}: a record of the witness was changed")
    found = json.loads(f"{head}}}")
    return WitnessRecord(
        number=found["no"],
        at=datetime.fromisoformat(found["at"]),
        writer=UUID(found["writer"]),
        kind=found["kind"],
        batch=UUID(found["batch"]) if found["batch"] else None,
        body=found["body"],
        previous=bytes.fromhex(found["previous"]),
        digest=digest,
    )


def require_next(record: WitnessRecord, before: Position, place: str) -> None:
    """Check that a record continues the chain.

    Raises  TamperingFound
    """
    if record.number != before.number + 1 or record.previous != before.digest:
        raise TamperingFound(
            f"{place}: record {record.number} does not continue record {before.number}; "
            "a record was removed, added or moved"
        )


def read_kept_key(kept: Mapping[str, Any]) -> KeyRecord:
    """Read a wrapped key as `kept_key` gives it."""
    after = kept["destroy_after"]
    return KeyRecord(
        key_id=UUID(kept["key_id"]),
        purpose=kept["purpose"],
        period=kept["period"],
        kek_id=kept["kek_id"],
        created_at=datetime.fromisoformat(kept["created_at"]),
        destroy_after=date.fromisoformat(after) if after else None,
        destroyed_at=None,
        final_at=None,
        wrapped=decode(kept["wrapped"]),
        nonce=decode(kept["nonce"]),
    )


def encode(data: bytes) -> str:
    """Write bytes into a record."""
    return b64encode(data).decode()


def decode(text: str) -> bytes:
    """Read bytes out of a record."""
    return b64decode(text, validate=True)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
