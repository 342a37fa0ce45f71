"""References that turn back: to the same table, or in a circle."""

from __future__ import annotations

import pytest
from lethe.erasure.check import require_plannable
from lethe.errors import PolicyError

from tests.kit import MakeKit

STAFF = """
CREATE TABLE employee (id int PRIMARY KEY, left_on date, manager int REFERENCES employee REACTION);
INSERT INTO employee VALUES (1, '2020-01-01', NULL), (2, '2026-01-01', 1), (3, '2020-01-01', 2),
                            (4, '2020-01-01', 3), (5, '2020-01-01', 5);
"""
STAFF_POLICY = """
subjects: {employee: {table: public.employee, key: id}}
clusters: {c: {subject: employee}}
rules: {r: {cluster: c, starting_point: {latest: [{column: left_on}]}}}
tables:
  public.employee: {cluster: c, links: [LINK]}
guards: {batches: {subjects: BATCH}}
"""


@pytest.mark.parametrize("reaction", ["", "ON DELETE RESTRICT", "ON DELETE CASCADE"])
@pytest.mark.parametrize("batch", [1, 100])
def test_who_stays_loses_the_link_to_a_manager_who_goes(
    make_kit: MakeKit, reaction: str, batch: int
) -> None:
    link = "{columns: manager, to: public.employee, role: reference, when_gone: unlink}"
    kit = make_kit(
        STAFF.replace("REACTION", reaction),
        STAFF_POLICY.replace("LINK", link).replace("BATCH", str(batch)),
    )
    assert kit.outcome(kit.sweep()) == {"erased": 4}
    assert kit.execute("SELECT id, manager FROM employee") == [(2, None)]


@pytest.mark.parametrize(
    "reaction", ["", "ON DELETE RESTRICT", "ON DELETE CASCADE", "ON DELETE SET NULL"]
)
@pytest.mark.parametrize("batch", [1, 100])
def test_a_manager_of_somebody_who_stays_is_skipped_with_a_reason_if_nothing_is_said(
    make_kit: MakeKit, reaction: str, batch: int
) -> None:
    link = "{columns: manager, to: public.employee, role: reference}"
    kit = make_kit(
        STAFF.replace("REACTION", reaction),
        STAFF_POLICY.replace("LINK", link).replace("BATCH", str(batch)),
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 3, "still referenced by public.employee": 1}
    assert kit.execute("SELECT id, manager FROM employee ORDER BY 1") == [(1, None), (2, 1)]


CIRCLE = """
CREATE TABLE account (id int PRIMARY KEY, ended_on date, main_contact int NULLS);
CREATE TABLE contact (id int PRIMARY KEY, account_id int CHILD REFERENCES account);
ALTER TABLE account ADD CONSTRAINT main FOREIGN KEY (main_contact) REFERENCES contact TIMING;
"""
CIRCLE_DATA = """
BEGIN; SET CONSTRAINTS ALL DEFERRED;
ALTER TABLE account DISABLE TRIGGER ALL;
INSERT INTO account VALUES (1, '2020-01-01', 10), (2, '2026-01-01', 20);
INSERT INTO contact VALUES (10, 1), (11, 1), (20, 2), (21, 2);
ALTER TABLE account ENABLE TRIGGER ALL;
COMMIT;
"""
CIRCLE_POLICY = """
subjects: {account: {table: public.account, key: id}}
clusters: {c: {subject: account}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.account: {cluster: c}
  public.contact: {cluster: c}
"""


@pytest.mark.parametrize(
    ("nulls", "child", "timing"),
    [
        ("", "", ""),
        ("", "NOT NULL", ""),
        ("NOT NULL", "", "DEFERRABLE"),
        ("NOT NULL", "NOT NULL", "DEFERRABLE INITIALLY DEFERRED"),
        ("", "", "ON DELETE CASCADE"),
    ],
)
def test_a_circle_is_opened_where_it_can_be_and_never_on_the_way_home(
    make_kit: MakeKit, nulls: str, child: str, timing: str
) -> None:
    ddl = CIRCLE.replace("NULLS", nulls).replace("CHILD", child).replace("TIMING", timing)
    kit = make_kit(ddl + CIRCLE_DATA.replace("BEGIN;", "").replace("COMMIT;", ""), CIRCLE_POLICY)
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    assert (kit.ids("account"), kit.ids("contact")) == ([2], [20, 21])


