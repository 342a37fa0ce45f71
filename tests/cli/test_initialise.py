"""`lethe init` at a shell: who may arm a warehouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from lethe.cli.app import main

from tests.kit import keys
from tests.small_policy import small_text

POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables: {public.person: {cluster: c}}
"""


@pytest.fixture
def init(
    new_database: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Any:
    """Run `lethe init` on one warehouse; gives exit code, output and standard error."""
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_CONN_LETHE_KEYS", keys())
    dsn = new_database()
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE person (id int PRIMARY KEY, ended_on date)")
    connection.close()
    policy = tmp_path / "policy.yaml"
    policy.write_text(small_text(POLICY))

    def run(*options: str) -> tuple[int, str, str]:
        code = main(["init", *options, "--policy", str(policy), "--dsn", dsn])
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def test_only_a_named_approver_arms_a_warehouse_that_is_worked_on_in_earnest(init: Any) -> None:
    code, _, said = init("--arm", "--by", "mallory")
    assert code == 1
    assert "'mallory' may not decide; the policy names: vera, otto" in said
    assert init("--arm")[0] == 1, "nor does the user of the system, unnamed"
    code, out, _ = init("--arm", "--by", "vera")
    assert (code, "Armed by vera: the sweep erases" in out) == (0, True)


def test_arming_again_says_that_it_was_armed_before_and_records_nobody_else(init: Any) -> None:
    init("--arm", "--by", "vera")
    code, out, _ = init("--arm", "--by", "otto")
    assert (code, "Armed by vera, before this call" in out) == (0, True)


def test_a_rehearsal_too_is_armed_in_the_name_of_approvers_only(init: Any) -> None:
    code, _, said = init("--rehearsal", "--arm", "--by", "mallory")
    assert (code, "'mallory' may not decide" in said) == (1, True)
    code, out, _ = init("--rehearsal", "--arm", "--by", "vera")
    assert (code, "Armed by vera: the sweep erases" in out) == (0, True)


def test_a_rehearsal_armed_by_nobody_named_says_so_and_anybody_disarms_it(init: Any) -> None:
    code, out, _ = init("--rehearsal", "--arm")
    assert (code, "(on a rehearsal; no approver): the sweep erases" in out) == (0, True)
    code, out, _ = init("--disarm", "--by", "zoe")
    assert (code, "Report-only" in out) == (0, True)
