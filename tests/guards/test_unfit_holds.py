"""Holds whose key no longer names anybody stop the rules of their kind, and say so."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from lethe.errors import GuardStop
from lethe.evidence.settle import lost_batches
from lethe.guards.editions import see_edition
from lethe.guards.hold_entries import LOG_PERIOD, HoldKeys, Sort, Wanted
from lethe.guards.holds import add_holds, release_hold, require_force, restore_holds
from lethe.guards.lookup import Key
from lethe.guards.unfit_holds import UnfitHold, open_misfits, unfit_holds
from lethe.policy.load import LoadedPolicy

from tests.shop import POLICY, Shop

TODAY = date(2026, 6, 1)
KEY = "    key: customer_id\n"
PAIR = "    key: [country, customer_id]\n"
SWAPPED = "    key: [customer_id, country]\n"
SECRET = "471100815"


def add(
    shop: Shop, *keys: Key, policy: LoadedPolicy | None = None, sort: Sort = "hold"
) -> list[UUID]:
    shop.act("runner")
    made = HoldKeys.of(shop.ring, TODAY)
    shop.connection.commit()
    return add_holds(
        shop.act("runner"),
        Wanted(sort, "customer", "Case 12", "legal", date(2026, 12, 1), "vera", keys),
        policy=(policy or shop.loaded).policy,
        keys=made,
        witness=shop.witness,
        as_of=TODAY,
    )


def add_older(shop: Shop, key: str, kind: str = "customer", on: str = "2026-02-01") -> UUID:
    """A hold as an older Lethe laid it, which did not write down under which key."""
    (row,) = shop.execute(
        "INSERT INTO lethe.hold (subject_kind, key, reason, owner, review_on, created_by,"
        " created_at) VALUES (%s, %s, 'Case 9', 'legal', '2026-12-01', 'vera', %s)"
        " RETURNING hold_id",
        (kind, key, on),
    )
    return UUID(str(row[0]))


def unfit(shop: Shop, edition: LoadedPolicy) -> list[UnfitHold]:
    return unfit_holds(shop.act("reader"), edition.policy)


@pytest.mark.parametrize("sort", ["hold", "restriction"])
def test_a_hold_under_fewer_columns_stops_the_rules_of_its_kind_until_laid_anew(
    shop: Shop, sort: Sort
) -> None:
    (hold,) = add(shop, (SECRET,), sort=sort)
    later = shop.edition((KEY, PAIR))
    graph = shop.graph(later)
    require_force(shop.act("runner"), shop.loaded.policy, "customer", shop.graph())
    require_force(shop.act("runner"), later.policy, "reader", graph)
    with pytest.raises(GuardStop) as stop:
        require_force(shop.act("runner"), later.policy, "customer", graph)
    said = str(stop.value)
    assert f"{sort} {hold} (owner legal)" in said
    assert "crm.customer (customer_id), which is crm.customer (country, customer_id) now" in said
    assert "lethe hold release" in said
    assert SECRET not in said
    release_hold(shop.connection, hold, by="vera", why="laid anew", witness=shop.witness)
    add(shop, ("LU", SECRET), policy=later, sort=sort)
    require_force(shop.act("runner"), later.policy, "customer", graph)


@pytest.mark.parametrize(
    ("before", "after"),
    [(PAIR, SWAPPED), (KEY, "    key: email\n"), (PAIR, KEY)],
    ids=["another order", "another column", "fewer columns"],
)
def test_a_hold_under_another_key_is_named(shop: Shop, before: str, after: str) -> None:
    first = shop.edition((KEY, before))
    add(shop, ("LU", "1")[: 2 if before == PAIR else 1], policy=first)
    assert unfit(shop, first) == []
    (found,) = unfit(shop, shop.edition((KEY, after)))
    assert "laid under the key" in found.why


def test_a_hold_of_an_older_lethe_is_judged_by_its_parts(shop: Shop) -> None:
    hold = add_older(shop, "{1}")
    assert unfit(shop, shop.loaded) == []
    (found,) = unfit(shop, shop.edition((KEY, PAIR)))
    assert found.hold_id == hold
    assert "its key has 1 parts" in found.why


def test_a_hold_of_an_older_lethe_is_judged_by_the_edition_of_its_day(shop: Shop) -> None:
    first = shop.edition((KEY, PAIR))
    later = shop.edition((KEY, SWAPPED), version='"2026-02"', effective_from="2026-03-01")
    for each in (first, later):  # the later one was approved before its first day
        see_edition(shop.act("runner"), each)
        shop.connection.commit()
    shop.execute("ALTER TABLE lethe.policy_version DISABLE TRIGGER ALL")
    shop.execute("UPDATE lethe.policy_version SET first_seen_at = '2026-01-15'")
    before, after = add_older(shop, "{LU,1}"), add_older(shop, "{1,LU}", on="2026-04-01")
    assert [each.hold_id for each in unfit(shop, later)] == [before]
    assert [each.hold_id for each in unfit(shop, first)] == [after]


def test_a_key_that_is_no_value_of_its_column_stops_too_and_alone(shop: Shop) -> None:
    add_older(shop, "{1}")
    wrong = add_older(shop, "{abc}")
    (found,) = open_misfits(shop.act("planner"), shop.graph())
    assert found.hold_id == wrong
    assert "customer_id bigint" in found.why
    with pytest.raises(GuardStop, match="no value of"):
        require_force(shop.act("runner"), shop.loaded.policy, "customer", shop.graph())


def test_holds_on_a_kind_that_is_gone_stop_every_rule(shop: Shop) -> None:
    add(shop, ("1",))
    later = shop.edition(
        ("  customer:\n    title", "  client:\n    title"), ("subject: customer", "subject: client")
    )
    for kind in ("client", "reader"):
        with pytest.raises(GuardStop, match="no such kind of subject"):
            require_force(shop.act("runner"), later.policy, kind)


def test_holds_on_months_of_logs_and_on_kinds_of_another_policy_stop_nothing(shop: Shop) -> None:
    add_older(shop, "{2026-05}", kind=LOG_PERIOD)
    add_older(shop, "{1}", kind="driver")
    assert [each.kind for each in unfit(shop, shop.loaded)] == ["driver"]
    other = shop.edition(
        ("name: shop", "name: fleet"),
        ("  customer:\n    title", "  driver:\n    title"),
        ("subject: customer", "subject: driver"),
    )
    see_edition(shop.act("runner"), other)
    shop.connection.commit()
    assert unfit(shop, shop.loaded) == []


def test_a_hold_that_a_restore_brings_back_still_knows_its_key(shop: Shop) -> None:
    add(shop, ("LU", "1"), policy=shop.edition((KEY, PAIR)))
    shop.execute("ALTER TABLE lethe.ledger_batch DISABLE TRIGGER ALL")
    shop.execute("DELETE FROM lethe.ledger_batch")
    shop.execute("DELETE FROM lethe.hold")
    runner = shop.act("runner")
    assert restore_holds(runner, shop.ring, lost_batches(runner, shop.witness)) == (1, 0)
    runner.commit()
    assert KEY in POLICY
    assert len(unfit(shop, shop.edition((KEY, SWAPPED)))) == 1
    assert unfit(shop, shop.edition((KEY, PAIR))) == []
