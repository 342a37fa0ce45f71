"""The digest of a frozen set names these very subjects, whatever their keys are made of."""

from __future__ import annotations

import hashlib
from uuid import uuid4

import pytest
from lethe.erasure.freeze import frozen_digest

from tests.kit import Kit, MakeKit

DUE = "2026-05-31"
Key = tuple[str | None, ...]


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(
        "CREATE TABLE person (id text PRIMARY KEY, ended_on date)",
        """
        subjects: {person: {table: public.person, key: id}}
        clusters: {c: {subject: person}}
        rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
        tables: {public.person: {cluster: c}}
        """,
    )


def digest(kit: Kit, *keys: Key) -> bytes | None:
    """The digest of a set of these keys, all due on one day."""
    run_id = uuid4()
    for number, key in enumerate(keys):
        kit.execute(
            "INSERT INTO lethe.plan_subject (run_id, rule, subject_no, subject_kind, key, due_on)"
            " VALUES (%s, 'r', %s, 'person', %s, %s)",
            (str(run_id), number, list(key), DUE),
        )
    return frozen_digest(kit.connection, run_id, "r")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param([("a\x1fb", "c")], [("a", "b\x1fc")], id="where a part ends"),
        pytest.param([("a", None)], [("a", "\x1e")], id="no part at all"),
        pytest.param([("a",), ("b",)], [(f"a\n{DUE}\x1fb",)], id="where a subject ends"),
        pytest.param([("\x1e{a}",)], [("\x1e", "{a}")], id="the mark itself"),
        pytest.param([('a","b\n',)], [("a", "b\n")], id="what an array is written with"),
    ],
)
def test_two_sets_of_subjects_never_have_one_digest(
    kit: Kit, one: list[Key], other: list[Key]
) -> None:
    assert digest(kit, *one) != digest(kit, *other)
    assert digest(kit, *one) == digest(kit, *reversed(one))


def test_keys_of_plain_characters_have_the_digest_that_open_plans_were_approved_by(
    kit: Kit,
) -> None:
    keys = [("7", "LU"), ("", "{x}"), ("Zoë", 'a "b", c'), ("\\", "\t")]
    lines = sorted(f"{DUE}\x1f{first}\x1f{second}".encode() for first, second in keys)
    whole = b"".join(line + b"\n" for line in lines)
    assert digest(kit, *keys) == hashlib.sha256(whole).digest()
