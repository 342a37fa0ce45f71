"""A warehouse in an encoding of old: it is worked on, or a clear fault says why not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date

import psycopg2
import pytest
from lethe.catalogue.checks.encoding import check_encoding
from lethe.connections import open_dsn
from lethe.evidence.initialise import initialise
from lethe.quality.content import has_card, undressed
from psycopg2 import extensions, sql

from tests.kit import MakeKit


@pytest.fixture
def latin(postgres: str) -> Iterator[str]:
    """DSN of an empty database in LATIN1 that quotes all identifiers."""
    name = f"latin_{os.getpid()}"
    admin = psycopg2.connect(postgres)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(
            f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
            " LOCALE_PROVIDER libc TEMPLATE template0"
        )
        cursor.execute(f"ALTER DATABASE {name} SET quote_all_identifiers = on")
    yield extensions.make_dsn(postgres, dbname=name)
    with admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


def test_a_session_speaks_utf8_whatever_the_database_is_in(latin: str) -> None:
    with open_dsn(latin) as connection, connection.cursor() as cursor:
        assert connection.encoding == "UTF8"
        cursor.execute("SELECT %s::text, length(%s)", ("Müß", "Müß"))
        assert cursor.fetchone() == ("Müß", 3)
    connection.close()


def test_lethes_own_schema_and_the_content_gate_work_in_latin1(latin: str) -> None:
    connection = open_dsn(latin)
    initialise(connection, rehearsal=True)
    with connection.cursor() as cursor:
        given = sql.SQL("(%(text)s::text || 'é')")
        gate = sql.SQL("SELECT {} FROM {} AS one").format(
            has_card(sql.SQL("one.t")), undressed(given)
        )
        cursor.execute(gate, {"text": "card 4111 1111 1111 1111 "})
        assert cursor.fetchone() == (True,)
    connection.close()


def test_quoted_identifiers_change_nothing(make_kit: MakeKit) -> None:
    kit = make_kit(
        "CREATE TABLE person (id int PRIMARY KEY, left_on date);"
        "INSERT INTO person VALUES (1, '2020-01-01'), (2, '2026-01-01');",
        """
        subjects: {person: {table: public.person, key: id}}
        clusters: {people: {subject: person}}
        tables: {public.person: {cluster: people, columns: {id: key}, not_personal: [left_on]}}
        rules: {left: {cluster: people, period: P2Y, starting_point: {latest: [{column: left_on}]}}}
        """,
    )
    name = extensions.parse_dsn(kit.dsn)["dbname"]
    kit.execute(f"ALTER DATABASE {name} SET quote_all_identifiers = on")
    kit.connection.commit()
    kit.sweep(date(2026, 6, 1))
    assert kit.execute("SELECT id FROM person") == [(2,)]


def test_words_that_the_encoding_lacks_are_a_fault_at_their_place() -> None:
    texts = {("policy", "title"): "L’été à l'œuvre", ("controller", "name"): "Müller"}
    (fault,) = check_encoding("LATIN1", texts)
    assert (fault.level, fault.place) == ("fault", ("policy", "title"))
    assert "the database is LATIN1, which lacks œ ’; write it otherwise" in fault.message
    assert list(check_encoding("UTF8", texts)) == []


def test_a_database_that_knows_no_encoding_is_refused() -> None:
    (fault,) = check_encoding("SQL_ASCII", {})
    assert "move it to a database in UTF8" in fault.message
