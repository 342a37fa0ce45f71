"""Tables that hang on several others by type and id, and links between columns of other types."""

from __future__ import annotations

from datetime import timedelta

import pytest
from lethe.errors import PolicyError
from lethe.retention.plan import read_plan

from tests.kit import TODAY, MakeKit

DDL = """
CREATE TABLE person (id int PRIMARY KEY, ended_on date);
CREATE TABLE pet (id int PRIMARY KEY, ended_on date);
CREATE TABLE trip (id int PRIMARY KEY, person_id int REFERENCES person);
CREATE TABLE remark (id int PRIMARY KEY, of_type text NOT NULL, of_id int NOT NULL, body text);
CREATE TABLE scan (id int PRIMARY KEY, remark_id int NOT NULL REFERENCES remark);
INSERT INTO person VALUES (1, '2020-01-01'), (2, '2026-01-01');
INSERT INTO pet VALUES (1, '2026-01-01'), (2, '2020-01-01');
INSERT INTO trip VALUES (1, 2), (2, 1);
INSERT INTO remark VALUES
    (11, 'person', 1, 'x'), (12, 'person', 2, 'x'), (21, 'it''s 100% a pet', 1, 'x'),
    (22, 'it''s 100% a pet', 2, 'x'), (31, 'trip', 1, 'x'), (32, 'trip', 2, 'x');
INSERT INTO scan SELECT id * 10, id FROM remark;
"""
HEAD = """
subjects: {person: {table: public.person, key: id}, pet: {table: public.pet, key: id}}
clusters: {c: {subject: person}, d: {subject: pet}}
rules:
  r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}
  s: {cluster: d, starting_point: {latest: [{column: ended_on}]}}
tables:
  public.person: {cluster: c}
  public.pet: {cluster: d}
  public.trip: {cluster: c}
  public.scan: {rows: [{cluster: c}, {cluster: d}]}
"""
LINKS = """
  public.remark:
    rows:
      - cluster: c
        where: {column: of_type, in: [person, trip]}
        links:
          - {columns: of_id, to: public.person, references: id, where: {of_type: person}}
          - {columns: of_id, to: public.trip, references: id, where: {of_type: trip}}
      - cluster: d
        where: {column: of_type, equals: "it's 100% a pet"}
        links: [{columns: of_id, to: public.pet, references: id}]
"""


def test_a_row_goes_with_the_row_that_its_type_names_and_with_no_other_of_that_number(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(DDL, HEAD + LINKS)
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 2}
    assert (kit.ids("person"), kit.ids("pet"), kit.ids("trip")) == ([2], [1], [1])
    assert kit.ids("remark") == [12, 21, 31]
    assert kit.ids("scan") == [120, 210, 310]
    kit.execute("UPDATE person SET ended_on = '2020-01-01'")
    kit.sweep(TODAY + timedelta(days=1))
    assert kit.ids("remark") == [21]
    assert kit.ids("scan") == [210]


def test_a_link_for_a_type_that_no_column_tells_is_a_fault(make_kit: MakeKit) -> None:
    wrong = LINKS.replace("where: {of_type: trip}", "where: {of_kind: trip}")
    with pytest.raises(PolicyError, match=r"where: table public\.remark has no column 'of_kind'"):
        kit = make_kit(DDL, HEAD + wrong)
        read_plan(kit.site, TODAY)


@pytest.mark.parametrize(
    ("key", "held", "one", "two"),
    [
        ("uuid", "text", "'00000000-0000-0000-0000-000000000001'",
         "'00000000-0000-0000-0000-000000000002'"),
        ("bigint", "varchar(20)", "'1'", "'2'"),
        ("text", "bigint", "1", "2"),
    ],
)  # fmt: skip
def test_a_link_between_text_and_another_type_is_declared_with_match_text(
    make_kit: MakeKit, key: str, held: str, one: str, two: str
) -> None:
    kit = make_kit(
        f"""
        CREATE TABLE person (id {key} PRIMARY KEY, ended_on date);
        CREATE TABLE note (id int PRIMARY KEY, owner {held});
        CREATE TABLE page (id int PRIMARY KEY, note_id int REFERENCES note);
        INSERT INTO person VALUES ({one}, '2020-01-01'), ({two}, '2026-01-01');
        INSERT INTO note VALUES (1, {one}), (2, {two}), (3, NULL);
        INSERT INTO page VALUES (1, 1), (2, 2), (3, 3);
        """,
        """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.person: {cluster: c}
  public.note:
    cluster: c
    links: [{columns: owner, to: public.person, references: id, match: text}]
  public.page: {cluster: c}
""",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    assert (kit.ids("note"), kit.ids("page")) == ([2, 3], [2, 3])
