"""Tables, columns and keys, as a real PostgreSQL tells them."""

from __future__ import annotations

from collections.abc import Callable

from lethe.catalogue.model import Catalogue
from lethe.policy.names import TableName, parse_table

Read = Callable[[str], Catalogue]


def test_odd_identifiers_come_back_exactly(catalogue_of: Read) -> None:
    long = "x" * 63
    catalogue = catalogue_of(f"""
        CREATE SCHEMA "Odd.Schema";
        CREATE TABLE "Odd.Schema"."ta""ble with 'quotes'. and %s" (
            "select" int PRIMARY KEY, "Ünï cødé ✓" text, "{long}" text, "a.b" text, "{{}}" text);
    """)
    name = TableName("Odd.Schema", "ta\"ble with 'quotes'. and %s")
    assert list(catalogue.tables) == [name]
    assert list(catalogue.tables[name].columns) == ["select", "Ünï cødé ✓", long, "a.b", "{}"]
    assert parse_table(str(name)) == name


def test_system_and_ignored_schemas_and_temporary_tables_are_left_out(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE SCHEMA lethe; CREATE TABLE lethe.ledger (id int); CREATE VIEW lethe.v AS SELECT 1;
        CREATE TEMP TABLE passing (id int); CREATE TABLE stays (id int);
    """)
    assert list(catalogue.tables) == [TableName("public", "stays")]
    assert not catalogue.views


def test_a_table_without_a_primary_key_says_so_and_composite_keys_keep_their_order(
    catalogue_of: Read,
) -> None:
    tables = catalogue_of("""
        CREATE TABLE loose (a int);
        CREATE TABLE tight (a int, b int, c int, d int, PRIMARY KEY (c, a), UNIQUE (d, b));
    """).tables
    assert tables[TableName("public", "loose")].primary_key is None
    assert tables[TableName("public", "loose")].unique_keys == ()
    assert tables[TableName("public", "tight")].primary_key == ("c", "a")
    assert tables[TableName("public", "tight")].unique_keys == (("c", "a"), ("d", "b"))


def test_only_indexes_that_hold_every_row_to_its_columns_are_unique_keys(
    catalogue_of: Read,
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE t (id int PRIMARY KEY, a text, b text, c text, d text,
            e text UNIQUE DEFERRABLE);
        CREATE UNIQUE INDEX partial ON t (a) WHERE b IS NULL;
        CREATE UNIQUE INDEX expression ON t (lower(b));
        CREATE UNIQUE INDEX mixed ON t (c, lower(b));
        CREATE UNIQUE INDEX covering ON t (d) INCLUDE (a);
        CREATE INDEX plain ON t (b, a);
    """)
    table = catalogue.tables[TableName("public", "t")]
    assert table.unique_keys == (("id",), ("d",))
    leading = {index.name: index.columns for index in table.indexes}
    assert leading == {
        "t_pkey": ("id",),
        "t_e_key": ("e",),
        "partial": ("a",),
        "expression": (),
        "mixed": ("c",),
        "covering": ("d",),
        "plain": ("b", "a"),
    }


def test_types_are_told_as_declared_without_domains_and_without_lengths(
    catalogue_of: Read,
) -> None:
    columns = catalogue_of("""
        CREATE SCHEMA "my types";
        CREATE DOMAIN "my types".short AS varchar(3);
        CREATE DOMAIN "my types".must AS "my types".short NOT NULL;
        CREATE TYPE "my types".mood AS ENUM ('well', 'ill');
        CREATE TYPE "my types".pair AS (a int, b text);
        CREATE DOMAIN lo AS oid;
        CREATE TABLE t (id int, n numeric(10, 2), ch char(4), s "my types".short,
            m "my types".must, e "my types".mood, p "my types".pair, ints int[],
            shorts "my types".short[], j jsonb, js json[], lob oid, lob2 lo, lobs lo[],
            r int4range, ts timestamptz(0), gone text);
        ALTER TABLE t DROP COLUMN gone;
    """).tables[TableName("public", "t")].columns  # fmt: skip
    told = {c.name: (c.type, c.base_type, c.bare_type) for c in columns.values()}
    assert told["n"] == ("numeric(10,2)", "numeric(10,2)", "numeric")
    assert told["ch"] == ("character(4)", "character(4)", "bpchar")
    assert told["s"] == ('"my types".short', "character varying(3)", "character varying")
    assert told["m"] == ('"my types".must', "character varying(3)", "character varying")
    assert told["e"] == ('"my types".mood',) * 3
    assert columns["s"].nullable
    assert not columns["m"].nullable
    assert columns["s"].is_domain
    assert not columns["n"].is_domain
    assert {c.name: c.element_type for c in columns.values() if c.is_array} == {
        "ints": "integer",
        "shorts": "character varying(3)",
        "js": "json",
        "lobs": "oid",
    }
    assert [c.name for c in columns.values() if c.is_json] == ["j", "js"]
    assert [c.name for c in columns.values() if c.may_name_large_object] == ["lob", "lob2", "lobs"]
    kinds = {c.name: c.type_kind for c in columns.values() if c.type_kind != "base"}
    assert kinds == {"e": "enum", "p": "composite", "r": "range"}
    assert [c.name for c in columns.values() if c.is_text] == ["ch", "s", "m"]
    assert "gone" not in columns


