"""A table that is bound more than once, and a number that documents had at different times."""

from __future__ import annotations

from datetime import date

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.archive.show import show_document
from lethe.errors import AnswerIsNo

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit

WHY = "a question of the tax office"
BEFORE, NEXT, LATER = date(2026, 5, 31), date(2026, 6, 2), date(2026, 6, 3)


def test_a_table_that_is_bound_twice_stands_in_the_record_twice(make_kit: MakeKit) -> None:
    policy = POLICY.replace(
        "- table: public.account\n          columns: [name, email]",
        "- {table: public.account, columns: [name, name], where: {column: country, equals: LU}}\n"
        "        - table: public.account\n          columns: [email]",
    ).replace(
        "lines: [{table: public.invoice_line, columns: [line_no, what]}]",
        "lines: [{table: public.invoice_line, columns: [line_no]},"
        " {table: public.invoice_line, columns: [what]}]",
    )
    kit = make_kit(DDL, policy)
    run_archive(kit.site, TODAY)
    assert verify_archive(kit.site).faults == []
    (shown,) = show_document(kit.site, "A-11", TODAY, WHY)
    assert shown.party
    bound = {name: each["rows"] for name, each in shown.party["bound"].items()}
    assert bound == {
        "public.account": [{"name": 'Ann "A\\" Ü'}],
        "public.account#2": [{"email": "ann@x.example"}],
    }
    lines = shown.document["bound"]["lines"]
    assert lines == {
        "public.invoice_line": [{"line_no": "1"}],
        "public.invoice_line#2": [{"what": "tea"}],
    }


def numbers(kit: Kit, number: str, day: date) -> list[tuple[list[str], str, int]]:
    try:
        shown = show_document(kit.site, number, day, WHY)
    except AnswerIsNo:
        return []
    found = [each.document for each in shown]
    return sorted((each["key"], each["number"], each["version"]) for each in found)


@pytest.mark.parametrize("day", [LATER, date(2027, 1, 1)], ids=["then", "later"])
def test_a_number_leads_to_its_documents_as_they_were_on_the_day(shop: Kit, day: date) -> None:
    """Document 10 gives its number away, and document 11 takes it."""
    run_archive(shop.site, TODAY)
    shop.execute("UPDATE invoice SET number = 'A-10 new' WHERE id = 10")
    run_archive(shop.site, NEXT)
    shop.execute("UPDATE invoice SET number = 'A-10' WHERE id = 11")
    run_archive(shop.site, LATER)
    assert numbers(shop, "A-10", BEFORE) == [(["10"], "A-10", 1)]
    assert numbers(shop, "A-10", NEXT) == [(["10"], "A-10 new", 2)]
    assert numbers(shop, "A-11", NEXT) == [(["11"], "A-11", 1)]
    assert numbers(shop, "A-10", day) == [(["10"], "A-10 new", 2), (["11"], "A-10", 2)]
    assert numbers(shop, "A-11", day) == [(["11"], "A-10", 2)]
    assert numbers(shop, "A-10 new", date(2014, 1, 1)) == []
