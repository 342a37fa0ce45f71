"""What is archived as it stands, and told: one number twice, odd corrections, other customers."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.archive.oddities import ITSELF, SAME_NUMBER, UNKNOWN
from lethe.errors import UsageError
from lethe.guards.undecided import expiry_rule, not_kept, read_refusals

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit

NEXT = date(2026, 6, 2)
NOTE = (
    "INSERT INTO invoice (id, number, account_id, state, issued_on, corrects)"
    " VALUES (%s, %s, 1, 'issued', '2018-05-01', %s)"
)


def documents(kit: Kit, as_of: date = TODAY) -> dict[str, Any]:
    return dict(run_archive(kit.site, as_of).summary["documents"][0])


def expiry(kit: Kit, as_of: date) -> dict[str, Any]:
    return dict(run_archive(kit.site, as_of).summary["expiry"][0])


def correcting(make_kit: MakeKit, column: str) -> Kit:
    """A shop whose invoices correct each other by a column."""
    policy = POLICY.replace("currency, total]", "currency, total, corrects]").replace(
        "total: total\n", "total: total\n          corrects: corrects\n"
    )
    return make_kit(f"{DDL}; ALTER TABLE invoice ADD corrects {column}", policy)


def test_a_number_that_is_used_twice_is_archived_twice_and_told(shop: Kit) -> None:
    documents(shop)
    shop.execute("UPDATE invoice SET bill_to = 'Anna' WHERE id = 10")
    assert documents(shop, NEXT)["notes"] == {}, "two versions of one document are one number"
    shop.execute("INSERT INTO invoice VALUES (50, 'A-10', 2, 'issued', '2019-02-01')")
    found = documents(shop, date(2026, 6, 3))
    assert (found["outcomes"]["archived"], found["notes"]) == (1, {SAME_NUMBER: 1})


@pytest.mark.parametrize(
    ("column", "known", "unknown", "itself"),
    [("bigint REFERENCES invoice", 10, 13, 52), ("text", "A-10", "X-99", "C-52")],
)
def test_a_correction_of_what_is_not_archived_is_told_every_night_until_it_is(
    make_kit: MakeKit, column: str, known: Any, unknown: Any, itself: Any
) -> None:
    kit = correcting(make_kit, column)
    for number, what in ((50, known), (51, unknown), (52, itself)):
        kit.execute(NOTE, (number, f"C-{number}", what))
    for day in (TODAY, NEXT):
        assert documents(kit, day)["notes"] == {UNKNOWN: 1, ITSELF: 1}
    kit.execute("UPDATE invoice SET state = 'issued', number = 'X-99', issued_on = '2018-01-01'"
                " WHERE id = 13; DELETE FROM invoice WHERE id = 52")  # fmt: skip
    found = documents(kit, date(2026, 6, 3))
    assert UNKNOWN not in found["notes"]
    assert ITSELF not in found["notes"]
    assert verify_archive(kit.site).faults == []


def test_what_a_correction_names_may_have_come_to_its_end(make_kit: MakeKit) -> None:
    kit = correcting(make_kit, "text")
    kit.execute("UPDATE invoice SET issued_on = '2010-01-01' WHERE id = 10")
    kit.execute(NOTE, (50, "C-50", "A-10"))
    assert documents(kit)["notes"] == {}
    kit.execute("UPDATE account SET ended_on = '2011-01-01' WHERE id = 1")
    ended = run_archive(kit.site, TODAY).summary["expiry"][0]
    assert ended["documents_destroyed"] == 1
    assert documents(kit, NEXT)["notes"] == {}


def test_a_document_that_lost_its_customer_is_told_and_keeps_the_one_it_was_archived_for(
    shop: Kit,
) -> None:
    documents(shop)
    documents(shop)  # everything is settled now
    shop.execute("UPDATE invoice SET account_id = NULL WHERE id = 12")
    for day in (NEXT, date(2026, 6, 3)):
        assert documents(shop, day)["outcomes"] == {"unchanged": 3, "customer lost": 1}
    assert verify_archive(shop.site).faults == []


def merge(kit: Kit) -> None:
    """Customer 1 becomes one with customer 2."""
    kit.execute("UPDATE invoice SET account_id = 2 WHERE account_id = 1")
    kit.execute("DELETE FROM account_history; DELETE FROM account WHERE id = 1")


def test_documents_of_merged_customers_get_a_version_and_end_by_the_customer_that_is_left(
    shop: Kit,
) -> None:
    documents(shop)
    documents(shop)
    merge(shop)
    found = documents(shop, NEXT)
    assert found["outcomes"] == {"unchanged": 1, "corrected": 3}
    assert found["notes"] == {"customer changed": 3}
    assert documents(shop, date(2026, 6, 3))["outcomes"] == {"unchanged": 4}
    assert expiry(shop, NEXT)["counts"] == {"refused: no starting point": 7}
    shop.execute("UPDATE account SET ended_on = '2020-06-30' WHERE id = 2")
    assert expiry(shop, date(2030, 6, 30))["counts"] == {"not yet due": 7}
    ended = expiry(shop, date(2030, 7, 1))
    assert (ended["documents_destroyed"], ended["leaves_destroyed"]) == (7, 10)
    assert shop.execute("SELECT count(*) FROM lethe.archive_record") == [(0,)]
    assert verify_archive(shop.site).faults == []


@pytest.mark.parametrize("nights", [0, 1])
def test_what_an_erasure_blanked_is_no_correction_of_a_document_of_merged_customers(
    shop: Kit, nights: int
) -> None:
    documents(shop)
    merge(shop)
    shop.execute("UPDATE account SET ended_on = '2020-06-30' WHERE id = 2")
    for _ in range(nights):
        documents(shop)
    assert shop.outcome(shop.sweep())["erased"] == 1
    assert shop.execute("SELECT count(*) FROM invoice WHERE bill_to IS NOT NULL") == [(0,)]
    for day in (NEXT, date(2026, 6, 3)):
        assert documents(shop, day)["outcomes"] == {"account erased": 4}
    assert verify_archive(shop.site).faults == []
    left = expiry(shop, date(2030, 7, 1))["counts"]
    assert left == ({"due": 7} if nights else {"due": 1, "refused: customer gone": 3})


def test_a_document_of_an_erased_customer_that_is_given_to_another_is_no_correction(
    shop: Kit,
) -> None:
    documents(shop)
    assert shop.outcome(shop.sweep())["erased"] == 1
    shop.execute("UPDATE invoice SET account_id = 2 WHERE account_id = 1")
    for day in (NEXT, date(2026, 6, 3)):
        assert documents(shop, day)["outcomes"] == {"account erased": 3, "unchanged": 1}
    assert expiry(shop, date(2030, 7, 1))["documents_destroyed"] == 3


def test_records_of_a_customer_that_the_warehouse_lost_wait_for_a_named_decision(
    shop: Kit,
) -> None:
    documents(shop)
    shop.execute("DELETE FROM invoice_line; DELETE FROM invoice WHERE account_id = 1")
    shop.execute("DELETE FROM account_history; DELETE FROM account WHERE id = 1")
    late = date(2040, 1, 1)
    counts = run_archive(shop.site, NEXT).summary["expiry"][0]
    assert counts["counts"] == {"refused: customer gone": 3, "refused: no starting point": 1}
    assert counts["refused"] == {"customer gone": 3, "no starting point": 1}
    with shop.site.connected("runner") as connection:
        found = not_kept(read_refusals(connection, shop.loaded.policy, late), late)
    named = [(e.rule, e.reason, e.subjects) for each in found.values() for e in each]
    assert (expiry_rule("account"), "customer gone", 3) in named


def test_a_number_that_stands_twice_in_a_table_without_a_key_stops_nobody_else(
    make_kit: MakeKit,
) -> None:
    ddl = DDL.replace("id bigint PRIMARY KEY, number", "id bigint, number").replace(
        "invoice_id bigint NOT NULL REFERENCES invoice", "invoice_id bigint NOT NULL"
    )
    links = "not_personal: [invoice_id, line_no, what]"
    way = "{columns: invoice_id, to: public.invoice, references: id}"
    kit = make_kit(ddl, POLICY.replace(links, f"{links}\n        links: [{way}]"))
    kit.execute("UPDATE invoice SET number = 'A-10' WHERE id = 20")
    refused = {"archived": 2, "refused: number used twice": 2}
    assert documents(kit)["outcomes"] == refused
    assert documents(kit, NEXT)["outcomes"] == {"unchanged": 2, "refused: number used twice": 2}
    kit.execute("UPDATE invoice SET number = 'B-20' WHERE id = 20")
    assert documents(kit, NEXT)["outcomes"] == {"unchanged": 2, "archived": 2}
    kit.execute("UPDATE invoice SET number = 'A-10' WHERE id = 20")
    for day in (date(2026, 6, 3), date(2026, 6, 4)):
        assert documents(kit, day)["outcomes"] == {"unchanged": 3, "refused: number used twice": 1}
    assert verify_archive(kit.site).faults == []


def test_records_of_a_kind_that_the_policy_names_no_more_are_counted(shop: Kit) -> None:
    documents(shop)
    assert shop.outcome(shop.sweep())["erased"] == 1
    documents(shop)
    renamed = shop.under(
        POLICY.replace("subjects: {account:", "subjects: {client:").replace(
            "subject: account", "subject: client"
        )
    )
    found = run_archive(renamed.site, NEXT).summary
    assert found["documents"][0]["outcomes"] == {"account erased": 3, "unchanged": 1}
    assert found["expiry"][0]["refused"] == {"kind not in the policy": 4}


def test_of_a_history_only_rows_that_the_policy_names_are_archived(make_kit: MakeKit) -> None:
    policy = (
        POLICY.replace("opened_on, ended_on]", "opened_on, ended_on, sort]")
        .replace("valid_from, valid_to]", "valid_from, valid_to, sort]")
        .replace(
            "history: public.account_history",
            "where: {column: sort, equals: billing}\n          history: public.account_history",
        )
    )
    ddl = f"{DDL}; ALTER TABLE account ADD sort text DEFAULT 'billing'"
    kit = make_kit(f"{ddl}; ALTER TABLE account_history ADD sort text DEFAULT 'delivery'", policy)
    assert documents(kit)["party_versions"] == 2, "no third one of the history"
    kit.execute("ALTER TABLE account_history DROP COLUMN sort")
    lost = kit.under(policy.replace("valid_from, valid_to, sort]", "valid_from, valid_to]"))
    kit.execute("INSERT INTO invoice VALUES (30, 'A-30', 1, 'issued', '2014-03-01')")
    with pytest.raises(UsageError, match=r"which its history public\.account_history has not"):
        documents(lost, NEXT)
