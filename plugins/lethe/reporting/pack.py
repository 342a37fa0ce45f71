"""The evidence pack of a period: gathered in one snapshot, signed, checked, put on the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import UsageError, WarehouseRefused, describe_database_error
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.canonical import canonical_instant
from lethe.evidence.initialise import Warehouse, read_warehouse
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.pack import PackWriter
from lethe.evidence.signing import PackSigner
from lethe.evidence.told import key_line, pack_line, seal_line
from lethe.evidence.witness import Witness
from lethe.evidence.witness_opening import open_witness
from lethe.include import statement
from lethe.keys import KeyRing
from lethe.reporting.pack_figures import closed_plans, closed_tables
from lethe.reporting.pack_gather import (
    LedgerLines,
    Period,
    Span,
    approval_lines,
    find_span,
    head_lines,
    list_seals,
    plan_lines,
    policy_lines,
    quality_lines,
    run_lines,
    seal_lines,
    table_lines,
)


@dataclass(frozen=True, slots=True)
class PackResult:
    """A pack that was written, checked once by its own verifier, and put on the ledger.

    path             the zip file: `lethe-evidence-<policy>-<day or month>.zip`
    sha256           of the file, hexadecimal
    key_fingerprint  of the key that signed it, hexadecimal
    first_seal_no    oldest seal of the ledger that the pack covers; None if there is none
    seal_no          newest seal that it covers, or continues; None if nothing was sealed yet
    seal_hash        its hash, hexadecimal
    rows             ledger rows in it, of which `commitments` are hidden
    lines            for every mail, one a line: what the verifier reads out of old mails
    """

    path: Path
    sha256: str
    size: int
    manifest_sha256: str
    key_fingerprint: str
    public_key: str
    first_seal_no: int | None
    seal_no: int | None
    seal_hash: str | None
    rows: int
    commitments: int
    lines: tuple[str, ...]


def make_pack(
    site: Site,
    period: Period,
    first: date,
    last: date,
    attachments: Mapping[str, Path],
    folder: Path,
) -> PackResult:
    """Write and sign the evidence pack of a period.

    first, last   days of the period, both included
    attachments   name in the pack (`summary.json`, `report.pdf`, …) → report file
    folder        where the zip goes; made if it is not there
    Raises        WarehouseRefused, ActError; TamperingFound, and no pack, if its own verifier
                  finds anything wrong with what the warehouse holds
    """
    if first > last or (period == "day" and first != last):
        raise UsageError(f"{first} to {last} is no {period}")
    now = datetime.now(UTC)
    name = f"{first}" if period == "day" else f"{first:%Y-%m}"
    path = folder / f"lethe-evidence-{site.loaded.policy.policy.name}-{name}.zip"
    signer = _provide_signer(site)
    with PackWriter(folder) as pack:
        manifest = _gather(site, pack, period, (first, last), now)
        for title, file in sorted(attachments.items()):
            pack.add_copy(f"report/{title}", file)
        made, digest = pack.finish(manifest, signer)
        counts = dict(pack.counts)
        ledger = manifest["ledger"]
        before = ledger["previous_seal"]
        seal_no = ledger["last_seal"] or (before["seal_no"] if before else None)
        _register(site, manifest, digest, seal_no, signer)
        made.replace(path)
    data = path.read_bytes()
    warehouse_id = manifest["warehouse_id"]
    lines = [key_line(warehouse_id, signer.fingerprint)]
    if seal_no is not None:
        lines.append(seal_line(warehouse_id, seal_no, ledger["last_hash"]))
    lines.append(pack_line(warehouse_id, period, first, last, digest))
    return PackResult(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        manifest_sha256=digest,
        key_fingerprint=signer.fingerprint,
        public_key=signer.public_key.hex(),
        first_seal_no=ledger["first_seal"],
        seal_no=seal_no,
        seal_hash=ledger["last_hash"],
        rows=counts["rows"],
        commitments=counts["commitments"],
        lines=tuple(lines),
    )


def signer_fingerprint(site: Site) -> str:
    """The fingerprint of the key that signs packs, made if there is none yet; for every report."""
    return _provide_signer(site).fingerprint


def _provide_signer(site: Site) -> PackSigner:
    with site.connected("runner") as connection:
        try:
            witness = _witness(site, connection)
            acting_as(connection, "runner")
            signer = PackSigner.of(KeyRing.open(connection, witness=witness), create=True)
            connection.commit()
        except psycopg2.Error as error:
            raise _refused(error) from None
    return signer


def _gather(
    site: Site, pack: PackWriter, period: Period, days: tuple[date, date], now: datetime
) -> dict[str, Any]:
    """Write every file of the pack from one snapshot; gives the manifest, unsigned."""
    with site.connected("reader") as connection:
        try:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            acting_as(connection, "reader")
            warehouse = read_warehouse(connection)
            zone = ZoneInfo(site.loaded.policy.policy.time_zone)
            span = find_span(connection, warehouse, zone, period, days, now)
            return _write(site, connection, pack, warehouse, span, now)
        except psycopg2.Error as error:
            raise _refused(error) from None
        finally:
            if not connection.closed:
                connection.rollback()


def _write(
    site: Site,
    connection: extensions.connection,
    pack: PackWriter,
    warehouse: Warehouse,
    span: Span,
    now: datetime,
) -> dict[str, Any]:
    seals = list_seals(connection, *span.seals) if span.seals else []
    pack.add_lines("seals", seal_lines(seals))
    ledger = LedgerLines(connection, span)
    pack.counts["rows"] = pack.add_lines("ledger", ledger)
    pack.counts["commitments"] = ledger.hidden
    del pack.counts["ledger"]
    runs = run_lines(connection, span)
    ids = [run["run_id"] for run in runs]
    approvals = approval_lines(connection, span, ids)
    editions = {line["policy_digest"]: ("", "") for line in approvals}
    editions |= {run["policy_digest"]: (run["policy_name"], run["policy_version"]) for run in runs}
    policies, texts = policy_lines(connection, site.loaded, editions)
    heads, last = head_lines(connection, warehouse.warehouse_id, ledger.heads, now)
    for name, lines in (
        ("runs", runs),
        ("plans", closed_plans(plan_lines(connection, ids), ledger.closings)),
        ("tables", closed_tables(table_lines(connection, ids), ledger.closings)),
        ("approvals", approvals),
        ("policies", policies),
        ("archive", heads),
        ("quality", quality_lines(site.loaded.policy.policy.name, span.first, span.last)),
    ):
        pack.add_lines(name, lines)
    for name, text in texts.items():
        pack.add(name, text)
    end = seals[-1] if seals else span.before
    own = site.loaded.policy.policy
    return {
        "warehouse_id": str(warehouse.warehouse_id),
        "rehearsal": warehouse.rehearsal,
        "policy": {"name": own.name, "version": own.version, "digest": site.loaded.digest},
        "period": {
            "kind": span.kind,
            "first": span.first.isoformat(),
            "last": span.last.isoformat(),
            "time_zone": own.time_zone,
            "is_over": span.is_over,
        },
        "made_at": canonical_instant(now),
        "ledger": {
            "previous_seal": _named(span.before) if span.before else None,
            "first_seal": seals[0].seal_no if seals else None,
            "last_seal": seals[-1].seal_no if seals else None,
            "last_hash": end.seal_hash.hex() if end else None,
            "waiting_for_a_seal": _unsealed(connection),
        },
        "archive": None
        if last is None
        else {
            "public_key": last.public_key.hex(),
            "first_head": last.head_no - len(heads) + 1,
            "last_head": last.head_no,
            "tree_size": last.tree_size,
            "root": last.root.hex(),
        },
        "previous_pack": None if span.previous is None else dict(span.previous),
    }


def _named(seal: Any) -> dict[str, Any]:
    return {"seal_no": seal.seal_no, "seal_hash": seal.seal_hash.hex()}


def _unsealed(connection: extensions.connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/count_unsealed"))
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _register(
    site: Site, manifest: Mapping[str, Any], digest: str, seal_no: int | None, signer: PackSigner
) -> None:
    """Put the pack on the ledger: the next pack of the kind tells it, and cannot leave it out."""
    period = manifest["period"]
    payload = {
        "kind": period["kind"],
        "first": period["first"],
        "last": period["last"],
        "manifest_sha256": digest,
        "seal_no": seal_no,
        "key": signer.fingerprint,
    }
    with site.connected("runner") as connection:
        try:
            witness = _witness(site, connection)
            acting_as(connection, "runner")
            evidence = EvidenceBatch(connection, None, witness)
            evidence.add_rows([LedgerRow("evidence_pack_signed", payload)])
            evidence.commit()
        except psycopg2.Error as error:
            raise _refused(error) from None


def _witness(site: Site, connection: extensions.connection) -> Witness:
    acting_as(connection, "runner")
    warehouse_id = read_warehouse(connection).warehouse_id
    connection.rollback()
    named = site.loaded.policy.evidence.witness
    return open_witness(named.kind, named.location, warehouse_id)


def _refused(error: psycopg2.Error) -> WarehouseRefused:
    return WarehouseRefused(
        f"the evidence pack was not made: {describe_database_error(error)}. If rights are "
        "missing, `lethe init` grants what is needed",
        error.pgcode,
    )
