"""Rows reach the ledger as they were given, and what could not be sealed never gets there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lethe.connections import acting_as
from lethe.evidence import LedgerRow
from lethe.evidence.ledger import Json, append_rows
from psycopg2 import extensions

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=9)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(payload=st.dictionaries(TEXT, TEXT | st.integers(-(2**53) + 1, 2**53 - 1), max_size=4))
def test_any_payload_comes_back(warehouse: extensions.connection, payload: dict[str, Json]) -> None:
    acting_as(warehouse, "runner")
    batch, token, key = uuid4(), bytes(range(32)), uuid4()
    append_rows(warehouse, batch, None, [LedgerRow("k\t\\N", payload, token, key)])
    with warehouse.cursor() as cursor:
        cursor.execute("SELECT kind, payload, subject_token, key_id::text FROM lethe.ledger")
        row = cursor.fetchone()
    warehouse.rollback()
    assert row is not None
    blinding = row[1].pop("blinding")
    assert (row[0], row[1], bytes(row[2]), row[3]) == ("k\t\\N", payload, token, str(key))
    assert len(bytes.fromhex(blinding)) == 16


@pytest.mark.parametrize(
    "payload", [{"n": 2**53}, {"n": [{"m": -(2**60)}]}, {"n": 1e16}, {"n": float("nan")}]
)
def test_what_has_no_canonical_form_is_refused(
    warehouse: extensions.connection, payload: Mapping[str, Json]
) -> None:
    with pytest.raises(ValueError, match=r"2\^53|JSON"):
        append_rows(warehouse, uuid4(), None, [LedgerRow("k", payload)])


def test_fifty_thousand_rows_take_a_few_seconds_at_most(
    warehouse: extensions.connection,
) -> None:
    acting_as(warehouse, "runner")
    key, token = uuid4(), bytes(32)
    rows = [
        LedgerRow("subject_erased", {"rule": "r", "tables": {"a.b": n, "c.d": 3}}, token, key)
        for n in range(50_000)
    ]
    started = time.perf_counter()
    assert append_rows(warehouse, uuid4(), None, rows) == 50_000
    assert time.perf_counter() - started < 5
