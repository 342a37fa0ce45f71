"""The coverage proof counts what no rule reaches, in the database, and shows no key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import uuid4

import psycopg2
import pytest
from lethe.catalogue.bind import bind
from lethe.keys import Tokens
from lethe.retention.coverage import CoverageLine, count_coverage
from psycopg2 import extensions

from tests.small_policy import small_policy

AS_OF = date(2026, 3, 2)
DDL = """
CREATE TABLE "Per.son" ("Id %s" int PRIMARY KEY, kind text, "énd" date, "began" date, test boolean);
CREATE TABLE note (id int PRIMARY KEY, who int, body text);
INSERT INTO "Per.son" VALUES
    (1, 'a', '2020-01-01', '2019-01-01', false), (2, 'b', '2020-01-01', NULL, false),
    (3, 'a', NULL, NULL, false);
INSERT INTO note VALUES (10, 1), (11, 2);
"""
POLICY = """
subjects: {person: {table: 'public."Per.son"', key: "Id %s"}}
clusters: {c: {subject: person}}
tables:
  'public."Per.son"': {cluster: c, not_personal: ["Id %s", kind, énd, began, test]}
  public.note:
    cluster: c
    links: [{columns: who, to: 'public."Per.son"', references: "Id %s"}]
    not_personal: [id, who, body]
rules:
  r: {cluster: c, starting_point: {latest: [{column: énd}]}}
"""
NOTES = "rows of nobody @ public.note (cluster c)"
Count = Callable[..., dict[str, CoverageLine]]


@pytest.fixture
def warehouse(new_database: Callable[[], str]) -> extensions.connection:
    connection = psycopg2.connect(new_database())
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(DDL)
    return connection


@pytest.fixture
def count(warehouse: extensions.connection) -> Count:
    def run(
        *changes: tuple[str, str], sql: str = "", tokens: Tokens | None = None
    ) -> dict[str, CoverageLine]:
        text = POLICY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        with warehouse.cursor() as cursor:
            cursor.execute(sql or "SELECT")
        bound = bind(warehouse, small_policy(text))
        assert not bound.faults, bound.faults
        lines = count_coverage(warehouse, bound.graph, AS_OF, tokens=tokens)
        return {f"{line.topic} @ {line.where}": line for line in lines}

    return run


def test_what_is_covered_is_said_to_be(count: Count) -> None:
    lines = count()
    assert {key: line.state for key, line in lines.items()} == {
        'rows of nobody @ public."Per.son" (cluster c)': "covered",
        "rows of nobody @ public.note (cluster c)": "covered",
        "starting points @ rule r": "undecided",
    }
    assert lines["starting points @ rule r"].reasons == {"no date": 1}


def test_rows_without_a_link_and_with_a_dangling_one_are_counted_apart(count: Count) -> None:
    line = count(sql="INSERT INTO note VALUES (12, NULL), (13, NULL), (14, 99)")[
        "rows of nobody @ public.note (cluster c)"
    ]
    assert (line.state, line.count) == ("gap", 3)
    assert line.reasons == {"no link": 2, "dangling link": 1}
    assert str(line) == (
        "public.note (cluster c): rows that hang on no subject: 1 dangling link, 2 no link"
    )


def test_rows_of_people_who_are_no_subjects_of_the_kind_are_nobodys(count: Count) -> None:
    where = ('key: "Id %s"}', 'key: "Id %s", where: {column: test, is: "false"}}')
    lines = count(where, sql='UPDATE "Per.son" SET test = true WHERE "Id %s" = 2')
    assert lines['rows of nobody @ public."Per.son" (cluster c)'].count == 1
    assert lines["rows of nobody @ public.note (cluster c)"].reasons == {"dangling link": 1}


TWO_RULES = """
rules:
  r: {cluster: c, where: {column: kind, equals: a}, starting_point: {latest: [{column: énd}]}}
  q: {cluster: c, where: {column: kind, in: [b, c]}, starting_point: {latest: [{column: énd}]}}
