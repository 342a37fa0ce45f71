"""Holds: laid on subjects and queries, known by tokens, honoured, released, brought back."""

from __future__ import annotations

import io
from datetime import date
from uuid import UUID

import psycopg2
import pytest
from lethe.errors import ConfigurationError, GuardStop, UsageError
from lethe.evidence.settle import lost_batches
from lethe.guards.hold_entries import HoldKeys, Sort, Wanted
from lethe.guards.holds import (
    add_holds,
    list_holds,
    lost_queries,
    release_hold,
    require_force,
    restore_holds,
)
from lethe.guards.lookup import Key, find_by_identifier, find_by_key
from lethe.retention.statements import judge
from psycopg2 import sql
from psycopg2.extras import LoggingConnection

from tests.shop import Shop

TODAY = date(2026, 6, 1)
LONG_AGO = date(2020, 1, 1)


def outcomes(shop: Shop) -> dict[str, str]:
    found = judge(shop.graph(), "inactive", TODAY)
    with shop.act("runner").cursor() as cursor:
        cursor.execute(
            sql.SQL("{} SELECT key[1], outcome FROM decided").format(found.text), found.values
        )
        return dict(cursor.fetchall())


def keys_of(shop: Shop) -> HoldKeys:
    shop.act("runner")
    keys = HoldKeys.of(shop.ring, TODAY)
    shop.connection.commit()
    return keys


def add(
    shop: Shop, *keys: Key, sort: Sort = "hold", query: str | None = None, kind: str = "customer"
) -> list[UUID]:
    made = keys_of(shop)
    wanted = Wanted(
        sort, kind, "Lawsuit of Mrs Smith", "legal", date(2026, 12, 1), "vera", keys, query
    )
    return add_holds(
        shop.act("runner"),
        wanted,
        policy=shop.loaded.policy,
        keys=made,
        witness=shop.witness,
        as_of=TODAY,
    )


def test_a_held_and_a_restricted_subject_are_not_due_until_released(shop: Shop) -> None:
    shop.add_customers(LONG_AGO, LONG_AGO, LONG_AGO)
    (hold,) = add(shop, ("1",))
    (restriction,) = add(shop, ("2",), sort="restriction")
    assert outcomes(shop) == {"1": "held", "2": "restricted", "3": "due"}
    for each in (hold, restriction):
        release_hold(shop.connection, each, by="vera", why="settled", witness=shop.witness)
    assert set(outcomes(shop).values()) == {"due"}


def test_a_hold_on_a_named_query_holds_whoever_matches_it_now(shop: Shop) -> None:
    shop.add_customers(LONG_AGO, LONG_AGO)
    shop.execute("INSERT INTO crm.invoice VALUES (1, 1, '2019-01-01', NULL)")
    assert set(outcomes(shop).values()) == {"due"}
    (hold,) = add(shop, query="unpaid")
    assert outcomes(shop) == {"1": "held", "2": "due"}
    shop.execute("INSERT INTO crm.invoice VALUES (2, 2, '2019-01-01', NULL)")
    assert set(outcomes(shop).values()) == {"held"}
    release_hold(shop.connection, hold, by="vera", why="paid", witness=shop.witness)
    assert set(outcomes(shop).values()) == {"due"}


def test_open_litigation_and_open_requests_other_than_erasure_count_as_holds(shop: Shop) -> None:
    shop.add_customers(*[LONG_AGO] * 6)
    shop.execute("INSERT INTO crm.legal_case VALUES (1, 1, NULL), (2, 2, '2020-01-01')")
    shop.execute(
        "INSERT INTO crm.person_request VALUES (1, 3, 'access', 'open'),"
        " (2, 4, 'access', 'answered'), (3, 5, 'erasure', 'open')"
    )
    assert outcomes(shop) == {
        "1": "held",
        "2": "due",
        "3": "held",
        "4": "due",
        "5": "due",
        "6": "due",
    }


def test_a_subject_is_found_by_e_mail_and_phone_however_they_are_written(shop: Shop) -> None:
    shop.add_customers(LONG_AGO, LONG_AGO)
    kind = shop.graph().kinds["customer"]
    runner = shop.act("runner")
    assert find_by_identifier(runner, kind, "email", ["CUSTOMER2@example.ORG "]) == [("2",)]
    assert find_by_identifier(runner, kind, "phone", ["352/000-001"]) == [("1",)]
    assert find_by_identifier(runner, kind, "email", ["nobody@example.org"]) == []
    assert find_by_key(runner, kind, ["002"]) == [("2",)]
    with pytest.raises(UsageError, match=r"customer_id \(bigint\)") as stop:
        find_by_key(runner, kind, ["jane@example.org"])
    assert "jane" not in str(stop.value)


