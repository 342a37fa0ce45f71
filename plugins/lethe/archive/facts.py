"""What a report says of the archive: plain data out of small tables, no record is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg2 import extensions

from lethe.archive.heads import last_head
from lethe.evidence.initialise import read_warehouse
from lethe.include import statement
from lethe.policy.model import Policy

ARCHIVE_RUN = "archive"
VERIFICATION_RUN = "archive-verification"


@dataclass(frozen=True, slots=True)
class NightOfDocuments:
    """What the last night did with one kind of document.

    outcomes        issued documents of the warehouse, by what became of them
    refused         those that could not be archived, by reason
    notes           what somebody should look at: changed numbers, deleted documents
    party_versions  new versions of contact, payment and billing data
    """

    document: str
    issued: int
    outcomes: Mapping[str, int]
    refused: Mapping[str, int]
    notes: Mapping[str, int]
    party_versions: int

    @property
    def captured(self) -> int:
        """New records: documents archived for the first time, and corrections."""
        return self.outcomes.get("archived", 0) + self.outcomes.get("corrected", 0)


@dataclass(frozen=True, slots=True)
class NightOfExpiry:
    """What the last night did about the end of records of one kind of subject.

    beyond   law → documents kept past the published period because of it
    refused  documents whose end cannot be computed, by reason
    digest   hexadecimal; to be approved where the state is 'waiting'
    judged   documents whose end was computed
    """

    rule: str
    state: str
    due: int
    over_limit: str | None
    digest: str
    documents_destroyed: int
    beyond: Mapping[str, int]
    refused: Mapping[str, int]
    held: int
    undecided: int
    judged: int = 0


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """The archive in figures; nothing in it names anybody.

    head_line        the newest head as a line of a mail; None before the first append
    living           records that can be opened; destroyed: leaves that were lawfully destroyed
    night_of         day of the last closed night; None if none was
    opened           records opened that night as a trial of the keys
    verified_at      when everything was last computed again; None if never
    verified_size    leaves that were verified then
    verified_faults  faults that were found then
    """

    head_no: int
    tree_size: int
    root: str | None
    signed_at: datetime | None
    head_line: str | None
    living: int
    destroyed: int
    night_of: date | None
    night_state: str | None
    closed_at: datetime | None
    documents: tuple[NightOfDocuments, ...]
    expiry: tuple[NightOfExpiry, ...]
    opened: int
    recovery_copies: bool
    verified_at: datetime | None
    verified_size: int
    verified_faults: int

    @property
    def beyond_the_promise(self) -> dict[str, int]:
        """Law → documents kept past the published period because of it."""
        return _summed(each.beyond for each in self.expiry)

    @property
    def refused(self) -> dict[str, int]:
        """Reason → documents that could not be archived."""
        return _summed(each.refused for each in self.documents)


def archive_facts(connection: extensions.connection, policy: Policy, as_of: date) -> ArchiveFacts:
    """Gather the facts; the connection's role reads runs, heads and statements of destruction.

    as_of  the night is the newest one up to that day; head and counts are those of now
    """
    head = last_head(connection)
    destroyed = int(_row(connection, "count_destroyed", {})[0])
    asked = {"policy_name": policy.policy.name, "as_of": as_of}
    night = _row(connection, "find_last_night", {**asked, "kind": ARCHIVE_RUN})
    verified = _row(connection, "find_last_night", {**asked, "kind": VERIFICATION_RUN})
    summary: Mapping[str, Any] = night[4] if night else {}
    proof: Mapping[str, Any] = verified[4] if verified else {}
    return ArchiveFacts(
        head_no=head.head_no if head else 0,
        tree_size=head.tree_size if head else 0,
        root=head.root.hex() if head else None,
        signed_at=head.signed_at if head else None,
        head_line=head.line(read_warehouse(connection).warehouse_id) if head else None,
        # A leaf is a living record, a statement, or what a statement names.
        living=(head.tree_size if head else 0) - 2 * destroyed,
        destroyed=destroyed,
        night_of=night[1] if night else None,
        night_state=night[2] if night else None,
        closed_at=night[3] if night else None,
        documents=tuple(_documents(each) for each in summary.get("documents", ())),
        expiry=tuple(_expiry(each) for each in summary.get("expiry", ())),
        opened=int(summary.get("trial", {}).get("opened", 0)),
        recovery_copies=bool(summary.get("recovery_copies")),
        verified_at=verified[3] if verified else None,
        verified_size=int(proof.get("leaves", 0)),
        verified_faults=int(proof.get("faults", 0)),
    )


def _row(
    connection: extensions.connection, name: str, values: Mapping[str, Any]
) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement(f"archive/{name}"), values)
        return cursor.fetchone() or ()


def _documents(said: Mapping[str, Any]) -> NightOfDocuments:
    return NightOfDocuments(
        said["document"],
        said["issued"],
        said["outcomes"],
        said["refused"],
        said["notes"],
        said["party_versions"],
    )


def _expiry(said: Mapping[str, Any]) -> NightOfExpiry:
    counts = said["counts"]
    return NightOfExpiry(
        said["rule"],
        said["state"],
        counts.get("due", 0),
        said["over_limit"],
        said["digest"],
        said["documents_destroyed"],
        said["beyond_the_promise"],
        said["refused"],
        counts.get("held", 0) + counts.get("restricted", 0),
        said.get("undecided", 0),
        sum(count for outcome, count in counts.items() if not outcome.startswith("refused: ")),
    )


def _summed(counts: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            found[name] = found.get(name, 0) + count
    return found
