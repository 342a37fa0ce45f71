"""Whatever is changed, dropped, doubled, swapped or rolled back is found and named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.archive.verify import Verification

from tests.kit import TODAY, Kit

TABLES = (
    "archive_head",
    "archive_tile",
    "archive_record",
    "archive_destroyed",
    "archive_frozen",
    "archived_document",
)
GUARDED = ("archive_head", "archive_destroyed")
UNPROVED = {("archive_frozen", "run_id")}
"""Names the run for people; nothing is decided by it."""


@pytest.fixture
def aged(shop: Kit) -> Kit:
    """A shop with living, frozen and destroyed records, and several heads."""
    shop.execute(
        "INSERT INTO account VALUES (3, 'Cy', 'c@x.example', 'LU', '2010-01-01', '2008-01-01')"
    )
    shop.execute("UPDATE account SET opened_on = '2000-01-01' WHERE id = 3")
    shop.execute(
        "INSERT INTO invoice VALUES (30, 'C-30', 3, 'issued', '2005-05-05', 'LU', 'EUR', 1, 'Cy')"
    )
    run_archive(shop.site, TODAY)
    shop.sweep()
    run_archive(shop.site, TODAY)
    found = verify_archive(shop.site)
    assert (found.faults, found.destroyed > 0, found.records > 5) == ([], True, True)
    return shop


@contextmanager
def undone(kit: Kit, *statements: str) -> Iterator[Verification]:
    """Tamper as the owner of the database could, verify, and put everything back."""
    for table in TABLES:
        kit.execute(f"CREATE TABLE kept_{table} AS TABLE lethe.{table}")
    kit.execute("SET session_replication_role = replica")
    for table in GUARDED:
        kit.execute(f"ALTER TABLE lethe.{table} DISABLE TRIGGER refuse_change")
    try:
        for statement in statements:
            kit.execute(statement)
        yield verify_archive(kit.site)
    finally:
        for table in reversed(TABLES):
            kit.execute(f"DELETE FROM lethe.{table}")
        for table in TABLES:
            kit.execute(f"INSERT INTO lethe.{table} TABLE kept_{table}; DROP TABLE kept_{table}")
        for table in GUARDED:
            kit.execute(f"ALTER TABLE lethe.{table} ENABLE ALWAYS TRIGGER refuse_change")
        kit.execute("SET session_replication_role = origin")


def columns(kit: Kit) -> list[tuple[str, str, str]]:
    rows = kit.execute(
        "SELECT table_name, column_name, udt_name FROM information_schema.columns"
        " WHERE table_schema = 'lethe' AND table_name = ANY(%s) ORDER BY 1, ordinal_position",
        (list(TABLES),),
    )
    return [row for row in rows if row[:2] not in UNPROVED]


CHANGED = {
    "bytea": "set_byte({c}, 5, (get_byte({c}, 5) + 1) % 256)",
    "text": "overlay({c} PLACING 'q' FROM 1 FOR 1)",
    "_text": "ARRAY['q']",
    "int8": "{c} + 1000",
    "int2": "{c} + 5",
    "date": "{c} + 1",
    "timestamptz": "{c} + interval '1 microsecond'",
    "uuid": "gen_random_uuid()",
}


def test_a_change_in_any_column_of_any_table_is_found(aged: Kit) -> None:
    missed = []
    for table, name, kind in columns(aged):
        changed = CHANGED[kind].format(c=name)
        one = f"(SELECT ctid FROM lethe.{table} WHERE {name} IS NOT NULL ORDER BY 1 LIMIT 1)"
        if not aged.execute(f"SELECT {name} FROM lethe.{table} WHERE ctid = {one}"):
            continue
        checks = f"ALTER TABLE lethe.{table} DROP CONSTRAINT IF EXISTS {table}_kind_check"
        with undone(
            aged, checks, f"UPDATE lethe.{table} SET {name} = {changed} WHERE ctid = {one}"
        ) as found:
            if not found.faults:
                missed.append(f"{table}.{name}")
    assert missed == []


def test_a_row_that_is_dropped_from_any_table_is_found(aged: Kit) -> None:
    missed = []
    for table in TABLES:
        count = aged.execute(f"SELECT count(*) FROM lethe.{table}")[0][0]
        for at in (0, count - 1):
            one = f"(SELECT ctid FROM lethe.{table} ORDER BY ctid OFFSET {at} LIMIT 1)"
            with undone(aged, f"DELETE FROM lethe.{table} WHERE ctid = {one}") as found:
                if not found.faults:
                    missed.append(f"{table} row {at}")
    assert missed == []


def test_two_records_that_changed_places_are_found(aged: Kit) -> None:
    pair = (
        "(SELECT array_agg(leaf_no) FROM (SELECT leaf_no FROM lethe.archive_record LIMIT 2) AS t)"
    )
    with undone(
        aged,
        f"CREATE TABLE pair AS SELECT {pair} AS p",
        "UPDATE lethe.archive_record SET leaf_no = leaf_no + 5000"
        " WHERE leaf_no = ANY((SELECT p FROM pair)::bigint[])",
        "UPDATE lethe.archive_record SET leaf_no ="
        " CASE WHEN leaf_no - 5000 = (SELECT p[1] FROM pair)"
        " THEN (SELECT p[2] FROM pair) ELSE (SELECT p[1] FROM pair) END WHERE leaf_no >= 5000",
    ) as found:
        assert len(found.faults) >= 2


def test_an_archive_rolled_back_as_a_whole_is_found_by_ledger_witness_and_mail(aged: Kit) -> None:
    head = verify_archive(aged.site).head or ""
    last = aged.execute("SELECT max(head_no), max(tree_size) FROM lethe.archive_head")[0]
    aged.execute("UPDATE invoice SET bill_to = 'Robert' WHERE id = 20")
    run_archive(aged.site, date(2026, 6, 2))
    later = verify_archive(aged.site).head or ""
    assert verify_archive(aged.site, told=[f"Dear DPO,\n{head}\n{later}\n"]).told_heads == 2
    with undone(
        aged,
        f"DELETE FROM lethe.archive_head WHERE head_no > {last[0]}",
        f"DELETE FROM lethe.archive_record WHERE leaf_no >= {last[1]}",
    ):
        found = verify_archive(aged.site, told=[later])
    told = [fault for fault in found.faults if "head" in fault]
    for who in ("the ledger", "the witness", "an old mail"):
        assert any(who in fault for fault in told), who
