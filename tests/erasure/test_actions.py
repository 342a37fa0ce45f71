"""What becomes of rows that stay: skeletons, blanked and replaced columns; and default deny."""

from __future__ import annotations

from datetime import date

import pytest
from lethe.errors import PolicyError

from tests.kit import MakeKit

RULES = """
subjects: {person: {table: public.person, key: id, identifiers: {mail: mail}}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
"""
SHOP = """
CREATE TABLE person (id int PRIMARY KEY, name text, ended_on date,
                     mail text NOT NULL UNIQUE CHECK (mail LIKE '%@%'));
CREATE TABLE invoice (id int PRIMARY KEY, person_id int REFERENCES person, payer text, total int);
CREATE TABLE credit (id int, invoice_id int REFERENCES invoice);
CREATE TABLE note (id int, person_id int REFERENCES person ON DELETE CASCADE);
INSERT INTO person VALUES (1, 'A', '2020-01-01', 'a@x.invalid'),
    (2, 'B', '2020-01-01', 'b@x.invalid'), (3, 'C', '2026-01-01', 'c@x.invalid');
INSERT INTO invoice VALUES (10, 1, 'A', 5), (30, 3, 'C', 7), (11, 1, 'A', 6);
INSERT INTO note VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO credit VALUES (100, 11);
"""
PERSON = """
  public.person:
    cluster: c
    columns: {name: name, mail: identifier}
    not_personal: [id, ended_on]
    when_due: {do: skeleton, replace: {mail: "gone-{token}@x.invalid"}}
"""


