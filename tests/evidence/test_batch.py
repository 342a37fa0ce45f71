"""Act, tombstones, ledger and witness stand or fall together."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid4

import psycopg2
import pytest
from lethe.connections import acting_as
from lethe.errors import ActError
from lethe.evidence import LedgerRow, Witness, make_tombstones
from lethe.evidence.batch import EvidenceBatch, read_tombstones
from lethe.evidence.ledger import Json
from lethe.evidence.witness import Position
from lethe.keys import KeyRing
from psycopg2 import extensions

from .conftest import Connect, commit_batch


def test_the_witness_record_is_there_before_the_commit(
    connect: Connect, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, other = connect(), connect()
    batch = begun(connection, witness)
    seen: list[int] = []
    append = witness.append

    def watch(kind: str, body: dict[str, Json], name: object = None) -> Position:
        position = append(kind, body, name)  # type: ignore[arg-type]
        with other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM lethe.ledger WHERE kind = 'act'")
            row = cursor.fetchone()
        other.rollback()
        seen.append(row[0] if row else -1)
        return position

    monkeypatch.setattr(witness, "append", watch)
    batch.commit()
    assert seen == [0, 1], "the promise before the commit, its confirmation after"
    with other.cursor() as cursor:
        cursor.execute("SELECT witness_no, witness_hash FROM lethe.ledger_batch ORDER BY at DESC")
        row = cursor.fetchone()
    (promise,) = (each for each in witness.records() if each.batch == batch.batch)
    assert row and (row[0], bytes(row[1])) == (promise.number, promise.digest)


def test_a_witness_that_fails_stops_the_commit(
    connect: Connect, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect()
    batch = begun(connection, witness)

    def refuse(*_: object) -> Position:
        raise ActError("the witness cannot be written")

    monkeypatch.setattr(witness, "append", refuse)
    with pytest.raises(ActError):
        batch.commit()
    connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lethe.ledger WHERE kind = 'act'")
        assert cursor.fetchone() == (0,)


def test_what_a_deferred_constraint_refuses_is_never_witnessed(
    connect: Connect, witness: Witness
) -> None:
    connection = connect()
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE parent (id int PRIMARY KEY);"
            "CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);"
            "GRANT ALL ON parent, child TO lethe_runner"
        )
    before = witness.position()
    batch = begun(connection, witness)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO child VALUES (1)")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        batch.commit()
    connection.rollback()
    assert witness.position() == before


def test_a_batch_without_a_ledger_row_is_refused(
    warehouse: extensions.connection, witness: Witness
) -> None:
    acting_as(warehouse, "runner")
    with pytest.raises(ValueError, match="no trace"):
        EvidenceBatch(warehouse, None, witness).commit()


def test_the_witness_keeps_tombstones_and_events_and_nothing_plain(
    warehouse: extensions.connection, witness: Witness, ring: KeyRing
) -> None:
    acting_as(warehouse, "runner")
    tokens = ring.tokens("tombstone", "2026")
    at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    stones = make_tombstones(
        tokens,
        "account",
        [("7654321",), ("7654322",)],
        {"email": ["anna@example.invalid", None]},
        [at, None],
    )
    batch = EvidenceBatch(warehouse, None, witness)
    batch.add_tombstones(stones)
    batch.add_event("hold_added", {"hold_id": "h"})
    batch.add_rows([LedgerRow("subject_erased")])
    batch.commit()
    record = next(each for each in witness.records_backwards() if each.kind == "batch")
    assert list(read_tombstones(record)) == stones
    assert record.body["events"] == [{"kind": "hold_added", "body": {"hold_id": "h"}}]
    told = json.dumps(dict(record.body))
    assert "anna" not in told
    assert "765432" not in told


def test_one_append_a_batch_of_a_run_however_many_subjects(
    warehouse: extensions.connection, witness: Witness, ring: KeyRing
) -> None:
    before = witness.position().number
    acting_as(warehouse, "runner")
    tokens = ring.tokens("tombstone", "2026")
    batch = EvidenceBatch(warehouse, uuid4(), witness)
    keys = [(str(number),) for number in range(500)]
    batch.add_tombstones(make_tombstones(tokens, "account", keys, {}))
    batch.add_rows(LedgerRow("subject_erased") for _ in keys)
    batch.commit()
    assert witness.position().number == before + 1


def test_without_a_witness_a_batch_is_committed_all_the_same(
    warehouse: extensions.connection,
) -> None:
    batch = commit_batch(warehouse)
    with warehouse.cursor() as cursor:
        cursor.execute("SELECT batch::text, row_count, witness_no FROM lethe.ledger_batch")
        assert cursor.fetchall() == [(str(batch.batch), 3, None)]


def begun(connection: extensions.connection, witness: Witness) -> EvidenceBatch:
    acting_as(connection, "runner")
    batch = EvidenceBatch(connection, None, witness)
    batch.add_rows([LedgerRow("act")])
    return batch