def test_generated_and_identity_columns_are_known_with_what_they_are_computed_from(
    catalogue_of: Read,
) -> None:
    columns = catalogue_of("""
        CREATE TABLE t (
            a int GENERATED ALWAYS AS IDENTITY, b int GENERATED BY DEFAULT AS IDENTITY,
            mail text, host text, d text DEFAULT 'x',
            g text GENERATED ALWAYS AS (host || mail) STORED);
    """).tables[TableName("public", "t")].columns  # fmt: skip
    assert columns["a"].identity == "always"
    assert columns["b"].identity == "by default"
    assert (columns["g"].generated, columns["g"].generated_from) == ("stored", ("mail", "host"))
    assert columns["g"].nullable
    assert not columns["g"].may_be_nulled
    assert [c.name for c in columns.values() if c.has_default] == ["d"]


def test_a_virtual_generated_column_is_told_from_a_stored_one(catalogue_of: Read) -> None:
    columns = catalogue_of("""
        CREATE TABLE t (mail text, v text GENERATED ALWAYS AS (lower(mail)) VIRTUAL);
    """).tables[TableName("public", "t")].columns  # fmt: skip
    assert (columns["v"].generated, columns["v"].generated_from) == ("virtual", ("mail",))


def test_checks_name_the_columns_that_they_hold_to_account(catalogue_of: Read) -> None:
    table = catalogue_of("""
        CREATE TABLE t (id int NOT NULL, a text, b text, CONSTRAINT one CHECK (b <> '' OR a <> ''));
    """).tables[TableName("public", "t")]
    (check,) = table.checks
    assert (check.name, check.columns) == ("one", ("a", "b"))


def test_partitions_at_any_depth_are_listed_in_their_table_and_nowhere_else(
    catalogue_of: Read,
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE log (at date NOT NULL, country text, id int, PRIMARY KEY (id, at, country))
            PARTITION BY RANGE (at);
        CREATE TABLE log_25 PARTITION OF log FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')
            PARTITION BY LIST (country);
        CREATE TABLE log_25_lu PARTITION OF log_25 FOR VALUES IN ('LU');
        CREATE TABLE log_25_rest PARTITION OF log_25 DEFAULT;
        CREATE SCHEMA old; CREATE TABLE old.log_rest PARTITION OF log DEFAULT;
        INSERT INTO log SELECT '2025-03-01', 'LU', n FROM generate_series(1, 50) n;
        INSERT INTO log SELECT '2020-03-01', 'LU', n FROM generate_series(1, 25) n;
        ANALYZE log;
    """)
    assert list(catalogue.tables) == [TableName("public", "log")]
    log = catalogue.tables[TableName("public", "log")]
    assert (log.kind, log.partition_key, log.partition_columns) == (
        "partitioned",
        "RANGE (at)",
        ("at",),
    )
    assert log.primary_key == ("id", "at", "country")
    assert {str(p.name): (str(p.parent), p.kind, p.key) for p in log.partitions} == {
        "old.log_rest": ("public.log", "table", None),
        "public.log_25": ("public.log", "partitioned", "LIST (country)"),
        "public.log_25_lu": ("public.log_25", "table", None),
        "public.log_25_rest": ("public.log_25", "table", None),
    }
    bounds = {p.name.name: p.bound for p in log.partitions}
    assert bounds["log_25_lu"] == "FOR VALUES IN ('LU')"
    assert bounds["log_25"] == "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"
    assert bounds["log_rest"] == "DEFAULT"
    assert log.row_estimate == 75
    assert log.size_bytes > 0


def test_a_partition_key_tells_columns_in_order_and_that_there_is_an_expression(
    catalogue_of: Read,
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE t (a text, "B b" int) PARTITION BY HASH ("B b", lower(a), a);
    """)
    table = catalogue.tables[TableName("public", "t")]
    assert table.partition_key == 'HASH ("B b", (expression), a)'
    assert table.partition_columns == ("B b", "a")


def test_a_child_of_classical_inheritance_is_a_table_of_its_own(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE a (id int); CREATE TABLE b (x int) INHERITS (a);
        CREATE TABLE m (y int); CREATE TABLE c (z int) INHERITS (b, m);
    """)
    names = {str(t.name): [str(p) for p in t.inherits_from] for t in catalogue.tables.values()}
    assert names == {
        "public.a": [],
        "public.b": ["public.a"],
        "public.c": ["public.b", "public.m"],
        "public.m": [],
    }
    assert catalogue.heirs_of(TableName("public", "a")) == (
        TableName("public", "b"),
        TableName("public", "c"),
    )


def test_a_foreign_table_names_its_server_also_as_a_partition(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE FOREIGN DATA WRAPPER dummy; CREATE SERVER "far away" FOREIGN DATA WRAPPER dummy;
        CREATE FOREIGN TABLE remote (id int, mail text) SERVER "far away";
        CREATE TABLE p (id int) PARTITION BY LIST (id);
        CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES IN (1) SERVER "far away";
    """)
    remote = catalogue.tables[TableName("public", "remote")]
    assert (remote.kind, remote.foreign_server, list(remote.columns)) == (
        "foreign",
        "far away",
        ["id", "mail"],
    )
    (part,) = catalogue.tables[TableName("public", "p")].partitions
    assert part.kind == "foreign"


def test_the_row_estimate_of_a_table_never_analysed_comes_from_the_statistics(
    catalogue_of: Read,
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE t (id int) WITH (autovacuum_enabled = off);
        INSERT INTO t SELECT generate_series(1, 40);
        SELECT pg_stat_force_next_flush();
    """)
    assert catalogue.tables[TableName("public", "t")].row_estimate == 40


def test_a_table_of_an_extension_names_the_extension(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE EXTENSION vector; CREATE TABLE t (v vector(3)); CREATE TABLE owned (id int);
        ALTER EXTENSION vector ADD TABLE owned;
    """)
    assert catalogue.tables[TableName("public", "owned")].extension == "vector"
    assert catalogue.tables[TableName("public", "t")].extension is None
    assert catalogue.tables[TableName("public", "t")].columns["v"].type == "public.vector(3)"
