"""What was changed by hand is not destroyed: a record is opened before it goes."""

from __future__ import annotations

from datetime import date

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.errors import TamperingFound

from tests.kit import TODAY, Kit

NEXT = date(2026, 6, 2)
LATE = date(2031, 1, 1)
HELD = "SELECT count(*) FROM lethe.archive_record WHERE kind = 'document'"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE lethe.archive_record SET issued_on = '2005-01-01' WHERE document_key = '{10}'",
        "UPDATE lethe.archive_record SET country = 'DE' WHERE document_key = '{10}'",
        "UPDATE lethe.archive_record SET sealed = sealed || '\\x00' WHERE document_key = '{10}'",
    ],
    ids=["day", "country", "ciphertext"],
)
def test_a_record_that_was_changed_stays_and_is_named_and_the_others_go(
    shop: Kit, change: str
) -> None:
    run_archive(shop.site, TODAY)
    shop.execute(change)
    with pytest.raises(TamperingFound, match="is not what was sealed"):
        run_archive(shop.site, LATE)
    left = shop.execute("SELECT document_key FROM lethe.archive_record WHERE kind = 'document'"
                        " ORDER BY leaf_no")  # fmt: skip
    assert left == [(["10"],), (["20"],)], "what was changed, and what is not due"
    assert verify_archive(shop.site).faults != []


def test_records_do_not_end_by_a_frozen_clock_that_was_changed(shop: Kit) -> None:
    shop.execute("UPDATE account SET ended_on = '2024-01-01' WHERE id = 1")
    run_archive(shop.site, TODAY)
    assert shop.outcome(shop.sweep())["erased"] == 1
    run_archive(shop.site, NEXT)
    shop.execute("UPDATE lethe.archive_frozen SET deactivated_on = '2010-01-01'")
    with pytest.raises(TamperingFound, match="is not what was sealed"):
        run_archive(shop.site, LATE)
    assert shop.execute(HELD) == [(4,)]
    shop.execute("UPDATE lethe.archive_frozen SET deactivated_on = '2024-01-01'")
    assert verify_archive(shop.site).faults == []
    run_archive(shop.site, date(2034, 1, 2))
    assert shop.execute(HELD) == [(1,)]
