"""One batch of evidence: tombstones, ledger rows and witness record, committed with the act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from uuid import UUID, uuid4

import psycopg2
from psycopg2 import extensions

from lethe.evidence.home import transaction_here
from lethe.evidence.ledger import Json, LedgerRow, append_rows, close_batch
from lethe.evidence.tombstones import Tombstones, add_tombstones
from lethe.evidence.witness import Witness, WitnessRecord, decode, encode
from lethe.include import statement
from lethe.keys import TOKEN_BYTES


class EvidenceBatch:
    """Gather the evidence of one batch in the caller's transaction and commit both together.

    Order: rows of the warehouse → tombstones and ledger rows → witness record, durable outside →
    commit. A crash before the commit leaves a witness record that `settle_witness` voids. What
    stands alone (a hold, an approval) is confirmed on the witness after the commit, so that a
    restore which takes it away is never mistaken for such a crash; the batches of a run are
    confirmed by the run's seal.
    """

    def __init__(
        self,
        connection: extensions.connection,
        run_id: UUID | None,
        witness: Witness | None,
        batch: UUID | None = None,
    ) -> None:
        self.batch = batch or uuid4()
        self.run_id = run_id
        self._connection = connection
        self._witness = witness
        self._rows = 0
        self._groups: list[Json] = []
        self._events: list[Json] = []
        self._erased_at: datetime | None = None

    def add_tombstones(self, groups: Sequence[Tombstones]) -> int:
        """Write tombstones; call it before the rows are deleted."""
        self._erased_at = self._erased_at or datetime.now(UTC)
        write = cache(datetime.isoformat)  # the groups have their instants in common
        self._groups.extend(_pack(stones, write) for stones in groups)
        return add_tombstones(self._connection, self.batch, self.run_id, self._erased_at, groups)

    def add_rows(self, rows: Iterable[LedgerRow]) -> int:
        """Add rows to the ledger."""
        added = append_rows(self._connection, self.batch, self.run_id, rows)
        self._rows += added
        return added

    def add_event(self, kind: str, body: Mapping[str, Json]) -> None:
        """Tell the witness of something else that must outlive a restore, such as a hold.

        body  nothing personal in the clear: seal it with a key of the ring
        """
        self._events.append({"kind": kind, "body": body})

    def commit(self) -> None:
        """Make the witness record durable, then commit the transaction.

        Raises  ValueError for a batch without a ledger row; whatever commit raises
        """
        if self._rows == 0:
            raise ValueError("a batch without a ledger row would leave no trace")
        with self._connection.cursor() as cursor:
            # What would fail at the commit fails before the witness hears of it.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(statement("evidence/lock_batches_shared"))
        position = None
        if self._witness is not None:
            body = self._body() | {"transaction": transaction_here(self._connection)}
            position = self._witness.append("batch", body, self.batch)
        try:
            close_batch(self._connection, self.batch, self.run_id, self._rows, position)
            self._connection.commit()
        except psycopg2.Error:
            # Whether it was committed is for `settle_witness` to find out.
            if self._witness is not None:
                self._witness.renew_writer()
            raise
        if self._witness is not None and position and (self.run_id is None or self._events):
            self._witness.confirm(position)

    def _body(self) -> dict[str, Json]:
        return {
            "run": None if self.run_id is None else str(self.run_id),
            "erased_at": self._erased_at.isoformat() if self._erased_at else None,
            "tombstones": self._groups,
            "events": self._events,
        }


def read_tombstones(record: WitnessRecord) -> Iterator[Tombstones]:
    """Read the tombstones out of the witness record of a batch."""
    for group in record.body["tombstones"]:
        tokens = _split(group["tokens"])
        nothing = [None] * len(tokens)
        subjects = group["subject_tokens"]
        yield Tombstones(
            kind=group["kind"],
            key_id=UUID(group["key_id"]),
            subject_kind=group["subject_kind"],
            identifier=group["identifier"],
            tokens=tokens,
            subject_tokens=tokens if subjects is None else _split(subjects),
            starting_points=_instants(group["starting_points"]) or nothing,
            newest_activities=_instants(group["newest_activities"]) or nothing,
        )


def _pack(stones: Tombstones, write: Callable[[datetime], str]) -> dict[str, Json]:
    same = stones.subject_tokens is stones.tokens
    return {
        "kind": stones.kind,
        "key_id": str(stones.key_id),
        "subject_kind": stones.subject_kind,
        "identifier": stones.identifier,
        "tokens": encode(b"".join(stones.tokens)),
        "subject_tokens": None if same else encode(b"".join(stones.subject_tokens)),
        "starting_points": _written(stones.starting_points, write),
        "newest_activities": _written(stones.newest_activities, write),
    }


def _split(text: str) -> list[bytes]:
    data = decode(text)
    return [data[at : at + TOKEN_BYTES] for at in range(0, len(data), TOKEN_BYTES)]


def _written(
    instants: Sequence[datetime | None], write: Callable[[datetime], str]
) -> list[Json] | None:
    if not any(instants):
        return None
    return [None if at is None else write(at) for at in instants]


def _instants(texts: list[str | None] | None) -> list[datetime | None]:
    return [None if at is None else datetime.fromisoformat(at) for at in texts or ()]
