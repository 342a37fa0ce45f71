"""Expiry beside a warehouse that changed: who came back, whose key is another, what was merged."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import begin_night, expire_records, run_archive

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit

NEXT = date(2026, 6, 2)
LATE = date(2045, 1, 1)


def expiry(kit: Kit, as_of: date) -> dict[str, Any]:
    return dict(run_archive(kit.site, as_of).summary["expiry"][0])


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [("NULL", "no starting point"), ("'9999-12-31'", "implausible date")],
)
def test_documents_of_a_customer_who_came_back_do_not_end_by_his_old_clock(
    shop: Kit, ended: str, outcome: str
) -> None:
    run_archive(shop.site, TODAY)
    assert shop.outcome(shop.sweep())["erased"] == 1
    run_archive(shop.site, NEXT)
    shop.execute(f"UPDATE account SET name = 'Back', ended_on = {ended} WHERE id = 1")
    shop.execute("UPDATE account SET ended_on = '2043-01-01' WHERE id = 2")
    found = expiry(shop, LATE)
    assert found["counts"] == {f"refused: {outcome}": 3, "not yet due": 1}
    shop.execute("UPDATE account SET name = NULL, ended_on = '2020-06-30' WHERE id = 1")
    assert expiry(shop, LATE)["documents_destroyed"] == 3


@pytest.mark.parametrize("key", ["{A}", "{1,2}", "{99999999999999999999}", "{NULL}"])
def test_a_record_whose_customer_had_a_key_of_another_form_stops_no_other(
    shop: Kit, key: str
) -> None:
    run_archive(shop.site, TODAY)
    shop.execute("DELETE FROM invoice WHERE account_id = 2")
    shop.execute(
        "UPDATE lethe.archive_record SET subject_key = %s WHERE subject_key = '{2}'", (key,)
    )
    for day, counted, destroyed in ((NEXT, "not yet due", 0), (LATE, "due", 3)):
        # Not the whole night: its sample would name the record that was changed here by hand.
        (found,) = expire_records(shop.site, begin_night(shop.site, day))
        assert found.counts == {"refused: key of another form": 1, counted: 3}
        assert found.documents == destroyed


def test_an_earlier_version_of_merged_customers_outlives_the_newest_by_its_own_law_only(
    make_kit: MakeKit,
) -> None:
    laws = "{LU: {period: P20Y, law: Long}, FR: {period: P5Y, law: Short}}"
    short = "{LU: {period: P10Y, law: Code de commerce art. 16}}"
    kit = make_kit(DDL, POLICY.replace(short, laws))
    run_archive(kit.site, TODAY)
    kit.execute("DELETE FROM invoice_line; DELETE FROM invoice WHERE id IN (11, 12, 13, 20);"
                "UPDATE invoice SET account_id = 2, country = 'FR' WHERE id = 10;"
                "DELETE FROM account_history; DELETE FROM account WHERE id = 1;"
                "UPDATE account SET ended_on = '2015-01-01' WHERE id = 2")  # fmt: skip
    left = "SELECT country FROM lethe.archive_record WHERE document_key = '{10}' ORDER BY leaf_no"
    run_archive(kit.site, NEXT)
    assert kit.execute(left) == [("LU",)], "the newest ended at once, by the shorter law"
    assert expiry(kit, date(2034, 12, 31))["beyond_the_promise"] == {"LU: Long": 1}
    assert kit.execute(left) == [("LU",)]
    run_archive(kit.site, date(2035, 1, 1))
    assert kit.execute(left) == []
    assert verify_archive(kit.site).faults == []


def test_a_version_of_a_customer_who_had_a_document_for_a_while_ends_with_the_newest(
    shop: Kit,
) -> None:
    for day, account in ((1, 1), (2, 2), (3, 1)):
        shop.execute("UPDATE invoice SET account_id = %s WHERE id = 10", (account,))
        run_archive(shop.site, date(2026, 6, day))
    shop.execute("UPDATE invoice SET account_id = 1; DELETE FROM account WHERE id = 2")
    counts = expiry(shop, date(2026, 6, 4))["counts"]
    assert counts == {"not yet due": 7}
    assert expiry(shop, LATE)["documents_destroyed"] == 7
    assert shop.execute("SELECT count(*) FROM lethe.archive_record") == [(0,)]
    assert verify_archive(shop.site).faults == []
