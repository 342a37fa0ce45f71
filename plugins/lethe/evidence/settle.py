"""Compare warehouse and witness: in step, ahead by a crash, or behind after a restore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from psycopg2 import extensions

from lethe.connections import acting_as
from lethe.errors import GuardStop
from lethe.evidence.batch import read_tombstones
from lethe.evidence.ledger import Json
from lethe.evidence.seal import last_seal
from lethe.evidence.tombstones import add_tombstones
from lethe.evidence.witness import Position, Witness, WitnessRecord, decode
from lethe.include import statement
from lethe.keys import KeyRecord, KeyRing

State = Literal["in_step", "settled", "behind", "witness_lost"]
_PROMISES = frozenset({"batch", "seal"})
_LOOK_BACK_CHECKS = 2


@dataclass(frozen=True, slots=True)
class WitnessState:
    """What comparing warehouse and witness gave.

    state    in_step; settled: a crash left promises that were voided; behind: the warehouse was
             restored; witness_lost: the witness does not know what the warehouse committed
    missing  batches and seals that the witness knows and the warehouse does not, oldest first
    """

    state: State
    missing: tuple[WitnessRecord, ...] = ()

    @property
    def behind_since(self) -> datetime | None:
        """Instant of the oldest promise that the warehouse has lost."""
        return self.missing[0].at if self.state == "behind" and self.missing else None


def settle_witness(connection: extensions.connection, witness: Witness) -> WitnessState:
    """Compare both while no batch is in flight, and settle what a crash left.

    A writer has at most one batch between witness and commit, and it is its last. So what is
    missing here and is the last word of its writer since the last comparison was a crash: it is
    voided there. Anything else that is missing was committed once: the warehouse was restored.
    """
    connection.rollback()  # what the caller did not commit is not wanted here
    try:
        acting_as(connection, "runner")
        with connection.cursor() as cursor:
            cursor.execute(statement("evidence/lock_batches"))
        state = _compare(connection, witness)
        if state.state in {"in_step", "settled"}:
            for record in state.missing:
                witness.append("void", {"number": record.number}, record.batch)
            _note_check(connection, witness)
    finally:
        if not connection.closed:
            connection.rollback()
    return state


def require_in_step(connection: extensions.connection, witness: Witness) -> WitnessState:
    """Settle, and stop every destructive act on a restored warehouse.

    Raises  GuardStop with the way out
    """
    state = settle_witness(connection, witness)
    if state.state == "behind":
        raise GuardStop(
            f"the warehouse is behind its witness by {len(state.missing)} batches and seals since "
            f"{state.behind_since:%Y-%m-%d %H:%M}: it was restored from a backup, and people who "
            "were erased may be back; run `lethe sweep replay`"
        )
    if state.state == "witness_lost":
        raise GuardStop(
            "the witness does not know what the warehouse committed: it was replaced, restored or "
            "changed; bring the right one back, or begin a new one with `lethe init`"
        )
    return state


def lost_batches(connection: extensions.connection, witness: Witness) -> Iterator[WitnessRecord]:
    """Read the batches whose rows this warehouse has lost, oldest first; voided ones left out."""
    voided = {record.body["number"] for record in witness.records() if record.kind == "void"}
    page: list[WitnessRecord] = []
    for record in witness.records():
        if record.kind == "batch" and record.number not in voided:
            page.append(record)
        if len(page) >= 200:
            yield from _absent(connection, page)
            page = []
    yield from _absent(connection, page)


def restore_tombstones(connection: extensions.connection, records: Iterator[WitnessRecord]) -> int:
    """Put the tombstones of lost batches back, in the caller's transaction; returns how many."""
    restored = 0
    for record in records:
        if record.batch is None or not record.body["tombstones"]:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                statement("evidence/find_tombstone_batches"), {"batches": [str(record.batch)]}
            )
            if cursor.fetchone() is not None:
                continue
        run_id = UUID(record.body["run"]) if record.body["run"] else None
        erased_at = datetime.fromisoformat(record.body["erased_at"])
        restored += add_tombstones(
            connection, record.batch, run_id, erased_at, read_tombstones(record)
        )
    return restored


