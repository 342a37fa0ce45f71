"""Verify the ledger: recompute every leaf, root and seal, and compare with the witness."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg2 import extensions

from lethe.errors import TamperingFound
from lethe.evidence.canonical import canonical_shell
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.merkle import GrowingTree, hash_leaf
from lethe.evidence.seal import Seal, as_seal, hash_row, hash_seal, read_in_pages
from lethe.evidence.witness import BEGINNING, Witness
from lethe.include import statement


@dataclass(frozen=True, slots=True)
class LedgerProof:
    """What verifying the ledger gave.

    rows      sealed rows whose leaf was recomputed
    expired   sealed rows whose period ended, of which only the leaf is left
    unsealed  committed batches that wait for their seal
    lost      seals that the witness knows and a restore of the warehouse took, on record
    faults    what does not verify, in words; () if all does
    """

    seals: int
    rows: int
    expired: int
    unsealed: int
    lost: int
    head: Seal | None
    faults: tuple[str, ...]

    def require_sound(self) -> LedgerProof:
        """Give the proof back.

        Raises  TamperingFound if anything does not verify
        """
        if self.faults:
            raise TamperingFound("the ledger does not verify: " + "; ".join(self.faults))
        return self


def verify_ledger(connection: extensions.connection, witness: Witness | None = None) -> LedgerProof:
    """Recompute everything from the rows, in the caller's transaction.

    Needs only the rights of the reader.
    """
    warehouse_id = read_warehouse(connection).warehouse_id
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/list_seals"))
        seals = [as_seal(row) for row in cursor.fetchall()]
        cursor.execute(statement("evidence/count_unsealed"))
        unsealed, strays, short = cursor.fetchone() or (0, 0, 0)
    faults: list[str] = []
    if strays:
        faults.append(f"{strays} rows belong to no committed batch")
    if short:
        faults.append(f"{short} batches have not the number of rows that they were closed with")
    before = BEGINNING
    for number, seal in enumerate(seals, start=1):
        if seal.seal_no != number:
            faults.append(f"seal {number} is missing")
            break
        if seal.previous_hash != before:
            faults.append(f"seal {number} does not continue seal {number - 1}")
        if hash_seal(seal, warehouse_id) != seal.seal_hash:
            faults.append(f"seal {number} was changed")
        before = seal.seal_hash
    rows, expired, wrong = _verify_rows(connection, seals)
    faults.extend(wrong)
    lost = 0
    if witness is not None:
        lost, unknown = _compare_with_witness(seals, witness)
        faults.extend(unknown)
    head = seals[-1] if seals else None
    return LedgerProof(len(seals), rows, expired, unsealed, lost, head, tuple(faults))


def _verify_rows(
    connection: extensions.connection, seals: Iterable[Seal]
) -> tuple[int, int, list[str]]:
    expected = {seal.seal_no: seal for seal in seals}
    faults: list[str] = []
    rows = expired = 0
    for number, found in _by_seal(read_in_pages(connection, "evidence/read_sealed_leaves")):
        tree, first, last = GrowingTree(), 0, 0
        for row in found:
            first, last = first or row[2], row[2]
            if row[1] is not None:
                tree.add(_expired_leaf(row))
                expired += 1
            else:
                tree.add(hash_row(row[2:]))
                rows += 1
        seal = expected.pop(number, None)
        if seal is None:
            faults.append(f"batches name seal {number}, which is missing")
        elif (tree.size, first, last) != (seal.leaf_count, seal.first_id, seal.last_id):
            faults.append(
                f"seal {number} covers {seal.leaf_count} rows {seal.first_id} to {seal.last_id}; "
                f"found are {tree.size} rows {first} to {last}"
            )
        elif tree.root() != seal.merkle_root:
            faults.append(
                f"of the rows {first} to {last} under seal {number}, one was changed or swapped"
            )
    faults.extend(f"all rows under seal {number} are missing" for number in expected)
    return rows, expired, faults


def _expired_leaf(row: tuple[Any, ...]) -> bytes:
    _, leaf, number, batch, run_id, at, kind, commitment = row[:8]
    if kind is None or commitment is None:
        return bytes(leaf)
    found = hash_leaf(canonical_shell(number, batch, run_id, at, kind, bytes(commitment)))
    return found if found == bytes(leaf) else bytes(len(leaf))  # no leaf is all zeros


def _by_seal(
    rows: Iterator[tuple[Any, ...]],
) -> Iterator[tuple[int, Iterator[tuple[Any, ...]]]]:
    from itertools import groupby

    yield from groupby(rows, key=lambda row: int(row[0]))


def _compare_with_witness(seals: list[Seal], witness: Witness) -> tuple[int, list[str]]:
    known: dict[int, tuple[int, bytes]] = {}
    promised: dict[int, int] = {}
    lost = 0
    for record in witness.records():
        if record.kind == "seal":
            promised[record.number] = record.body["seal_no"]
            digest = bytes.fromhex(record.body["seal_hash"])
            known[record.body["seal_no"]] = (record.number, digest)
        elif record.kind == "void" and record.body["number"] in promised:
            number = promised[record.body["number"]]
            if known.get(number, (0, b""))[0] == record.body["number"]:
                del known[number]
        elif record.kind == "replayed":
            gone = [number for number in known if number > record.body["seal_no"]]
            lost += len(gone)
            for number in gone:
                del known[number]
    here = {seal.seal_no: seal.seal_hash for seal in seals}
    faults = [
        f"seal {number} is missing, and the witness knows it"
        if number not in here
        else f"seal {number} is not the one that the witness knows"
        for number, (_, digest) in sorted(known.items())
        if here.get(number) != digest
    ]
    return lost, faults
