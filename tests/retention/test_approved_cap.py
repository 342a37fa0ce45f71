"""What was approved over the cap is worked off at most the cap a night."""

from __future__ import annotations

from lethe.retention.plan import read_plan

from tests.kit import TODAY, MakeKit


def test_an_approval_after_two_unanswered_nights_erases_the_cap_once(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, ended_on date);
        INSERT INTO person SELECT i, '2020-01-01' FROM generate_series(1, 9) AS i;
        """,
        """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables: {public.person: {cluster: c}}
guards: {cap: {subjects: 2}}
""",
    )
    kit.sweep()
    kit.sweep()
    assert len(kit.ids("person")) == 9
    digest = read_plan(kit.site, TODAY).digest
    kit.sweep(approve=digest.hex(), approved_by="vera")
    assert len(kit.ids("person")) == 7