def test_a_subject_whom_a_kept_row_needs_stays_as_a_skeleton_and_is_not_due_again(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        SHOP,
        RULES
        + "tables:"
        + PERSON
        + """
  public.invoice:
    cluster: c
    columns: {payer: name}
    not_personal: [id, person_id, total]
    when_due: {do: keep, blank: [payer], because: the books need it}
  public.credit: {not_personal: [id, invoice_id]}
  public.note: {cluster: c, columns: {person_id: key, id: key}}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 2}
    assert run.state == "done"
    rows = kit.execute("SELECT id, name, mail LIKE 'gone-%@x.invalid' FROM person ORDER BY 1")
    assert rows == [(1, None, True), (3, "C", False)]
    assert kit.execute("SELECT id, payer, total FROM invoice ORDER BY 1") == [
        (10, None, 5),
        (11, None, 6),
        (30, "C", 7),
    ]
    assert kit.ids("note") == [3]
    assert kit.outcome(kit.sweep()) == {}
    kit.execute("UPDATE person SET ended_on = '2026-06-15', name = 'back' WHERE id = 1")
    assert kit.plan()["r"].get("not yet due") == 2


def test_rows_that_are_kept_for_ever_are_blanked_and_let_go_of_whom_they_name(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        SHOP,
        RULES
        + """
tables:
  public.person: {cluster: c, columns: {name: name, mail: identifier}, not_personal: [id, ended_on]}
  public.invoice:
    cluster: c
    columns: {payer: name, person_id: key}
    not_personal: [id, total]
    when_due:
      do: keep
      blank: [person_id]
      replace: {payer: "(erased)"}
      because: the books need it
  public.credit: {not_personal: [id, invoice_id]}
  public.note: {cluster: c}
""",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 2}
    assert kit.ids("person") == [3]
    assert kit.execute("SELECT id, person_id, payer FROM invoice ORDER BY 1") == [
        (10, None, "(erased)"),
        (11, None, "(erased)"),
        (30, 3, "C"),
    ]


def test_kept_rows_are_blanked_before_an_unlink_takes_their_way(make_kit: MakeKit) -> None:
    kit = make_kit(
        SHOP,
        RULES
        + """
tables:
  public.person: {cluster: c, columns: {name: name, mail: identifier}, not_personal: [id, ended_on]}
  public.invoice:
    cluster: c
    columns: {payer: name}
    not_personal: [id, total, person_id]
    links: [{columns: person_id, to: public.person, when_gone: unlink}]
    when_due: {do: keep, blank: [payer], because: the books need it}
  public.credit: {not_personal: [id, invoice_id]}
  public.note: {cluster: c}
""",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 2}
    assert kit.execute("SELECT id, person_id, payer FROM invoice ORDER BY 1") == [
        (10, None, None),
        (11, None, None),
        (30, 3, "C"),
    ]


def test_a_skeleton_deeper_down_stays_only_where_a_row_references_it(make_kit: MakeKit) -> None:
    kit = make_kit(
        SHOP,
        RULES
        + "tables:"
        + PERSON
        + """
  public.invoice:
    cluster: c
    columns: {payer: name}
    not_personal: [id, person_id, total]
    when_due: skeleton
  public.credit: {not_personal: [id, invoice_id]}
  public.note: {cluster: c}
""",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 2}
    assert kit.execute("SELECT id, payer FROM invoice ORDER BY 1") == [(11, None), (30, "C")]
    assert kit.ids("person") == [1, 3]


def test_a_check_that_refuses_the_blanked_value_sets_that_subject_aside(make_kit: MakeKit) -> None:
    kit = make_kit(
        SHOP + "ALTER TABLE invoice ADD CHECK (payer IS NOT NULL OR id <> 10);",
        RULES
        + "tables:"
        + PERSON
        + """
  public.invoice:
    cluster: c
    columns: {payer: name}
    not_personal: [id, person_id, total]
    when_due: {do: keep, blank: [payer], because: the books need it}
  public.credit: {not_personal: [id, invoice_id]}
  public.note: {cluster: c}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {
        "erased": 1,
        "SQLSTATE 23514, table public.invoice, constraint invoice_check": 1,
    }
    assert kit.ids("person") == [1, 3]
    assert kit.ids("note") == [1, 3]


def test_an_unclassified_column_stops_blanking_its_rows_but_not_erasing_whole_ones(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        SHOP + "ALTER TABLE invoice ADD COLUMN remark text; ALTER TABLE note ADD COLUMN text text;",
        RULES
        + "tables:"
        + PERSON
        + """
  public.invoice:
    cluster: c
    columns: {payer: name}
    not_personal: [id, person_id, total]
    when_due: {do: keep, blank: [payer], because: the books need it}
  public.credit: {not_personal: [id, invoice_id]}
  public.note: {cluster: c}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1, "unclassified column in public.invoice": 1}
    assert kit.ids("person") == [1, 3]
    assert kit.ids("note") == [1, 3]
    assert kit.execute("SELECT payer FROM invoice WHERE id = 10") == [("A",)]


def test_an_unclassified_column_of_a_skeleton_stops_only_whom_a_row_keeps(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        SHOP + "ALTER TABLE person ADD COLUMN remark text;",
        RULES
        + "tables:"
        + PERSON
        + """
  public.invoice: {not_personal: [id, person_id, total, payer]}
  public.credit: {not_personal: [id, invoice_id]}
  public.note: {cluster: c}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1, "unclassified column in public.person": 1}
    assert kit.execute("SELECT id, name FROM person ORDER BY 1") == [(1, "A"), (3, "C")]


def test_one_cluster_of_a_person_ends_while_the_person_lives_on(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, name text, ended_on date);
        CREATE TABLE consent (id int, person_id int REFERENCES person, left_on date);
        INSERT INTO person VALUES (1, 'A', '2026-01-01'), (2, 'B', '2026-01-01');
        INSERT INTO consent VALUES (1, 1, '2020-01-01'), (2, 2, '2026-01-01');
        """,
        """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}, news: {subject: person}}
rules:
  r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}
  n: {cluster: news, starting_point: {latest: [{table: public.consent, column: left_on}]}}
tables: {public.person: {cluster: c}, public.consent: {cluster: news}}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run, "n") == {"erased": 1}
    assert (kit.ids("person"), kit.ids("consent")) == ([1, 2], [2])
    kit.execute("INSERT INTO consent VALUES (3, 1, '2020-02-01')")
    assert kit.outcome(kit.sweep(), "n") == {"erased": 1}


def test_planned_locked_and_deleted_rows_are_the_same_table_by_table(make_kit: MakeKit) -> None:
    kit = make_kit(
        SHOP.replace("INSERT INTO credit VALUES (100, 11);", ""),
        RULES
        + """
tables:
  public.person: {cluster: c}
  public.invoice: {cluster: c}
  public.credit: {not_personal: [id, invoice_id]}
  public.note: {cluster: c}
""",
    )
    kit.sweep()
    rows = kit.execute(
        "SELECT table_name, planned, locked, deleted FROM lethe.plan_table ORDER BY 1"
    )
    assert rows == [
        ("public.invoice", 2, 2, 2),
        ("public.note", 2, 2, 2),
        ("public.person", 2, 2, 2),
    ]


