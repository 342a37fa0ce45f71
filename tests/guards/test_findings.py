"""Who came back, and keys used again, ring until an approver has said why they may stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from lethe.connections import acting_as
from lethe.errors import GuardStop, UsageError
from lethe.evidence.acting import open_witness_of
from lethe.guards import findings as room
from lethe.guards.findings import Finding, digest_of, mark_seen, read_findings

from tests.kit import Kit, MakeKit
from tests.retention.test_replay import DDL, POLICY

TODAY = date(2026, 6, 1)
BACK = "INSERT INTO customer VALUES (7, 'ADA@example.org', NULL, '2026-05-30')"
AGAIN = "INSERT INTO customer VALUES (2, 'new@example.org', NULL, '2026-05-30')"
NAMED = POLICY + "guards: {approvers: [{user: dpo, name: Officer}]}\n"


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    kit = make_kit(DDL, NAMED)
    kit.sweep(TODAY)
    kit.execute(BACK)
    return kit


def waiting(kit: Kit) -> list[Finding]:
    with kit.site.connected("reader") as connection:
        acting_as(connection, "reader")
        return read_findings(connection, "small")


def see(kit: Kit, found: Sequence[Finding], by: str = "dpo", reason: str = "signed up") -> None:
    with kit.site.connected("runner") as connection:
        witness = open_witness_of(kit.site, connection)
    with kit.site.connected("approver") as connection:
        acting_as(connection, "approver")
        mark_seen(connection, kit.loaded.policy, found, by, reason, witness)


def night(kit: Kit, days: int) -> dict[str, Any]:
    returned = kit.sweep(TODAY + timedelta(days=days)).summary["outlook"]["returned"]
    return dict(returned["customer"])


def test_a_finding_waits_by_its_token_until_it_is_seen_and_another_one_rings(kit: Kit) -> None:
    assert night(kit, 1) == {"restored": 0, "same_identifier": 1, "same_key": 0}
    night(kit, 2)
    (first,) = waiting(kit)
    assert (first.found.sort, first.found.subject) == ("same_identifier", "customer")
    assert len(first.found.token) >= 16
    see(kit, [first])
    assert waiting(kit) == []
    kit.execute(AGAIN)
    assert night(kit, 3) == {
        "restored": 0,
        "same_identifier": 1,
        "same_key": 1,
        "seen": {"same_identifier": 1},
    }
    (second,) = waiting(kit)
    assert second.found.sort == "same_key"


def test_what_is_gone_waits_no_more_and_rings_anew_if_it_comes_again(kit: Kit) -> None:
    night(kit, 1)
    see(kit, waiting(kit))
    kit.execute("DELETE FROM customer WHERE id = 7")
    night(kit, 2)
    kit.execute(BACK)
    assert "seen" not in night(kit, 3), "it left and came again: that is another return"
    assert len(waiting(kit)) == 1
    kit.execute("DELETE FROM customer WHERE id = 7")
    night(kit, 4)
    assert waiting(kit) == []


def test_the_act_is_the_approvers_with_a_reason_and_names_nobody(kit: Kit) -> None:
    night(kit, 1)
    found = waiting(kit)
    with pytest.raises(GuardStop, match="may not decide"):
        see(kit, found, by="otto")
    with pytest.raises(UsageError, match="say why"):
        see(kit, found, reason="  ")
    see(kit, found)
    with pytest.raises(GuardStop, match="look again"):
        see(kit, found)
    with pytest.raises(GuardStop, match="look again"):
        see(kit, [])
    rows = kit.execute(
        "SELECT kind, subject_token IS NOT NULL, payload ->> 'by', payload ->> 'reason',"
        " payload ->> 'digest' FROM lethe.ledger WHERE kind LIKE '%seen' ORDER BY id"
    )
    assert [row[:4] for row in rows] == [
        ("return_seen", True, "dpo", "signed up"),
        ("returns_seen", False, "dpo", None),
    ]
    assert rows[1][4] == digest_of(found).hex()


def test_ten_thousand_at_once_are_put_on_the_ledger_over_some_nights(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_A_NIGHT", 1)
    kit.execute(AGAIN)
    night(kit, 1)
    assert len(waiting(kit)) == 1
    night(kit, 2)
    assert len(waiting(kit)) == 2


def test_a_finding_that_cannot_be_put_on_the_ledger_rings(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(kit, 1)
    see(kit, waiting(kit))
    assert night(kit, 2)["seen"] == {"same_identifier": 1}
    monkeypatch.setattr(room, "statement", lambda *_: "SELECT nothing FROM lethe.run")
    assert night(kit, 3) == {"restored": 0, "same_identifier": 1, "same_key": 0}
