"""Tables that somebody changes while they are worked: no row goes out of sight."""

from __future__ import annotations

import pytest
from lethe.erasure.batch import BatchAct
from lethe.errors import WarehouseRefused
from lethe.retention.night_guard import guard_night
from lethe.retention.night_work import erase_rule
from lethe.retention.plan import freeze_plan

from tests.kit import TODAY, Kit, MakeKit

POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables: {public.person: {cluster: c}, public.note: {cluster: c}}
guards: {batches: {subjects: 2, workers: 1}}
"""
CHANGES = {
    "a child that goes in a cascade": """
        CREATE TABLE new (person_id int REFERENCES person ON DELETE CASCADE);
        INSERT INTO new SELECT id FROM person;
    """,
    "a child of a child": """
        CREATE TABLE new (note_id int REFERENCES note ON DELETE CASCADE);
        INSERT INTO new SELECT id FROM note;
    """,
    "a trigger": """
        CREATE FUNCTION spare() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER spare BEFORE DELETE ON note FOR EACH ROW EXECUTE FUNCTION spare();
    """,
}


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, ended_on date);
        CREATE TABLE note (id int PRIMARY KEY, person_id int REFERENCES person);
        INSERT INTO person SELECT i, '2020-01-01' FROM generate_series(1, 9) AS i;
        INSERT INTO note SELECT i, i FROM generate_series(1, 9) AS i;
        """,
        POLICY,
    )


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("after", [1, 2, 4])
def test_a_rule_stops_before_it_meets_what_it_was_not_made_for(
    kit: Kit, change: str, after: int
) -> None:
    run_id = freeze_plan(kit.site, TODAY)
    guard_night(kit.site, run_id)
    asked: list[int] = []

    def proceed() -> bool:
        asked.append(len(asked))
        if len(asked) == after:
            kit.execute(CHANGES[change])
            left.extend(kit.ids("person"))
        return True

    left: list[int] = []
    with pytest.raises(WarehouseRefused, match="changed while it was worked"):
        erase_rule(kit.site, run_id, "r", proceed=proceed)
    assert kit.ids("person") == kit.ids("note") == left
    if change.startswith("a child"):
        assert kit.execute("SELECT count(*) FROM new") == [(len(left),)]


def test_the_night_is_closed_and_the_next_one_goes_on(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[None] = []
    act = BatchAct.erase

    def erase(self: BatchAct) -> None:
        ended.append(None)
        if len(ended) == 3:
            kit.execute("CREATE TABLE new (id int, person_id int REFERENCES person)")
        act(self)

    monkeypatch.setattr(BatchAct, "erase", erase)
    with pytest.raises(WarehouseRefused, match="changed while it was worked"):
        kit.sweep()
    assert len(kit.ids("person")) == 5
    kit.grant()
    kit.sweep()
    assert kit.ids("person") == []
    assert kit.execute("SELECT state FROM lethe.run") == [("done",)]


def test_tables_with_odd_names_in_partitions_are_watched_as_well(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE SCHEMA "Other %";
        CREATE TABLE "Other %"."a""b %s" (id int PRIMARY KEY, ended_on date) PARTITION BY HASH (id);
        CREATE TABLE "Other %".one PARTITION OF "Other %"."a""b %s"
            FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE note (id int PRIMARY KEY, person int REFERENCES "Other %"."a""b %s");
        INSERT INTO "Other %"."a""b %s" SELECT i, '2020-01-01' FROM generate_series(1, 5) AS i;
        """,
        """
        subjects: {person: {table: 'Other %."a""b %s"', key: id}}
        clusters: {c: {subject: person}}
        rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
        tables: {'Other %."a""b %s"': {cluster: c}, public.note: {cluster: c}}
        guards: {batches: {subjects: 2, workers: 1}}
        """,
    )
    run_id = freeze_plan(kit.site, TODAY)
    guard_night(kit.site, run_id)
    asked = iter(range(9))

    def proceed() -> bool:
        if next(asked) == 2:
            kit.execute('CREATE TABLE new (id int REFERENCES "Other %"."a""b %s")')
        return True

    with pytest.raises(WarehouseRefused, match="changed while it was worked"):
        erase_rule(kit.site, run_id, "r", proceed=proceed)
    assert kit.execute('SELECT count(*) FROM "Other %"."a""b %s"') in ([(3,)], [(1,)])


def test_what_others_do_beside_the_tables_stops_nothing(kit: Kit) -> None:
    run_id = freeze_plan(kit.site, TODAY)
    guard_night(kit.site, run_id)
    number = iter(range(100))

    def proceed() -> bool:
        kit.execute(
            f"CREATE TABLE beside_{next(number)} (id int); CREATE INDEX ON note (id);"
            "ANALYZE person; COMMENT ON TABLE note IS 'x'"
        )
        return True

    assert erase_rule(kit.site, run_id, "r", proceed=proceed).done == 9
    assert kit.ids("person") == []
