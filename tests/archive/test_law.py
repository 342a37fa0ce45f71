"""Which law keeps a document: that of the country on it if the policy cites one, else the
controller's."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit

OURS = "legal_minimum: {LU: {period: P10Y, law: Code de commerce art. 16}}"
LONG = OURS[:-1] + ", FR: {period: P12Y, law: Code of France}}"
SHORT = OURS[:-1] + ", FR: {period: P6Y, law: Code of France}}"


def shop_under(make_kit: MakeKit, law: str, country: str | None) -> Kit:
    """Bob left at the end of 2017; his document is of 2019, from that country."""
    assert OURS in POLICY
    kit = make_kit(DDL, POLICY.replace(OURS, law))
    kit.execute("UPDATE account SET ended_on = '2017-12-31' WHERE id = 2")
    kit.execute("UPDATE invoice SET country = %s WHERE id = 20", (country,))
    run_archive(kit.site, TODAY)
    return kit


def is_there(kit: Kit, as_of: date) -> bool:
    run_archive(kit.site, as_of)
    assert verify_archive(kit.site).faults == []
    return bool(kit.execute("SELECT 1 FROM lethe.archive_record WHERE number = 'B-20'"))


@pytest.mark.parametrize(
    ("law", "country", "last_day", "because"),
    [
        (LONG, "FR", date(2031, 12, 31), "FR: Code of France"),
        (LONG, "fr", date(2031, 12, 31), "FR: Code of France"),
        (SHORT, "FR", date(2027, 12, 31), None),
        (OURS, "FR", date(2029, 12, 31), "LU: Code de commerce art. 16"),
        (LONG, "DE", date(2029, 12, 31), "LU: Code de commerce art. 16"),
        (LONG, None, date(2029, 12, 31), "LU: Code de commerce art. 16"),
        ("legal_minimum: {}", "FR", date(2027, 12, 31), None),
    ],
)
def test_a_document_stays_to_the_later_of_promise_and_the_law_that_binds_it(
    make_kit: MakeKit, law: str, country: str | None, last_day: date, because: str | None
) -> None:
    kit = shop_under(make_kit, law, country)
    assert is_there(kit, last_day)
    if because:
        expiry = run_archive(kit.site, last_day).summary["expiry"][0]
        assert expiry["beyond_the_promise"] == {because: 1}
    assert not is_there(kit, last_day + timedelta(days=1))


def test_a_corrected_country_ends_before_the_version_that_it_corrects(make_kit: MakeKit) -> None:
    kit = shop_under(make_kit, SHORT, "DE")
    kit.execute("UPDATE invoice SET country = 'FR' WHERE id = 20")
    run_archive(kit.site, TODAY)
    assert is_there(kit, date(2028, 1, 1)), "the version from before the correction"
    assert kit.execute("SELECT count(*) FROM lethe.archive_record WHERE number = 'B-20'") == [(1,)]
    assert not is_there(kit, date(2030, 1, 1))
