"""Files that no connector destroys wait for a person, and end with an approver's word."""

from __future__ import annotations

import pytest
from lethe.erasure.connectors import fulfil_intents, open_intents
from lethe.erasure.set_aside import SetAside, decide_files, list_set_aside, read_targets
from lethe.errors import ConfigurationError, GuardStop, UsageError
from lethe.retention.health import check_health

from tests.erasure.test_connectors import POLICY, TABLES
from tests.kit import TODAY, Kit, MakeKit

APPROVERS = """
guards: {approvers: [{user: dpo, name: The DPO}]}
"""
UNREACHED = """
  letters: {title: Letters, kind: file_store, owner: it}
"""


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    kit = make_kit(TABLES, POLICY.rstrip() + UNREACHED + APPROVERS)
    (kit.home / "proofs").mkdir()
    kit.sweep()
    fulfil(kit)
    return kit


def fulfil(kit: Kit) -> dict[str, int]:
    with kit.site.connected("runner") as connection:
        return fulfil_intents(connection, kit.loaded.policy.systems, None).of("proofs")


def waiting(kit: Kit) -> list[SetAside]:
    with kit.site.connected("reader") as connection:
        return list_set_aside(connection, kit.loaded.policy.systems)


def decide(kit: Kit, files: list[SetAside], decision: str, by: str = "dpo") -> None:
    with kit.site.connected("approver") as connection:
        decide_files(connection, kit.loaded.policy, files, decision, by, "looked at")  # type: ignore[arg-type]


def problems(kit: Kit) -> list[str]:
    with kit.site.connected("reader") as connection:
        found = check_health(connection, kit.loaded.policy, TODAY).problems
    return [each for each in found if "files" in each]


def test_what_is_set_aside_rings_until_an_approver_has_settled_it(kit: Kit) -> None:
    assert "lethe sweep files list" in problems(kit)[0]
    found = waiting(kit)
    assert [(each.system, each.state) for each in found] == [("proofs", "set aside")]
    decide(kit, found, "given up")
    assert problems(kit) == []
    assert waiting(kit) == []
    with kit.site.connected("reader") as connection:
        assert open_intents(connection) == {}
    assert kit.execute("SELECT outcome, target FROM lethe.outbox WHERE outcome = 'given up'") == [
        ("given up", None)
    ]
    told = "SELECT kind, payload - 'lethe_blinding' FROM lethe.ledger WHERE kind ~ '^files_given'"
    ((kind, payload),) = kit.execute(told)
    assert kind == "files_given_up"
    assert {name: payload[name] for name in ("system", "files", "by", "reason")} == {
        "system": "proofs",
        "files": 1,
        "by": "dpo",
        "reason": "looked at",
    }


def test_what_was_mended_is_tried_from_the_beginning(kit: Kit) -> None:
    decide(kit, waiting(kit), "retried")
    assert kit.execute("SELECT attempts FROM lethe.outbox WHERE outcome IS NULL") == [(0,)]
    kit.execute("UPDATE lethe.outbox SET target = 'now-inside.txt' WHERE outcome IS NULL")
    assert fulfil(kit) == {"absent": 1}
    assert problems(kit) == []


def test_files_that_nobody_reaches_or_that_fail_wait_as_well(kit: Kit) -> None:
    kit.execute(
        "INSERT INTO lethe.outbox (batch, system, target, attempts, last_error) VALUES"
        " (gen_random_uuid(), 'letters', 'one.pdf', 0, NULL),"
        " (gen_random_uuid(), 'proofs', 'two.pdf', 3, 'OSError'),"
        " (gen_random_uuid(), 'proofs', 'three.pdf', 0, NULL)"
    )
    found = waiting(kit)
    assert [each.state for each in found] == ["out of reach", "set aside", "failing"]
    with kit.site.connected("approver") as connection:
        assert sorted(read_targets(connection, found).values()) == [
            "../secret.txt",
            "one.pdf",
            "two.pdf",
        ]
    decide(kit, found, "removed")
    assert waiting(kit) == []
    left = kit.execute("SELECT target FROM lethe.outbox WHERE outcome IS NULL")
    assert left == [("three.pdf",)]


def test_only_a_named_approver_with_the_role_and_a_reason_decides_and_only_once(kit: Kit) -> None:
    found = waiting(kit)
    with pytest.raises(GuardStop, match="may not decide"):
        decide(kit, found, "removed", by="otto")
    with kit.site.connected("approver") as connection, pytest.raises(UsageError, match="say why"):
        decide_files(connection, kit.loaded.policy, found, "removed", "dpo", " ")
    with kit.site.connected("runner") as connection:
        connection.cursor().execute("SET ROLE lethe_reader")
        with pytest.raises(ConfigurationError, match="only the approver"):
            decide_files(connection, kit.loaded.policy, found, "removed", "dpo", "x")
    assert len(waiting(kit)) == 1
    decide(kit, found, "removed")
    with pytest.raises(GuardStop, match="look again"):
        decide(kit, found, "given up")
