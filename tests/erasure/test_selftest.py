"""Before each run the eraser proves itself, and canaries must fare as they should."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lethe.catalogue.fragments import Statement
from lethe.erasure import questions, shared_rows, statements
from lethe.erasure.canaries import canary_grants, try_canaries
from lethe.erasure.selftest import prove_eraser
from lethe.errors import GuardStop
from lethe.evidence.initialise import initialise
from lethe.retention.assignments import assign
from psycopg2 import sql

from tests.kit import TODAY, Kit, MakeKit

TABLES = """
CREATE TABLE person (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ended_on date, since date);
CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY, person_id int REFERENCES person);
INSERT INTO person (ended_on) VALUES ('2020-01-01');
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables: {public.person: {cluster: c}, public.note: {cluster: c}}
guards:
  canaries:
    left: {subject: person, template: canaries/left.sql, rule: r, outcome: erased}
    stays: {subject: person, template: canaries/stays.sql, outcome: survives}
"""
PLANT = """-- Plant a person; gives the key.
WITH planted AS (
    INSERT INTO person (ended_on) VALUES (%(as_of)s::date - interval 'AGO') RETURNING id),
noted AS (INSERT INTO note (person_id) SELECT id FROM planted)
SELECT id::text FROM planted
"""


@pytest.fixture(autouse=True)
def include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of templates before the project's own."""
    from lethe import include as module

    (tmp_path / "canaries").mkdir()
    own = module.read_text

    def read_text(path: str) -> str:
        mine = tmp_path / path
        return mine.read_text(encoding="utf-8") if mine.exists() else own(path)

    monkeypatch.setattr("lethe.erasure.canaries.read_text", read_text)
    for name in ("left", "stays"):
        (tmp_path / "canaries" / f"{name}.sql").touch()
    monkeypatch.setattr("lethe.catalogue.checks.canaries.include_folder", lambda: tmp_path)
    return tmp_path / "canaries"


def prove(kit: Kit) -> None:
    with kit.site.connected("runner") as connection:
        prove_eraser(connection, assign)


def sing(kit: Kit) -> dict[str, str]:
    with kit.site.connected("owner") as connection:
        graph = kit.site.graph(connection)
        grants = canary_grants(connection, graph)
        initialise(connection, rehearsal=True, grants=grants)
    with kit.site.connected("runner") as connection:
        return try_canaries(connection, graph, TODAY, assign)


def plant(folder: Path, left: str, stays: str) -> None:
    (folder / "left.sql").write_text(PLANT.replace("AGO", left), encoding="utf-8")
    (folder / "stays.sql").write_text(PLANT.replace("AGO", stays), encoding="utf-8")


def test_the_eraser_that_we_ship_passes_and_leaves_no_trace(make_kit: MakeKit) -> None:
    kit = make_kit(TABLES, POLICY)
    prove(kit)
    prove(kit)
    for table in ("run", "plan_subject", "plan_table", "tombstone", "skeleton"):
        assert kit.execute(f"SELECT count(*) FROM lethe.{table}") == [(0,)], table
    assert kit.execute("SELECT count(*) FROM lethe.ledger WHERE kind <> 'witness_opened'") in (
        [(0,)],
        [(1,)],
    )


def no_bars(real: Callable[..., Statement]) -> Callable[..., Statement]:
    def find_barred(*arguments: Any, **more: Any) -> Statement:
        found = real(*arguments, **more)
        return Statement(sql.SQL("{} AND false").format(found.text), found.values)

    return find_barred


def no_going(real: Callable[..., Statement]) -> Callable[..., Statement]:
    def find_going(*arguments: Any, **more: Any) -> Statement:
        found = real(*arguments, **more)
        return Statement(sql.SQL("{} OR {}").format(found.text, sql.SQL("true")), found.values)

    return find_going


@pytest.mark.parametrize(
    ("module", "name", "change"),
    [(questions, "find_barred", no_bars), (shared_rows, "find_going", no_going)],
)
def test_an_eraser_that_erases_too_much_fails_it(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, change: Any
) -> None:
    kit = make_kit(TABLES, POLICY)
    monkeypatch.setattr(module, name, change(getattr(module, name)))
    with pytest.raises(GuardStop, match="failed its self-test"):
        prove(kit)


def test_an_eraser_that_blanks_nothing_fails_it(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = make_kit(TABLES, POLICY)
    monkeypatch.setattr(statements, "blank", lambda *_: None)
    with pytest.raises(GuardStop, match="failed its self-test"):
        prove(kit)


def test_a_runner_without_temporary_tables_is_told_what_it_lacks(make_kit: MakeKit) -> None:
    kit = make_kit(
        TABLES
        + """
        DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC',
                                   current_database()); END $$;
        """,
        POLICY,
    )
    name = kit.execute("SELECT quote_ident(current_database())")[0][0]
    kit.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM lethe_runner")
    with pytest.raises(GuardStop, match="TEMPORARY"):
        prove(kit)


def test_canaries_fare_as_they_should_and_leave_no_trace(make_kit: MakeKit, include: Path) -> None:
    kit = make_kit(TABLES, POLICY)
    plant(include, "20 years", "1 year")
    assert sing(kit) == {"left": "r: done", "stays": "r: no longer due"}
    assert kit.ids("person") == [1]
    assert kit.ids("note") == []


def test_a_canary_that_should_go_and_stays_stops_the_night(
    make_kit: MakeKit, include: Path
) -> None:
    kit = make_kit(TABLES, POLICY)
    plant(include, "1 year", "1 year")
    with pytest.raises(GuardStop, match="canary 'left'"):
        sing(kit)


def test_a_canary_that_should_stay_and_goes_stops_the_night(
    make_kit: MakeKit, include: Path
) -> None:
    kit = make_kit(TABLES, POLICY)
    plant(include, "20 years", "20 years")
    with pytest.raises(GuardStop, match="canary 'stays'"):
        sing(kit)
    assert kit.ids("person") == [1]


def test_a_template_that_cannot_be_planted_stops_the_night(
    make_kit: MakeKit, include: Path
) -> None:
    kit = make_kit(TABLES, POLICY)
    plant(include, "20 years", "1 year")
    (include / "left.sql").write_text("SELECT 'x' FROM nothing", encoding="utf-8")
    with pytest.raises(GuardStop, match="canary 'left': SQLSTATE 42P01"):
        sing(kit)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("INSERT INTO person (id) VALUES (-1); COMMIT; SELECT '-1'", "holds 3 statements"),
        ("-- nothing", "holds 0 statements"),
        ("SELECT '100%' FROM person", "has %\\(as_of\\)s alone, and %% is a percent sign"),
        ("SELECT '%(day)s' FROM person", "has %\\(as_of\\)s alone"),
        ("SELECT '%s' FROM person", "has %\\(as_of\\)s alone"),
    ],
)
def test_a_template_is_one_statement_with_one_value(
    make_kit: MakeKit, include: Path, template: str, says: str
) -> None:
    kit = make_kit(TABLES, POLICY)
    plant(include, "20 years", "1 year")
    (include / "left.sql").write_text(template, encoding="utf-8")
    with pytest.raises(GuardStop, match=f"canary 'left': canaries/left.sql .*{says}"):
        sing(kit)
    assert kit.ids("person") == [1]
