"""Reading is access: with a reason, on the ledger before anything is shown, for one role only."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys, read_keys
from lethe.archive.opening import acting, open_witness_of
from lethe.archive.reading import read_records
from lethe.catalogue.site import Site
from lethe.connections import acting_as, group_role
from lethe.errors import AnswerIsNo, ConfigurationError, UsageError
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.include import statement
from lethe.keys import KeyRing


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as it was on a day, with the party data that it is bound to."""

    document_type: str
    leaf_no: int
    document: dict[str, Any]
    party: dict[str, Any] | None


def show_document(
    site: Site, number: str, as_of: date, reason: str, *, document_type: str | None = None
) -> list[Shown]:
    """Show the version of a document that held on a day, out of the archive alone.

    Raises  AnswerIsNo if the archive has none, UsageError without a reason
    """
    require_reason(reason)
    with acting(site, "reading the archive", "archivist") as connection:
        require_archivist(connection)
        keys = read_keys(KeyRing.open(connection))
        with connection.cursor() as cursor:
            cursor.execute(
                statement("archive/find_number"), {"number": number, "type": document_type}
            )
            leaves = [int(row[0]) for row in cursor.fetchall()]
        opened = {each.leaf_no: each.record for each in _read(connection, keys, leaves)}
        versions = _versions_of(opened, number, as_of)
        shown = [
            Shown(record["type"], leaf, record, _party(connection, keys, record))
            for leaf, record in versions
        ]
        read = [each.leaf_no for each in shown]
        connection.rollback()
        log_access(site, connection, "archive_shown", reason, {"leaves": read})
    if not shown:
        raise AnswerIsNo(
            f"the archive holds no document of that number for {as_of}; it was issued later, was "
            "never archived, or its record was lawfully destroyed"
        )
    return shown


def require_reason(reason: str) -> None:
    """Refuse to read without a reason."""
    if not reason.strip():
        raise UsageError("say with --reason why the archive is read; it is put on the ledger")


def require_archivist(connection: extensions.connection) -> None:
    """Refuse whoever is no member of the archivist's role.

    Raises  ConfigurationError
    """
    if not acting_as(connection, "archivist"):
        raise ConfigurationError(
            f"only members of {group_role('archivist')} read the archive; use the connection "
            "'lethe_archivist'"
        )


def log_access(
    site: Site,
    connection: extensions.connection,
    kind: str,
    reason: str,
    payload: dict[str, Any],
) -> None:
    """Put a reading on the ledger and commit; only then is anything shown."""
    witness = open_witness_of(site, connection)
    acting_as(connection, "archivist")
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user::text")
        (session,) = cursor.fetchone() or ("",)
    evidence = EvidenceBatch(connection, None, witness)
    by = {"database_user": session, "system_user": getpass.getuser()}
    evidence.add_rows([LedgerRow(kind, {"reason": reason.strip(), **by, **payload})])
    evidence.commit()


def _read(connection: extensions.connection, keys: ArchiveKeys, leaves: list[int]) -> list[Any]:
    return list(read_records(connection, keys, leaves=leaves)) if leaves else []


def _versions_of(
    opened: dict[int, dict[str, Any]], number: str, as_of: date
) -> list[tuple[int, dict[str, Any]]]:
    """The version that held on the day of each document that had the number until then.

    It may have another number by that day: whoever holds the old paper finds it by the old one.
    """
    newest: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
    called = set()
    for leaf in sorted(opened):
        record = opened[leaf]
        if record["valid_from"] <= as_of.isoformat():
            document = (record["type"], "\x00".join(map(str, record["key"])))
            newest[document] = (leaf, record)
            if record["number"] == number:
                called.add(document)
    return [found for document, found in newest.items() if document in called]


def _party(
    connection: extensions.connection, keys: ArchiveKeys, record: dict[str, Any]
) -> dict[str, Any] | None:
    found = _read(connection, keys, [int(record["party"]["leaf_no"])])
    return found[0].record if found else None
