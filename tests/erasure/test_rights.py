"""What would be refused at the act is told before: whose rights, which table, the way out."""

from __future__ import annotations

from collections.abc import Callable

import psycopg2
import pytest
from lethe.catalogue.bind import bind
from lethe.erasure.check import check_rights
from lethe.errors import ConfigurationError, describe_database_error
from lethe.retention.plan import read_plan

from tests.kit import TODAY, MakeKit
from tests.small_policy import small_policy

TABLES = """
CREATE SCHEMA books;
CREATE TABLE person (id int PRIMARY KEY, ended_on date);
CREATE TABLE books.audit (at timestamptz, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- INSERT INTO nowhere
    INSERT INTO books.audit VALUES (now(), TG_OP);
    RETURN OLD;
END $$;
INSERT INTO person VALUES (1, '2020-01-01');
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables: {public.person: {cluster: c}}
"""
TRIGGER = "CREATE TRIGGER note BEFORE DELETE ON person FOR EACH ROW EXECUTE FUNCTION note();"


def test_a_trigger_that_writes_where_the_runner_may_not_stops_the_plan(make_kit: MakeKit) -> None:
    kit = make_kit(TABLES + TRIGGER, POLICY)
    says = r"public\.person: trigger note calls public\.note with the rights of the runner, which"
    with pytest.raises(ConfigurationError, match=says + r" lacks INSERT on books\.audit: GRANT"):
        read_plan(kit.site, TODAY)
    with kit.site.connected("owner") as connection:
        bound = bind(connection, kit.loaded)
        codes = {found.code for found in check_rights(connection, bound)}
    assert codes == {"trigger-right"}
    kit.execute("GRANT USAGE ON SCHEMA books TO lethe_runner")
    kit.execute("GRANT INSERT ON books.audit TO lethe_runner")
    assert kit.outcome(kit.sweep()) == {"erased": 1}


def test_a_trigger_that_runs_with_its_owners_rights_stops_nothing(make_kit: MakeKit) -> None:
    kit = make_kit(TABLES + TRIGGER + "ALTER FUNCTION note() SECURITY DEFINER;", POLICY)
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    assert kit.execute("SELECT what FROM books.audit") == [("DELETE",)]


def test_row_level_security_is_seen_with_the_runners_eyes(make_kit: MakeKit) -> None:
    kit = make_kit(TABLES + "ALTER TABLE person ENABLE ROW LEVEL SECURITY;", POLICY)
    says = "row-level security filters what role lethe_runner sees"
    with pytest.raises(ConfigurationError, match=f"{says}.*ALTER ROLE lethe_runner BYPASSRLS"):
        read_plan(kit.site, TODAY)


def test_a_right_that_is_taken_away_is_named_with_its_table(make_kit: MakeKit) -> None:
    kit = make_kit(TABLES, POLICY)
    kit.execute("REVOKE DELETE ON person FROM lethe_runner")
    with pytest.raises(ConfigurationError, match=r"public\.person: role lethe_runner lacks DELETE"):
        kit.sweep()


def test_an_error_about_rights_names_the_object_and_never_what_a_function_raised(
    make_kit: MakeKit,
) -> None:
    hidden = TABLES.replace("INSERT INTO books.audit", "EXECUTE 'INSERT' || ' INTO books.audit")
    kit = make_kit(hidden.replace("(now(), TG_OP);", "(now(), 1)';") + TRIGGER, POLICY)
    assert kit.outcome(kit.sweep()) == {"SQLSTATE 42501, no right on schema books": 1}
    with pytest.raises(psycopg2.Error) as raised:
        kit.execute(
            "DO $$ BEGIN RAISE insufficient_privilege USING"
            " MESSAGE = 'permission denied for table Smith'; END $$"
        )
    assert describe_database_error(raised.value) == "SQLSTATE 42501"


def test_before_init_a_view_that_is_to_be_refreshed_breaks_no_check(
    new_database: Callable[[], str],
) -> None:
    connection = psycopg2.connect(new_database())
    with connection, connection.cursor() as cursor:
        cursor.execute(TABLES + "CREATE MATERIALIZED VIEW counted AS SELECT id FROM person;")
    answer = "{kind: materialised_view, name: public.counted, answer: refresh, because: numbers}"
    bound = bind(connection, small_policy(POLICY + f"warehouse: {{answers: [{answer}]}}\n"))
    assert list(check_rights(connection, bound)) == []
    connection.close()
