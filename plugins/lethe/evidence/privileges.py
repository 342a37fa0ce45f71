"""Who may do what: rights as data, and the GRANT statements that give them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from psycopg2 import extensions, sql

from lethe.connections import ROLES, Role, group_role
from lethe.errors import ConfigurationError
from lethe.policy.names import TableName

_ON_TABLES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MAINTAIN"})
_ON_SEQUENCES = ("USAGE",)
_LETHE = sql.Identifier("lethe")


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """Rights of one role on one table, on some of its columns, or on a sequence.

    privileges  of SELECT, INSERT, UPDATE, DELETE; MAINTAIN of a view, from PostgreSQL 17 on;
                USAGE, and it alone, of a sequence
    columns     () for the whole table; DELETE is never by column
    """

    table: TableName
    privileges: tuple[str, ...]
    columns: tuple[str, ...] = ()
    role: Role = "runner"

    def __post_init__(self) -> None:
        known = _ON_SEQUENCES if self.privileges == _ON_SEQUENCES else _ON_TABLES
        unknown = set(self.privileges) - set(known)
        if unknown or not self.privileges or (self.columns and "DELETE" in self.privileges):
            raise ValueError(f"{self.table}: cannot grant {self.privileges} on {self.columns}")


def _control(role: Role, table: str, privileges: str, columns: str = "") -> Grant:
    return Grant(TableName("lethe", table), tuple(privileges.split()), tuple(columns.split()), role)


def _for(role: Role, rights: dict[str, str]) -> tuple[Grant, ...]:
    return tuple(
        _control(role, table, privileges)
        for privileges, tables in rights.items()
        for table in tables.split()
    )


_FILE = "intent_id system target outcome"
_SETTLED_FILE = "outcome finished_at target attempts next_attempt_at last_error"
_RELEASE = "released_at released_by release_reason review_on"

CONTROL_GRANTS: tuple[Grant, ...] = (
    # The runner plans, executes and proves. It adds to evidence and decides nothing.
    *_for(
        "runner",
        {
            "SELECT": "warehouse approval decision alembic_version ledger_expired",
            "SELECT INSERT": "ledger ledger_batch ledger_seal ledger_sealing hold "
            "policy_version key",
            "SELECT INSERT UPDATE": "run plan_rule plan_table outbox restriction",
            "SELECT INSERT UPDATE DELETE": "plan_subject skeleton archived_document",
            "SELECT INSERT DELETE": "tombstone archive_record log_aside",
        },
    ),
    *_for(
        "runner",
        {
            "SELECT INSERT": "archive_head archive_destroyed",
            "SELECT INSERT UPDATE DELETE": "archive_frozen archive_unchanged",
        },
    ),
    *_for("runner", {"SELECT INSERT": "summary", "SELECT INSERT UPDATE": "report_mail"}),
    # FOR UPDATE asks for the right to change one column.
    _control("runner", "log_aside", "UPDATE", "source"),
    _control("runner", "reveal_case", "SELECT INSERT"),
    _control("runner", "reveal_case", "UPDATE", "revealed_at closed_at closed_by"),
    _control("runner", "archive_tile", "SELECT INSERT"),
    _control("runner", "archive_tile", "UPDATE", "hashes"),
    _control("runner", "policy_version", "UPDATE", "announced_on diff"),
    _control("runner", "key", "UPDATE", "wrapped nonce kek_id destroy_after destroyed_at final_at"),
    # The planner reads the warehouse and freezes plans; it touches nothing else.
    *_for(
        "planner",
        {
            "SELECT": "warehouse approval decision alembic_version policy_version hold restriction "
            "skeleton archived_document archive_frozen ledger ledger_batch",
            "SELECT INSERT UPDATE": "run plan_rule plan_table",
            "SELECT INSERT": "plan_subject",
        },
    ),
    _control(
        "planner",
        "archive_record",
        "SELECT",
        "leaf_no subject_kind subject_key document_type document_key",
    ),
    # The approver decides, and puts the decision on the ledger; role and instant are the
    # database's to fill in.
    *_for(
        "approver",
        {
            "SELECT": "warehouse run plan_rule plan_subject plan_table approval decision hold "
            "restriction policy_version alembic_version ledger_seal ledger_sealing reveal_case",
            "SELECT INSERT": "ledger ledger_batch",
        },
    ),
    _control(
        "approver",
        "approval",
        "INSERT",
        "approval_id kind run_id rule digest policy_digest decision decided_by reason",
    ),
    _control(
        "approver",
        "decision",
        "INSERT",
        "decision_id rule about decision reason review_on decided_by",
    ),
    _control("approver", "warehouse", "UPDATE", "armed_at armed_by"),
    _control("approver", "policy_version", "UPDATE", "approved_at approved_by"),
    _control(
        "approver",
        "hold",
        "INSERT",
        "hold_id subject_kind key query_name reason owner review_on source created_by key_of",
    ),
    _control("approver", "hold", "UPDATE", _RELEASE),
    _control("approver", "outbox", "SELECT", _FILE),
    _control("approver", "outbox", "UPDATE", _SETTLED_FILE),
    _control("approver", "restriction", "UPDATE", _RELEASE),
    # The archivist opens records of the archive, and leaves a trace of it.
    *_for(
        "archivist",
        {
            "SELECT": "warehouse alembic_version key archive_head archive_tile archive_record "
            "archive_destroyed archive_frozen",
            "SELECT INSERT": "ledger ledger_batch",
        },
    ),
    # The reader sees what was done, and no key: of those only when they begin and end.
    *_for(
        "reader",
        {
            "SELECT": "warehouse run plan_rule plan_table approval decision policy_version ledger "
            "ledger_batch ledger_seal ledger_sealing ledger_expired alembic_version archive_head "
            "archive_tile archive_destroyed summary report_mail",
        },
    ),
    _control(
        "reader",
        "key",
        "SELECT",
        "key_id purpose period kek_id created_at destroy_after destroyed_at final_at",
    ),
    _control(
        "reader",
        "plan_subject",
        "SELECT",
        "run_id rule subject_no subject_kind due_on shard outcome reason decided_at",
    ),
    _control(
        "reader",
        "hold",
        "SELECT",
        "hold_id subject_kind query_name owner review_on source created_at released_at "
        "key_parts key_of",
    ),
    _control(
        "reader",
        "restriction",
        "SELECT",
        "restriction_id subject_kind query_name owner review_on created_at released_at "
        "key_parts key_of",
    ),
    _control(
        "reader",
        "outbox",
        "SELECT",
        "intent_id run_id batch system action intended_at next_attempt_at attempts last_error "
        "outcome finished_at",
    ),
)


def grant_statements(grants: Iterable[Grant]) -> Iterator[sql.Composed]:
    """Write the GRANT statements, USAGE on the schemas first, each once, in a fixed order."""
    ordered = sorted(set(grants))
    for schema, role in sorted({(grant.table.schema, grant.role) for grant in ordered}):
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(
            sql.Identifier(schema), sql.Identifier(group_role(role))
        )
    for grant in ordered:
        yield sql.SQL("GRANT {} ON {} {} TO {}").format(
            _written(grant),
            sql.SQL("SEQUENCE" if grant.privileges == _ON_SEQUENCES else "TABLE"),
            sql.Identifier(grant.table.schema, grant.table.name),
            sql.Identifier(group_role(grant.role)),
        )


def control_statements() -> Iterator[sql.Composed]:
    """Write what gives exactly CONTROL_GRANTS on Lethe's own schema, whatever was there before."""
    for role in ROLES:
        if role != "owner":
            yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(
                _LETHE, sql.Identifier(group_role(role))
            )
    yield from grant_statements(CONTROL_GRANTS)


