"""A subject under two rules of its cluster: none of them may have it."""

from __future__ import annotations

import pytest

from tests.kit import Kit, MakeKit

ROWS = """
CREATE TABLE person (id int PRIMARY KEY, cookie text, sort text, size text, ended_on date);
INSERT INTO person VALUES (1, 'x', 'b2b', 'small', '2010-01-01'),
    (2, 'y', 'b2c', 'big', '2010-01-01'), (3, 'z', 'b2b', 'big', '2010-01-01');
"""
SORT = "where: {column: sort, equals: b2b}, "
SIZE = "where: {column: size, equals: big}, "
OTHER = "where: {column: sort, equals: b2c}, "


def make(make_kit: MakeKit, key: str, first: str, second: str) -> Kit:
    return make_kit(
        ROWS,
        f"""
        subjects: {{person: {{table: public.person, key: {key}}}}}
        clusters: {{c: {{subject: person}}}}
        rules:
          short: {{cluster: c, {first}starting_point: {{latest: [{{column: ended_on}}]}}}}
          long: {{cluster: c, {second}starting_point: {{latest: [{{column: ended_on}}]}}}}
        tables: {{public.person: {{cluster: c}}}}
        """,
    )


@pytest.mark.parametrize("key", ["id", "cookie"])
@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        pytest.param("", "", [1, 2, 3], id="both claim all"),
        pytest.param(SORT, SIZE, [3], id="they overlap"),
        pytest.param(SORT, OTHER, [], id="they divide"),
    ],
)
def test_who_is_under_two_rules_is_refused_by_both_and_the_others_go(
    make_kit: MakeKit, key: str, first: str, second: str, left: list[int]
) -> None:
    kit = make(make_kit, key, first, second)
    refused = {"refused: under several rules": len(left)} if left else {}
    planned = kit.plan()
    assert planned["short"].get("refused: under several rules", 0) == len(left)
    assert planned["long"].get("refused: under several rules", 0) == len(left)
    run = kit.sweep()
    assert kit.outcome(run, "short").items() >= refused.items()
    assert kit.ids("person") == left


def test_a_group_is_under_two_rules_when_two_of_its_rows_are(make_kit: MakeKit) -> None:
    kit = make(make_kit, "cookie", SORT, OTHER)
    kit.execute("INSERT INTO person VALUES (4, 'y', 'b2b', 'big', '2010-01-01')")
    kit.sweep()
    assert kit.ids("person") == [2, 4]
