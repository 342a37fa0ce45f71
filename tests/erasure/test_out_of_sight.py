"""Nothing is deleted out of sight: cascades, triggers, rules and row-level security."""

from __future__ import annotations

import pytest
from lethe.erasure import check
from lethe.errors import WarehouseRefused

from tests.kit import MakeKit

TABLES = """
CREATE TABLE person (id int PRIMARY KEY, ended_on date);
CREATE TABLE note (id int, person_id int REFERENCES person);
INSERT INTO person VALUES (1, '2020-01-01'), (2, '2020-01-01'), (3, '2026-01-01');
INSERT INTO note VALUES (1, 1), (2, 2), (3, 3);
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.person: {cluster: c}
  public.note: {cluster: c}
"""


@pytest.mark.parametrize(
    "reaction", ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"]
)
def test_a_reference_from_outside_the_plan_stops_its_subject_whatever_it_would_do(
    make_kit: MakeKit, reaction: str
) -> None:
    kit = make_kit(
        TABLES
        + f"""
        CREATE TABLE other (id int, person_id int REFERENCES person ON DELETE {reaction});
        INSERT INTO other VALUES (7, 1), (8, NULL);
        """,
        POLICY + "  public.other: {not_personal: [id, person_id]}\n",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1, "still referenced by public.other": 1}
    assert kit.ids("person") == [1, 3]
    assert kit.ids("note") == [1, 3]
    assert kit.execute("SELECT id, person_id FROM other ORDER BY 1") == [(7, 1), (8, None)]


def test_cascading_children_of_the_plan_are_erased_and_counted_themselves(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        TABLES.replace("REFERENCES person)", "REFERENCES person ON DELETE CASCADE)"), POLICY
    )
    run = kit.sweep()
    tables = run.summary["rules"][0]["tables"]
    assert {table: each["deleted"] for table, each in tables.items()} == {
        "public.note": 2,
        "public.person": 2,
    }


@pytest.mark.parametrize("code", ["P0001", "42501", "23514", "XX000", "57P01", "08006"])
def test_a_trigger_that_raises_sets_only_its_subject_aside(make_kit: MakeKit, code: str) -> None:
    kit = make_kit(
        TABLES
        + f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF OLD.id = 1 THEN RAISE EXCEPTION 'secret %', OLD.id USING ERRCODE = '{code}'; END IF;
            RETURN OLD; END $$;
        CREATE TRIGGER refuse BEFORE DELETE ON person FOR EACH ROW EXECUTE FUNCTION refuse();
        """,
        POLICY,
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1, f"SQLSTATE {code}": 1}
    assert (kit.ids("person"), kit.ids("note")) == ([1, 3], [1, 3])


def test_a_trigger_that_swallows_a_delete_sets_its_subject_aside(make_kit: MakeKit) -> None:
    kit = make_kit(
        TABLES
        + """
        CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RETURN CASE WHEN OLD.id = 1 THEN NULL ELSE OLD END; END $$;
        CREATE TRIGGER keep BEFORE DELETE ON person FOR EACH ROW EXECUTE FUNCTION keep();
        """,
        POLICY,
    )
    run = kit.sweep()
    reason = "other rows of public.person were erased than counted under lock"
    assert kit.outcome(run) == {"erased": 1, reason: 1}
    assert (kit.ids("person"), kit.ids("note")) == ([1, 3], [1, 3])


@pytest.mark.parametrize("deferred", ["", "DEFERRABLE INITIALLY DEFERRED"])
@pytest.mark.parametrize("table", ["person", "note"])
def test_a_trigger_that_puts_a_row_back_sets_its_subject_aside(
    make_kit: MakeKit, table: str, deferred: str
) -> None:
    column = "id" if table == "person" else "person_id"
    kit = make_kit(
        TABLES
        + f"""
        CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
            IF OLD.{column} = 1 THEN INSERT INTO {table} VALUES (OLD.*); END IF; RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER back AFTER DELETE ON {table} {deferred}
            FOR EACH ROW EXECUTE FUNCTION back();
        ALTER TABLE note DROP CONSTRAINT note_person_id_fkey;
        """,
        POLICY.replace(
            "public.note: {cluster: c}",
            "public.note: {cluster: c, links:"
            " [{columns: person_id, to: public.person, references: id}]}",
        ),
    )
    run = kit.sweep()
    reason = f"rows of public.{table} were there again after they had been deleted"
    assert kit.outcome(run) == {"erased": 1, reason: 1}
    assert (kit.ids("person"), kit.ids("note")) == ([1, 3], [1, 3])
    assert len(kit.erased_tokens()) == 1


def test_a_row_policy_is_an_error_and_never_a_shorter_list(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = make_kit(
        TABLES
        + """
        ALTER TABLE note ENABLE ROW LEVEL SECURITY;
        CREATE POLICY a_part ON note USING (id <> 1);
        """,
        POLICY,
    )
    monkeypatch.setattr(check, "require_rights", lambda *_: None)
    says = "SQLSTATE 42501, row-level security filters table note"
    with pytest.raises(WarehouseRefused, match=says):
        kit.sweep()
    assert kit.ids("person") == [1, 2, 3]
    assert kit.ids("note") == [1, 2, 3]


def test_a_database_that_reads_repeatably_does_not_make_us_act_on_an_old_snapshot(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        TABLES
        + """
        DO $$ BEGIN EXECUTE format(
            'ALTER DATABASE %I SET default_transaction_isolation = ''serializable''',
                                   current_database()); END $$;
        """,
        POLICY,
    )
    assert kit.outcome(kit.sweep()) == {"erased": 2}
