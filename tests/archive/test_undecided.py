"""Documents of people without any service have no deactivation: somebody decides, or it shows."""

from __future__ import annotations

from datetime import date, timedelta

from lethe.archive.night import run_archive
from lethe.guards.undecided import decide, expiry_rule, not_kept, read_refusals
from lethe.policy.periods import end_of

from tests.kit import TODAY, Kit

RULE = expiry_rule("account")


def broken(kit: Kit, as_of: date) -> dict[str, list[tuple[str, int | None]]]:
    with kit.site.connected("runner") as connection:
        found = not_kept(read_refusals(connection, kit.loaded.policy, as_of), as_of)
    return {
        clause: [(each.reason, each.subjects) for each in refusals if each.rule == RULE]
        for clause, refusals in found.items()
    }


def test_one_off_buyers_make_the_clause_not_kept_until_a_named_person_decides(shop: Kit) -> None:
    clause = shop.loaded.policy.archive.clause if shop.loaded.policy.archive else ""
    run_archive(shop.site, TODAY)
    last = end_of(TODAY, shop.loaded.policy.undecided_after.default)
    run_archive(shop.site, last)
    assert broken(shop, last) == {}, "the time to decide is not over"
    late = last + timedelta(days=1)
    run_archive(shop.site, late)
    assert broken(shop, late)[clause] == [("no starting point", 1)]
    with shop.site.connected("approver") as connection:
        decide(
            connection,
            shop.loaded.policy,
            rule=RULE,
            about="no starting point",
            decision="count from the day of issue",
            reason="they bought once",
            review_on=late + timedelta(days=100),
            by="vera",
            as_of=late,
        )
    assert broken(shop, late).get(clause, []) == []
    assert broken(shop, late + timedelta(days=101))[clause] == [("no starting point", 1)]


def test_a_service_that_begins_ends_the_wait(shop: Kit) -> None:
    run_archive(shop.site, TODAY)
    shop.execute("UPDATE account SET ended_on = '2025-01-01' WHERE id = 2")
    run_archive(shop.site, date(2026, 6, 2))
    assert broken(shop, date(2040, 1, 1)) == {}
