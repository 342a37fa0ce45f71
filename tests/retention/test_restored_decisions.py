"""A restore takes away what people decided since the backup; the witness gives it back."""

from __future__ import annotations

from datetime import date

import pytest
from lethe.connections import acting_as
from lethe.errors import GuardStop
from lethe.evidence.acting import open_witness_of
from lethe.evidence.initialise import arm, disarm, read_warehouse
from lethe.evidence.witness import Witness
from lethe.guards.hold_entries import HoldKeys, Sort, Wanted
from lethe.guards.holds import add_holds
from lethe.keys import KeyRing
from lethe.retention.replay import replay
from psycopg2 import extensions

from tests.kit import Kit, MakeKit
from tests.retention.test_replay import DDL, POLICY, TODAY, back_up, copy_database, restore


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(DDL, POLICY)


@pytest.mark.parametrize("sort", ["hold", "restriction"])
def test_the_only_hold_since_the_backup_stops_the_sweep_and_is_in_force_after_the_replay(
    kit: Kit, sort: Sort
) -> None:
    backup = back_up(kit)
    lay(kit, sort, "1")
    kit = restore(kit, backup)
    with pytest.raises(GuardStop, match="lethe sweep replay"):
        kit.sweep(TODAY)
    done = replay(kit.site, TODAY)
    assert (done.state, done.holds) == ("behind", 1)
    assert kit.outcome(kit.sweep(TODAY))["erased"] == 1
    assert kit.ids("public.customer") == [1, 3, 4], "the held one stays"


def test_a_backup_that_is_restored_once_more_after_the_replay_stops_the_sweep_again(
    kit: Kit,
) -> None:
    backup = back_up(kit)
    name = extensions.parse_dsn(kit.dsn)["dbname"]
    another = copy_database(kit, name, f"{name}_another")
    lay(kit, "hold", "1")
    for copy in (backup, another):
        kit = restore(kit, copy)
        with pytest.raises(GuardStop, match="lethe sweep replay"):
            kit.sweep(TODAY)
        assert replay(kit.site, TODAY).holds == 1


def test_a_hold_laid_on_a_restored_warehouse_does_not_lock_the_lost_ones_out(kit: Kit) -> None:
    backup = back_up(kit)
    lay(kit, "hold", "1")
    kit = restore(kit, backup)
    lay(kit, "hold", "2")  # somebody remembers, before anybody replays
    assert replay(kit.site, TODAY).holds == 1
    kit.sweep(TODAY)
    assert kit.ids("public.customer") == [1, 2, 3, 4], "both are held"


def test_the_off_switch_outlives_a_restore_until_the_approver_turns_it(kit: Kit) -> None:
    backup = back_up(kit)
    with kit.site.connected("approver") as approver:
        disarm(approver, "vera", witness_of(kit))
    kit = restore(kit, backup)
    assert is_armed(kit), "so it was when it was backed up"
    with pytest.raises(GuardStop, match="lethe sweep replay"):
        kit.sweep(TODAY)
    replay(kit.site, TODAY)
    assert not is_armed(kit)
    with kit.site.connected("approver") as approver:
        arm(approver, "vera", witness_of(kit))
    replay(kit.site, TODAY)
    assert is_armed(kit), "the approver has spoken since"


def lay(kit: Kit, sort: Sort, key: str) -> None:
    with kit.site.connected("runner") as connection:
        witness = open_witness_of(kit.site, connection)
        acting_as(connection, "runner")
        keys = HoldKeys.of(KeyRing.open(connection, witness=witness), TODAY)
        connection.commit()
        acting_as(connection, "runner")
        wanted = Wanted(
            sort, "customer", "lawsuit", "legal", date(2027, 1, 1), "vera", keys=((key,),)
        )
        policy = kit.site.loaded.policy
        add_holds(connection, wanted, policy=policy, keys=keys, witness=witness, as_of=TODAY)


def witness_of(kit: Kit) -> Witness:
    with kit.site.connected("runner") as connection:
        return open_witness_of(kit.site, connection)


def is_armed(kit: Kit) -> bool:
    with kit.site.connected("runner") as connection:
        acting_as(connection, "runner")
        return read_warehouse(connection).armed
