"""Records that are put together quickly are the bytes that the slow way writes."""

from __future__ import annotations

import json
from datetime import date
from io import BytesIO
from typing import Any

import psycopg2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lethe.archive.binary import pack_texts
from lethe.archive.capture_rows import NULL, Row, parse_row
from lethe.archive.documents import RecordWriter, array_forms, text_of
from lethe.archive.records import read_record, verbatim, write_record
from lethe.guards.bank import holds_account, may_hold_account

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
MAYBE = st.none() | TEXT
AT = "2026-06-01T00:00:00.000000Z"


def copied(value: str | None) -> bytes:
    return NULL if value is None else value.encode()


@given(number=TEXT, country=MAYBE, total=MAYBE, name=TEXT, kind=TEXT, owner=st.integers(0))
@example('%s"\\', "%d", "1.0%", "in%voice", 'a"c%', 7)
@settings(max_examples=200)
def test_the_first_version_of_a_document_is_what_write_record_writes(
    number: str, country: str | None, total: str | None, name: str, kind: str, owner: int
) -> None:
    policy = {"version": "1%", "name": 'a"b'}
    bound = '{"document":{"x":"%s"},"lines":{}}'
    row = Row(
        NULL, b"{1}", b"{%d}" % owner, copied(number), b"2019-01-02", copied(country), NULL,
        copied(total), NULL, b"2019-12-31", NULL, bound.encode(), NULL,
    )  # fmt: skip
    writer = RecordWriter(name, kind, policy, date(2026, 6, 1), b"k" * 32, AT)
    made = writer.document(row, b"ab" * 32, 9, array_forms(row.key)).record
    assert made == write_record(
        {
            "bound": verbatim(bound),
            "change": None,
            "corrects": None,
            "country": country,
            "currency": None,
            "financial_year_end": "2019-12-31",
            "issued_on": "2019-01-02",
            "key": ["1"],
            "kind": "document",
            "number": number,
            "party": {"leaf": "ab" * 32, "leaf_no": 9},
            "policy": policy,
            "previous": None,
            "recorded_at": AT,
            "subject": {"key": [str(owner)], "kind": kind},
            "total": total,
            "type": name,
            "valid_from": "2019-01-02",
            "version": 1,
        }
    )
    assert read_record(made)["policy"] == policy


@pytest.fixture(scope="module")
def server(postgres: str) -> Any:
    connection = psycopg2.connect(postgres)
    connection.set_client_encoding("UTF8")
    yield connection.cursor()
    connection.close()


@settings(max_examples=100, deadline=None)
@given(key=st.lists(MAYBE, min_size=1, max_size=3), texts=st.lists(MAYBE, min_size=8, max_size=8))
@example([None, "NULL", ""], ["\\N", "\\", "\t", "\n", "\v\b", "é", None, "N"])
@example(["a-b"], [None] * 8)
@example(["null"], ["", "", "", "", "", "", "", ""])
def test_a_row_of_copy_is_read_as_the_server_meant_it(
    server: Any, key: list[str | None], texts: list[str | None]
) -> None:
    copied = "COPY (SELECT NULL::text, %s::text[]::text, '{1}'" + ", %s::text" * 8
    bound = ", to_json(%s::text[])::text, NULL::text) TO STDOUT"
    out = BytesIO()
    server.copy_expert(server.mogrify(copied + bound, (key, *texts, texts)).decode(), out)
    row = parse_row(out.getvalue()[:-1])
    assert [text_of(each) for each in row[3:11]] == texts
    assert json.loads(row.bound) == texts
    assert (row.reason, row.party) == (NULL, NULL)
    as_json, packed = array_forms(row.key)
    assert json.loads(as_json) == key
    assert packed == pack_texts([None if each is None else each.encode() for each in key])


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("LU28 0019 4006 4475 0000")
@example("lu280019400644750000")
@example("x NO9386011117947")
@example("\u0131T60X0542811101000000123456")
@example("LU\u00a028\u202f0019")
@example("LU28\u00a00019\u202f4006\u20094475\u00a00000")
@settings(max_examples=300)
def test_no_text_with_an_account_is_passed_over(text: str) -> None:
    assert may_hold_account(text.encode()) or not holds_account(text)