"""


def test_rules_that_part_the_subjects_leave_no_gap(count: Count) -> None:
    rule = POLICY[POLICY.index("rules:") :]
    line = count((rule, TWO_RULES))["subjects and rules @ cluster c"]
    assert (line.state, line.says) == ("covered", "every subject is under exactly one rule")


def test_subjects_under_no_rule_and_under_two_are_counted(count: Count) -> None:
    rule = POLICY[POLICY.index("rules:") :]
    line = count(
        (rule, TWO_RULES.replace("[b, c]", "[a, c]")),
        sql="INSERT INTO \"Per.son\" VALUES (4, NULL), (5, 'z')",
    )["subjects and rules @ cluster c"]
    # 1 and 3 are under both; 2, 4 and 5 under none, NULL too.
    assert line.reasons == {"under no rule": 3, "under several rules": 2}
    assert line.state == "gap"


def test_subjects_that_are_groups_of_rows_are_counted_once(count: Count) -> None:
    policy = """
subjects: {visitor: {table: public.visit, key: cookie}}
clusters: {v: {subject: visitor}}
tables: {public.visit: {cluster: v, not_personal: [id, cookie, kind, day]}}
rules:
  r: {cluster: v, where: {column: kind, equals: a}, starting_point: {latest: [{column: day}]}}
  q: {cluster: v, where: {column: kind, equals: b}, starting_point: {latest: [{column: day}]}}
"""
    lines = count(
        (POLICY, policy),
        sql="""
        CREATE TABLE visit (id int PRIMARY KEY, cookie text, kind text, day date);
        INSERT INTO visit VALUES (1, 'x', 'a', now()), (2, 'x', 'a', now()), (3, 'y', 'a', now()),
            (4, 'y', 'b', now()), (5, 'z', 'c', now()), (6, NULL, 'a', now());
        """,
    )
    assert lines["subjects and rules @ cluster v"].reasons == {
        "under no rule": 1,
        "under several rules": 1,
    }
    assert lines["rows of nobody @ public.visit (cluster v)"].reasons == {"no link": 1}


PARTS = """
subjects:
  person: {table: 'public."Per.son"', key: "Id %s"}
  chat: {table: public.chat, key: id}
clusters: {c: {subject: person}, d: {subject: chat}}
tables:
  'public."Per.son"': {cluster: c, not_personal: ["Id %s", kind, énd, began, test]}
  public.chat:
    rows:
      - {cluster: c, where: {column: who, is: not null}, links: [{columns: who}]}
      - {cluster: d, where: {column: state, equals: open}}
    not_personal: [id, who, state]
