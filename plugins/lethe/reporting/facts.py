"""Gather what a report is made of: the facts of every wing, from Lethe's own tables and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg2
from psycopg2 import extensions

from lethe.archive.facts import ArchiveFacts, archive_facts
from lethe.archive.heads import last_head
from lethe.catalogue.bind import bind
from lethe.catalogue.model import Catalogue
from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import LetheError, WarehouseRefused, describe_database_error
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.seal import last_seal
from lethe.evidence.told import seal_line
from lethe.guards.findings import read_findings
from lethe.include import home_folder, statement
from lethe.policy.model import Policy
from lethe.policy.periods import start_of_day
from lethe.pseudonymisation.facts import log_facts
from lethe.quality.facts import QualityFacts, quality_facts
from lethe.quality.history import KEPT, read_reports
from lethe.reporting.pack import signer_fingerprint
from lethe.reporting.summary import Change, KeyLine, LogLine, Seal
from lethe.retention.clauses import ClauseState, clause_states
from lethe.retention.fact_shapes import SweepFacts
from lethe.retention.facts import sweep_facts

Period = Literal["day", "month"]
_LEDGER = {
    "hold_added": ("hold", "added"),
    "hold_released": ("hold", "released"),
    "restriction_added": ("restriction", "added"),
    "restriction_released": ("restriction", "released"),
    "archive_shown": ("access", "archive_shown"),
    "archive_exported": ("access", "archive_exported"),
    "log_key_destroyed": ("key", "destroyed"),
    "log_revealed": ("reidentification", "log_revealed"),
}
"""Kinds of ledger rows that tell of what people did, beside the sweep: kind and action."""


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """The policy against the catalogue of the warehouse, at the making of the report.

    alarms   code → how often
    covered  clause → tables in which the catalogue has columns that the promise is about, and how
             many of them
    """

    checked_at: datetime
    faults: int
    unclassified: tuple[str, ...]
    alarms: Mapping[str, int]
    covered: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a Summary is built from; a wing that is not there, or left nothing, is None.

    failures        documents of the checks that failed or could not be made, of the last run
    unkept          of those that failed under a promise that has no control yet
    last_heard      duty → when it was last done, whenever that was
    logs_failed     parts of the newest run of the logs that failed: their raw lines are still there
    since           first day on which anything can be expected of this warehouse
    found_since     what the restore guard found → since when the oldest waits to be seen
    """

    policy: Policy
    digest: str
    period: Period
    first: date
    last: date
    made_at: datetime
    warehouse_id: str
    since: date
    clauses: tuple[ClauseState, ...]
    sweep: SweepFacts
    archive: ArchiveFacts | None
    archive_key: str | None
    quality: QualityFacts | None
    failures: tuple[Mapping[str, Any], ...]
    check: PolicyCheck | None
    logs: tuple[LogLine, ...] | None
    keys: tuple[KeyLine, ...]
    seal: Seal | None
    unsealed: tuple[int, float]
    unsent: int
    changes: tuple[Change, ...]
    last_heard: Mapping[str, datetime | None]
    signer: str | None
    home: Path
    logs_failed: int = 0
    found_since: Mapping[str, date] = field(default_factory=dict)
    unkept: tuple[Mapping[str, Any], ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which days are counted."""
        return ZoneInfo(self.policy.policy.time_zone)

    @property
    def begins(self) -> datetime:
        """The first instant of the period."""
        return start_of_day(self.first, self.zone)

    def done_by(self, day: date) -> datetime:
        """When the duties of a night must be done."""
        at = time.fromisoformat(self.policy.guards.done_by)
        return datetime.combine(day, at, self.zone).astimezone(UTC)


def days_of(period: Period, as_of: date) -> tuple[date, date]:
    """First and last day of the period that ends with a day: itself, or its month so far."""
    return (as_of if period == "day" else as_of.replace(day=1)), as_of


def first_day(connection: extensions.connection, policy: Policy) -> date:
    """The day on which Lethe was set up here: before it nothing could be expected."""
    acting_as(connection, "reader")
    created = read_warehouse(connection).created_at
    connection.rollback()
    return created.astimezone(ZoneInfo(policy.policy.time_zone)).date()


def gather_facts(site: Site, period: Period, as_of: date, made_at: datetime) -> Facts:
    """Gather the facts of the day, or of the month up to it; nothing is written.

    Raises  WarehouseRefused, WarehouseUnreachable, ConfigurationError
    """
    policy = site.loaded.policy
    first, last = days_of(period, as_of)
    with site.connected("reader") as connection:
        try:
            acting_as(connection, "reader")
            warehouse = read_warehouse(connection)
            begins, ends = _instants(policy, first, last)
            sweep = sweep_facts(connection, policy, first, last)
            quality = quality_facts(policy.policy.name, since=first, until=last)
            archive = archive_facts(connection, policy, last) if policy.archive else None
            logs_done, logs_failed = _last_logs(connection, policy, first, last)
            facts = Facts(
                policy=policy,
                digest=site.loaded.digest,
                period=period,
                first=first,
                last=last,
                made_at=made_at,
                warehouse_id=str(warehouse.warehouse_id),
                since=warehouse.created_at.astimezone(ZoneInfo(policy.policy.time_zone)).date(),
                clauses=clause_states(policy),
                sweep=sweep,
                archive=archive,
                archive_key=_archive_key(connection),
                quality=quality,
                failures=_checks(quality, "failed", "not checked"),
                unkept=_checks(quality, "not yet kept"),
                check=None,
                logs=_logs(connection, policy, begins, ends),
                keys=_keys(connection, last),
                seal=_seal(connection, str(warehouse.warehouse_id)),
                unsealed=_unsealed(connection),
                unsent=_unsent(connection, policy, made_at),
                changes=_changes(connection, begins, ends),
                last_heard={
                    **_last_heard(connection, policy, archive),
                    "log_pseudonymisation": logs_done,
                },
                logs_failed=logs_failed,
                found_since=_found_since(connection, policy),
                signer=None,
                home=home_folder(),
            )
            connection.rollback()
            return replace(facts, check=_check(connection, site, made_at), signer=_signer(site))
        except psycopg2.Error as error:
            if not connection.closed:
                connection.rollback()
            raise WarehouseRefused(
                f"the facts of the report could not be read: {describe_database_error(error)}",
                error.pgcode,
            ) from None


def _found_since(connection: extensions.connection, policy: Policy) -> dict[str, date]:
    zone = ZoneInfo(policy.policy.time_zone)
    since: dict[str, date] = {}
    for each in read_findings(connection, policy.policy.name):
        since.setdefault(each.found.sort, each.since.astimezone(zone).date())
    return since


def _logs(
    connection: extensions.connection, policy: Policy, begins: datetime, ends: datetime
) -> tuple[LogLine, ...] | None:
    found = log_facts(connection, policy, begins, ends)
    return None if found is None else tuple(LogLine(**asdict(each)) for each in found)


def _last_logs(
    connection: extensions.connection, policy: Policy, first: date, last: date
) -> tuple[datetime | None, int]:
    values = {"policy_name": policy.policy.name, "first": first, "last": last}
    (row,) = _rows(connection, "read_last_logs", values)
    return row[0], int(row[1])


def _instants(policy: Policy, first: date, last: date) -> tuple[datetime, datetime]:
    zone = ZoneInfo(policy.policy.time_zone)
    return start_of_day(first, zone), start_of_day(last + timedelta(days=1), zone)


def _rows(
    connection: extensions.connection, name: str, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement(f"reporting/{name}"), values)
        return cursor.fetchall()


def _checks(quality: QualityFacts | None, *states: str) -> tuple[Mapping[str, Any], ...]:
    """What came out so in the run that a report tells of."""
    for report in read_reports(KEPT):
        if quality is not None and report["run"] == quality.run:
            return tuple(each for each in report["expectations"] if each["state"] in states)
    return ()


def _keys(connection: extensions.connection, last: date) -> tuple[KeyLine, ...]:
    lines = []
    rows = _rows(connection, "list_keys", {})
    for purpose, period, destroy_after, destroyed_at, final_at in rows:
        is_due = destroy_after is not None and destroy_after <= last
        state: Literal["in_use", "due", "destroyed"] = "due" if is_due else "in_use"
        lines.append(
            KeyLine(
                purpose,
                period,
                "destroyed" if destroyed_at else state,
                destroy_after,
                destroyed_at,
                final_at,
            )
        )
    return tuple(lines)


def _seal(connection: extensions.connection, warehouse_id: str) -> Seal | None:
    seal = last_seal(connection)
    if seal is None:
        return None
    return Seal(
        seal.seal_no,
        seal.seal_hash.hex(),
        seal.merkle_root.hex(),
        seal.sealed_at,
        seal.leaf_count,
        seal_line(UUID(warehouse_id), seal.seal_no, seal.seal_hash.hex()),
    )


def _archive_key(connection: extensions.connection) -> str | None:
    head = last_head(connection)
    return head.public_key.hex() if head else None


def _unsealed(connection: extensions.connection) -> tuple[int, float]:
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/count_unsealed"))
        batches, hours = cursor.fetchone() or (0, 0.0)
    return int(batches), float(hours)


def _unsent(connection: extensions.connection, policy: Policy, made_at: datetime) -> int:
    values = {"policy_name": policy.policy.name, "made_at": made_at}
    return int(_rows(connection, "count_unsent", values)[0][0])


def _changes(
    connection: extensions.connection, begins: datetime, ends: datetime
) -> tuple[Change, ...]:
    values = {"begins": begins, "ends": ends, "kinds": list(_LEDGER)}
    return tuple(
        Change(at, *_LEDGER[kind], what, by, 1)
        for at, kind, what, by in _rows(connection, "list_changes", values)
    )


def _last_heard(
    connection: extensions.connection, policy: Policy, archive: ArchiveFacts | None
) -> dict[str, datetime | None]:
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/read_last_sweep"), {"policy_name": policy.policy.name})
        row = cursor.fetchone()
    newest = quality_facts(policy.policy.name)
    return {
        "retention_sweep": row[1] if row else None,
        "invoice_archive": archive.closed_at if archive else None,
        "data_quality": newest.asked_at if newest else None,
    }


def _signer(site: Site) -> str | None:
    """Fingerprint of the key that signs packs; None if this process may not open the key ring."""
    try:
        return signer_fingerprint(site)
    except LetheError:
        return None


def _check(connection: extensions.connection, site: Site, made_at: datetime) -> PolicyCheck | None:
    """The policy against the catalogue; None if it could not be asked."""
    try:
        bound = bind(connection, site.loaded)
    except LetheError:
        return None
    return PolicyCheck(
        made_at,
        len(bound.faults),
        tuple(
            f"{table}.{column}"
            for table, columns in bound.unclassified.items()
            for column in columns
        ),
        Counter(each.code for each in bound.alarms),
        {
            name: covered_columns(site.loaded.policy, bound.graph.catalogue, clause.control.covers)
            for name, clause in site.loaded.policy.clauses.items()
            if clause.control.covers
        },
    )


def covered_columns(policy: Policy, catalogue: Catalogue, covers: Sequence[str]) -> dict[str, int]:
    """Count by table the personal columns of some classes, or of some tables, that are there."""
    found: Counter[str] = Counter()
    for name, entry in policy.tables.items():
        table = catalogue.tables.get(name)
        for column, spec in entry.columns.items():
            is_asked = spec.class_ in covers or str(name) in covers
            if table is not None and column in table.columns and is_asked:
                found[str(name)] += 1
    return dict(found)
