"""Crash and restore are told apart, and a restore gets back what the witness kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from lethe.connections import acting_as
from lethe.errors import ActError, ConfigurationError, GuardStop
from lethe.evidence import (
    LedgerRow,
    Witness,
    begin_witness,
    make_tombstones,
    open_witness,
    require_in_step,
    seal_ledger,
    settle_witness,
    verify_ledger,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.home import transaction_here
from lethe.evidence.restoring import restore_keys, restore_tombstones
from lethe.evidence.settle import lost_batches, note_replay
from lethe.evidence.witness import Position
from lethe.keys import KeyDestroyed, KeyEncryptionKey, KeyRing
from psycopg2 import extensions, sql

from .conftest import Connect, commit_batch, tamper

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def backup(dsn: str, postgres: str) -> Iterator[Callable[[], Callable[[], None]]]:
    """Take a backup of the warehouse; what it gives restores it in place."""
    name = psycopg2.extensions.parse_dsn(dsn)["dbname"]
    copies: list[str] = []

    def run(*statements: sql.Composed) -> None:
        connection = psycopg2.connect(postgres)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for one in statements:
                cursor.execute(one)
        connection.close()

    def copy(source: str, target: str) -> sql.Composed:
        return sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(target), sql.Identifier(source)
        )

    def drop(database: str) -> sql.Composed:
        return sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database))

    def disconnect() -> None:
        run(
            sql.SQL(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"
            ).format(sql.Literal(name))
        )

    def take() -> Callable[[], None]:
        copies.append(f"{name}_backup_{len(copies)}")
        kept = copies[-1]
        disconnect()
        run(copy(name, kept))
        return lambda: run(drop(name), copy(kept, name))

    yield take
    run(*map(drop, copies))


def test_work_in_peace_stays_in_step(warehouse: extensions.connection, witness: Witness) -> None:
    for _ in range(3):
        assert require_in_step(warehouse, witness).state == "in_step"
        commit_batch(warehouse, witness)
        commit_batch(warehouse, witness)
        seal_ledger(warehouse, witness)
    assert require_in_step(warehouse, witness).missing == ()


def test_a_crash_between_witness_and_commit_is_settled_once(
    connect: Connect, witness: Witness
) -> None:
    crashed, later = connect(), connect()
    commit_batch(crashed, witness)
    crash_before_commit(crashed, witness)
    state = settle_witness(later, witness)
    assert (state.state, len(state.missing)) == ("settled", 1)
    assert settle_witness(later, witness).state == "in_step"
    commit_batch(later, witness)
    assert settle_witness(later, witness).state == "in_step"


def test_a_crash_of_each_of_several_workers_is_settled(connect: Connect, witness: Witness) -> None:
    workers = [open_witness("file", "witness", witness.warehouse_id) for _ in range(3)]
    for worker in workers:
        commit_batch(connect(), worker)
    for worker in workers:
        crash_before_commit(connect(), worker)
    commit_batch(connect(), witness)
    state = settle_witness(connect(), witness)
    assert (state.state, len(state.missing)) == ("settled", 3)


def test_a_crash_while_sealing_is_settled_and_sealed_again(
    connect: Connect, witness: Witness
) -> None:
    connection = connect()
    commit_batch(connection, witness)
    witness.append("seal", {"seal_no": 1, "seal_hash": "ab" * 32})
    assert settle_witness(connection, witness).state == "settled"
    seal_ledger(connection, witness)
    assert settle_witness(connection, witness).state == "in_step"
    assert verify_ledger(connection, witness).require_sound().seals == 1


def test_a_batch_in_flight_is_waited_for_and_not_taken_for_a_crash(
    connect: Connect, witness: Witness
) -> None:
    flying, checking = connect(), connect()
    committed: list[bool] = []
    halt, proceed = threading.Event(), threading.Event()
    own = open_witness("file", "witness", witness.warehouse_id)
    append = own.append

    def slow_append(*args: object, **named: object) -> object:
        position = append(*args, **named)  # type: ignore[arg-type]
        if args[0] != "batch":
            return position
        halt.set()
        proceed.wait(10)
        committed.append(True)
        return position

    own.append = slow_append  # type: ignore[method-assign, assignment]
    worker = threading.Thread(target=commit_batch, args=(flying, own))
    worker.start()
    halt.wait(10)
    threading.Timer(0.3, proceed.set).start()
    assert settle_witness(checking, witness).state == "in_step"
    assert committed == [True]
    worker.join()


def test_a_connection_that_dies_at_the_commit_is_settled_like_a_crash(
    connect: Connect, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying, other = connect(), connect()
    append = witness.append

    def append_and_die(*args: object, **named: object) -> object:
        position = append(*args, **named)  # type: ignore[arg-type]
        with other, other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", (dying.info.backend_pid,))
        return position

    with monkeypatch.context() as patch:
        patch.setattr(witness, "append", append_and_die)
        with pytest.raises(psycopg2.OperationalError):
            commit_batch(dying, witness)
    commit_batch(other, witness)
    commit_batch(other, witness)
    state = settle_witness(other, witness)
    assert (state.state, len(state.missing)) == ("settled", 1)


def test_a_restored_warehouse_stops_every_destructive_job(
    connect: Connect, witness: Witness, backup: Callable[[], Callable[[], None]]
) -> None:
    nights(connect(), witness, 1)
    restore = backup()
    nights(connect(), witness, 2)
    restore()
    warehouse = connect()
    for _ in range(2):
        with pytest.raises(GuardStop, match="lethe sweep replay"):
            require_in_step(warehouse, witness)


def test_nights_of_one_batch_each_that_a_restore_took_are_not_taken_for_crashes(
    connect: Connect, witness: Witness, backup: Callable[[], Callable[[], None]]
) -> None:
    restore = backup()
    for _ in range(2):
        own = open_witness("file", "witness", witness.warehouse_id)
        connection = connect()
        require_in_step(connection, own)
        commit_batch(connection, own)
        own.close()
    restore()
    assert settle_witness(connect(), witness).state == "behind"


def test_a_single_act_that_a_restore_took_is_not_taken_for_a_crash(
    connect: Connect, witness: Witness, backup: Callable[[], Callable[[], None]]
) -> None:
    restore = backup()
    commit_event(connect(), witness)
    restore()
    assert settle_witness(connect(), witness).state == "behind"
    assert settle_witness(connect(), witness).state == "behind", "nothing was voided"


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_batch_lost_within_the_same_database_is_known_by_its_transaction(
    connect: Connect, witness: Witness, monkeypatch: pytest.MonkeyPatch, confirmed: bool
) -> None:
    if not confirmed:  # the process was killed between the commit and the confirmation
        monkeypatch.setattr(witness, "confirm", lambda _: None)
    commit_batch(connect(), witness)
    batch = commit_batch(connect(), witness).batch
    warehouse = connect()
    tamper(warehouse, "ledger_batch", f"DELETE FROM lethe.ledger_batch WHERE batch = '{batch}'")
    warehouse.commit()
    assert settle_witness(connect(), witness).state == "behind"


def test_a_confirmed_batch_is_never_taken_for_a_crash_whatever_became_of_its_number(
    connect: Connect, witness: Witness
) -> None:
    """A disk put back to an earlier moment gives numbers out again."""
    witness.confirm(crash_before_commit(connect(), witness))
    assert settle_witness(connect(), witness).state == "behind"


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "settled"),
        ({"events": [{"kind": "hold_added", "body": {}}]}, "settled"),
        ({"transaction": {"id": str(2**40)}}, "settled"),
        ({"transaction": {"id": str(2**40)}, "events": [{"kind": "x", "body": {}}]}, "behind"),
        ({"transaction": {"id": "3"}}, "behind"),
        ({"transaction": {"cluster": "1"}}, "behind"),
        ({"transaction": {"timeline": "0000FFFF"}}, "behind"),
        ({"transaction": {"database": 1}}, "behind"),
    ],
)
def test_what_was_cut_off_is_a_crash_only_if_its_transaction_is_known_not_to_have_committed(
    connect: Connect, witness: Witness, changed: dict[str, Any], state: str
) -> None:
    commit_batch(connect(), witness)
    crash_before_commit(connect(), witness, **changed)
    assert settle_witness(connect(), witness).state == state


@pytest.mark.parametrize(("carries", "state"), [("events", "behind"), ("groups", "settled")])
def test_a_record_of_an_older_lethe_is_voided_only_if_it_brings_nothing_back(
    connect: Connect, witness: Witness, carries: str, state: str
) -> None:
    batch = EvidenceBatch(connect(), None, witness)
    body = batch._body() | {carries: [{"kind": "hold_added", "body": {}}]}
    witness.append("batch", body, batch.batch)
    assert settle_witness(connect(), witness).state == state


def test_comparisons_with_nothing_between_them_hide_no_restore(
    connect: Connect, witness: Witness, backup: Callable[[], Callable[[], None]]
) -> None:
    restore = backup()
    commit_event(connect(), witness)
    for number in range(3):
        require_in_step(connect(), witness)
        witness.append("key_created", {"number": number})
    restore()
    assert settle_witness(connect(), witness).state == "behind"


def test_a_backup_restored_once_more_after_its_replay_is_found_again(
    connect: Connect, witness: Witness, backup: Callable[[], Callable[[], None]]
) -> None:
    restore = backup()
    nights(connect(), witness, 1)
    for _ in range(2):
        restore()
        warehouse = connect()
        assert settle_witness(warehouse, witness).state == "behind"
        note_replay(warehouse, witness, commit_batch(warehouse, witness).batch)
        assert settle_witness(warehouse, witness).state == "in_step"
        warehouse.close()


def test_a_confirmation_that_fails_leaves_what_was_committed(
    connect: Connect, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = witness.append

    def refuse(kind: str, *args: Any) -> Position:
        if kind == "committed":
            raise ActError("the disk is full")
        return append(kind, *args)

    monkeypatch.setattr(witness, "append", refuse)
    commit_event(connect(), witness)
    monkeypatch.undo()
    assert settle_witness(connect(), witness).state == "in_step"


def test_a_replay_brings_tombstones_and_keys_back_and_ends_dead_keys_again(
    connect: Connect,
    witness: Witness,
    kek: KeyEncryptionKey,
    ring: KeyRing,
    backup: Callable[[], Callable[[], None]],
) -> None:
    bury(connect(), ring_of(connect(), kek, witness), witness, "1")
    old = ring_of(connect(), kek, witness)
    old.create("log", "2025-01")
    old._connection.commit()
    restore = backup()
    lively = connect()
    later = ring_of(lively, kek, witness)
    secret = later.secret("log", "2026-08", create=True)
    later.destroy("log", "2025-01")
    lively.commit()
    bury(lively, later, witness, "2")
    seal_ledger(lively, witness)
    before = stones(lively)
    restore()

    warehouse = connect()
    assert settle_witness(warehouse, witness).state == "behind"
    back = ring_of(warehouse, kek, witness)
    assert restore_keys(back, witness) == (1, 1)
    restored = restore_tombstones(warehouse, lost_batches(warehouse, witness))
    assert restored == 2
    warehouse.commit()
    assert restore_tombstones(warehouse, lost_batches(warehouse, witness)) == 0
    note_replay(warehouse, witness)
    assert stones(warehouse) == before
    assert back.secret("log", "2026-08") == secret
    with pytest.raises(KeyDestroyed):
        back.secret("log", "2025-01")

    assert require_in_step(warehouse, witness).state == "in_step"
    nights(warehouse, witness, 2)
    proof = verify_ledger(warehouse, witness).require_sound()
    assert proof.lost == 1


def test_a_key_whose_making_was_cut_off_is_taken_up_and_no_second_one_made(
    connect: Connect, witness: Witness, kek: KeyEncryptionKey
) -> None:
    cut_off = connect()
    key_id = ring_of(cut_off, kek, witness).create("hold", "2026").key_id
    cut_off.close()
    later = connect()
    again = ring_of(later, kek, witness)
    assert again.find("hold", "2026") is None
    assert again.create("hold", "2026").key_id == key_id
    later.commit()
    assert [each.kind for each in witness.records()].count("key_created") == 1


def test_a_lost_witness_stops_and_a_new_one_goes_on_record(
    warehouse: extensions.connection, witness: Witness, home: Path
) -> None:
    nights(warehouse, witness, 1)
    (home / "witness" / f"{witness.warehouse_id}.jsonl").unlink()
    with pytest.raises(ConfigurationError, match="not there"):
        begin_witness(warehouse, "file", "witness")
    anew = begin_witness(warehouse, "file", "witness", anew=True)
    nights(warehouse, anew, 2)
    with warehouse.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lethe.ledger WHERE kind = 'witness_opened'")
        assert cursor.fetchone() == (2,)


def test_an_older_copy_of_the_witness_is_found(
    warehouse: extensions.connection, witness: Witness, home: Path
) -> None:
    file = home / "witness" / f"{witness.warehouse_id}.jsonl"
    nights(warehouse, witness, 1)
    older = file.read_bytes()
    nights(warehouse, witness, 1)
    file.write_bytes(older)
    with pytest.raises(GuardStop, match="does not know"):
        require_in_step(warehouse, open_witness("file", "witness", witness.warehouse_id))


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_process_leaves_a_state_that_is_settled(
    dsn: str, warehouse: extensions.connection, witness: Witness, home: Path, seed: int
) -> None:
    script = (
        "import sys, psycopg2, lethe.evidence as e\n"
        "from uuid import UUID; from lethe.connections import acting_as\n"
        "c = psycopg2.connect(sys.argv[1])\n"
        "w = e.open_witness('file', 'witness', UUID(sys.argv[2]))\n"
        "print('go', flush=True)\n"
        "while True:\n"
        "    acting_as(c, 'runner'); b = e.EvidenceBatch(c, None, w)\n"
        "    b.add_rows([e.LedgerRow('x', {'n': n}) for n in range(5)]); b.commit()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, dsn, str(witness.warehouse_id)],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "plugins")},
        stdout=subprocess.PIPE,
    )
    assert process.stdout and process.stdout.readline() == b"go\n"
    threading.Event().wait(0.05 + seed * 0.013)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert settle_witness(warehouse, witness).state in {"in_step", "settled"}
    assert settle_witness(warehouse, witness).state == "in_step"
    seal_ledger(warehouse, witness)
    assert verify_ledger(warehouse, witness).require_sound().unsealed == 0


def nights(connection: extensions.connection, witness: Witness, count: int) -> None:
    for _ in range(count):
        require_in_step(connection, witness)
        commit_batch(connection, witness)
        commit_batch(connection, witness)
        seal_ledger(connection, witness)


def crash_before_commit(
    connection: extensions.connection, witness: Witness, **changed: Any
) -> Position:
    """Promise a batch and never commit it; `changed`: what its record says otherwise."""
    acting_as(connection, "runner")
    batch = EvidenceBatch(connection, None, witness)
    batch.add_rows([LedgerRow("crashed")])
    told = transaction_here(connection) | changed.pop("transaction", {})
    body = batch._body() | {"transaction": told} | changed
    position = witness.append("batch", body, batch.batch)
    connection.close()
    return position


def commit_event(connection: extensions.connection, witness: Witness) -> None:
    """Commit what stands alone and must outlive a restore, such as a hold."""
    acting_as(connection, "runner")
    batch = EvidenceBatch(connection, None, witness)
    batch.add_rows([LedgerRow("hold_added")])
    batch.add_event("hold_added", {"id": "x"})
    batch.commit()


def ring_of(connection: extensions.connection, kek: KeyEncryptionKey, witness: Witness) -> KeyRing:
    acting_as(connection, "runner")
    return KeyRing.open(connection, kek, witness)


def bury(connection: extensions.connection, ring: KeyRing, witness: Witness, account: str) -> None:
    acting_as(connection, "runner")
    tokens = ring.tokens("tombstone", "2026")
    batch = EvidenceBatch(connection, None, witness)
    batch.add_tombstones(
        make_tombstones(
            tokens,
            "account",
            [(account,)],
            {"email": [f"{account}@example.invalid"], "vat": [None]},
            [datetime(2024, 5, 1, tzinfo=UTC)],
        )
    )
    batch.add_rows([LedgerRow("subject_erased")])
    batch.commit()


def stones(connection: extensions.connection) -> list[tuple[object, ...]]:
    acting_as(connection, "runner")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT encode(token, 'hex'), kind, key_id::text, subject_kind, identifier,"
            " encode(subject_token, 'hex'), erased_at, starting_point, newest_activity,"
            " batch::text FROM lethe.tombstone ORDER BY 1"
        )
        found = cursor.fetchall()
    connection.rollback()
    return found
