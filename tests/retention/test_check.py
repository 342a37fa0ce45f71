"""A policy that the warehouse does not bear out: every fault is named, nothing breaks."""

from __future__ import annotations

import pytest
from lethe.retention.check import CheckReport, check_policy

from tests.kit import TODAY, Kit, MakeKit

DDL = """
CREATE TABLE account (id int PRIMARY KEY, email text, country text);
CREATE TABLE service (id int PRIMARY KEY, account_id int REFERENCES account, ends_on date);
CREATE TABLE basket (id int PRIMARY KEY, account_id int REFERENCES account, state text);
CREATE TABLE line (id int PRIMARY KEY, basket_id int REFERENCES basket, added_on date);
CREATE TABLE click (id int PRIMARY KEY, account_id int);
CREATE TABLE visit (id int PRIMARY KEY, seen_on date);
"""
POLICY = """
subjects:
  account: {table: public.account, key: id, identifiers: {email: email}, country: country}
  visit: {table: public.visit, key: id}
clusters: {c: {subject: account}, v: {subject: visit}}
rules:
  r:
    cluster: c
    at_least: {LU: {period: P3Y, law: Code art. 1}}
    starting_point: {latest: [{table: public.service, column: ends_on}]}
  s: {cluster: v, starting_point: {latest: [{table: public.visit, column: seen_on}]}}
tables:
  public.account: {cluster: c}
  public.service: {cluster: c}
  public.basket: {cluster: c}
  public.line: {cluster: c, activity: added_on}
  public.click: {cluster: c, links: [{columns: account_id, to: public.account, references: id}]}
  public.visit: {cluster: v, drop_partitions: true}
"""
BREAKS = [
    *(f"DROP TABLE {name} CASCADE" for name in ("account", "service", "basket", "line")),
    *(f"DROP TABLE {name} CASCADE" for name in ("click", "visit")),
    "ALTER TABLE account RENAME COLUMN id TO number",
    "ALTER TABLE account RENAME COLUMN email TO mail",
    "ALTER TABLE account RENAME COLUMN country TO land",
    "ALTER TABLE service RENAME COLUMN ends_on TO ended",
    "ALTER TABLE service DROP COLUMN account_id",
    "ALTER TABLE line RENAME COLUMN added_on TO added",
    "ALTER TABLE line DROP COLUMN basket_id",
    "ALTER TABLE click RENAME COLUMN account_id TO account",
    "ALTER TABLE visit RENAME COLUMN seen_on TO seen",
    "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
]


def _check(kit: Kit) -> CheckReport:
    connection = kit.connect()
    try:
        return check_policy(connection, kit.loaded, TODAY)
    finally:
        connection.close()


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(DDL, POLICY)


def test_a_whole_warehouse_has_no_fault(kit: Kit) -> None:
    report = _check(kit)
    assert report.faults == ()
    assert "not-checked" not in {each.code for each in report.advice}


@pytest.mark.parametrize("damage", BREAKS)
def test_whatever_the_warehouse_lacks_is_a_fault_and_never_a_defect(kit: Kit, damage: str) -> None:
    kit.execute(damage)
    report = _check(kit)
    assert report.faults
    assert report.exit_code == 2


def test_a_defect_of_our_own_is_not_taken_for_what_the_warehouse_lacks(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.execute("DROP TABLE click")
    monkeypatch.setattr("lethe.retention.check.check_steps", lambda _: {}["a slip of ours"])
    with pytest.raises(KeyError, match="a slip of ours"):
        _check(kit)
