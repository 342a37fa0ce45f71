"""What was approved over the cap is worked off at most the cap a night."""

from __future__ import annotations

from datetime import date, timedelta

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


def test_the_cap_of_a_day_cannot_be_walked_around_with_the_days_of_other_plans(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, ended_on date);
        INSERT INTO person SELECT i, date '2023-11-20' + 20 * i FROM generate_series(1, 9) AS i;
        """,
        """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables: {public.person: {cluster: c}}
guards: {cap: {subjects: 2}}
""",
    )
    kit.execute("UPDATE lethe.warehouse SET rehearsal = false")
    first = date(2026, 1, 5)
    left = []
    for nights in (0, 40, 80):
        run = kit.sweep(first + timedelta(days=nights))
        left.append(len(kit.ids("person")))
    assert left == [7, 7, 7]
    assert "erased already for this day" in run.summary["rules"][0]["over_limit"]
    assert "erased already" in read_plan(kit.site, first + timedelta(days=80)).over["r"]
    kit.execute("UPDATE lethe.warehouse SET rehearsal = true")
    kit.sweep(first + timedelta(days=40))
    assert len(kit.ids("person")) == 5, "on a rehearsal many nights pass within a day"
