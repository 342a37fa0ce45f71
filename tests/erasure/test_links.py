"""Which rows go with a subject: keys of every shape, links of every kind."""

from __future__ import annotations

from tests.kit import MakeKit

PEOPLE = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
"""


def test_rows_two_hops_away_go_and_those_of_others_stay(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, ended_on date);
        CREATE TABLE basket (id int PRIMARY KEY, person_id int NOT NULL REFERENCES person);
        CREATE TABLE line (id int, basket_id int REFERENCES basket);
        INSERT INTO person VALUES (1, '2020-01-01'), (2, '2026-01-01');
        INSERT INTO basket VALUES (10, 1), (11, 1), (20, 2);
        INSERT INTO line VALUES (100, 10), (110, 11), (111, 11), (200, 20), (900, NULL);
        """,
        PEOPLE
        + """
tables:
  public.person: {cluster: c}
  public.basket: {cluster: c}
  public.line: {cluster: c}
""",
    )
    run = kit.sweep()
    assert run.state == "done"
    assert kit.outcome(run) == {"erased": 1}
    assert (kit.ids("person"), kit.ids("basket"), kit.ids("line")) == ([2], [20], [200, 900])
    deleted = run.summary["rules"][0]["tables"]
    assert {table: found["deleted"] for table, found in deleted.items()} == {
        "public.person": 1,
        "public.basket": 2,
        "public.line": 3,
    }