def test_a_subject_whose_own_row_is_kept_as_it_is_is_due_once(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, name text, ended_on date);
        CREATE TABLE note (id int, person_id int REFERENCES person);
        INSERT INTO person VALUES (1, 'a', '2020-01-01');
        INSERT INTO note VALUES (1, 1);
        """,
        """
        subjects: {person: {table: public.person, key: id}}
        clusters: {c: {subject: person}}
        rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
        tables:
          public.person:
            cluster: c
            columns: {name: name}
            not_personal: [id, ended_on]
            when_due: {do: keep, because: the books need it}
          public.note: {cluster: c}
        """,
    )
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    assert kit.ids("note") == []
    assert kit.outcome(kit.sweep(date(2026, 6, 2))) == {}
    kit.execute("INSERT INTO note VALUES (2, 1)")
    assert kit.outcome(kit.sweep(date(2026, 6, 3))) == {"erased": 1}
    assert kit.ids("note") == []
    assert kit.outcome(kit.sweep(date(2026, 6, 4))) == {}


def test_a_rule_that_would_erase_nothing_is_a_fault(make_kit: MakeKit) -> None:
    with pytest.raises(PolicyError, match="its rules would erase nobody"):
        make_kit(
            "CREATE TABLE person (id int PRIMARY KEY, name text, ended_on date)",
            """
            subjects: {person: {table: public.person, key: id}}
            clusters: {c: {subject: person}}
            rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
            tables: {public.person: {cluster: c, when_due: {do: keep, because: x}}}
            """,
        ).plan()


def test_a_skeleton_that_is_filled_again_is_told_until_a_newer_day_says_who_it_is(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, name text, ended_on date);
        CREATE TABLE invoice (id int PRIMARY KEY, person_id int REFERENCES person);
        INSERT INTO person VALUES (1, 'a', '2020-01-01'), (2, 'b', '2020-01-01');
        INSERT INTO invoice VALUES (10, 1), (20, 2);
        """,
        """
        subjects: {person: {table: public.person, key: id}}
        clusters: {c: {subject: person}}
        rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
        tables:
          public.person:
            cluster: c
            columns: {name: name}
            not_personal: [id, ended_on]
            when_due: skeleton
        """,
    )
    assert kit.outcome(kit.sweep()) == {"erased": 2}
    assert kit.outcome(kit.sweep(date(2026, 6, 2))) == {}
    kit.execute("UPDATE person SET name = 'back again' WHERE id = 2")
    assert kit.outcome(kit.sweep(date(2026, 6, 3))) == {"refused: filled again": 1}
    assert kit.execute("SELECT id, name FROM person ORDER BY id") == [
        (1, None),
        (2, "back again"),
    ]
    kit.execute("UPDATE person SET ended_on = '2026-06-02' WHERE id = 2")
    assert kit.plan(date(2026, 6, 4))["r"] == {"not yet due": 1}
    assert kit.plan(date(2029, 6, 4))["r"] == {"due": 1}


def test_who_is_kept_without_the_personal_columns_is_passed_over_only_as_long_as_they_are_gone(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, email text, phone text, login text NOT NULL UNIQUE,
                             score numeric(6,2), ended_on date);
        INSERT INTO person SELECT n, 'e', 'p', 'l_' || n, 7.5, '2020-01-01'
        FROM generate_series(1, 5) AS n;
        """,
        """
        subjects: {person: {table: public.person, key: id}}
        clusters: {c: {subject: person}}
        rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
        tables:
          public.person:
            cluster: c
            columns: {email: contact, phone: contact, login: identifier, score: behaviour}
            not_personal: [id, ended_on]
            when_due:
              do: keep
              because: the books need it
              blank: [email]
              replace: {phone: gone, login: "gone_{token}", score: "0"}
        """,
    )
    assert kit.outcome(kit.sweep()) == {"erased": 5}
    assert kit.plan(date(2026, 6, 2))["r"] == {}
    kit.execute("UPDATE person SET email = 'e' WHERE id = 1")
    kit.execute("UPDATE person SET phone = 'p' WHERE id = 2")
    kit.execute("UPDATE person SET login = 'gone_l' WHERE id = 3")
    kit.execute("UPDATE person SET score = 7 WHERE id = 4")
    assert kit.plan(date(2026, 6, 2))["r"] == {"refused: filled again": 4}