# PUBLIC has it unless somebody took it away; a warning, not an error, where we may not give it.
TEMPORARY_GRANT = """DO $$ BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO lethe_runner', current_database());
END $$"""


def missing_grants(connection: extensions.connection, grants: Iterable[Grant]) -> list[Grant]:
    """Name the grants that a role does not have yet, all of them in one query.

    Raises  ConfigurationError if a table or column does not exist
    """
    wanted = sorted(set(grants))
    asked = [
        (number, group_role(grant.role), grant.table.schema, grant.table.name, column, privilege)
        for number, grant in enumerate(wanted)
        for privilege in grant.privileges
        for column in grant.columns or (None,)
    ]
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_ASK_GRANTS, [list(values) for values in zip(*asked, strict=True)])
        answers = cursor.fetchall()
    absent = sorted({str(wanted[number].table) for number, exists, _ in answers if not exists})
    if absent:
        raise ConfigurationError(
            f"rights are wanted on what the warehouse does not have: {', '.join(absent)} "
            "(or a column of it); check the policy against the warehouse"
        )
    return [wanted[number] for number in sorted({n for n, _, granted in answers if not granted})]


_ASK_GRANTS = sql.SQL(
    "SELECT asked.number, c.oid IS NOT NULL AND (asked.col IS NULL OR a.attnum IS NOT NULL),"
    " CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(asked.role, c.oid, asked.privilege)"
    " WHEN asked.col IS NULL THEN has_table_privilege(asked.role, c.oid, asked.privilege)"
    " ELSE has_column_privilege(asked.role, c.oid, a.attnum, asked.privilege) END"
    " AND has_schema_privilege(asked.role, n.oid, 'USAGE')"
    " FROM unnest(%s::int[], %s::name[], %s::name[], %s::name[], %s::name[], %s::text[])"
    " AS asked (number, role, schema, rel, col, privilege)"
    " LEFT JOIN pg_namespace n ON n.nspname = asked.schema"
    " LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = asked.rel"
    " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = asked.col"
    " AND NOT a.attisdropped"
)


def _written(grant: Grant) -> sql.Composed:
    columns = sql.SQL(", ").join(sql.Identifier(column) for column in grant.columns)
    one = sql.SQL("{} ({})") if grant.columns else sql.SQL("{}")
    return sql.SQL(", ").join(
        one.format(sql.SQL(privilege), columns) if grant.columns else one.format(sql.SQL(privilege))
        for privilege in grant.privileges
    )
