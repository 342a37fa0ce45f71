"""Verification side by side, and of texts that PostgreSQL writes in quotes."""

from __future__ import annotations

import pytest
from lethe.archive import verify
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive

from tests.kit import TODAY, Kit

ODD = 'a,"b" \\ (c) \x01'


@pytest.fixture
def odd(shop: Kit) -> Kit:
    """Numbers that want quotes in the text of a row, and countries that are missing."""
    shop.execute("UPDATE invoice SET number = %s WHERE id = 10", (ODD,))
    shop.execute("UPDATE invoice SET country = NULL WHERE id IN (10, 11)")
    run_archive(shop.site, TODAY)
    return shop


@pytest.mark.parametrize("processes", [1, 2])
def test_texts_in_quotes_and_columns_without_a_value_verify(
    odd: Kit, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr(verify, "_WORTH_PROCESSES", 1)
    monkeypatch.setattr(verify, "WIDTH", 2)
    found = verify_archive(odd.site, processes=processes)
    assert (found.records, [f for f in found.faults if "tile" not in f]) == (7, [])


def test_a_fault_of_either_process_is_named(odd: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_WORTH_PROCESSES", 1)
    monkeypatch.setattr(verify, "WIDTH", 4)
    odd.execute("UPDATE lethe.archive_record SET number = number || 'x' WHERE number = %s", (ODD,))
    odd.execute("UPDATE lethe.archive_record SET country = 'XX' WHERE number = 'B-20'")
    faults = " ".join(verify_archive(odd.site, processes=2).faults)
    leaves = odd.execute(
        "SELECT leaf_no FROM lethe.archive_record WHERE number IN (%s, 'B-20')", (ODD + "x",)
    )
    assert len(leaves) == 2
    for (leaf,) in leaves:
        assert f"leaf {leaf}: its record does not open" in faults


@pytest.mark.parametrize("changed", ["''", "'a'", "'a,\"b\" \\ (c)'", "'NULL'"])
def test_a_quoted_text_is_not_taken_for_another(odd: Kit, changed: str) -> None:
    odd.execute(f"UPDATE lethe.archive_record SET number = {changed} WHERE number = %s", (ODD,))
    assert any("does not open" in fault for fault in verify_archive(odd.site).faults)
