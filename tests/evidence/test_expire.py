"""Ledger rows about single subjects end, and every seal still verifies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from lethe.connections import Role, acting_as
from lethe.errors import ConfigurationError
from lethe.evidence import LedgerRow, Witness, seal_ledger, verify_ledger
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.expire import expire_ledger_rows
from lethe.keys import KeyRing
from psycopg2 import errors, extensions

from .conftest import tamper

SOON = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def sealed(
    warehouse: extensions.connection, ring: KeyRing, witness: Witness
) -> extensions.connection:
    """Two sealed rows about subjects, one about a run, and one subject not sealed yet."""
    for last in (False, True):
        acting_as(warehouse, "runner")
        tokens = ring.tokens("token", "2026")
        batch = EvidenceBatch(warehouse, None, witness)
        for number in range(1 if last else 2):
            token = tokens.one("account", "", str(number))
            batch.add_rows([LedgerRow("subject_erased", {}, token, tokens.key_id)])
        batch.add_rows([LedgerRow("batch_done")])
        batch.commit()
        if not last:
            seal_ledger(warehouse, witness)
    return warehouse


def test_expired_rows_leave_their_leaves_and_a_note(
    sealed: extensions.connection, login: Callable[[Role], extensions.connection]
) -> None:
    assert expire_ledger_rows(login("owner"), SOON) == 2
    assert expire_ledger_rows(login("owner"), SOON) == 0
    seal_ledger(sealed)
    proof = verify_ledger(sealed).require_sound()
    assert (proof.expired, proof.unsealed) == (2, 0)
    with sealed.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lethe.ledger WHERE subject_token IS NOT NULL")
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT payload->'rows' FROM lethe.ledger WHERE kind ~ 'expired'")
        assert cursor.fetchone() == (2,)


@pytest.mark.parametrize(
    "change",
    [
        "leaf = sha256(leaf)",
        "kind = 'other'",
        "commitment = sha256(leaf)",
        "batch = (SELECT batch FROM lethe.ledger_batch ORDER BY at DESC LIMIT 1)",
        "at = at + interval '1 us'",
        "run_id = gen_random_uuid()",
    ],
)
def test_what_an_expired_row_left_cannot_be_changed(
    sealed: extensions.connection, change: str
) -> None:
    expire_ledger_rows(sealed, SOON)
    assert not verify_ledger(sealed).faults
    tamper(sealed, "ledger_expired", f"UPDATE lethe.ledger_expired AS e SET {change}")
    assert verify_ledger(sealed).faults


def test_young_rows_stay(sealed: extensions.connection) -> None:
    assert expire_ledger_rows(sealed, datetime(2020, 1, 1, tzinfo=UTC)) == 0


def test_the_trigger_is_back_afterwards(sealed: extensions.connection) -> None:
    expire_ledger_rows(sealed, SOON)
    with sealed.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(errors.InsufficientPrivilege):
            cursor.execute("DELETE FROM lethe.ledger")


@pytest.mark.parametrize("role", ["runner", "approver", "planner", "reader"])
def test_nobody_but_the_owner_may(
    sealed: extensions.connection,
    login: Callable[[Role], extensions.connection],
    role: Role,
) -> None:
    with pytest.raises(ConfigurationError, match="lethe_owner"):
        expire_ledger_rows(login(role), SOON)
