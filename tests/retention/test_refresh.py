"""Materialised views with `answer: refresh`: what was erased goes from their copies too."""

from __future__ import annotations

from datetime import timedelta

from lethe.connections import acting_as
from lethe.retention.facts import sweep_facts
from lethe.retention.health import check_health
from lethe.retention.plan import read_plan

from tests.kit import TODAY, Kit, MakeKit

DDL = """
CREATE TABLE person (id int PRIMARY KEY, mail text, ended_on date);
INSERT INTO person VALUES (1, 'a@example.org', '2020-01-01'), (2, 'b@example.org', '2026-01-01');
CREATE MATERIALIZED VIEW people AS SELECT id, mail FROM person;
CREATE UNIQUE INDEX ON people (id);
CREATE MATERIALIZED VIEW mails AS SELECT mail FROM people;
"""
POLICY = """
warehouse:
  answers:
    - {kind: materialised_view, name: public.people, answer: refresh, because: a copy}
    - {kind: materialised_view, name: public.mails, answer: refresh, because: a copy of the copy}
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.person: {cluster: c, columns: {mail: contact}, not_personal: [id, ended_on]}
"""


def noted(kit: Kit) -> list[tuple[str, str]]:
    return kit.execute(
        "SELECT kind, payload ->> 'view' FROM lethe.ledger WHERE kind LIKE 'view%%' ORDER BY id"
    )


def test_a_view_over_what_was_swept_is_refreshed_in_its_order_and_once(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY)
    kit.sweep()
    assert kit.ids("people") == [2]
    assert kit.ids("mails", "mail") == ["b@example.org"]
    assert noted(kit) == [("view_refreshed", "public.people"), ("view_refreshed", "public.mails")]
    assert kit.execute(
        "SELECT count(*) FROM lethe.ledger_batch AS b WHERE NOT EXISTS"
        " (SELECT FROM lethe.ledger_sealing AS s WHERE s.batch = b.batch)"
    ) == [(0,)]
    kit.sweep(TODAY + timedelta(days=1))
    assert len(noted(kit)) == 2, "nothing was swept, nothing is refreshed"


def test_a_view_that_may_not_be_refreshed_is_an_alarm_until_it_was(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY)
    kit.execute("REVOKE MAINTAIN ON people FROM lethe_runner")
    read_plan(kit.site, TODAY)
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    assert kit.ids("people") == [1, 2]
    with kit.site.connected("reader") as connection:
        acting_as(connection, "reader")
        found = sweep_facts(connection, kit.loaded.policy, TODAY, TODAY)
        health = check_health(connection, kit.loaded.policy, TODAY)
    says = "the materialised view public.people was not refreshed since 2026-06-01"
    assert says in found.not_kept["retention"][0]
    assert found.nights[0].refreshed["public.people"].startswith("SQLSTATE 42501")
    assert any(says in problem for problem in health.problems)
    kit.grant()
    kit.sweep(TODAY + timedelta(days=1))
    assert kit.ids("people") == [2]
    with kit.site.connected("reader") as connection:
        acting_as(connection, "reader")
        tomorrow = TODAY + timedelta(days=1)
        assert sweep_facts(connection, kit.loaded.policy, TODAY, tomorrow).not_kept == {}
