"""What Lethe wrote down of a subject speaks of it however its key is written by now."""

from __future__ import annotations

import pytest
from lethe.retention.plan import read_plan

from tests.erasure.test_keys import CI, POLICY, SETUP
from tests.kit import TODAY, MakeKit

COLLATION = """
CREATE COLLATION "any case" (provider = libc, locale = 'C');
UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'any case';
"""
WRITTEN = pytest.mark.parametrize(
    ("sql_type", "held", "written"),
    [
        ("numeric", "5.0", "5.0000"),
        ("ci", "'Ada'", "'ADA'"),
        ('text COLLATE "any case"', "'a b'", "'a b'"),
        ("char(6)", "'ab'", "'ab    '"),
        ("double precision", "0", "'-0'"),
        ("interval", "'1 mon'", "'30 days'"),
        ("text", "'a b'", "'a b'"),
    ],
)


@WRITTEN
def test_a_hold_holds_its_subject_however_the_key_is_written_since(
    make_kit: MakeKit, sql_type: str, held: str, written: str
) -> None:
    kit = make_kit(
        SETUP
        + CI
        + COLLATION
        + f"""
        CREATE TABLE person (id {sql_type} PRIMARY KEY, ended_on date);
        CREATE TABLE note (id int, person_id {sql_type});
        INSERT INTO person VALUES ({held}, '2020-01-01');
        """,
        POLICY.replace("KEY", "id").replace(
            "public.note: {cluster: c}",
            "public.note: {cluster: c, links:"
            " [{columns: person_id, to: public.person, references: id}]}",
        ),
    )
    kit.execute(
        "INSERT INTO lethe.hold (subject_kind, key, reason, owner, review_on, created_by)"
        " SELECT 'person', ARRAY[id::text], 'x', 'legal', '2027-01-01', 'me' FROM person"
    )
    kit.execute(f"UPDATE person SET id = {written}")
    assert kit.plan()["r"] == {"held": 1}
    assert kit.outcome(kit.sweep()) == {"held": 1}
    assert len(kit.ids("person")) == 1


@WRITTEN
def test_a_skeleton_is_not_due_again_however_its_key_is_written_since(
    make_kit: MakeKit, sql_type: str, held: str, written: str
) -> None:
    kit = make_kit(
        SETUP
        + CI
        + COLLATION
        + f"""
        CREATE TABLE person (id {sql_type} PRIMARY KEY, name text, ended_on date);
        CREATE TABLE bill (id int, person_id {sql_type} REFERENCES person ON UPDATE CASCADE);
        INSERT INTO person VALUES ({held}, 'A', '2020-01-01');
        INSERT INTO bill VALUES (1, {held});
        """,
        """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.person: {cluster: c, columns: {name: name}, not_personal: [id, ended_on],
                  when_due: skeleton}
  public.bill: {not_personal: [id, person_id]}
""",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    kit.execute(f"UPDATE person SET id = {written}")
    assert kit.plan()["r"] == {}
    assert kit.outcome(kit.sweep()) == {}
    kit.execute("UPDATE person SET name = 'back'")
    assert kit.plan()["r"] == {"refused: filled again": 1}


@WRITTEN
def test_a_subject_of_an_open_plan_is_in_no_other_however_its_key_is_written_since(
    make_kit: MakeKit, sql_type: str, held: str, written: str
) -> None:
    kit = make_kit(
        SETUP
        + CI
        + COLLATION
        + f"""
        CREATE TABLE person (id {sql_type} PRIMARY KEY, ended_on date);
        CREATE TABLE note (id int, person_id {sql_type} REFERENCES person ON UPDATE CASCADE);
        INSERT INTO person VALUES ({held}, '2020-01-01');
        """,
        POLICY.replace("KEY", "id") + "guards: {cap: {subjects: 0}}\n",
    )
    digest = read_plan(kit.site, TODAY).digest
    kit.sweep(approve=digest.hex(), approved_by="vera")
    assert len(kit.ids("person")) == 1, "approved, and of a cap of none nobody goes tonight"
    kit.execute(f"UPDATE person SET id = {written}")
    assert kit.plan()["r"] == {"in an open plan": 1}
