"""Outside, the ledger shows acts; what is about people is blinded when it is written."""

from __future__ import annotations

from uuid import uuid4

import pytest
from lethe.connections import acting_as
from lethe.evidence import LedgerRow
from lethe.evidence.disclosure import make_blinding, may_be_shown
from lethe.evidence.ledger import append_rows
from psycopg2 import extensions


@pytest.mark.parametrize(
    ("kind", "token", "payload", "shown"),
    [
        ("batch_done", None, {"rule": "inactive", "done": 3}, True),
        ("plan_approved", None, {"rule": "r", "by": "vera@example.org"}, True),
        ("log_revealed", None, {"asked_by": "eva@example.org", "pseudonyms": 2}, True),
        ("partition_dropped", None, {"table": "log.hit", "rows": 3}, True),
        ("batch_done", None, {"skipped": {"asked": ["ann@example.org"]}}, False),
        ("hold_added", bytes(32), {"owner": "Legal"}, False),
        ("archive_shown", None, {"reason": "Ann called about A-10"}, False),
        ("some_kind_of_tomorrow", None, {}, False),
    ],
)
def test_only_rows_about_acts_may_be_shown(
    kind: str, token: bytes | None, payload: dict[str, object], shown: bool
) -> None:
    assert may_be_shown(kind, token, payload) is shown


def test_two_rows_that_say_the_same_have_nothing_in_common_outside(
    warehouse: extensions.connection,
) -> None:
    acting_as(warehouse, "runner")
    row = LedgerRow("subject_erased", {"rule": "r"}, bytes(32), uuid4())
    open_row = LedgerRow("batch_done", {"rule": "r"})
    append_rows(warehouse, uuid4(), None, [row, row, open_row])
    with warehouse.cursor() as cursor:
        cursor.execute("SELECT payload ->> 'blinding' FROM lethe.ledger ORDER BY id")
        first, second, third = (found for (found,) in cursor.fetchall())
    warehouse.rollback()
    assert first != second and len(first) == len(second) == 32
    assert third is None


def test_a_payload_cannot_bring_a_blinding_of_its_own() -> None:
    with pytest.raises(ValueError, match="blinding"):
        make_blinding({"blinding": "00"})