@pytest.mark.parametrize("child", ["", "NOT NULL"])
@pytest.mark.parametrize("reaction", ["", "ON DELETE RESTRICT", "ON DELETE CASCADE"])
@pytest.mark.parametrize("batch", [1, 100])
def test_a_circle_that_nothing_opens_goes_in_one_statement_with_counts_by_table(
    make_kit: MakeKit, child: str, reaction: str, batch: int
) -> None:
    ddl = CIRCLE.replace("NULLS", "NOT NULL").replace("CHILD", child).replace("TIMING", reaction)
    kit = make_kit(
        ddl + CIRCLE_DATA.replace("BEGIN;", "").replace("COMMIT;", ""),
        CIRCLE_POLICY + f"guards: {{batches: {{subjects: {batch}}}}}",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1}
    assert (kit.ids("account"), kit.ids("contact")) == ([2], [20, 21])
    tables = run.summary["rules"][0]["tables"]
    assert {table: counts["deleted"] for table, counts in tables.items()} == {
        "public.account": 1,
        "public.contact": 2,
    }


THREE = """
CREATE TABLE a (x int, y text, ended_on date, c int NOT NULL, PRIMARY KEY (x, y));
CREATE TABLE b (id int PRIMARY KEY, ax int NOT NULL, ay text NOT NULL,
                FOREIGN KEY (ax, ay) REFERENCES a, twin int NOT NULL REFERENCES b);
CREATE TABLE c (id int PRIMARY KEY, b int NOT NULL REFERENCES b, seen_on date);
CREATE TABLE leaf (id int PRIMARY KEY, c int NOT NULL REFERENCES c);
INSERT INTO a SELECT i, 'y' || i, '2020-01-01', i FROM generate_series(1, 4) AS i;
INSERT INTO b SELECT i, i, 'y' || i, i FROM generate_series(1, 4) AS i;
INSERT INTO c SELECT i, i, '2019-01-01' FROM generate_series(1, 4) AS i;
INSERT INTO leaf SELECT i, (i + 1) / 2 FROM generate_series(1, 8) AS i;
ALTER TABLE a ADD FOREIGN KEY (c) REFERENCES c;
"""
THREE_POLICY = """
subjects: {a: {table: public.a, key: [x, y]}}
clusters: {k: {subject: a}}
rules: {r: {cluster: k, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.a: {cluster: k, links: [{columns: c, to: public.c, role: reference}]}
  public.b: {cluster: k, links: [{columns: twin, to: public.b, role: reference}]}
  public.c: {cluster: k, activity: seen_on}
  public.leaf: {cluster: k}
"""


@pytest.mark.parametrize(
    ("change", "left", "outcome"),
    [
        ("UPDATE a SET ended_on = '2026-05-01' WHERE x = 2", [2], {"erased": 3}),
        ("UPDATE c SET seen_on = '2026-05-01' WHERE id = 2", [2], {"erased": 3, "newer rows": 1}),
        ("UPDATE b SET twin = 3 WHERE id = 2; UPDATE a SET ended_on = now() WHERE x = 2", [2, 3],
         {"erased": 2, "still referenced by public.b": 1}),
        ("UPDATE b SET twin = 3 WHERE id = 2", [], {"erased": 4}),
    ],
)  # fmt: skip
def test_a_circle_of_three_with_composite_keys_and_a_reference_to_itself(
    make_kit: MakeKit, change: str, left: list[int], outcome: dict[str, int]
) -> None:
    kit = make_kit(THREE + change, THREE_POLICY)
    run = kit.sweep()
    assert kit.outcome(run) == outcome
    found = [kit.ids(table, column) for table, column in (("a", "x"), ("b", "id"), ("c", "id"))]
    assert found == [left, left, left]
    assert kit.ids("leaf", "c") == sorted(left * 2)


def test_a_row_of_a_circle_that_becomes_newer_while_its_batch_is_at_work_stops_its_subject(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(THREE, THREE_POLICY)
    kit.execute(
        """
        CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
            UPDATE public.c SET seen_on = '2026-05-01' WHERE id = 2; RETURN NULL;
        END $$;
        CREATE TRIGGER late AFTER DELETE ON leaf FOR EACH STATEMENT EXECUTE FUNCTION late();
        """
    )
    kit.sweep()
    assert kit.ids("a", "x") == [2]


def test_a_circle_in_which_rows_stay_is_a_fault_with_the_names_of_its_tables(
    make_kit: MakeKit,
) -> None:
    ddl = CIRCLE.replace("NULLS", "NOT NULL").replace("CHILD", "").replace("TIMING", "")
    kit = make_kit(
        ddl,
        CIRCLE_POLICY.replace("contact: {cluster: c", "contact: {cluster: c, when_due: skeleton"),
    )
    with kit.site.connected("owner") as connection, pytest.raises(PolicyError) as error:
        require_plannable(connection, kit.loaded)
    assert "public.account" in str(error.value)
    assert "public.contact" in str(error.value)
    assert "circle" in str(error.value)
