"""An account stays as long as what the archive holds of it is not there, or does not open."""

from __future__ import annotations

from datetime import date

import pytest
from lethe.archive.night import run_archive
from lethe.errors import TamperingFound

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit

NEXT = date(2026, 6, 2)
TWO_LEFT = "UPDATE account SET ended_on = '2020-06-30'"
KEPT = {"erased": 1, "archived record damaged": 1}
FLIP = "UPDATE lethe.archive_record SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)"
BARE = "ALTER TABLE lethe.archive_record DISABLE TRIGGER USER;"


@pytest.fixture
def shop(make_kit: MakeKit) -> Kit:
    """Two accounts that left, archived."""
    kit = make_kit(DDL, POLICY)
    kit.execute(TWO_LEFT)
    run_archive(kit.site, TODAY)
    return kit


@pytest.mark.parametrize(
    "damage",
    [
        FLIP + " WHERE number = 'A-10'",
        FLIP + " WHERE kind = 'party' AND subject_key = '{1}'",
        "UPDATE lethe.archive_record SET country = 'DE' WHERE number = 'A-10'",
        "DELETE FROM lethe.archive_record WHERE kind = 'party' AND subject_key = '{1}'",
        "UPDATE lethe.archive_tile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)",
        "UPDATE lethe.archive_record SET wrapped = '\\x00' WHERE number = 'A-10'",
    ],
    ids=["document", "party", "column", "no party", "leaf", "data key"],
)
def test_who_has_a_damaged_record_stays_and_the_others_go(shop: Kit, damage: str) -> None:
    shop.execute(BARE + damage)
    assert shop.outcome(shop.sweep()) == KEPT
    assert shop.execute("SELECT name IS NULL FROM account ORDER BY id") == [(False,), (True,)]
    assert shop.execute("SELECT bill_to FROM invoice WHERE id = 10") == [("Ann Before",)]
    with pytest.raises(TamperingFound):
        run_archive(shop.site, TODAY)


def test_who_has_a_document_without_its_record_is_not_archived(shop: Kit) -> None:
    shop.execute(BARE + "DELETE FROM lethe.archive_record WHERE number = 'A-10'")
    assert shop.plan()["gone"] == {"due": 1, "not archived": 1}
    assert shop.outcome(shop.sweep()) == {"erased": 1, "not archived": 1}
    with pytest.raises(TamperingFound, match="is missing"):
        run_archive(shop.site, NEXT)


def test_a_list_that_names_the_record_of_another_document_archives_nothing(shop: Kit) -> None:
    other = shop.execute("SELECT leaf_no, number FROM lethe.archive_record WHERE number <> 'A-10'")
    shop.execute(
        "ALTER TABLE lethe.archived_document DISABLE TRIGGER USER;"
        "UPDATE lethe.archived_document SET leaf_no = %s WHERE key = '{10}';"
        + BARE
        + "DELETE FROM lethe.archive_record WHERE number = 'A-10'",
        (other[0][0],),
    )
    assert shop.outcome(shop.sweep()) == {"erased": 1, "not archived": 1}


def test_a_list_that_was_made_to_fit_a_changed_document_erases_nobody(shop: Kit) -> None:
    other = shop.execute("SELECT bound_digest FROM lethe.archived_document WHERE key = '{10}'")
    shop.execute("UPDATE invoice SET bill_to = 'Ann of late' WHERE id = 10")
    run_archive(shop.site, TODAY)
    shop.execute("UPDATE invoice SET bill_to = 'Ann Before' WHERE id = 10")
    shop.execute(
        "UPDATE lethe.archived_document SET bound_digest = %s WHERE key = '{10}'", other[0]
    )
    assert shop.outcome(shop.sweep()) == KEPT
