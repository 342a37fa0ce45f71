"""What reports say of the archive."""

from __future__ import annotations

from datetime import date

from lethe.archive.check import verify_archive
from lethe.archive.facts import ArchiveFacts, archive_facts
from lethe.archive.night import run_archive
from lethe.connections import acting_as

from tests.kit import TODAY, Kit


def facts(kit: Kit, as_of: date = TODAY) -> ArchiveFacts:
    with kit.site.connected("reader") as connection:
        acting_as(connection, "reader")
        return archive_facts(connection, kit.loaded.policy, as_of)


def test_an_archive_that_never_ran_has_no_head_and_no_night(shop: Kit) -> None:
    found = facts(shop)
    assert (found.head_no, found.living, found.night_of, found.verified_at) == (0, 0, None, None)


def test_the_facts_tell_head_counts_and_the_last_night(shop: Kit) -> None:
    shop.execute("UPDATE invoice SET issued_on = NULL WHERE id = 20")
    run = run_archive(shop.site, TODAY)
    found = facts(shop)
    (documents,) = found.documents
    assert (documents.captured, documents.issued, found.refused) == (3, 4, {"no date": 1})
    assert (found.living, found.destroyed, found.opened) == (5, 0, 5)
    assert (found.night_of, found.night_state) == (TODAY, "done")
    assert (found.head_line, found.root) == (run.summary["head"], run.summary["root"])
    assert facts(shop, date(2020, 1, 1)).night_of is None


def test_the_facts_tell_what_was_destroyed_and_what_the_law_keeps(shop: Kit) -> None:
    shop.execute("UPDATE account SET ended_on = '2018-05-01' WHERE id = 1")
    run_archive(shop.site, TODAY)
    shop.sweep()
    kept = date(2028, 12, 31)
    run_archive(shop.site, kept)
    found = facts(shop, kept)
    assert found.beyond_the_promise == {"LU: Code de commerce art. 16": 2}
    assert (found.destroyed, found.living) == (2, verify_archive(shop.site).records)


def test_a_verification_is_on_record_with_its_faults(shop: Kit) -> None:
    run_archive(shop.site, TODAY)
    verify_archive(shop.site)
    clean = facts(shop, shop.site.today())
    assert (clean.verified_size, clean.verified_faults) == (clean.tree_size, 0)
    shop.execute("UPDATE lethe.archive_record SET country = 'FR' WHERE leaf_no = 1")
    verify_archive(shop.site)
    assert facts(shop, shop.site.today()).verified_faults == 1
