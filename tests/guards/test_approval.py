"""Recording a decision: who is no approver is told so, and nothing half-written stays."""

from __future__ import annotations

import pytest
from lethe.errors import ConfigurationError, WarehouseRefused
from lethe.guards.approval import deciding, record_decision

from tests.shop import Shop

DIGEST = bytes(32)


def test_who_is_no_approver_records_no_decision_and_is_told_what_to_use(shop: Shop) -> None:
    connection = shop.act("runner")
    with (
        pytest.raises(ConfigurationError, match="use the connection 'lethe_approver'"),
        deciding(connection),
    ):
        record_decision(
            connection, digest=DIGEST, policy_digest=DIGEST, decision="approve", decided_by="vera"
        )
    assert shop.execute("SELECT count(*) FROM lethe.approval") == [(0,)]


def test_what_the_database_refuses_for_another_reason_is_told_without_values(shop: Shop) -> None:
    connection = shop.act("approver")
    with (
        pytest.raises(WarehouseRefused, match=r"the approval was not recorded: SQLSTATE 23514"),
        deciding(connection, "approval"),
    ):
        record_decision(
            connection,
            digest=b"short",
            policy_digest=DIGEST,
            decision="approve",
            decided_by="vera",
        )
    assert shop.execute("SELECT count(*) FROM lethe.approval") == [(0,)]
