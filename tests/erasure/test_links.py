"""Which rows go with a subject: keys of every shape, links of every kind."""

from __future__ import annotations

import pytest

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


def test_a_composite_foreign_key_across_schemas_leads_home(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE SCHEMA a; CREATE SCHEMA b;
        CREATE TABLE person (id int PRIMARY KEY, ended_on date);
        CREATE TABLE a.basket (shop int, nr text, person_id int REFERENCES person,
                               PRIMARY KEY (shop, nr));
        CREATE TABLE b.line (id int, nr text, shop int, FOREIGN KEY (nr, shop)
                             REFERENCES a.basket (nr, shop) ON DELETE CASCADE);
        """.replace("PRIMARY KEY (shop, nr));", "PRIMARY KEY (shop, nr), UNIQUE (nr, shop));")
        + """
        INSERT INTO person VALUES (1, '2020-01-01'), (2, '2026-01-01');
        INSERT INTO a.basket VALUES (7, 'x', 1), (8, 'x', 2), (7, 'y', 2);
        INSERT INTO b.line VALUES (1, 'x', 7), (2, 'x', 8), (3, 'y', 7);
        """,
        PEOPLE
        + """
tables:
  public.person: {cluster: c}
  a.basket: {cluster: c}
  b.line: {cluster: c}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1}
    assert kit.ids("b.line") == [2, 3]
    assert run.summary["rules"][0]["tables"]["b.line"]["deleted"] == 1


def test_a_partitioned_table_is_erased_as_one_also_where_others_reference_it(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, ended_on date);
        CREATE TABLE basket (id int, day date, person_id int NOT NULL REFERENCES person,
                             PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE basket_old PARTITION OF basket
            FOR VALUES FROM ('2000-01-01') TO ('2019-01-01');
        CREATE TABLE basket_rest PARTITION OF basket DEFAULT;
        CREATE TABLE line (id int, basket_id int, day date,
                           FOREIGN KEY (basket_id, day) REFERENCES basket (id, day));
        INSERT INTO person VALUES (1, '2020-01-01'), (2, '2026-01-01');
        INSERT INTO basket VALUES (10, '2018-01-01', 1), (10, '2019-06-01', 1),
            (20, '2018-01-01', 2);
        INSERT INTO line VALUES (1, 10, '2018-01-01'), (2, 10, '2019-06-01'), (3, 20, '2018-01-01');
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
    assert kit.outcome(run) == {"erased": 1}
    assert (kit.ids("basket"), kit.ids("line")) == ([20], [3])


def test_a_partitioned_table_of_subjects_works_as_any_other(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int, land text, ended_on date, PRIMARY KEY (id, land))
            PARTITION BY LIST (land);
        CREATE TABLE person_lu PARTITION OF person FOR VALUES IN ('LU');
        CREATE TABLE person_fr PARTITION OF person FOR VALUES IN ('FR');
        CREATE TABLE note (id int, person_id int, land text,
                           FOREIGN KEY (person_id, land) REFERENCES person);
        INSERT INTO person VALUES (1, 'LU', '2020-01-01'), (1, 'FR', '2026-01-01');
        INSERT INTO note VALUES (1, 1, 'LU'), (2, 1, 'FR');
        """,
        PEOPLE.replace("key: id", "key: [id, land]")
        + "tables: {public.person: {cluster: c}, public.note: {cluster: c}}\n",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    assert kit.ids("person", "land") == ["FR"]
    assert kit.ids("note") == [2]


def test_rows_of_a_table_that_inherits_are_erased_as_rows_of_their_own_table(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, ended_on date);
        CREATE TABLE note (id int, person_id int);
        CREATE TABLE loud_note (volume int) INHERITS (note);
        CREATE TABLE kept_note () INHERITS (note);
        INSERT INTO person VALUES (1, '2020-01-01'), (2, '2026-01-01');
        INSERT INTO note VALUES (1, 1), (2, 2);
        INSERT INTO loud_note VALUES (3, 1, 9), (4, 2, 9);
        INSERT INTO kept_note VALUES (5, 1);
        """,
        PEOPLE
        + """
tables:
  public.person: {cluster: c}
  public.note: {cluster: c, links: [{columns: person_id}]}
  public.loud_note: {cluster: c, links: [{columns: person_id}]}
  public.kept_note: {}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1}
    assert kit.execute("SELECT id FROM ONLY note ORDER BY 1") == [(2,)]
    assert kit.ids("loud_note") == [4]
    assert kit.ids("kept_note") == [5]


def test_generated_and_identity_columns_do_not_stand_in_the_way(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text,
            loud text GENERATED ALWAYS AS (upper(name)) STORED, ended_on date);
        CREATE TABLE note (id bigint GENERATED BY DEFAULT AS IDENTITY, person_id bigint
            REFERENCES person);
        INSERT INTO person (name, ended_on) VALUES ('a', '2020-01-01'), ('b', '2026-01-01');
        INSERT INTO note (person_id) VALUES (1), (2);
        """,
        PEOPLE + "tables: {public.person: {cluster: c}, public.note: {cluster: c}}\n",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    assert kit.ids("note", "person_id") == [2]


def test_rows_below_a_link_that_nobody_declared_go_and_late_ones_go_at_the_read_back(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, mail text, ended_on date);
        CREATE TABLE click (id int, who int);
        CREATE TABLE letter (id int PRIMARY KEY, address text);
        INSERT INTO person VALUES (1, 'A@x.invalid', '2020-01-01'),
            (2, 'b@x.invalid', '2026-01-01');
        INSERT INTO click VALUES (1, 1), (2, 2), (3, 99);
        INSERT INTO letter VALUES (1, 'a@X.invalid'), (2, 'b@x.invalid'), (3, NULL);
        CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO click VALUES (100, OLD.id); RETURN NULL; END $$;
        CREATE TRIGGER late AFTER DELETE ON person FOR EACH ROW EXECUTE FUNCTION late();
        GRANT INSERT ON click TO lethe_runner;
        """,
        PEOPLE
        + """
tables:
  public.person: {cluster: c}
  public.click: {cluster: c, links: [{columns: who, to: public.person, references: id}]}
  public.letter:
    cluster: c
    links: [{columns: address, to: public.person, references: mail, match: lower}]
warehouse:
  answers:
    - {kind: trigger, name: public.person.late, answer: ignore, because: it is the test}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1}
    assert kit.ids("click") == [2, 3]
    assert kit.ids("letter") == [2, 3]
    assert run.summary["rules"][0]["late"] == {"public.click": 1}


