"""`lethe init` at a shell: who may arm a warehouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from lethe.cli.app import main
from psycopg2 import extensions

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

    run.dsn = dsn  # type: ignore[attr-defined]
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


def test_a_warehouse_that_lost_the_schema_does_not_begin_anew_beside_its_own_witness(
    init: Any, tmp_path: Path
) -> None:
    init("--rehearsal")
    (file,) = (tmp_path / "witness").glob("*.jsonl")
    execute(init.dsn, "DROP SCHEMA lethe CASCADE")
    code, _, said = init("--rehearsal", "--arm", "--by", "vera")
    assert code == 2
    assert f"lethe init --witness {file.stem}" in said
    assert "lethe init --new-witness" in said
    assert execute(init.dsn, "SELECT to_regnamespace('lethe')") == [(None,)], "nothing was made"
    assert init("--new-witness")[0] == 0
    assert init()[0] == 0, "and that was all"


def test_a_lost_schema_goes_on_with_its_witness_which_gives_everything_back(
    init: Any, tmp_path: Path
) -> None:
    init("--rehearsal")
    (file,) = (tmp_path / "witness").glob("*.jsonl")
    keys_before = execute(init.dsn, "SELECT key_id FROM lethe.key ORDER BY 1")
    execute(init.dsn, "INSERT INTO person VALUES (3, '2020-01-01')")
    common = ("--policy", str(tmp_path / "policy.yaml"), "--dsn", init.dsn)
    held = ("--key", "3", "--reason", "x", "--owner", "y", "--review", "2999-01-01")
    assert main(["hold", "add", "person", *held, *common]) == 0
    execute(init.dsn, "DROP SCHEMA lethe CASCADE")
    code, _, said = init("--witness", file.stem, "--rehearsal", "--arm", "--by", "vera")
    assert (code, "lethe sweep replay" in said) == (0, True)
    assert main(["sweep", "run", *common]) == 1, "it is behind its witness"
    assert main(["sweep", "replay", *common]) == 0
    assert main(["sweep", "run", *common]) == 0
    assert execute(init.dsn, "SELECT id FROM person") == [(3,)]
    assert execute(init.dsn, "SELECT count(*) FROM lethe.hold") == [(1,)]
    after = execute(init.dsn, "SELECT key_id FROM lethe.key WHERE purpose <> 'hold' ORDER BY 1")
    assert after == keys_before


def test_only_a_witness_that_is_there_is_taken_up_and_only_by_a_warehouse_without_one(
    init: Any,
) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    assert "knows no warehouse" in init("--witness", unknown)[2]
    assert "no id of a warehouse" in init("--witness", "x")[2]
    init()
    assert "already and cannot go on" in init("--witness", unknown)[2]


def test_another_database_may_begin_in_the_same_place(
    init: Any, new_database: Callable[[], str], tmp_path: Path
) -> None:
    init()
    other = new_database()
    execute(other, "CREATE TABLE person (id int PRIMARY KEY, ended_on date)")
    assert main(["init", "--policy", str(tmp_path / "policy.yaml"), "--dsn", other]) == 0


def test_a_lost_schema_is_found_though_the_database_was_restored_under_another_name(
    init: Any, tmp_path: Path
) -> None:
    init()
    execute(init.dsn, "DROP SCHEMA lethe CASCADE")
    name = extensions.parse_dsn(init.dsn)["dbname"]
    server = extensions.make_dsn(init.dsn, dbname="postgres")
    restored = extensions.make_dsn(init.dsn, dbname=f"{name}_restored")
    execute(server, f"ALTER DATABASE {name} RENAME TO {name}_restored")
    try:
        assert main(["init", "--policy", str(tmp_path / "policy.yaml"), "--dsn", restored]) == 2
    finally:
        execute(server, f"ALTER DATABASE {name}_restored RENAME TO {name}")


def test_the_script_for_the_dba_can_be_run_again_and_again(init: Any) -> None:
    for _ in range(2):
        code, script, _ = init("--print-sql")
        assert code == 0
        execute(init.dsn, script)
    assert "CREATE TABLE lethe.ledger" not in script


def execute(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchall() if cursor.description else []
    connection.close()
    return found
