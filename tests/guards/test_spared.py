"""Rows that no job touches, whichever way they hang on a person."""

from __future__ import annotations

from datetime import date

import pytest
from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import Values, any_of
from lethe.guards.spared import spared_by, ways_to_subjects
from lethe.policy.names import TableName
from psycopg2 import sql

from tests.kit import Kit, MakeKit

TODAY = date(2026, 6, 1)
NOTE = TableName("public", "note")
DDL = """
CREATE TABLE person (id bigint PRIMARY KEY, frozen boolean DEFAULT false);
INSERT INTO person VALUES (1, false), (2, true);
CREATE TABLE visit (visit_id bigint PRIMARY KEY, person_id bigint REFERENCES person);
INSERT INTO visit VALUES (10, 1), (20, 2), (30, NULL);
CREATE TABLE note (
    id bigint PRIMARY KEY, visit_id bigint REFERENCES visit, about bigint REFERENCES person);
INSERT INTO note VALUES (1, 10, NULL), (2, 20, NULL), (3, 10, 2), (4, 30, NULL), (5, NULL, NULL),
    (6, 20, 1), (7, NULL, 2);
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {people: {subject: person}}
tables:
  public.person: {cluster: people, columns: {id: key}, not_personal: [frozen]}
  public.visit: {cluster: people, columns: {visit_id: key, person_id: key}}
  public.note:
    cluster: people
    columns: {id: key, visit_id: key, about: key}
    links: [{columns: about, to: public.person, role: reference, when_gone: unlink}]
guards:
  restrictions:
    frozen: {subject: person, where: {column: frozen, equals: true}, because: asked for it}
"""


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(DDL, POLICY)


def spared(kit: Kit, where: str = "true") -> list[int]:
    """The notes of whoever is held or restricted, among some."""
    with kit.site.connected("runner") as connection, connection.cursor() as cursor:
        graph, values = kit.site.graph(connection), Values()
        context = Context(graph, TODAY, values)
        found = [
            spared_by(context, NOTE, kind, way, [sql.SQL(where)], row="r")
            for kind, way in ways_to_subjects(graph, NOTE)
        ]
        cursor.execute(
            sql.SQL("SELECT r.id FROM note AS r WHERE {} AND {} ORDER BY 1").format(
                sql.SQL(where), any_of(found)
            ),
            values.bound,
        )
        return [row[0] for row in cursor.fetchall()]


def test_a_row_hangs_on_its_owner_and_on_whom_it_only_points_at(kit: Kit) -> None:
    assert spared(kit) == [2, 3, 6, 7]


def test_nobody_is_spared_who_is_neither_held_nor_restricted(kit: Kit) -> None:
    kit.execute("UPDATE person SET frozen = NULL")
    assert spared(kit) == []


def test_only_the_rows_that_are_looked_at_are_found(kit: Kit) -> None:
    assert spared(kit, "r.id > 2") == [3, 6, 7]


def test_a_table_of_nobody_has_no_way_to_a_person(kit: Kit) -> None:
    kit.execute("CREATE TABLE lone (id bigint PRIMARY KEY)")
    with kit.site.connected("runner") as connection:
        assert ways_to_subjects(kit.site.graph(connection), TableName("public", "lone")) == []
