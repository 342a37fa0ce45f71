"""Customers whose row no foreign key holds: after the erasure nobody of their key is there."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit

NEXT = date(2026, 6, 2)
LATE = date(2045, 1, 1)
ERASED = {"account erased": 3, "unchanged": 1}


@pytest.fixture
def loose(make_kit: MakeKit) -> Kit:
    """The shop, whose invoices only the policy leads to their account."""
    hung = "not_personal: [id, number, account_id, state, issued_on, country, currency, total]"
    way = "links: [{columns: account_id, references: id, to: public.account}]"
    return make_kit(
        DDL.replace("account_id bigint REFERENCES account, state", "account_id bigint, state"),
        POLICY.replace(hung, f"{hung}\n        {way}"),
    )


def documents(kit: Kit, as_of: date) -> dict[str, int]:
    return dict(run_archive(kit.site, as_of).summary["documents"][0]["outcomes"])


def expiry(kit: Kit, as_of: date) -> dict[str, Any]:
    return dict(run_archive(kit.site, as_of).summary["expiry"][0])


def leave(kit: Kit) -> None:
    run_archive(kit.site, TODAY)
    kit.execute("DELETE FROM account_history")
    assert kit.outcome(kit.sweep())["erased"] == 1
    assert kit.ids("account") == [2]


@pytest.mark.parametrize("blanked", [True, False])
def test_what_the_erasure_left_without_a_customer_is_no_alarm(loose: Kit, blanked: bool) -> None:
    if not blanked:
        loose.execute("UPDATE invoice SET bill_to = NULL")
    leave(loose)
    for _ in range(2):
        assert documents(loose, NEXT) == ERASED
    loose.execute("UPDATE invoice SET account_id = NULL, bill_to = 'Robert' WHERE id = 20")
    assert documents(loose, NEXT) == {"account erased": 3, "refused: no customer": 1}
    loose.execute("INSERT INTO invoice VALUES (30, 'A-30', 1, 'issued', '2020-01-01')")
    assert documents(loose, NEXT)["refused: no customer"] == 2, "never archived, and nobody's"
    assert expiry(loose, date(2030, 7, 1))["documents_destroyed"] == 3
    assert verify_archive(loose.site).faults == []


def test_a_key_that_somebody_else_has_now_ends_nothing_of_hers_by_the_old_clock(
    loose: Kit,
) -> None:
    leave(loose)
    loose.execute("INSERT INTO account VALUES (1, 'Eve', 'eve@x.example', 'LU', '2026-01-01')")
    loose.execute(
        "INSERT INTO invoice VALUES (30, 'E-30', 1, 'issued', '2026-05-01', 'LU', 'EUR', 7, 'Eve')"
    )
    assert documents(loose, NEXT) == {**ERASED, "archived": 1}
    loose.execute("UPDATE account SET ended_on = '2043-01-01' WHERE id = 2")
    found = expiry(loose, LATE)
    assert found["documents_destroyed"] == 0
    assert found["counts"] == {"refused: no starting point": 4, "not yet due": 1}
    loose.execute("UPDATE account SET ended_on = '2040-01-01' WHERE id = 1")
    assert expiry(loose, date(2050, 1, 1))["documents_destroyed"] == 0
    assert expiry(loose, date(2050, 1, 2))["documents_destroyed"] == 4
