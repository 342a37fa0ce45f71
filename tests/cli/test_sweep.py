"""`lethe sweep` at a shell: what it promises is what it does, in one document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from lethe.cli.app import main
from lethe.retention.alone import alone

from tests.kit import Kit, MakeKit
from tests.small_policy import small_text

TABLES = """
CREATE TABLE person (id int PRIMARY KEY, ended_on date);
INSERT INTO person SELECT i, '2020-01-01' FROM generate_series(1, 60) AS i;
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables: {public.person: {cluster: c}}
guards: {cap: {subjects: 100}, approvers: [{user: vera, name: Vera}]}
"""
WRONG = "UPDATE person SET ended_on = '1970-01-01' WHERE id > 10"


@pytest.fixture
def lethe(tmp_path: Path, capsys: Any) -> Any:
    """Run a command on a kit; gives exit code, the JSON documents, and standard error."""

    def run(kit: Kit, policy: str, *arguments: str) -> tuple[int, list[Any], str]:
        file = tmp_path / "policy.yaml"
        file.write_text(small_text(policy))
        options = ("--policy", str(file), "--dsn", kit.dsn, "--as-of", "2026-06-01", "--json")
        code = main([*arguments, *options])
        out = capsys.readouterr()
        return code, list(documents(out.out)), out.err

    return run


def documents(text: str) -> Any:
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        found, at = decoder.raw_decode(text, at)
        yield found


def test_a_rule_that_its_inputs_stop_is_told_by_plan_and_run_and_the_answer_is_no(
    make_kit: MakeKit, lethe: Any
) -> None:
    kit = make_kit(TABLES + WRONG, POLICY)
    code, (plan,), _ = lethe(kit, POLICY, "sweep", "plan")
    assert code == 0
    (rule,) = plan["rules"]
    assert "dates.r" in rule["stopped_by_inputs"]
    code, (run,), said = lethe(kit, POLICY, "sweep", "run")
    assert code == 1
    assert run["rules"][0]["erased"] == 0
    assert "rule r waits: its inputs are not as they should be" in said
    assert "`lethe quality rows dates." in said
    assert len(kit.ids("person")) == 60


def test_one_json_document_is_printed_although_the_answer_is_no(
    make_kit: MakeKit, lethe: Any
) -> None:
    policy = POLICY.replace("subjects: 100", "subjects: 5")
    kit = make_kit(TABLES, policy)
    code, found, said = lethe(kit, policy, "sweep", "run")
    assert (code, len(found)) == (1, 1)
    assert "waiting for approval: r" in said


def test_every_failure_prints_a_json_document(make_kit: MakeKit, lethe: Any) -> None:
    kit = make_kit(TABLES, POLICY)
    code, (found,), said = lethe(kit, POLICY, "sweep", "plan", "--no-such-option")
    assert (code, found["exit_code"]) == (2, 2)
    assert "no-such-option" in said
    code, (found,), said = lethe(kit, POLICY + "nonsense: 1\n", "sweep", "plan")
    assert (code, found["exit_code"]) == (2, 2)
    kit.execute("ALTER TABLE lethe.plan_rule RENAME TO elsewhere")
    code, (found,), said = lethe(kit, POLICY, "sweep", "plan")
    assert (code, found["exit_code"]) == (3, 3)
    assert psycopg2.errorcodes.UNDEFINED_TABLE in said


def test_a_second_sweep_is_told_that_another_one_is_running(make_kit: MakeKit, lethe: Any) -> None:
    kit = make_kit(TABLES, POLICY)
    with alone(kit.site):
        for command in ("run", "replay"):
            code, (found,), said = lethe(kit, POLICY, "sweep", command)
            assert (code, found["exit_code"]) == (1, 1)
            assert "another sweep of this policy is running" in said
        assert kit.execute("SELECT count(*) FROM lethe.run") == [(0,)]
        assert kit.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        ) == [(0,)]
    code, _, _ = lethe(kit, POLICY, "sweep", "run")
    assert (code, kit.ids("person")) == (0, [])


def test_who_stops_a_sweep_is_told_what_stays_and_gets_one_document(
    make_kit: MakeKit, lethe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = make_kit(TABLES, POLICY)

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("lethe.erasure.batch.BatchAct.erase", stop)
        code, (found,), said = lethe(kit, POLICY, "sweep", "run")
    assert (code, found["exit_code"]) == (130, 130)
    assert "what was committed stays" in found["error"][0]
    assert "Traceback" not in said
    code, _, _ = lethe(kit, POLICY, "sweep", "run")
    assert (code, kit.ids("person")) == (0, [])
