"""Compare warehouse and witness: in step, ahead by a crash, or behind after a restore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg2 import extensions

from lethe.connections import acting_as
from lethe.errors import GuardStop
from lethe.evidence.home import find_ends, home_of, is_here
from lethe.evidence.ledger import Json
from lethe.evidence.seal import last_seal
from lethe.evidence.witness import Position, Witness, WitnessRecord
from lethe.include import statement

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
    missing here, is the last word of its writer since the last comparison, was never confirmed and
    whose transaction did not commit in this database was a crash: it is voided there. Anything else
    that is missing was committed once: the warehouse was restored.
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


def note_replay(
    connection: extensions.connection, witness: Witness, batch: UUID | None = None
) -> Position:
    """Put on the witness that the restored warehouse was brought up to it; what was lost is known.

    Call it after the replay has committed.

    batch  the evidence of the replay: where it is missing, the warehouse was restored once more
    """
    return _note_check(connection, witness, replayed=True, batch=batch)


def _compare(connection: extensions.connection, witness: Witness) -> WitnessState:
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/read_last_witnessed"))
        named = cursor.fetchone()
    seen = _look_back(witness, named)
    if not seen.known:
        return WitnessState("witness_lost")
    missing = [*_absent(connection, seen.promises[::-1])]
    if not missing:
        return WitnessState("in_step")
    last_words = {record.writer: record.number for record in seen.promises[::-1]}
    crashed = all(
        record.number > seen.through
        and record.number not in seen.confirmed
        and last_words[record.writer] == record.number
        for record in missing
    )
    settled = crashed and _never_committed(connection, missing)
    return WitnessState("settled" if settled else "behind", tuple(missing))


@dataclass(slots=True)
class _Seen:
    """What the newest part of the witness tells.

    promises   newest first; at least one, if there is any since the last replay
    confirmed  numbers of promises that the warehouse is known to have committed
    through    everything up to this number was in step once
    known      the record that the warehouse names is there as it was
    """

    known: bool
    promises: list[WitnessRecord] = field(default_factory=list)
    confirmed: set[int] = field(default_factory=set)
    through: int = 0


def _look_back(witness: Witness, named: tuple[int, bytes] | None) -> _Seen:
    seen = _Seen(known=named is None)
    voided: set[int] = set()
    checks, enough = 0, False
    for record in witness.records_backwards():
        if named is not None and record.number == named[0]:
            seen.known = record.digest == bytes(named[1])
        if record.kind == "void":
            voided.add(record.body["number"])
        elif record.kind == "committed":
            seen.confirmed.add(record.body["number"])
        elif record.kind in ("checked", "replayed"):
            seen.through = max(seen.through, record.number)
            checks += 1
        if not enough and (record.kind in _PROMISES and record.number not in voided):
            seen.promises.append(record)
        # What a replay found missing is lost for good; the replay itself must not be.
        if record.kind == "replayed":
            if not enough and record.batch is not None:
                seen.promises.append(record)
            enough = True
        enough = enough or (checks >= _LOOK_BACK_CHECKS and bool(seen.promises))
        if enough and (named is None or record.number <= named[0]):
            break
    return seen


def _never_committed(connection: extensions.connection, missing: list[WitnessRecord]) -> bool:
    """Say whether these promises were cut off by crashes, by how their transactions ended.

    Only this very database knows that: elsewhere, or on another timeline, it is not believed. A
    server that crashed may have lost the number; what brings a hold along must be known better.
    """
    told = {record.number: record.body.get("transaction") for record in missing}
    if any(each is not None and not is_here(connection, each) for each in told.values()):
        return False
    ends = find_ends(connection, [each["id"] for each in told.values() if each is not None])
    for record in missing:
        transaction, carries = told[record.number], record.body.get("events")
        if transaction is None:  # a record of a Lethe that did not say
            if carries or record.body.get("tombstones"):
                return False
        elif ends[transaction["id"]] != "aborted" and (
            carries or ends[transaction["id"]] != "unheard of"
        ):
            return False
    return True


def _absent(
    connection: extensions.connection, promises: list[WitnessRecord]
) -> Iterator[WitnessRecord]:
    batches = [str(record.batch) for record in promises if record.kind != "seal"]
    hashes = [_seal_hash(record.body) for record in promises if record.kind == "seal"]
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/find_batches"), {"batches": batches})
        there: set[object] = {row[0] for row in cursor.fetchall()}
        cursor.execute(statement("evidence/find_seals"), {"hashes": hashes})
        there |= {bytes(row[0]) for row in cursor.fetchall()}
    for record in promises:
        name = _seal_hash(record.body) if record.kind == "seal" else str(record.batch)
        if name not in there:
            yield record


def _note_check(
    connection: extensions.connection,
    witness: Witness,
    *,
    replayed: bool = False,
    batch: UUID | None = None,
) -> Position:
    newest = next(witness.records_backwards(), None)
    if newest is not None and newest.kind == "checked" and not replayed:
        return Position(newest.number, newest.digest)
    seal = last_seal(connection)
    body: dict[str, Json] = {"seal_no": seal.seal_no if seal else 0, "home": home_of(connection)}
    return witness.append("replayed" if replayed else "checked", body, batch)


def _seal_hash(body: Mapping[str, str]) -> bytes:
    return bytes.fromhex(body["seal_hash"])
