"""Somebody was erased, came back under the key that was left of him, and his documents change."""

from __future__ import annotations

from datetime import date
from typing import Any

from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.archive.show import show_document

from tests.kit import TODAY, Kit

WHY = "a question of the tax office"
NEXT, LATER, END = date(2026, 6, 2), date(2026, 6, 3), date(2028, 8, 1)


def documents(kit: Kit, as_of: date) -> dict[str, Any]:
    return dict(run_archive(kit.site, as_of).summary["documents"][0])


def come_back(kit: Kit) -> None:
    """Customer 1 is erased, comes back and is sent two invoices, one for another contract."""
    documents(kit, TODAY)
    assert kit.outcome(kit.sweep())["erased"] == 1
    kit.execute("UPDATE account SET name = 'Ann', email = 'ann@x.example', ended_on = NULL"
                " WHERE id = 1;"
                "INSERT INTO invoice VALUES"
                " (30, 'A-30', 1, 'issued', '2026-06-02', 'LU', 'EUR', 5, 'Ann'),"
                " (31, 'A-31', 1, 'issued', '2026-06-02', 'LU', 'EUR', 6, 'Ann')")  # fmt: skip
    assert documents(kit, NEXT)["outcomes"] == {
        "account erased": 3, "archived": 2, "unchanged": 1,
    }  # fmt: skip


def test_what_was_archived_after_the_return_is_corrected_as_any_document(shop: Kit) -> None:
    come_back(shop)
    shop.execute("UPDATE invoice SET currency = 'USD' WHERE id = 30;"
                 "INSERT INTO invoice_line VALUES (31, 1, 'tea')")  # fmt: skip
    found = documents(shop, LATER)
    assert found["outcomes"] == {"account erased": 3, "corrected": 2, "unchanged": 1}
    assert found["notes"] == {"currency changed": 1}
    (now,) = show_document(shop.site, "A-30", LATER, WHY)
    assert (now.document["version"], now.document["currency"]) == (2, "USD")
    (before,) = show_document(shop.site, "A-10", LATER, WHY)
    assert before.document["bound"]["document"]["bill_to"] == "Ann Before", "never blanked"
    assert verify_archive(shop.site).faults == []


def test_who_came_back_can_be_erased_again_once_his_new_documents_are_archived(shop: Kit) -> None:
    come_back(shop)
    shop.execute("UPDATE account SET ended_on = '2026-06-03' WHERE id = 1")
    shop.execute("UPDATE invoice SET currency = 'USD' WHERE id = 30")
    assert shop.plan(END)["gone"]["not archived"] == 1
    documents(shop, END)
    assert shop.outcome(shop.sweep(END))["erased"] == 1
    assert shop.execute("SELECT count(*) FROM invoice WHERE bill_to IS NOT NULL") == [(1,)]
    assert documents(shop, END)["outcomes"] == {"account erased": 5, "unchanged": 1}
    assert verify_archive(shop.site).faults == []


def test_a_document_deleted_after_the_return_is_told(shop: Kit) -> None:
    come_back(shop)
    shop.execute("DELETE FROM invoice WHERE id = 31")
    assert documents(shop, LATER)["notes"] == {"archived, and deleted from the warehouse": 1}


def test_a_document_that_came_to_somebody_who_had_come_back_gets_a_version(shop: Kit) -> None:
    come_back(shop)
    shop.execute("UPDATE invoice SET account_id = 1, bill_to = 'Ann' WHERE id = 20")
    shop.execute("UPDATE account SET ended_on = '2026-06-03' WHERE id = 1")
    assert shop.plan(END)["gone"]["not archived"] == 1, "it is archived for another"
    found = documents(shop, LATER)
    assert found["outcomes"] == {"account erased": 3, "corrected": 1, "unchanged": 2}
    assert found["notes"] == {"customer changed": 1}
    assert documents(shop, END)["outcomes"] == {"account erased": 3, "unchanged": 3}
    assert shop.outcome(shop.sweep(END))["erased"] == 1
    assert verify_archive(shop.site).faults == []
