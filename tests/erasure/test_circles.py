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


def test_a_circle_that_nothing_can_open_is_a_fault_with_the_names_of_its_tables(
    make_kit: MakeKit,
) -> None:
    ddl = CIRCLE.replace("NULLS", "NOT NULL").replace("CHILD", "").replace("TIMING", "")
    kit = make_kit(ddl, CIRCLE_POLICY)
    with kit.site.connected("owner") as connection, pytest.raises(PolicyError) as error:
        require_plannable(connection, kit.loaded)
    assert "public.account" in str(error.value)
    assert "public.contact" in str(error.value)
    assert "circle" in str(error.value)
