"""An act that the warehouse refuses says what and the way out, and never a value."""

from __future__ import annotations

import pytest
from lethe.errors import WarehouseRefused
from lethe.evidence.acting import acting, open_witness_of

from tests.archive.shop import DDL, POLICY
from tests.kit import MakeKit


def test_an_error_of_the_database_names_the_act_and_no_value(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY)
    with (
        pytest.raises(WarehouseRefused, match="the act failed") as refused,
        acting(kit.site, "the act") as connection,
    ):
        connection.cursor().execute("INSERT INTO lethe.run (kind) VALUES ('secret@x.example')")
    assert "secret" not in str(refused.value)


def test_a_right_that_is_missing_names_the_role_to_use(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY)
    with (
        pytest.raises(WarehouseRefused, match="member of lethe_reader"),
        acting(kit.site, "the act", "reader") as connection,
    ):
        connection.cursor().execute("DELETE FROM lethe.run")


def test_the_witness_that_the_policy_names_is_opened(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY)
    with acting(kit.site, "the act") as connection:
        assert open_witness_of(kit.site, connection).position().number > 0
