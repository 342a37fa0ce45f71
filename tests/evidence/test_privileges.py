"""Each role may do what it must, and nothing more: tried one by one with logins of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lethe.connections import ROLES, Role, acting_as
from lethe.errors import ConfigurationError
from lethe.evidence.privileges import CONTROL_GRANTS, Grant, missing_grants
from lethe.policy.names import TableName
from psycopg2 import Error, errors, extensions

from .conftest import commit_batch

Login = Callable[[Role], extensions.connection]
EVIDENCE = ("ledger", "ledger_batch", "ledger_seal", "ledger_sealing", "ledger_expired")
CHANGES = {
    "update": "UPDATE lethe.{} SET {} = {}",
    "delete": "DELETE FROM lethe.{}",
    "truncate": "TRUNCATE lethe.{} CASCADE",
}
COLUMN = {
    "ledger": "kind",
    "ledger_batch": "row_count",
    "ledger_seal": "leaf_count",
    "ledger_sealing": "seal_no",
    "ledger_expired": "leaf",
}


@pytest.mark.parametrize("table", EVIDENCE)
def test_no_role_and_no_superuser_changes_evidence(
    warehouse: extensions.connection, login: Login, table: str
) -> None:
    commit_batch(warehouse)
    users = [login(role) for role in ROLES]
    for change in CHANGES.values():
        statement = change.format(table, COLUMN[table], COLUMN[table])
        for user in users:
            with pytest.raises(errors.InsufficientPrivilege):
                attempt(user, statement)
        for switch in ("origin", "replica", "local"):
            with warehouse.cursor() as cursor:
                cursor.execute("SELECT set_config('session_replication_role', %s, true)", (switch,))
            with pytest.raises(errors.InsufficientPrivilege, match="only ever added to"):
                attempt(warehouse, statement)


def test_only_the_approver_decides_and_nobody_changes_a_decision(
    warehouse: extensions.connection, login: Login
) -> None:
    decide = (
        "INSERT INTO lethe.approval (digest, policy_digest, decision, decided_by)"
        " VALUES (sha256('d'), sha256('p'), 'approve', 'dpo')"
    )
    for role in ROLES:
        if role != "approver":
            with pytest.raises(errors.InsufficientPrivilege):
                attempt(login(role), decide)
    approver = login("approver")
    attempt(approver, decide)
    approver.commit()
    assert asked(approver, "SELECT decided_role FROM lethe.approval") == "approver_login"
    for statement in (
        "UPDATE lethe.approval SET decision = 'reject'",
        "DELETE FROM lethe.approval",
    ):
        for connection in (*map(login, ROLES), warehouse):
            with pytest.raises(errors.InsufficientPrivilege):
                attempt(connection, statement)


def test_the_right_to_decide_is_granted_to_the_approver_alone(
    warehouse: extensions.connection,
) -> None:
    for table in ("approval", "decision"):
        for role in ("runner", "planner", "reader"):
            question = f"SELECT has_any_column_privilege('lethe_{role}', 'lethe.{table}', 'INSERT')"
            assert asked(warehouse, question) is False


def test_the_approver_cannot_sign_with_another_role_or_another_time(login: Login) -> None:
    for column, value in (("decided_role", "'postgres'"), ("decided_at", "'2020-01-01'")):
        with pytest.raises(errors.InsufficientPrivilege):
            attempt(
                login("approver"),
                "INSERT INTO lethe.approval (digest, policy_digest, decision, decided_by,"
                f" {column}) VALUES (sha256('d'), sha256('p'), 'approve', 'dpo', {value})",
            )


def test_a_superuser_acting_as_the_runner_cannot_approve(
    warehouse: extensions.connection,
) -> None:
    acting_as(warehouse, "runner")
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(
            warehouse,
            "INSERT INTO lethe.approval (digest, policy_digest, decision, decided_by)"
            " VALUES (sha256('d'), sha256('p'), 'approve', 'me')",
        )


def test_the_runner_can_become_neither_approver_nor_owner(login: Login) -> None:
    for other in ("lethe_approver", "lethe_owner"):
        with pytest.raises(errors.InsufficientPrivilege):
            attempt(login("runner"), f"SET ROLE {other}")


def test_only_the_approver_arms(login: Login) -> None:
    arming = "UPDATE lethe.warehouse SET armed_at = now(), armed_by = 'x'"
    for role in ROLES:
        if role == "approver":
            attempt(login(role), arming)
        else:
            with pytest.raises(errors.InsufficientPrivilege):
                attempt(login(role), arming)


def test_only_the_approver_approves_a_policy_and_the_database_signs_for_the_role(
    login: Login,
) -> None:
    runner, approver = login("runner"), login("approver")
    adding = "INSERT INTO lethe.policy_version (digest, name, version, {}) VALUES (sha256('p'), {})"
    approved = adding.format("approved_at, approved_by", "'n', '1', now(), 'me'")
    with pytest.raises(errors.InsufficientPrivilege, match="only lethe_approver"):
        attempt(runner, approved)
    attempt(runner, adding.format("announced_on", "'n', '1', '2026-01-01'"))
    runner.commit()
    signing = "UPDATE lethe.policy_version SET approved_at = now(), approved_by = 'dpo'"
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(runner, signing)
    attempt(approver, signing)
    assert asked(approver, "SELECT approved_role FROM lethe.policy_version") == "approver_login"


def test_the_reader_sees_what_was_done_and_nobodys_key(login: Login) -> None:
    reader = login("reader")
    for table in ("run", "ledger", "ledger_seal", "plan_rule", "plan_table", "warehouse"):
        attempt(reader, f"SELECT * FROM lethe.{table}")
    attempt(reader, "SELECT rule, outcome, reason FROM lethe.plan_subject")
    for hidden in (
        "SELECT key FROM lethe.plan_subject",
        "SELECT key FROM lethe.hold",
        "SELECT reason FROM lethe.hold",
        "SELECT target FROM lethe.outbox",
        "SELECT FROM lethe.tombstone",
        "SELECT wrapped FROM lethe.key",
        "SELECT FROM lethe.skeleton",
        "SELECT FROM lethe.archived_document",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            attempt(reader, hidden)
    for table in ("run", "ledger", "plan_rule", "hold", "warehouse"):
        with pytest.raises(errors.InsufficientPrivilege):
            attempt(reader, f"INSERT INTO lethe.{table} DEFAULT VALUES")


def test_the_planner_freezes_plans_and_touches_no_evidence(login: Login) -> None:
    planner = login("planner")
    attempt(
        planner,
        "INSERT INTO lethe.plan_subject (run_id, rule, subject_no, subject_kind, key)"
        " VALUES (gen_random_uuid(), 'r', 1, 'account', '{1}')",
    )
    for statement in (
        "INSERT INTO lethe.ledger (batch, kind) VALUES (gen_random_uuid(), 'x')",
        "DELETE FROM lethe.plan_subject",
        "UPDATE lethe.plan_subject SET outcome = 'done'",
        "SELECT FROM lethe.tombstone",
        "SELECT wrapped FROM lethe.key",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            attempt(planner, statement)


def test_every_control_grant_was_given(warehouse: extensions.connection) -> None:
    assert missing_grants(warehouse, CONTROL_GRANTS) == []
    with warehouse.cursor() as cursor:
        cursor.execute("REVOKE UPDATE (wrapped) ON lethe.key FROM lethe_runner")
    assert [grant.table.name for grant in missing_grants(warehouse, CONTROL_GRANTS)] == ["key"]


def test_a_grant_on_what_is_not_there_is_named(warehouse: extensions.connection) -> None:
    absent = Grant(TableName("crm", "acc%ount"), ("SELECT",))
    with pytest.raises(ConfigurationError, match=r"crm\.acc%ount"):
        missing_grants(warehouse, [absent])


def test_a_grant_of_something_else_than_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="TRUNCATE"):
        Grant(TableName("crm", "account"), ("TRUNCATE",))
    with pytest.raises(ValueError, match="DELETE"):
        Grant(TableName("crm", "account"), ("DELETE",), ("id",))


def attempt(connection: extensions.connection, statement: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except Error:
        connection.rollback()
        raise


def asked(connection: extensions.connection, question: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(question)
        row = cursor.fetchone()
    return row and row[0]
