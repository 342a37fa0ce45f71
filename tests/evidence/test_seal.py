"""Seals cover committed batches, once each, however they were interleaved."""

from __future__ import annotations

import threading
from uuid import uuid4

from lethe.connections import acting_as
from lethe.evidence import LedgerRow, Witness, seal_ledger, verify_ledger
from lethe.evidence.batch import EvidenceBatch
from psycopg2 import extensions

from .conftest import Connect, commit_batch


def test_nothing_to_seal_makes_no_seal(warehouse: extensions.connection) -> None:
    assert seal_ledger(warehouse) is None
    commit_batch(warehouse)
    assert seal_ledger(warehouse) is not None
    assert seal_ledger(warehouse) is None


def test_each_seal_continues_the_one_before(warehouse: extensions.connection) -> None:
    seals = []
    for rows in (1, 2, 5):
        commit_batch(warehouse, rows=rows)
        seals.append(seal_ledger(warehouse))
    assert [seal and seal.seal_no for seal in seals] == [1, 2, 3]
    assert [seal and seal.leaf_count for seal in seals] == [1, 2, 5]
    assert seals[2] and seals[1] and seals[2].previous_hash == seals[1].seal_hash
    assert verify_ledger(warehouse).require_sound().rows == 8


def test_a_transaction_that_commits_late_with_low_ids_is_sealed_too(connect: Connect) -> None:
    slow, quick, sealer = connect(), connect(), connect()
    acting_as(slow, "runner")
    late = EvidenceBatch(slow, None, None)
    late.add_rows([LedgerRow("slow")])
    commit_batch(quick)
    first = seal_ledger(sealer)
    late.commit()
    second = seal_ledger(sealer)
    assert first and second
    assert second.last_id < first.first_id
    proof = verify_ledger(sealer).require_sound()
    assert (proof.rows, proof.unsealed) == (4, 0)


def test_what_was_rolled_back_is_not_sealed(connect: Connect) -> None:
    undone, done = connect(), connect()
    acting_as(undone, "runner")
    batch = EvidenceBatch(undone, None, None)
    batch.add_rows([LedgerRow("undone")])
    undone.rollback()
    commit_batch(done)
    seal = seal_ledger(done)
    assert seal and seal.leaf_count == 3


def test_many_sealers_and_writers_at_once_leave_one_sound_chain(
    connect: Connect, witness: Witness
) -> None:
    def write() -> None:
        connection = connect()
        for _ in range(8):
            commit_batch(connection, rows=2)

    def seal() -> None:
        connection = connect()
        for _ in range(8):
            seal_ledger(connection)

    threads = [threading.Thread(target=work) for work in (write, seal, write, seal, seal)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = connect()
    seal_ledger(last)
    proof = verify_ledger(last).require_sound()
    assert (proof.rows, proof.unsealed) == (33, 0)


def test_a_batch_that_was_committed_cannot_be_committed_twice(connect: Connect) -> None:
    import psycopg2
    import pytest

    name = uuid4()
    for attempt in range(2):
        connection = connect()
        acting_as(connection, "runner")
        batch = EvidenceBatch(connection, None, None, name)
        batch.add_rows([LedgerRow("once")])
        if attempt == 0:
            batch.commit()
        else:
            with pytest.raises(psycopg2.errors.UniqueViolation):
                batch.commit()
    assert seal_ledger(connect()) is not None
    assert verify_ledger(connect()).require_sound().rows == 1
