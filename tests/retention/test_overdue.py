"""Who is due and stays without anybody's decision is overdue, and health says since when."""

from __future__ import annotations

from datetime import timedelta

from lethe.connections import acting_as
from lethe.retention.health import Health, check_health

from tests.kit import TODAY, Kit, MakeKit

TABLES = """
CREATE TABLE person (id int PRIMARY KEY, ended_on date);
CREATE TABLE deal (id int PRIMARY KEY, person_id int REFERENCES person, on_hold bool);
INSERT INTO person VALUES (1, '2020-01-01'), (2, '2021-01-01'), (3, '2024-05-31');
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables: {public.person: {cluster: c}}
guards:
  holds:
    asked:
      subject: person
      where: {exists: {table: public.deal, where: {column: on_hold, is: "true"}}}
      because: asked for
"""


def health(kit: Kit, days: int) -> Health:
    with kit.site.connected("reader") as connection:
        acting_as(connection, "reader")
        return check_health(connection, kit.loaded.policy, TODAY + timedelta(days=days))


def test_subjects_kept_by_rows_of_others_are_overdue_since_they_were_due(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(TABLES + "INSERT INTO deal VALUES (1, 2)", POLICY)
    for days in range(2):
        run = kit.sweep(TODAY + timedelta(days=days))
    assert kit.outcome(run) == {"still referenced by public.deal": 1}
    found = health(kit, 1)
    assert found.facts["overdue_days"] == {"r": 1247}
    assert any("the oldest subject is 1247 days overdue" in each for each in found.problems)
    kit.execute("DELETE FROM deal")
    kit.sweep(TODAY + timedelta(days=2))
    assert health(kit, 2).facts["overdue_days"] == {"r": 0}


def test_whoever_was_set_aside_after_a_failure_is_overdue(make_kit: MakeKit) -> None:
    broken = """
    CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF OLD.id = 1 THEN RAISE 'never'; END IF; RETURN OLD; END $$;
    CREATE TRIGGER no BEFORE DELETE ON person FOR EACH ROW EXECUTE FUNCTION no();
    """
    kit = make_kit(TABLES + broken, POLICY)
    kit.sweep()
    assert health(kit, 0).facts["overdue_days"] == {"r": 1611}


def test_whoever_is_held_is_not_overdue(make_kit: MakeKit) -> None:
    kit = make_kit(TABLES + "INSERT INTO deal VALUES (1, 1, true)", POLICY)
    assert kit.outcome(kit.sweep()) == {"erased": 2, "held": 1}
    assert health(kit, 0).facts["overdue_days"] == {"r": 0}