def test_rows_are_found_along_a_way_that_nobody_declared_before_what_stands_on_it_goes(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        """
        CREATE TABLE a_person (id int PRIMARY KEY, ended_on date);
        CREATE TABLE b_session (id int PRIMARY KEY, who int);
        CREATE TABLE z_click (id int, session int);
        INSERT INTO a_person VALUES (1, '2020-01-01'), (2, '2026-01-01');
        INSERT INTO b_session VALUES (10, 1), (20, 2);
        INSERT INTO z_click VALUES (100, 10), (101, 10), (200, 20);
        """,
        PEOPLE.replace("public.person", "public.a_person")
        + """
tables:
  public.a_person: {cluster: c}
  public.b_session: {cluster: c, links: [{columns: who, to: public.a_person, references: id}]}
  public.z_click: {cluster: c, links: [{columns: session, to: public.b_session, references: id}]}
""",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    assert (kit.ids("b_session"), kit.ids("z_click")) == ([20], [200])


def test_parts_of_a_table_end_each_in_its_own_cluster(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, ended_on date);
        CREATE TABLE message (id int, sort text, sent_on date, person_id int REFERENCES person);
        INSERT INTO person VALUES (1, '2020-01-01'), (2, '2020-01-01'), (3, '2026-01-01');
        INSERT INTO message VALUES (1, 'chat', '2019-01-01', 1), (2, 'bill', '2019-01-01', 2),
            (3, 'chat', '2019-01-01', 3), (4, 'bill', '2010-01-01', 3),
            (5, 'bill', '2019-01-01', 3);
        """,
        """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}, bills: {subject: person}}
rules:
  r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}
  b:
    cluster: bills
    period: P10Y
    starting_point: {latest: [{table: public.message, column: sent_on}]}
tables:
  public.person: {cluster: c}
  public.message:
    rows:
      - {cluster: bills, where: [{column: sort, equals: bill}]}
      - {cluster: c, where: [{column: sort, not_equals: bill}]}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run, "r") == {"erased": 1, "still referenced by public.message": 1}
    assert kit.outcome(run, "b") == {}
    assert kit.ids("person") == [2, 3]
    assert kit.ids("message") == [2, 3, 4, 5]


@pytest.mark.parametrize("reaction", ["", "ON DELETE RESTRICT", "ON DELETE CASCADE"])
def test_a_row_of_somebody_who_stays_keeps_the_row_that_it_points_at_with_a_reason(
    make_kit: MakeKit, reaction: str
) -> None:
    kit = make_kit(
        f"""
        CREATE TABLE person (id int PRIMARY KEY, ended_on date);
        CREATE TABLE basket (id int PRIMARY KEY, person int REFERENCES person);
        CREATE TABLE line (id int PRIMARY KEY, basket int REFERENCES basket,
                           gift_for int REFERENCES basket {reaction});
        INSERT INTO person VALUES (1, '2020-01-01'), (2, '2026-05-01'), (3, '2020-01-01');
        INSERT INTO basket SELECT i, i FROM generate_series(1, 3) AS i;
        INSERT INTO line VALUES (1, 1, 1), (2, 2, 1), (3, 3, 3);
        """,
        """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.person: {cluster: c}
  public.basket: {cluster: c}
  public.line:
    cluster: c
    links: [{columns: basket}, {columns: gift_for, role: reference}]
""",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 1, "still referenced by public.line": 1}
    assert (kit.ids("person"), kit.ids("line")) == ([1, 2], [1, 2])
