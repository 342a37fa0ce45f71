"""Keys travel as text and find their rows again, whatever their type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from lethe.catalogue.read import read_catalogue
from lethe.catalogue.statements import (
    Name,
    column_list,
    given_keys,
    key_as_text,
    key_is_among,
    key_values,
    same_key,
    sql_type,
)
from lethe.policy.names import TableName
from psycopg2 import extensions, sql

KEYS = {
    "integer": ("int", ["1", "2", "3"]),
    "uuid": (
        "uuid",
        [
            "00000000-0000-0000-0000-000000000001",
            "00000000-0000-0000-0000-00000000000A",
            "00000000-0000-0000-0000-000000000003",
        ],
    ),
    "text with everything": ("text", ["a,b", '{"x"}', "NULL \\ '%s"]),
    "domain": ("lower_text", ["ann", "bob", "zoé"]),
    "domain over a domain": ("lowest_text", ["ann", "bob", "zoé"]),
    "date": ("date", ["2024-02-29", "0044-03-15 BC", "infinity"]),
    "timestamp with time zone": (
        "timestamptz",
        ["2024-10-27 02:30:00.000001+02", "2024-10-27 02:30:00.000001+01", "-infinity"],
    ),
    "char": ("char(4)", ["ab", "abcd", "x"]),
    "varchar": ("varchar(3)", ["abc", "ab", "a"]),
    "numeric": ("numeric(6, 2)", ["1.10", "-3.00", "9999.99"]),
    "double": ("double precision", ["0.1", "1e-300", "NaN"]),
    "enum": ("mood", ["well", "so so", "ill"]),
    "bytea": ("bytea", ["\\x00ff", "\\x", "\\x41"]),
    "array": ("int[]", ["{1,2}", "{}", "{3}"]),
    "odd type": ('"od%d {} type"', ["1", "2", "3"]),
    "interval": ("interval", ["1 mon", "02:00:00", "-3 days"]),
}


@pytest.fixture
def types(warehouse: extensions.connection) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute("""
            CREATE DOMAIN lower_text AS text CHECK (VALUE = lower(VALUE));
            CREATE DOMAIN lowest_text AS lower_text NOT NULL;
            CREATE DOMAIN "od%d {} type" AS int;
            CREATE TYPE mood AS ENUM ('well', 'so so', 'ill');
        """)


def keys_of(
    warehouse: extensions.connection,
    columns: Sequence[str],
    where: sql.Composable,
    values: Mapping[str, list[str]],
) -> list[tuple[str, ...]]:
    query = sql.SQL("SELECT {} FROM t AS s WHERE {} ORDER BY place").format(
        key_as_text(columns, "s"), where
    )
    with warehouse.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def bare_types(warehouse: extensions.connection, columns: Sequence[str]) -> list[str]:
    table = read_catalogue(warehouse).tables[TableName("public", "t")]
    return [table.columns[name].bare_type for name in columns]


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_of_any_type_finds_its_rows_and_no_other(
    warehouse: extensions.connection, types: None, kind: str
) -> None:
    declared, written = KEYS[kind]
    column = 'the "key" %s'
    with warehouse.cursor() as cursor:
        create = sql.SQL("CREATE TABLE t (place int, {} {})")
        cursor.execute(create.format(Name(column), sql_type(declared)), {})
        for place, value in enumerate(written):
            cursor.execute("INSERT INTO t VALUES (%s, %s)", (place, value))
    types_ = bare_types(warehouse, [column])
    every = keys_of(warehouse, [column], sql.SQL("true"), {})
    assert len(every) == 3
    for wanted in ([every[0], every[2]], [], every):
        found = keys_of(
            warehouse, [column], key_is_among("s", [column], types_), key_values(wanted, 1)
        )
        assert found == wanted


def test_a_key_longer_than_its_column_matches_nothing(warehouse: extensions.connection) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute("CREATE TABLE t (place int, k varchar(3)); INSERT INTO t VALUES (1, 'abc')")
    where = key_is_among("s", ["k"], bare_types(warehouse, ["k"]))
    assert keys_of(warehouse, ["k"], where, key_values([["abcd"]], 1)) == []


def test_a_key_that_its_domain_would_refuse_matches_nothing_and_raises_nothing(
    warehouse: extensions.connection, types: None
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute("CREATE TABLE t (place int, k lower_text); INSERT INTO t VALUES (1, 'ann')")
    where = key_is_among("s", ["k"], bare_types(warehouse, ["k"]))
    assert keys_of(warehouse, ["k"], where, key_values([["ANN"], ["ann"]], 1)) == [("ann",)]


@pytest.fixture
def composite(warehouse: extensions.connection) -> extensions.connection:
    with warehouse.cursor() as cursor:
        cursor.execute("""
            CREATE TABLE t (place int, "a b" int, day date, code varchar(5));
            INSERT INTO t VALUES (1, 1, '2024-01-01', 'x'), (2, 1, '2024-01-02', 'y'),
                (3, 2, '2024-01-01', 'y'), (4, 1, NULL, 'x');
        """)
    return warehouse


COLUMNS = ["a b", "day", "code"]


def test_a_composite_key_is_matched_as_a_whole(composite: extensions.connection) -> None:
    where = key_is_among("s", COLUMNS, bare_types(composite, COLUMNS))
    wanted = [("1", "2024-01-01", "x"), ("2", "2024-01-01", "y"), ("1", "2024-01-01", "y")]
    assert keys_of(composite, COLUMNS, where, key_values(wanted, 3)) == wanted[:2]


def test_given_keys_can_be_joined_beside_others(composite: extensions.connection) -> None:
    types = bare_types(composite, COLUMNS)
    query = sql.SQL("SELECT {} FROM t AS s JOIN {} ON {} JOIN {} ON {}").format(
        column_list(["place"], "s"),
        given_keys(types),
        same_key("s", COLUMNS, "given", ["k0", "k1", "k2"]),
        given_keys(types[:1], prefix="other", alias="o%"),
        same_key("s", COLUMNS[:1], "o%", ["other0"]),
    )
    values = {
        **key_values([("1", "2024-01-02", "y"), ("2", "2024-01-01", "y")], 3),
        **key_values([("2",)], 1, prefix="other"),
    }
    with composite.cursor() as cursor:
        cursor.execute(query, values)
        assert cursor.fetchall() == [(3,)]


def test_an_index_serves_the_condition_on_one_column_and_on_several(
    warehouse: extensions.connection,
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute("""
            CREATE TABLE t (a int, b uuid, PRIMARY KEY (a, b));
            INSERT INTO t SELECT n, gen_random_uuid() FROM generate_series(1, 20000) n;
            ANALYZE t;
        """)
        for columns in (["a"], ["a", "b"]):
            where = key_is_among("s", columns, bare_types(warehouse, columns))
            cursor.execute("SELECT a::text, b::text FROM t LIMIT 20")
            keys = [row[: len(columns)] for row in cursor.fetchall()]
            cursor.execute(
                sql.SQL("EXPLAIN SELECT FROM t AS s WHERE {}").format(where),
                key_values(keys, len(columns)),
            )
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "t_pkey" in plan
            assert "Seq Scan" not in plan


def test_keys_of_different_width_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        same_key("a", ["x"], "b", ["y", "z"])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        key_values([("1", "2")], 1)
    with pytest.raises(ValueError, match="at least one"):
        key_is_among("a", [], [])
