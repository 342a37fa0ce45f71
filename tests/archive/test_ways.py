"""Documents that hang on their customer through another table."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit

NEXT = date(2026, 6, 2)


def documents(kit: Kit, as_of: date = TODAY) -> dict[str, Any]:
    return dict(run_archive(kit.site, as_of).summary["documents"][0])


@pytest.fixture
def contracts(make_kit: MakeKit) -> Kit:
    """A shop whose invoices name a contract, and the contract its customer."""
    ddl = DDL.replace(
        "CREATE TABLE invoice (",
        "CREATE TABLE contract (id bigint PRIMARY KEY, account_id bigint REFERENCES account);"
        " CREATE TABLE invoice (",
    ).replace("account_id bigint REFERENCES account, state", "account_id bigint"
              " REFERENCES contract, state").replace(
        "INSERT INTO invoice VALUES", "INSERT INTO contract VALUES (1, 1), (2, 2);"
        " INSERT INTO invoice VALUES"
    )  # fmt: skip
    table = """
      public.contract:
        cluster: account
        not_personal: [id, account_id]
        when_due: {do: keep, because: issued documents name it}
"""
    return make_kit(ddl, POLICY.replace("\n      public.invoice:", f"{table}      public.invoice:"))


def test_a_contract_that_went_to_another_customer_takes_its_documents_along(
    contracts: Kit,
) -> None:
    assert documents(contracts)["outcomes"] == {"archived": 4}
    assert documents(contracts)["outcomes"] == {"unchanged": 4}, "everything is settled now"
    contracts.execute("UPDATE contract SET account_id = 2 WHERE id = 1")
    found = documents(contracts, NEXT)
    assert found["outcomes"] == {"unchanged": 1, "corrected": 3}
    assert found["notes"] == {"customer changed": 3}
    assert documents(contracts, NEXT)["outcomes"] == {"unchanged": 4}
    contracts.execute("DELETE FROM account_history; DELETE FROM account WHERE id = 1")
    expiry = run_archive(contracts.site, NEXT).summary["expiry"][0]
    assert expiry["counts"] == {"refused: no starting point": 7}
    assert verify_archive(contracts.site).faults == []
