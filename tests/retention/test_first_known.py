"""The first known of several dates, where a subject has many rows or the dates many tables."""

from __future__ import annotations

import pytest
from lethe.catalogue.bind import bind

from tests.kit import Kit, MakeKit

TABLES = """
CREATE TABLE person (id int PRIMARY KEY, made_on date);
CREATE TABLE service (id int, person_id int REFERENCES person, kind text, ended_on date);
INSERT INTO person SELECT i, '2020-01-01' FROM generate_series(1, 5) AS i;
INSERT INTO service VALUES (1, 1, 'a', '2020-02-01'), (2, 1, 'a', NULL), (3, 2, 'a', '2020-02-01'),
    (4, 3, 'a', NULL), (5, 4, 'a', '2026-05-01'), (6, 4, 'a', '2020-05-01');
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules:
  r:
    cluster: c
    starting_point:
      first_known: [{table: public.service, column: ended_on%s}, {column: made_on}]
tables: {public.person: {cluster: c}, public.service: {cluster: c}}
"""


def alarms(kit: Kit) -> list[str]:
    with kit.site.connected("reader") as connection:
        found = bind(connection, kit.loaded).found
    return [each.level for each in found if each.code == "first-known-of-many-rows"]


def test_a_row_that_knows_no_end_is_not_hidden_by_others_that_ended(make_kit: MakeKit) -> None:
    kit = make_kit(TABLES, POLICY % "")
    assert kit.plan()["r"] == {"due": 3, "not yet due": 1, "refused: no date": 1}
    kit.sweep()
    assert kit.ids("person") == [1, 4]
    assert alarms(kit) == []


def test_who_says_that_such_an_end_did_not_happen_is_believed(make_kit: MakeKit) -> None:
    kit = make_kit(TABLES, POLICY % ", optional: true")
    assert kit.plan()["r"] == {"due": 4, "not yet due": 1}


@pytest.mark.parametrize("choice", ["first_known", "latest"])
def test_of_a_group_with_dates_in_several_tables_the_latest_counts_and_the_check_says_so(
    make_kit: MakeKit, choice: str
) -> None:
    kit = make_kit(
        """
        CREATE TABLE visit (id int PRIMARY KEY, cookie text, ended_on date);
        CREATE TABLE click (id int PRIMARY KEY, cookie text, at date);
        INSERT INTO visit VALUES (1, 'v', '2020-01-01'), (2, 'w', '2020-01-01'),
            (3, 'x', '2020-01-01'), (4, 'x', NULL);
        INSERT INTO click VALUES (1, 'v', '2026-05-01'), (2, 'w', '2020-01-01');
        """,
        """
        subjects: {visitor: {table: public.visit, key: cookie}}
        clusters: {c: {subject: visitor}}
        rules:
          r:
            cluster: c
            starting_point:
              CHOICE: [{column: ended_on}, {table: public.click, column: at}]
        tables:
          public.visit: {cluster: c}
          public.click:
            cluster: c
            links: [{columns: cookie, to: public.visit, references: cookie}]
        """.replace("CHOICE", choice),
    )
    assert kit.plan()["r"] == {"due": 1, "not yet due": 1, "refused: no date": 1}
    kit.sweep()
    assert kit.ids("visit") == [1, 3, 4]
    assert alarms(kit) == (["alarm"] if choice == "first_known" else [])