def test_the_value_asked_for_stands_in_no_statement_and_stays_nowhere(shop: Shop) -> None:
    shop.add_customers(LONG_AGO)
    kind = shop.graph().kinds["customer"]
    said = io.StringIO()
    logged = psycopg2.connect(shop.dsn, connection_factory=LoggingConnection)
    logged.initialize(said)
    found = find_by_identifier(logged, kind, "email", ["customer1@example.org"])
    logged.close()
    assert "lethe_asked" in said.getvalue()
    assert "customer1" not in said.getvalue().lower()
    add(shop, *found)
    rows = shop.execute("SELECT row_to_json(h)::text FROM lethe.hold AS h")
    rows += shop.execute("SELECT row_to_json(l)::text FROM lethe.ledger AS l")
    told = shop.witness.path.read_text()
    assert "customer1" not in "".join(row[0] for row in rows).lower() + told.lower()
    assert "Smith" not in told
    assert "Smith" not in str(shop.execute("SELECT payload FROM lethe.ledger"))


def test_the_list_shows_tokens_and_marks_overdue_reviews(shop: Shop) -> None:
    shop.add_customers(LONG_AGO)
    (hold,) = add(shop, ("1",))
    (listed,) = list_holds(shop.act("runner"))
    token = keys_of(shop).tokens.subjects("customer", [("1",)])[0]
    assert (listed.hold_id, listed.token) == (hold, token)
    assert not listed.is_overdue(date(2026, 12, 1))
    assert listed.is_overdue(date(2026, 12, 2))
    release_hold(shop.connection, hold, by="otto", why="settled", witness=shop.witness)
    assert list_holds(shop.act("runner")) == []
    (ended,) = list_holds(shop.act("runner"), released=True)
    assert ended.released_by == "otto"
    assert not ended.is_overdue(date(2030, 1, 1))


def test_the_ledger_knows_adding_and_releasing_by_the_same_token(shop: Shop) -> None:
    shop.add_customers(LONG_AGO)
    (hold,) = add(shop, ("1",))
    release_hold(shop.connection, hold, by="otto", why="settled", witness=shop.witness)
    rows = shop.execute("SELECT kind, subject_token, key_id FROM lethe.ledger ORDER BY id")
    assert [row[0] for row in rows] == ["hold_added", "hold_released"]
    assert bytes(rows[0][1]) == bytes(rows[1][1])
    assert rows[0][2] == rows[1][2]


def test_the_runner_cannot_release_a_hold(shop: Shop) -> None:
    shop.add_customers(LONG_AGO)
    (hold,) = add(shop, ("1",))
    with pytest.raises(ConfigurationError, match="approver"):
        release_hold(
            shop.connection, hold, by="rita", why="hurry", witness=shop.witness, role="runner"
        )
    assert outcomes(shop) == {"1": "held"}
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), shop.act("runner").cursor() as c:
        c.execute("DELETE FROM lethe.hold")
    shop.connection.rollback()


def test_what_makes_no_sense_is_refused(shop: Shop) -> None:
    with pytest.raises(UsageError, match="say one of them"):
        add(shop)
    with pytest.raises(UsageError, match=r"names no query 'unpayed'.*unpaid"):
        add(shop, query="unpayed")
    with pytest.raises(UsageError, match="no subject 'person'"):
        add(shop, ("1",), kind="person")
    with pytest.raises(UsageError, match="is in force"):
        release_hold(shop.connection, UUID(int=1), by="vera", why="none", witness=shop.witness)


def test_a_hold_whose_query_an_edition_drops_is_reported(shop: Shop) -> None:
    add(shop, query="unpaid")
    assert lost_queries(shop.act("runner"), shop.loaded.policy) == []
    later = shop.edition(("    unpaid:", "    not_paid:"))
    assert lost_queries(shop.act("runner"), later.policy) == [("hold", "customer", "unpaid")]
    require_force(shop.connection, later.policy, "reader")
    require_force(shop.connection, shop.loaded.policy, "customer")
    with pytest.raises(GuardStop, match="hold on 'unpaid'"):
        require_force(shop.connection, later.policy, "customer")


def test_a_restore_of_the_warehouse_does_not_lift_a_hold(shop: Shop) -> None:
    shop.add_customers(LONG_AGO, LONG_AGO)
    first = add(shop, ("1",), ("2",))
    release_hold(shop.connection, first[1], by="vera", why="settled", witness=shop.witness)
    shop.execute("ALTER TABLE lethe.ledger_batch DISABLE TRIGGER ALL")
    shop.execute("DELETE FROM lethe.ledger_batch")
    shop.execute("DELETE FROM lethe.hold")
    assert set(outcomes(shop).values()) == {"due"}
    runner = shop.act("runner")
    lost = lost_batches(runner, shop.witness)
    assert restore_holds(runner, shop.ring, lost) == (1, 1)
    runner.commit()
    assert outcomes(shop) == {"1": "held", "2": "due"}
    assert [hold.hold_id for hold in list_holds(shop.act("runner"))] == [first[0]]
    assert list_holds(shop.connection)[0].reason == "Lawsuit of Mrs Smith"