"""


def test_rows_in_no_part_in_two_and_of_nobody_are_counted(count: Count) -> None:
    line = count(
        (POLICY, PARTS),
        sql="""
        CREATE TABLE chat (id int PRIMARY KEY, who int, state text);
        INSERT INTO chat VALUES (1, 1, 'x'), (2, NULL, 'open'), (3, 1, 'open'), (4, NULL, NULL),
            (5, 99, 'x'), (6, 99, 'open');
        """,
    )["rows and parts @ public.chat"]
    assert line.reasons == {"in no part": 1, "in several parts": 1, "of nobody": 1}


def test_clusters_without_a_period_are_counted_by_age_and_become_a_gap(count: Count) -> None:
    undecided = POLICY[: POLICY.index("rules:")]
    dated = undecided.replace("not_personal: [id,", "activity: day\n    not_personal: [day, id,")
    days = "(10, '2026-01-01'), (11, '2025-01-01'), (12, NULL)"
    sql = f"""
        ALTER TABLE note ADD day date;
        DELETE FROM note;
        INSERT INTO note (who, id, day) SELECT 1, * FROM (VALUES {days}) AS v (id, day)
    """.replace("'2026", "date '2026")
    line = count((POLICY, dated), sql=sql)["rows without a period @ public.note (cluster c)"]
    assert line.state == "undecided"
    assert line.reasons == {"age unknown": 1, "under 1 year": 1, "1 to 2 years": 1}
    line = count((POLICY, dated), sql="INSERT INTO note VALUES (20, 1, NULL, '2024-03-01')")[
        "rows without a period @ public.note (cluster c)"
    ]
    # Two years and a day ago: `undecided_after` is two years.
    assert line.state == "gap"
    assert line.reasons["2 to 5 years, overdue"] == 1
    line = count((POLICY, dated), sql="UPDATE note SET day = '2024-03-02' WHERE id = 20")[
        "rows without a period @ public.note (cluster c)"
    ]
    assert line.state == "undecided"


def test_a_shared_row_is_nobodys_only_when_all_its_links_dangle(count: Count) -> None:
    policy = POLICY.replace(
        "links: [{columns: who,",
        "links: [{columns: other}, {columns: who,",
    ).replace("[id, who, body]", "[id, who, body, other]")
    line = count(
        (POLICY, policy),
        sql="""
        ALTER TABLE note ADD other int;
        INSERT INTO note (id, who, other) VALUES (20, 99, 1), (21, 99, 98), (22, NULL, NULL);
        """,
    )["rows of nobody @ public.note (cluster c)"]
    assert line.reasons == {"dangling link": 1, "no link": 1}


def test_examples_are_tokens_and_only_with_a_key(count: Count) -> None:
    sql = "INSERT INTO note SELECT n, NULL FROM generate_series(20, 29) AS n"
    line = count(sql=sql)["rows of nobody @ public.note (cluster c)"]
    assert line.examples == ()
    tokens = Tokens(b"k" * 32, uuid4())
    line = count(tokens=tokens)["rows of nobody @ public.note (cluster c)"]
    all_tokens = {
        token.hex()[:16]
        for token in tokens.many("public.note", "row", [[str(n)] for n in range(30)])
    }
    assert len(set(line.examples)) == 3
    assert set(line.examples) <= all_tokens


def test_one_table_that_may_not_be_read_does_not_stop_the_others(
    count: Count, warehouse: extensions.connection
) -> None:
    role = f"reader_{uuid4().hex}"
    with warehouse.cursor() as cursor:
        cursor.execute(f'CREATE ROLE {role}; GRANT SELECT ON "Per.son" TO {role}; SET ROLE {role}')
        try:
            lines = count()
        finally:
            cursor.execute(f"RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")
    line = lines["rows of nobody @ public.note (cluster c)"]
    assert (line.state, line.note) == ("not counted", "SQLSTATE 42501, no right on table note")
    assert lines['rows of nobody @ public."Per.son" (cluster c)'].state == "covered"


def test_contradictory_and_implausible_dates_are_undecided(count: Count) -> None:
    rule = POLICY[POLICY.index("rules:") :]
    point = "latest: [{column: énd, optional: true}], not_before: {column: began, optional: true}"
    changed = f"rules:\n  r: {{cluster: c, starting_point: {{{point}}}}}\n"
    line = count(
        (rule, changed),
        sql="""
        INSERT INTO "Per.son" VALUES (4, 'a', '1970-01-01', NULL),
            (5, 'a', '2001-01-01', '2002-01-01')
        """,
    )["starting points @ rule r"]
    assert line.reasons == {
        "contradictory dates": 1,
        "implausible date": 1,
        "no starting point": 1,
    }


def test_a_hundred_thousand_rows_are_proved_in_a_moment(
    count: Count, warehouse: extensions.connection
) -> None:
    import time

    with warehouse.cursor() as cursor:
        cursor.execute(
            "INSERT INTO \"Per.son\" SELECT n, 'a', '2020-01-01' FROM generate_series(10, 50000) n;"
            "INSERT INTO note SELECT n, 10 + n % 49990 FROM generate_series(100, 100000) n;"
            "ANALYZE"
        )
    started = time.monotonic()
    lines = count()
    assert lines["rows of nobody @ public.note (cluster c)"].state == "covered"
    assert time.monotonic() - started < 5


def test_rows_that_the_policy_keeps_without_their_link_are_no_rows_of_nobody(count: Count) -> None:
    kept = (
        'links: [{columns: who, to: \'public."Per.son"\', references: "Id %s"}]',
        'links: [{columns: who, to: \'public."Per.son"\', references: "Id %s",'
        " when_gone: unlink}]\n    when_due: {do: keep, because: figures}",
    )
    cut = "UPDATE note SET who = NULL WHERE id = 10"
    assert count(kept, sql=cut)[NOTES].state == "covered"
    dangling = count(kept, sql="UPDATE note SET who = 99 WHERE id = 11")
    assert dangling[NOTES].reasons == {"dangling link": 1}
    assert count(sql=cut)[NOTES].reasons["no link"] == 1
