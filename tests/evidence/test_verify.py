"""Whatever is changed, removed, added or swapped in the ledger is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from lethe.connections import Role, acting_as
from lethe.errors import TamperingFound
from lethe.evidence import LedgerRow, Witness, seal_ledger, verify_ledger
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.canonical import LedgerTuple
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.merkle import root_of
from lethe.evidence.seal import as_seal, hash_row, hash_seal
from lethe.include import statement
from lethe.keys import KeyRing
from psycopg2 import extensions

from .conftest import tamper

ROW = "(SELECT min(id) + 2 FROM lethe.ledger)"
TAMPERINGS = {
    "ledger": [
        f"UPDATE lethe.ledger SET kind = 'other' WHERE id = {ROW}",
        f"UPDATE lethe.ledger SET payload = payload || '{{\"rows\": 99}}' WHERE id = {ROW}",
        f"UPDATE lethe.ledger SET payload = '{{}}' WHERE id = {ROW}",
        f"UPDATE lethe.ledger SET at = at + interval '1 microsecond' WHERE id = {ROW}",
        f"UPDATE lethe.ledger SET run_id = gen_random_uuid() WHERE id = {ROW}",
        "UPDATE lethe.ledger SET subject_token = set_bit(subject_token, 0,"
        " 1 - get_bit(subject_token, 0)) WHERE subject_token IS NOT NULL",
        "UPDATE lethe.ledger SET key_id = gen_random_uuid() WHERE key_id IS NOT NULL",
        f"DELETE FROM lethe.ledger WHERE id = {ROW}",
        "DELETE FROM lethe.ledger WHERE id = (SELECT max(id) FROM lethe.ledger)",
        "DELETE FROM lethe.ledger",
        "INSERT INTO lethe.ledger (batch, kind) SELECT batch, 'more' FROM lethe.ledger LIMIT 1",
        "INSERT INTO lethe.ledger (batch, kind) VALUES (gen_random_uuid(), 'stray')",
        "UPDATE lethe.ledger SET payload = other.payload FROM lethe.ledger other"
        " WHERE ledger.id + other.id = 2 * (SELECT min(id) FROM lethe.ledger) + 3",
        "UPDATE lethe.ledger SET batch = (SELECT max(batch::text)::uuid FROM lethe.ledger_batch)"
        " WHERE batch = (SELECT min(batch::text)::uuid FROM lethe.ledger_batch)",
    ],
    "ledger_batch": [
        "UPDATE lethe.ledger_batch SET row_count = row_count + 1",
    ],
    "ledger_sealing": [
        "UPDATE lethe.ledger_sealing SET seal_no = 3 - seal_no",
        "DELETE FROM lethe.ledger_sealing WHERE seal_no = 1",
        "DELETE FROM lethe.ledger_sealing",
    ],
    "ledger_seal": [
        "UPDATE lethe.ledger_seal SET leaf_count = leaf_count + 1",
        "UPDATE lethe.ledger_seal SET first_id = first_id + 1",
        "UPDATE lethe.ledger_seal SET last_id = last_id + 1",
        "UPDATE lethe.ledger_seal SET merkle_root = sha256(merkle_root)",
        "UPDATE lethe.ledger_seal SET previous_hash = sha256(previous_hash) WHERE seal_no = 2",
        "UPDATE lethe.ledger_seal SET seal_hash = sha256(seal_hash) WHERE seal_no = 1",
        "UPDATE lethe.ledger_seal SET seal_hash = sha256(seal_hash) WHERE seal_no = 2",
        "UPDATE lethe.ledger_seal SET sealed_at = sealed_at + interval '1 microsecond'",
        "DELETE FROM lethe.ledger_seal WHERE seal_no = 1",
        "DELETE FROM lethe.ledger_seal WHERE seal_no = 2",
    ],
}


@pytest.fixture
def sealed(
    warehouse: extensions.connection, ring: KeyRing, witness: Witness
) -> extensions.connection:
    """A ledger with two seals over rows of every form."""
    acting_as(warehouse, "runner")
    tokens = ring.tokens("token", "2026")
    for _ in range(2):
        acting_as(warehouse, "runner")
        batch = EvidenceBatch(warehouse, None, witness)
        batch.add_rows(
            [
                LedgerRow("plain", {"rows": 1, "é𐐷": [1.5, True, None, "ü\t\\"]}),
                LedgerRow("plain", {"rows": 2}),
                LedgerRow("subject", {"t": 3}, tokens.one("a", "", "1"), tokens.key_id),
            ]
        )
        batch.commit()
        seal_ledger(warehouse, witness)
    return warehouse


def test_an_honest_ledger_verifies(sealed: extensions.connection, witness: Witness) -> None:
    proof = verify_ledger(sealed, witness).require_sound()
    assert (proof.seals, proof.rows, proof.unsealed, proof.lost) == (2, 7, 0, 0)


def test_every_tampering_is_found(sealed: extensions.connection) -> None:
    unnoticed = []
    for table, changes in TAMPERINGS.items():
        for change in changes:
            sealed.rollback()
            tamper(sealed, table, change)
            if not verify_ledger(sealed).faults:
                unnoticed.append(change)
    assert unnoticed == []
    sealed.rollback()
    verify_ledger(sealed).require_sound()


def test_what_does_not_verify_is_raised(sealed: extensions.connection) -> None:
    tamper(sealed, "ledger", "DELETE FROM lethe.ledger")
    with pytest.raises(TamperingFound, match="all rows under seal 1 are missing"):
        verify_ledger(sealed).require_sound()


def test_a_ledger_cut_off_at_its_end_is_found_by_the_witness_alone(
    sealed: extensions.connection, witness: Witness
) -> None:
    batches = "(SELECT batch FROM lethe.ledger_sealing WHERE seal_no = 2)"
    tamper(sealed, "ledger", f"DELETE FROM lethe.ledger WHERE batch IN {batches}")
    tamper(sealed, "ledger_batch", f"DELETE FROM lethe.ledger_batch WHERE batch IN {batches}")
    tamper(sealed, "ledger_sealing", "DELETE FROM lethe.ledger_sealing WHERE seal_no = 2")
    tamper(sealed, "ledger_seal", "DELETE FROM lethe.ledger_seal WHERE seal_no = 2")
    assert verify_ledger(sealed).faults == ()
    assert verify_ledger(sealed, witness).faults == ("seal 2 is missing, and the witness knows it",)


def test_a_ledger_rewritten_with_a_fresh_chain_is_found_by_the_witness(
    sealed: extensions.connection, witness: Witness
) -> None:
    tamper(sealed, "ledger", "UPDATE lethe.ledger SET kind = 'other'")
    tamper(sealed, "ledger_sealing", "DELETE FROM lethe.ledger_sealing")
    tamper(sealed, "ledger_seal", "DELETE FROM lethe.ledger_seal")
    sealed.commit()
    seal_ledger(sealed)
    assert verify_ledger(sealed).faults == ()
    assert len(verify_ledger(sealed, witness).faults) == 2


def test_a_seal_rewritten_to_fit_changed_rows_breaks_the_chain(
    sealed: extensions.connection,
) -> None:
    warehouse_id = read_warehouse(sealed).warehouse_id
    tamper(sealed, "ledger", "UPDATE lethe.ledger SET kind = 'other'")
    batches = read_batches(sealed, 1)
    leaves = [hash_row(row) for row in read_rows(sealed, batches)]
    with sealed.cursor() as cursor:
        cursor.execute(statement("evidence/list_seals"))
        first = as_seal(cursor.fetchall()[0])
    forged = replace(first, merkle_root=root_of(leaves))
    forged = replace(forged, seal_hash=hash_seal(forged, warehouse_id))
    tamper(
        sealed,
        "ledger_seal",
        f"UPDATE lethe.ledger_seal SET merkle_root = '\\x{forged.merkle_root.hex()}',"
        f" seal_hash = '\\x{forged.seal_hash.hex()}' WHERE seal_no = 1",
    )
    assert "seal 2 does not continue seal 1" in verify_ledger(sealed).faults


def read_batches(connection: extensions.connection, seal_no: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT batch::text FROM lethe.ledger_sealing WHERE seal_no = %s", (seal_no,)
        )
        return [row[0] for row in cursor.fetchall()]


def read_rows(connection: extensions.connection, batches: list[str]) -> list[LedgerTuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/read_rows_of_batches"), {"batches": batches})
        return cursor.fetchall()  # type: ignore[return-value]


def test_the_reader_may_verify(
    sealed: extensions.connection, login: Callable[[Role], extensions.connection]
) -> None:
    assert verify_ledger(login("reader")).require_sound().seals == 2