def restore_keys(ring: KeyRing, witness: Witness) -> tuple[int, int]:
    """Put lost keys back and end again those that had ended, in the caller's transaction.

    Returns  (put back, ended again)
    """
    created: dict[UUID, WitnessRecord] = {}
    destroyed: dict[UUID, WitnessRecord] = {}
    for record in witness.records():
        if record.kind == "key_created":
            created[UUID(record.body["key_id"])] = record
        elif record.kind == "key_destroyed":
            destroyed[UUID(record.body["key_id"])] = record
    back = 0
    for key_id in created.keys() - destroyed.keys():
        kept = witness.kept_key(key_id)
        if kept is not None:
            back += ring.restore(_key_record(kept))
    ended = 0
    living = {record.key_id for record in ring.list() if record.destroyed_at is None}
    for key_id in destroyed.keys() & living:
        body = destroyed[key_id].body
        final_at = date.fromisoformat(body["final_at"]) if body["final_at"] else None
        ring.destroy(body["purpose"], body["period"], final_at)
        ended += 1
    return back, ended


def note_replay(connection: extensions.connection, witness: Witness) -> Position:
    """Put on the witness that the restored warehouse was brought up to it; what was lost is known.

    Call it after the replay has committed.
    """
    return _note_check(connection, witness, replayed=True)


def _compare(connection: extensions.connection, witness: Witness) -> WitnessState:
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/read_last_witnessed"))
        named = cursor.fetchone()
    promises: list[WitnessRecord] = []
    voided: set[int] = set()
    through, checks, known = 0, 0, named is None
    for record in witness.records_backwards():
        if named is not None and record.number == named[0]:
            known = record.digest == bytes(named[1])
        if record.kind == "void":
            voided.add(record.body["number"])
        elif record.kind == "checked" and checks < _LOOK_BACK_CHECKS:
            through = max(through, record.number)
            checks += 1
        elif record.kind == "replayed" and checks < _LOOK_BACK_CHECKS:
            through = max(through, record.number)
            checks = _LOOK_BACK_CHECKS
        elif (
            record.kind in _PROMISES and record.number not in voided and checks < _LOOK_BACK_CHECKS
        ):
            promises.append(record)
        if checks >= _LOOK_BACK_CHECKS and (named is None or record.number <= named[0]):
            break
    if not known:
        return WitnessState("witness_lost")
    missing = [*_absent(connection, promises[::-1])]
    if not missing:
        return WitnessState("in_step")
    last_words = {record.writer: record.number for record in promises[::-1]}
    crashed = all(
        record.number > through and last_words[record.writer] == record.number for record in missing
    )
    return WitnessState("settled" if crashed else "behind", tuple(missing))


def _absent(
    connection: extensions.connection, promises: list[WitnessRecord]
) -> Iterator[WitnessRecord]:
    batches = [str(record.batch) for record in promises if record.kind == "batch"]
    hashes = [_seal_hash(record.body) for record in promises if record.kind == "seal"]
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/find_batches"), {"batches": batches})
        there: set[object] = {row[0] for row in cursor.fetchall()}
        cursor.execute(statement("evidence/find_seals"), {"hashes": hashes})
        there |= {bytes(row[0]) for row in cursor.fetchall()}
    for record in promises:
        name = str(record.batch) if record.kind == "batch" else _seal_hash(record.body)
        if name not in there:
            yield record


def _note_check(
    connection: extensions.connection, witness: Witness, *, replayed: bool = False
) -> Position:
    newest = next(witness.records_backwards(), None)
    if newest is not None and newest.kind == "checked" and not replayed:
        return Position(newest.number, newest.digest)
    seal = last_seal(connection)
    body: dict[str, Json] = {"seal_no": seal.seal_no if seal else 0}
    return witness.append("replayed" if replayed else "checked", body)


def _seal_hash(body: Mapping[str, str]) -> bytes:
    return bytes.fromhex(body["seal_hash"])


def _key_record(kept: Mapping[str, str]) -> KeyRecord:
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
