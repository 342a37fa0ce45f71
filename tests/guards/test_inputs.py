"""Wrong inputs stop a rule, also for a set that was approved on an earlier night."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from lethe.connections import acting_as
from lethe.guards.inputs import stop_rules
from lethe.retention.plan import read_plan
from lethe.retention.sweep import run_sweep

from tests.kit import TODAY, Kit, MakeKit

WHY = "its inputs are not as they should be: dates"


def stopping(kit: Kit, *rules: str):
    def inspect(run_id: UUID) -> None:
        with kit.site.connected("runner") as connection:
            acting_as(connection, "runner")
            stop_rules(connection, run_id, dict.fromkeys(rules, WHY))
            connection.commit()

    return inspect


def test_an_approved_set_waits_while_its_inputs_are_wrong_and_goes_when_they_are_right(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, ended_on date);
        CREATE TABLE visit (id int PRIMARY KEY, at date);
        INSERT INTO person SELECT i, '2020-01-01' FROM generate_series(1, 9) AS i;
        INSERT INTO visit SELECT i, '2020-01-01' FROM generate_series(1, 2) AS i;
        """,
        """
subjects:
  person: {table: public.person, key: id}
  visit: {table: public.visit, key: id}
clusters: {c: {subject: person}, v: {subject: visit}}
rules:
  r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}
  visits: {cluster: v, starting_point: {latest: [{column: at}]}}
tables: {public.person: {cluster: c}, public.visit: {cluster: v}}
guards: {cap: {subjects: 5}}
""",
    )
    kit.sweep()
    digest = read_plan(kit.site, TODAY).digest
    kit.sweep(approve=digest.hex(), approved_by="vera")
    assert (len(kit.ids("person")), kit.ids("visit")) == (4, []), "the cap of the approved set"
    kit.execute("INSERT INTO visit VALUES (3, '2020-01-01')")
    second, third = (TODAY + timedelta(days=days) for days in (1, 2))
    stopped = run_sweep(kit.site, second, inspect=stopping(kit, "r"))
    rules = {each["rule"]: each for each in stopped.summary["rules"]}
    assert len(kit.ids("person")) == 4, "approved, and its inputs are wrong tonight"
    assert rules["r"]["over_limit"] == WHY
    assert kit.ids("visit") == [], "the other rule goes on"
    run_sweep(kit.site, third, inspect=stopping(kit))
    assert kit.ids("person") == [], "right again: the rest of the approved set goes"
