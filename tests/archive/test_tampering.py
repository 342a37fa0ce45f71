"""Whatever is changed, dropped, doubled, swapped or rolled back is found and named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.archive.verify import Verification
from lethe.errors import TamperingFound

from tests.kit import TODAY, Kit


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
    for table in tables(shop):
        assert shop.execute(f"SELECT 1 FROM lethe.{table}"), f"{table} is empty: nothing is tried"
    return shop


def tables(kit: Kit) -> list[str]:
    """Every table of the archive that there is: one that is new is judged by arriving."""
    found = kit.execute(
        "SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'lethe'::regnamespace"
        " AND c.relkind IN ('r', 'p') AND c.relname LIKE 'archive%%' ORDER BY 1"
    )
    return [str(row[0]) for row in found]


def columns(kit: Kit) -> list[tuple[str, str, str, bool]]:
    """Table, column, type, and whether it may be NULL: every column that there is."""
    return kit.execute(
        "SELECT table_name, column_name, udt_name, is_nullable = 'YES'"
        " FROM information_schema.columns"
        " WHERE table_schema = 'lethe' AND table_name = ANY(%s) ORDER BY 1, ordinal_position",
        (tables(kit),),
    )


@contextmanager
def undone(kit: Kit, *statements: str) -> Iterator[Verification]:
    """Tamper as the owner of the database could, verify, and put everything back."""
    there = tables(kit)
    for table in there:
        kit.execute(f"CREATE TABLE kept_{table} AS TABLE lethe.{table}")
    kit.execute("SET session_replication_role = replica")
    for table in there:
        kit.execute(f"ALTER TABLE lethe.{table} DISABLE TRIGGER USER")
    try:
        for statement in statements:
            kit.execute(statement)
        yield verify_archive(kit.site)
    finally:
        kit.connection.rollback()  # what the server refused
        for table in there:
            kit.execute(
                f"DELETE FROM lethe.{table}; INSERT INTO lethe.{table} TABLE kept_{table};"
                f" DROP TABLE kept_{table}"
            )
        kit.execute("SET session_replication_role = origin")


def without_checks(kit: Kit, table: str) -> list[str]:
    """What an owner does first to whom a check, a foreign key or NOT NULL stands in the way."""
    checks = kit.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('c', 'f')",
        (f"lethe.{table}",),
    )
    return [f"ALTER TABLE lethe.{table} DROP CONSTRAINT {name}" for (name,) in checks]


CHANGED = {
    "bytea": "set_byte({c}, 5, (get_byte({c}, 5) + 1) % 256)",
    "text": "overlay({c} PLACING 'q' FROM 1 FOR 1)",
    "_text": "ARRAY['q']",
    "int8": "{c} + 1000",
    "int2": "{c} + 5",
    "date": "{c} + 1",
    "timestamptz": "{c} + interval '1 microsecond'",
    "uuid": "gen_random_uuid()",
    "int4": "{c} + 5",
    "numeric": "{c} + 1",
    "jsonb": "jsonb_set({c}, '{{held}}', '77')",
}
NEW = {
    "bytea": "sha256('q')",
    "text": "'q'",
    "_text": "ARRAY['q']",
    "int8": "1000",
    "int2": "5",
    "date": "'2020-02-02'",
    "timestamptz": "'2020-02-02 00:00+00'",
    "uuid": "gen_random_uuid()",
    "int4": "5",
    "numeric": "5",
    "jsonb": "'{}'",
}


def test_a_change_in_any_column_of_any_table_is_found(aged: Kit) -> None:
    """The columns are those of the catalogue; a type that nobody knows how to change fails."""
    missed = []
    for table, name, kind, is_nullable in columns(aged):
        one = f"(SELECT ctid FROM lethe.{table} WHERE {name} IS NOT NULL ORDER BY 1 LIMIT 1)"
        none = f"(SELECT ctid FROM lethe.{table} WHERE {name} IS NULL ORDER BY 1 LIMIT 1)"
        changes = [(one, CHANGED[kind].format(c=name)), (none, NEW[kind])]
        changes += [(one, "NULL")] if is_nullable else []
        for row, changed in changes:
            if not aged.execute(f"SELECT 1 FROM lethe.{table} WHERE ctid = {row}"):
                continue
            with undone(
                aged,
                *without_checks(aged, table),
                f"UPDATE lethe.{table} SET {name} = {changed} WHERE ctid = {row}",
            ) as found:
                if not found.faults:
                    missed.append(f"{table}.{name} := {changed}")
    assert missed == []


def test_a_row_that_is_dropped_from_any_table_is_found(aged: Kit) -> None:
    missed = []
    for table in tables(aged):
        if table == "archive_unchanged":
            continue  # may be emptied at any time: the next night compares again
        count = aged.execute(f"SELECT count(*) FROM lethe.{table}")[0][0]
        for at in (0, count - 1):
            one = f"(SELECT ctid FROM lethe.{table} ORDER BY ctid OFFSET {at} LIMIT 1)"
            with undone(aged, f"DELETE FROM lethe.{table} WHERE ctid = {one}") as found:
                if not found.faults:
                    missed.append(f"{table} row {at}")
    assert missed == []


@settings(
    max_examples=int(os.environ.get("LETHE_TEST_TAMPER_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_byte_of_any_stored_column_is_missed_by_nobody(aged: Kit, data: Any) -> None:
    """One bit, anywhere: in a ciphertext, a wrapped key, a tile, a text, a day, a number."""
    table, name, kind, is_nullable = data.draw(st.sampled_from(columns(aged)))
    rows = aged.execute(f"SELECT r::text, {name}::text FROM lethe.{table} AS r ORDER BY 1")
    row, text = rows[data.draw(st.integers(0, len(rows) - 1))]
    changed = NEW[kind]
    if text is not None:
        to_null = is_nullable and data.draw(st.booleans())
        changed = "NULL" if to_null else f"$change${other_value(kind, text, data)}$change$"
    try:
        with undone(
            aged,
            *without_checks(aged, table),
            f"UPDATE lethe.{table} AS r SET {name} = {changed} WHERE r::text = $row${row}$row$",
        ) as found:
            assert found.faults, f"{table}.{name}: {text!r} became {changed!r}"
    except psycopg2.errors.UniqueViolation:
        pass  # another row has that key: the server refuses it itself


def other_value(kind: str, text: str, data: Any) -> str:
    """The value with one bit of one byte flipped, or as near to it as its type allows."""
    if kind == "bytea":
        raw = bytearray.fromhex(text.removeprefix("\\x"))
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] ^= 1 << data.draw(st.integers(0, 7))
        return "\\x" + raw.hex()
    if kind == "text":
        at = data.draw(st.integers(0, len(text) - 1)) if text else 0
        return f"{text[:at]}{chr(ord(text[at]) ^ 1) if text else 'x'}{text[at + 1 :]}"
    if kind == "_text":
        return '{"' + text.strip('{}"') + '0"}'
    if kind == "uuid":
        at = data.draw(st.integers(0, 7))
        return f"{text[:at]}{'0' if text[at] != '0' else '1'}{text[at + 1 :]}"
    if kind == "date":
        return str(date.fromisoformat(text) + timedelta(days=data.draw(st.sampled_from([-1, 1]))))
    if kind == "timestamptz":
        moved = datetime.fromisoformat(text) + timedelta(microseconds=1)
        return moved.isoformat()
    if kind == "jsonb":
        return text.replace("{", '{"more": 1, ', 1)
    return str(int(text) + data.draw(st.sampled_from([1, 2, 5, 1000])))


def test_a_record_that_is_there_twice_under_another_number_is_found(aged: Kit) -> None:
    size = aged.execute("SELECT max(tree_size) FROM lethe.archive_head")[0][0]
    names = ", ".join(name for table, name, *_ in columns(aged) if table == "archive_record")
    gone = aged.execute("SELECT min(gone_no) FROM lethe.archive_destroyed")[0][0]
    for place in (size, size + 7, gone):
        copied = names.replace("leaf_no", str(place), 1)
        with undone(
            aged,
            f"INSERT INTO lethe.archive_record ({names})"
            f" SELECT {copied} FROM lethe.archive_record ORDER BY leaf_no LIMIT 1",
        ) as found:
            assert any(f" {place}:" in fault for fault in found.faults), place


def test_a_row_that_stands_twice_is_found(aged: Kit) -> None:
    """Without its keys a table takes the same row again."""
    missed = []
    for table in tables(aged):
        keys = aged.execute(
            "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), c.conname"
            " FROM pg_index AS i LEFT JOIN pg_constraint AS c ON c.conindid = i.indexrelid"
            " WHERE i.indrelid = %s::regclass AND i.indisunique",
            (f"lethe.{table}",),
        )
        with undone(
            aged,
            *(
                f"ALTER TABLE lethe.{table} DROP CONSTRAINT {constraint} CASCADE"
                if constraint
                else f"DROP INDEX {index}"
                for index, _, constraint in keys
            ),
            f"INSERT INTO lethe.{table} SELECT * FROM lethe.{table} ORDER BY 1 LIMIT 1",
        ) as found:
            if not found.faults:
                missed.append(table)
        for _, definition, _ in keys:
            aged.execute(definition)
    assert missed == []


def test_an_older_state_of_every_table_is_found_by_witness_and_mail(aged: Kit) -> None:
    """A backup put back whole, ledger and all, agrees with itself."""
    saved = [*tables(aged), "ledger", "ledger_batch", "ledger_seal", "ledger_sealing", "run"]
    for table in saved:
        aged.execute(f"CREATE TABLE backup_{table} AS TABLE lethe.{table}")
    aged.execute("UPDATE invoice SET bill_to = 'Robert' WHERE id = 20")
    run_archive(aged.site, date(2026, 6, 2))
    later = verify_archive(aged.site).head or ""
    aged.execute("SET session_replication_role = replica")
    for table in saved:
        aged.execute(f"ALTER TABLE lethe.{table} DISABLE TRIGGER USER")
        aged.execute(f"DELETE FROM lethe.{table}")
        aged.execute(f"INSERT INTO lethe.{table} OVERRIDING SYSTEM VALUE TABLE backup_{table}")
    faults = verify_archive(aged.site, told=[later]).faults
    for who in ("the witness", "an old mail", "warehouse and witness"):
        assert any(who in fault for fault in faults), (who, faults)


def test_leaves_in_another_order_are_found(aged: Kit) -> None:
    with undone(
        aged,
        "UPDATE lethe.archive_tile SET hashes = substr(hashes, 33, 32) || substr(hashes, 1, 32)"
        " || substr(hashes, 65) WHERE level = 0 AND tile_no = 0",
    ) as found:
        assert len(found.faults) >= 2


def test_destroyed_records_verify_in_every_older_proof(aged: Kit) -> None:
    from lethe.archive.heads import read_heads
    from lethe.archive.tiles import open_tree
    from lethe.evidence.merkle import verify_consistency, verify_inclusion

    with aged.site.connected("runner") as connection:
        heads = read_heads(connection)
        tree = open_tree(connection, heads[-1].tree_size)
        gone = [row[0] for row in aged.execute("SELECT gone_no FROM lethe.archive_destroyed")]
        assert gone
        for head in heads:
            proof = tree.prove_consistency(head.tree_size)
            last = heads[-1]
            assert verify_consistency(head.tree_size, last.tree_size, head.root, last.root, proof)
            for leaf in (number for number in gone if number < head.tree_size):
                path = tree.prove_inclusion(leaf, head.tree_size)
                assert verify_inclusion(tree.leaf(leaf), leaf, head.tree_size, path, head.root)


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


def test_what_remains_of_a_destroyed_document_is_not_changed_unnoticed(aged: Kit) -> None:
    missed = []
    for change in (
        "document_type = 'other'",
        "key = ARRAY['31']",
        "ended_on = ended_on + 1",
        "archived_at = archived_at + interval '1 second'",
        "bound_digest = sha256('x')",
        "leaf_no = 0",
    ):
        with undone(
            aged, f"UPDATE lethe.archived_document SET {change} WHERE ended_on IS NOT NULL"
        ) as found:
            if not found.faults:
                missed.append(change)
    assert missed == []


def test_a_value_that_is_missing_is_a_fault_and_no_defect(aged: Kit) -> None:
    missed = []
    for table in tables(aged):
        for (column,) in aged.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND attnotnull AND NOT attisdropped",
            (f"lethe.{table}",),
        ):
            with undone(
                aged,
                f"ALTER TABLE lethe.{table} DROP CONSTRAINT IF EXISTS {table}_pkey CASCADE",
                f"ALTER TABLE lethe.{table} ALTER {column} DROP NOT NULL",
                f"UPDATE lethe.{table} SET {column} = NULL",
            ) as found:
                if not found.faults:
                    missed.append((table, column))
    assert missed == []


def test_another_array_of_the_same_key_is_no_frozen_clock(aged: Kit) -> None:
    with undone(
        aged,
        "UPDATE lethe.archive_frozen"
        " SET subject_key = ('[0:0]=' || subject_key::text)::text[] WHERE sealed_no IS NOT NULL",
    ) as found:
        assert any("is not what was sealed" in fault for fault in found.faults)


@pytest.mark.parametrize("day", ["deactivated_on", "'2001-01-01'", "'2025-12-31'"])
def test_a_sealed_clock_that_is_called_unsealed_is_named_and_never_sealed_again(
    aged: Kit, day: str
) -> None:
    with undone(
        aged, f"UPDATE lethe.archive_frozen SET sealed_no = NULL, deactivated_on = {day}"
    ) as found:
        assert any("called unsealed" in fault for fault in found.faults)
        with pytest.raises(TamperingFound, match="called unsealed"):
            run_archive(aged.site, date(2026, 6, 2))


def test_a_clock_that_no_erasure_froze_is_named_and_never_sealed(aged: Kit) -> None:
    erased = aged.execute("SELECT run_id::text FROM lethe.archive_frozen")[0][0]
    for run in (erased, "00000000-0000-4000-8000-000000000000"):
        with undone(
            aged,
            "INSERT INTO lethe.archive_frozen"
            f" VALUES ('account', ARRAY['2'], '2001-01-01', '2026-06-01', '{run}', NULL)",
        ) as found:
            assert any("no erasure on the ledger" in fault for fault in found.faults)
            with pytest.raises(TamperingFound, match="no erasure on the ledger"):
                run_archive(aged.site, date(2026, 6, 2))
