"""Keys that are equal and written differently: 1.0 and 1.00 are one customer."""

from __future__ import annotations

from datetime import date
from typing import Any

from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit

NEXT = date(2026, 6, 2)


def documents(kit: Kit, as_of: date) -> dict[str, Any]:
    return dict(run_archive(kit.site, as_of).summary["documents"][0])


def test_documents_of_a_customer_are_his_however_they_write_his_key(
    make_kit: MakeKit,
) -> None:
    sort, mine, theirs = "numeric", "1.0", "1.00"
    ddl = DDL.replace("TABLE account (\n    id bigint", f"TABLE account (\n    id {sort}").replace(
        "account_id bigint", f"account_id {sort}"
    )
    ddl = ddl.replace("(1, 'Ann", f"({mine}, 'Ann").replace(
        "VALUES (1, 'Ann", f"VALUES ({mine}, 'Ann"
    )
    ddl = ddl.replace("'A-11', 1,", f"'A-11', {theirs},").replace("'A-12', 1,", f"'A-12', {mine},")
    ddl = ddl.replace("'A-10', 1,", f"'A-10', {theirs},").replace("NULL, 1,", f"NULL, {mine},")
    kit = make_kit(ddl, POLICY)
    assert documents(kit, TODAY)["outcomes"] == {"archived": 4}
    assert documents(kit, TODAY)["outcomes"] == {"unchanged": 4}
    owners = kit.execute("SELECT DISTINCT subject_key FROM lethe.archive_record ORDER BY 1")
    assert sorted(map(str, owners)) == sorted(map(str, [([mine],), (["2"],)]))
    assert kit.outcome(kit.sweep())["erased"] == 1
    assert documents(kit, NEXT)["outcomes"] == {"account erased": 3, "unchanged": 1}
    ended = run_archive(kit.site, date(2030, 7, 1)).summary["expiry"][0]
    assert ended["documents_destroyed"] == 3
    assert verify_archive(kit.site).faults == []
