"""The key ring of a warehouse: one fresh random secret a purpose and period."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID, uuid4

from psycopg2 import extensions

from lethe.errors import ActError, ConfigurationError, UsageError
from lethe.include import statement
from lethe.keys.sealing import Sealer
from lethe.keys.tokens import Tokens
from lethe.keys.wrapping import SECRET_BYTES, KeyEncryptionKey
from lethe.keys.wrapping import derive as derive_key

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_PERIOD = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*\Z")


class KeyMissing(ConfigurationError):
    """The ring has no key of that purpose and period."""


class KeyDestroyed(ActError):
    """The key of that purpose and period was destroyed; what it protected cannot be read."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as the warehouse stores it; `wrapped` and `nonce` are None once it is destroyed."""

    key_id: UUID
    purpose: str
    period: str
    kek_id: str
    created_at: datetime
    destroy_after: date | None
    destroyed_at: datetime | None
    final_at: date | None
    wrapped: bytes | None = field(repr=False)
    nonce: bytes | None = field(repr=False)

    def bound_to(self, warehouse_id: UUID) -> bytes:
        """Write the associated data that binds the wrapped secret to its row and warehouse."""
        return _associated_data(self.key_id, self.purpose, self.period, warehouse_id)


class KeyWitness(Protocol):
    """Whoever must hear of a key before the transaction that makes or ends it commits."""

    def key_created(self, record: KeyRecord) -> None: ...
    def key_destroyed(self, record: KeyRecord) -> None: ...
    def find_key(self, purpose: str, period: str) -> KeyRecord | None: ...


