"""The last look before an account goes: what the archive holds of it is there, and opens.

The list of archived documents says what was archived; only the records themselves say that it still
is. Who has a record that is missing, or that does not open as what its leaf says, stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from psycopg2 import extensions

from lethe.catalogue.graph import Graph, Kind
from lethe.include import statement
from lethe.keys import KeyRing
from lethe.keys.record_sealing import RecordSealer, join_columns
from lethe.policy.model.archive import Document
from lethe.policy.names import TableName

DAMAGED = "archived record damaged"


class _Record(msgspec.Struct):
    bound: msgspec.Raw


_read = msgspec.json.Decoder(_Record).decode


def documents_of(graph: Graph, kind: Kind, tables: Collection[TableName]) -> Mapping[str, Document]:
    """The documents of a kind of subject of which an erasure of these tables takes something."""
    archive = graph.policy.archive
    return {
        name: document
        for name, document in (archive.documents.items() if archive else ())
        if document.subject == kind.name and (document.table in tables or kind.table in tables)
    }


class ArchivedRecords:
    """Opens what the archive holds of subjects that are about to go."""

    def __init__(self, secrets: Mapping[UUID, bytes], warehouse_id: UUID) -> None:
        warehouse = warehouse_id.bytes
        self._sealers = {key: RecordSealer(each, warehouse) for key, each in secrets.items()}

    @classmethod
    def of(cls, ring: KeyRing) -> ArchivedRecords:
        """With every living key of the archive."""
        secrets = {
            record.key_id: ring.secret("archive", record.period)
            for record in ring.list()
            if record.purpose == "archive" and record.wrapped is not None
        }
        return cls(secrets, ring.warehouse_id)

    def find_damaged(
        self, cursor: extensions.cursor, run_id: UUID, rule: str, numbers: Sequence[int]
    ) -> set[int]:
        """Of frozen subjects, by their numbers, those whose records are not all there and sound."""
        cursor.execute(
            statement("guards/read_archived"),
            {"run_id": str(run_id), "rule": rule, "numbers": list(numbers)},
        )
        return {int(number) for number, *row in cursor.fetchall() if not self._opens(*row)}

    def _opens(
        self,
        leaf_no: int,
        wrap_key: str | None,
        leaf: Any,
        sealed: Any,
        wrapped: Any,
        recovery: Any,
        digest: Any,
        *columns: str | None,
    ) -> bool:
        sealer = self._sealers.get(UUID(str(wrap_key))) if wrap_key else None
        if sealer is None or leaf is None:
            return False
        texts = join_columns([None if each is None else each.encode() for each in columns])
        copied = None if recovery is None else bytes(recovery)
        try:
            _, record = sealer.open(
                leaf_no, bytes(leaf), bytes(sealed), bytes(wrapped), copied, texts
            )
            # What the sweep compares live documents with must be what is sealed.
            return digest is None or sha256(_read(record).bound).digest() == bytes(digest)
        except (InvalidTag, ValueError):
            return False
