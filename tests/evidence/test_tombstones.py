"""Tombstones know the erased again without a plain value."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from lethe.connections import acting_as
from lethe.evidence import make_tombstones
from lethe.evidence.tombstones import add_tombstones, expire_tombstones
from lethe.keys import Tokens
from psycopg2 import extensions

NOW = datetime(2026, 8, 1, 3, tzinfo=UTC)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(os.urandom(32), uuid4())


def test_one_row_for_the_key_and_one_for_each_identifier_that_is_there(tokens: Tokens) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    keyed, mailed, taxed = make_tombstones(
        tokens,
        "account",
        [("1",), ("2",)],
        {"email": ["a@x", "b@x"], "vat": [None, "LU1"], "phone": [None, None]},
        [start, None],
    )
    assert (keyed.kind, keyed.identifier, len(keyed.tokens)) == ("table_key", "", 2)
    assert keyed.subject_tokens == keyed.tokens == tokens.subjects("account", [("1",), ("2",)])
    assert (mailed.kind, mailed.identifier, len(mailed.tokens)) == ("identifier", "email", 2)
    assert mailed.subject_tokens == keyed.tokens
    assert mailed.starting_points == [start, None]
    assert taxed.tokens == [tokens.one("account", "vat", "LU1")]
    assert taxed.subject_tokens == [keyed.tokens[1]]


def test_they_are_stored_as_made_and_end_in_their_time(
    warehouse: extensions.connection, tokens: Tokens
) -> None:
    acting_as(warehouse, "runner")
    stones = make_tombstones(
        tokens, 'odd\t"kind"', [("1", None)], {"e\\mail": ["é"]}, [NOW], [NOW + timedelta(1)]
    )
    batch, run = uuid4(), uuid4()
    assert add_tombstones(warehouse, batch, run, NOW, stones) == 2
    with warehouse.cursor() as cursor:
        cursor.execute(
            "SELECT token, kind, key_id::text, subject_kind, identifier, subject_token, erased_at,"
            " starting_point, newest_activity, run_id::text, batch::text"
            " FROM lethe.tombstone ORDER BY kind DESC"
        )
        rows = [(bytes(row[0]), *row[1:5], bytes(row[5]), *row[6:]) for row in cursor.fetchall()]
    subject = tokens.one('odd\t"kind"', "", ("1", None))
    rest = (subject, NOW, NOW, NOW + timedelta(1), str(run), str(batch))
    mail = tokens.one('odd\t"kind"', "e\\mail", "é")
    assert rows == [
        (subject, "table_key", str(tokens.key_id), 'odd\t"kind"', "", *rest),
        (mail, "identifier", str(tokens.key_id), 'odd\t"kind"', "e\\mail", *rest),
    ]
    assert expire_tombstones(warehouse, NOW) == 0
    assert expire_tombstones(warehouse, NOW + timedelta(seconds=1)) == 2


def test_no_plain_value_is_stored(warehouse: extensions.connection, tokens: Tokens) -> None:
    acting_as(warehouse, "runner")
    add_tombstones(
        warehouse,
        uuid4(),
        None,
        NOW,
        make_tombstones(tokens, "account", [("71234567",)], {"email": ["anna@example.invalid"]}),
    )
    with warehouse.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM lethe.tombstone t")
        text = str(cursor.fetchone())
    assert "anna" not in text
    assert "71234567" not in text
