"""What a restore leaves: of a whole warehouse it is on record, of the archive alone never."""

from __future__ import annotations

from datetime import date

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.errors import GuardStop, TamperingFound
from lethe.retention.replay import replay

from tests.kit import TODAY, Kit
from tests.retention.test_replay import back_up, restore

TABLES = ("archive_head", "archive_tile", "archive_record", "archived_document")
NEW = "INSERT INTO invoice VALUES (40, 'B-40', 2, 'issued', '2019-01-01', 'FR', 'EUR', 5, 'Bob')"


def test_an_archive_that_was_rolled_back_alone_takes_no_append(shop: Kit) -> None:
    run_archive(shop.site, TODAY)
    for table in TABLES:
        shop.execute(f"CREATE TABLE kept_{table} AS TABLE lethe.{table}")
    shop.execute(NEW)
    run_archive(shop.site, TODAY)
    shop.execute("SET session_replication_role = replica")
    shop.execute("ALTER TABLE lethe.archive_head DISABLE TRIGGER refuse_change")
    for table in TABLES:
        shop.execute(f"DELETE FROM lethe.{table}; INSERT INTO lethe.{table} TABLE kept_{table}")
    with pytest.raises(TamperingFound, match="the ledger tells head 2"):
        run_archive(shop.site, date(2026, 6, 2))
    assert shop.execute("SELECT max(head_no) FROM lethe.archive_head") == [(1,)]
    faults = verify_archive(shop.site).faults
    assert "head 2: the ledger tells it, and it is missing" in faults


def test_a_head_that_the_ledger_tells_twice_is_named(shop: Kit) -> None:
    run_archive(shop.site, TODAY)
    shop.execute(
        "INSERT INTO lethe.ledger (batch, run_id, kind, payload)"
        " SELECT batch, run_id, kind, payload FROM lethe.ledger WHERE kind = 'archive_appended'"
    )
    assert any("tells it twice" in fault for fault in verify_archive(shop.site).faults)


def test_heads_that_a_restore_lost_are_told_apart_once_it_is_on_record(shop: Kit) -> None:
    run_archive(shop.site, TODAY)
    backup = back_up(shop)
    shop.execute(NEW)
    run_archive(shop.site, TODAY)
    mail = verify_archive(shop.site).head or ""
    shop = restore(shop, backup)
    with pytest.raises(GuardStop, match="lethe sweep replay"):
        run_archive(shop.site, date(2026, 6, 2))
    assert "it was rolled back" in " ".join(verify_archive(shop.site, told=[mail]).faults)
    replay(shop.site, TODAY)
    shop.execute(NEW.replace("B-40", "B-41"))
    run_archive(shop.site, date(2026, 6, 2))
    found = verify_archive(shop.site, told=[mail])
    assert (found.faults, found.lost, found.heads) == ([], 1, 2)
    # A head that no restore on record explains is a fault as ever.
    forged = mail.replace(mail.split()[5], mail.split()[5][::-1])
    assert len(verify_archive(shop.site, told=[forged]).faults) == 1