class KeyRing:
    """The keys of one warehouse, read and written in the caller's transactions.

    A secret never leaves the process; the warehouse holds it wrapped (AES-256-GCM, bound to key,
    purpose, period and warehouse). Nothing here commits: make keys in a transaction of their own
    and commit it before anything is made with them.
    """

    def __init__(
        self,
        connection: extensions.connection,
        kek: KeyEncryptionKey,
        warehouse_id: UUID,
        witness: KeyWitness | None = None,
    ) -> None:
        self._connection = connection
        self._kek = kek
        self._warehouse_id = warehouse_id
        self._witness = witness

    @classmethod
    def open(
        cls,
        connection: extensions.connection,
        kek: KeyEncryptionKey | None = None,
        witness: KeyWitness | None = None,
    ) -> KeyRing:
        """Open the ring and prove that the key-encryption key opens every living key.

        kek     None: from the connection `lethe_keys`
        Raises  ConfigurationError if it is missing or another one, before anything else is read
        """
        kek = kek or KeyEncryptionKey.from_connection()
        with connection.cursor() as cursor:
            cursor.execute(statement("keys/read_warehouse_id"))
            row = cursor.fetchone()
        if row is None:
            raise ConfigurationError(
                "the warehouse has no identity yet; run `lethe init` before keys are used"
            )
        ring = cls(connection, kek, UUID(row[0]), witness)
        for record in ring.list():
            if record.wrapped is not None:
                ring._unwrap(record)
        return ring

    @property
    def warehouse_id(self) -> UUID:
        """The identity that every key is bound to."""
        return self._warehouse_id

    def list(self) -> list[KeyRecord]:
        """List all keys, living and destroyed, by purpose and period."""
        return list_keys(self._connection)

    def find(self, purpose: str, period: str) -> KeyRecord | None:
        """Find the row of a key, living or destroyed."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement("keys/find_key"), {"purpose": purpose, "period": period})
            row = cursor.fetchone()
        return None if row is None else _record(row)

    def create(self, purpose: str, period: str, destroy_after: date | None = None) -> KeyRecord:
        """Make a fresh key; if the period has one already, that one is returned.

        purpose        'tombstone', 'token', 'log', ...: lower-case word
        destroy_after  last day of its life, if known
        """
        if not _NAME.match(purpose) or not _PERIOD.match(period):
            raise UsageError(f"'{purpose}' and '{period}' do not name a key's purpose and period")
        # A restore, or a crash before the commit, may have left the key with the witness alone:
        # another one would lock out what was sealed with it.
        if self._witness is not None and self.find(purpose, period) is None:
            kept = self._witness.find_key(purpose, period)
            if kept is not None:
                self.restore(kept)
                return self._existing(purpose, period)
        key_id = uuid4()
        secret = os.urandom(SECRET_BYTES)
        bound_to = _associated_data(key_id, purpose, period, self._warehouse_id)
        nonce, wrapped = self._kek.wrap(secret, bound_to)
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("keys/create_key"),
                {
                    "key_id": str(key_id),
                    "purpose": purpose,
                    "period": period,
                    "wrapped": wrapped,
                    "nonce": nonce,
                    "kek_id": self._kek.kek_id,
                    "destroy_after": destroy_after,
                },
            )
            row = cursor.fetchone()
        if row is None:
            return self._existing(purpose, period)
        record = _record(row)
        if self._witness is not None:
            self._witness.key_created(record)
        return record

    def secret(self, purpose: str, period: str, *, create: bool = False) -> bytes:
        """Give the 32 secret bytes of a purpose and period; with `create`, make them if missing.

        Raises  KeyMissing, or KeyDestroyed if the period had a key that is gone
        """
        return self._opened(purpose, period, create)[1]

    def tokens(self, purpose: str, period: str, *, create: bool = False) -> Tokens:
        """Give the maker of tokens under a key of the ring."""
        key_id, secret = self._opened(purpose, period, create)
        return Tokens(secret, key_id)

    def sealer(self, purpose: str, period: str, *, create: bool = False) -> Sealer:
        """Give what seals and opens payloads under a key of the ring."""
        key_id, secret = self._opened(purpose, period, create)
        return Sealer(secret, key_id)

    @staticmethod
    def derive(secret: bytes, info: str | bytes, length: int = 32) -> bytes:
        """Separate one field from another inside a secret."""
        return derive_key(secret, info, length)

    def destroy(self, purpose: str, period: str, final_at: date | None = None) -> KeyRecord:
        """Destroy a key for good; destroying it again changes nothing.

        final_at  day on which the last backup with the wrapped key has aged out
        """
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("keys/destroy_key"),
                {"purpose": purpose, "period": period, "final_at": final_at},
            )
            row = cursor.fetchone()
        if row is None:
            return self._existing(purpose, period)
        record = _record(row)
        if self._witness is not None:
            self._witness.key_destroyed(record)
        return record

    def restore(self, record: KeyRecord) -> bool:
        """Put back a living key that a restored warehouse has lost, as its witness kept it.

        Returns  whether it was missing
        """
        self._unwrap(record)
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("keys/restore_key"),
                {
                    "key_id": str(record.key_id),
                    "purpose": record.purpose,
                    "period": record.period,
                    "wrapped": record.wrapped,
                    "nonce": record.nonce,
                    "kek_id": record.kek_id,
                    "created_at": record.created_at,
                    "destroy_after": record.destroy_after,
                },
            )
            return cursor.rowcount == 1

    def rewrap(self, new_kek: KeyEncryptionKey) -> int:
        """Wrap every living key with a new key-encryption key; returns how many."""
        living = [record for record in self.list() if record.wrapped is not None]
        for record in living:
            nonce, wrapped = new_kek.wrap(self._unwrap(record), record.bound_to(self._warehouse_id))
            with self._connection.cursor() as cursor:
                cursor.execute(
                    statement("keys/rewrap_key"),
                    {
                        "key_id": str(record.key_id),
                        "wrapped": wrapped,
                        "nonce": nonce,
                        "kek_id": new_kek.kek_id,
                    },
                )
        if self._witness is not None:
            for record in self.list():
                if record.wrapped is not None:
                    self._witness.key_created(record)
        self._kek = new_kek
        return len(living)

    def _opened(self, purpose: str, period: str, create: bool) -> tuple[UUID, bytes]:
        # Nothing is cached: a key made in a transaction that rolled back must not live on here.
        record = self.find(purpose, period)
        if record is None and create:
            record = self.create(purpose, period)
        if record is None:
            raise KeyMissing(f"the key ring has no key '{purpose}' of {period}")
        return record.key_id, self._unwrap(record)

    def _existing(self, purpose: str, period: str) -> KeyRecord:
        record = self.find(purpose, period)
        if record is None:
            raise KeyMissing(f"the key ring has no key '{purpose}' of {period}")
        return record

    def _unwrap(self, record: KeyRecord) -> bytes:
        if record.wrapped is None or record.nonce is None:
            when = f" on {record.destroyed_at:%Y-%m-%d}" if record.destroyed_at else ""
            raise KeyDestroyed(f"the key '{record.purpose}' of {record.period} was destroyed{when}")
        if record.kek_id != self._kek.kek_id:
            raise ConfigurationError(
                f"the key '{record.purpose}' of {record.period} was wrapped by another "
                f"key-encryption key ({record.kek_id}) than that of the connection 'lethe_keys' "
                f"({self._kek.kek_id}); put the right one into the connection"
            )
        return self._kek.unwrap(record.nonce, record.wrapped, record.bound_to(self._warehouse_id))


def list_keys(connection: extensions.connection) -> list[KeyRecord]:
    """List all keys as the warehouse holds them, wrapped; no key-encryption key is needed."""
    with connection.cursor() as cursor:
        cursor.execute(statement("keys/list_keys"))
        return [_record(row) for row in cursor.fetchall()]


def _associated_data(key_id: UUID, purpose: str, period: str, warehouse_id: UUID) -> bytes:
    parts = (b"lethe/key/1", key_id.bytes, purpose.encode(), period.encode(), warehouse_id.bytes)
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _record(row: tuple[object, ...]) -> KeyRecord:
    key_id, purpose, period, kek_id, created, after, destroyed, final, wrapped, nonce = row
    return KeyRecord(
        key_id=UUID(str(key_id)),
        purpose=str(purpose),
        period=str(period),
        kek_id=str(kek_id),
        created_at=created,  # type: ignore[arg-type]
        destroy_after=after,  # type: ignore[arg-type]
        destroyed_at=destroyed,  # type: ignore[arg-type]
        final_at=final,  # type: ignore[arg-type]
        wrapped=None if wrapped is None else bytes(wrapped),  # type: ignore[call-overload]
        nonce=None if nonce is None else bytes(nonce),  # type: ignore[call-overload]
    )
