"""One night of the archive: seal clocks, capture, destroy what has ended, try a sample, close."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

from psycopg2 import extensions

from lethe.archive.appending import read_keys
from lethe.archive.approvals import approve_waiting, settle, work_off_approved
from lethe.archive.capture import BATCH, Capture, Captured
from lethe.archive.check import read_back
from lethe.archive.clocks import seal_clocks
from lethe.archive.document_keys import document_keys, keys_of_last_night, require_key
from lethe.archive.expire import Expiry
from lethe.archive.expired import Expired
from lethe.archive.facts import ARCHIVE_RUN
from lethe.archive.gate import require_untouched, why_stopped
from lethe.archive.night_summary import Trial, summarise
from lethe.archive.oddities import note_oddities
from lethe.archive.opening import acting, make_keys, open_witness_of
from lethe.archive.reading import read_records
from lethe.archive.statements import archive_of, kinds_of
from lethe.catalogue.site import Site
from lethe.connections import acting_as, warehouse_dsn
from lethe.errors import (
    GuardStop,
    LetheError,
    UsageError,
    VerificationError,
    WarehouseRefused,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.runs import Run, begin_run, read_run, set_state
from lethe.evidence.seal import seal_ledger
from lethe.evidence.settle import require_in_step
from lethe.guards.editions import see_edition
from lethe.include import statement
from lethe.keys import KeyRing

log = logging.getLogger(__name__)

SAMPLE = 200
"""So many records are opened every night, drawn at random."""


def run_archive(
    site: Site,
    as_of: date,
    *,
    name: str | None = None,
    requested_by: str | None = None,
    approve: str | None = None,
    approved_by: str = "",
    batch: int = BATCH,
    tell: Callable[[str], None] = lambda _: None,
) -> Run:
    """A whole night in one call; begun again, it goes on where it was.

    A kind of document that cannot be archived stops no other; it is raised at the end, and until
    then nothing is destroyed of those whose documents they are.

    approve  hexadecimal digest of an expiry that waits
    """
    if approve:
        tell("Recording the approval")
        approve_waiting(site, approve, approved_by)
    run_id = begin_night(site, as_of, name=name, requested_by=requested_by)
    captured = []
    failed: dict[str, LetheError] = {}
    for document in documents_of(site):
        tell(f"Archiving: {document}")
        try:
            captured.append(capture_documents(site, run_id, document, batch=batch))
        except (UsageError, GuardStop, WarehouseRefused) as error:
            tell(f"Not archived: {document}: {error}")
            failed[document] = error
    tell("Looking for what has come to its end")
    try:
        expired = expire_records(site, run_id, unarchived=list(failed))
    except LetheError as error:
        raise next(iter(failed.values()), error) from None
    if failed:
        raise next(iter(failed.values()))
    tell("Opening a sample")
    return close_night(site, run_id, captured, expired, try_sample(site))


def documents_of(site: Site) -> list[str]:
    """The kinds of documents that the policy archives."""
    archive = site.loaded.policy.archive
    return list(archive.documents) if archive else []


def begin_night(
    site: Site, as_of: date, *, name: str | None = None, requested_by: str | None = None
) -> UUID:
    """Begin the run: not behind the witness, keys there, frozen clocks sealed."""
    with acting(site, "the archive") as connection:
        witness = open_witness_of(site, connection)
        require_in_step(connection, witness)
        acting_as(connection, "runner")
        see_edition(connection, site.loaded)
        run = begin_run(
            connection,
            kind=ARCHIVE_RUN,
            name=name,
            policy=site.edition,
            as_of=as_of,
            requested_by=requested_by,
        )
        _require_day(site, connection, as_of)
        set_state(connection, run.run_id, "running")
        connection.commit()
        keys = make_keys(site, connection, witness)
        require_untouched(connection, keys)
        sealed = seal_clocks(connection, keys, run.run_id, witness)
        log.info("Run %s: %s frozen clocks were sealed", run.run_id, sealed)
        return run.run_id


def capture_documents(site: Site, run_id: UUID, document: str, *, batch: int = BATCH) -> Captured:
    """Archive what is new or corrected of one kind of document."""
    with acting(site, f"archiving {document}") as connection:
        run = read_run(connection, run_id)
        _require_policy(site, run)
        connection.rollback()
        graph = site.graph(connection)
        acting_as(connection, "runner")
        require_key(connection, graph, document)
        connection.rollback()
        witness = open_witness_of(site, connection)
        keys = make_keys(site, connection, witness)
        with site.connected("runner") as reader:
            reader.set_client_encoding("UTF8")
            return Capture(
                connection,
                reader,
                graph,
                document,
                run_id=run_id,
                as_of=run.as_of,
                policy_digest=run.policy_digest,
                keys=keys,
                witness=witness,
                dsn=warehouse_dsn(site.dsn, "runner"),
                batch=batch,
            ).work()


def expire_records(site: Site, run_id: UUID, *, unarchived: Sequence[str] = ()) -> list[Expired]:
    """Destroy what is past its last day, as far as the guards allow; what was approved first.

    unarchived  kinds of document that the night could not archive: a correction of one may keep it
    Raises      TamperingFound if something that was to go is not what was sealed; it stays
    """
    found, approved = [], []
    with acting(site, "the expiry of the archive") as connection:
        run = read_run(connection, run_id)
        _require_policy(site, run)
        connection.rollback()
        graph = site.graph(connection)
        witness = open_witness_of(site, connection)
        keys = make_keys(site, connection, witness)
        settle(site, connection)
        stop = why_stopped(site, connection, run.as_of)
        documents = archive_of(graph).documents
        halted = {documents[name].subject: name for name in unarchived}
        if stop is None and not halted:
            approved = work_off_approved(site, connection, graph, keys, witness, on=run.as_of)
        for kind in kinds_of(graph):
            expiry = Expiry(connection, site, graph, kind, run=run, keys=keys, witness=witness)
            planned = expiry.plan()
            why = stop or why_stopped(site, connection, run.as_of, kind)
            if kind in halted:
                why = f"the night could not archive its documents: {halted[kind]}"
            if why is not None and planned.due:
                planned.state, planned.stopped = "stopped", why
                log.warning("%s is stopped: %s", planned.rule, why)
            expiry.work(planned)
            found.append(planned)
    for each in [*approved, *found]:
        each.require_unchanged()
    return found


def try_sample(site: Site) -> Trial:
    """Open a random sample, and one record under every key: a lost key is found tonight.

    Raises  TamperingFound, or ConfigurationError where a wrapping key is lost
    """
    with acting(site, "the trial of the archive") as connection:
        ring = KeyRing.open(connection)
        with connection.cursor() as cursor:
            cursor.execute(
                statement("archive/draw_sample"),
                {"size": SAMPLE},
            )
            leaves = [int(row[0]) for row in cursor.fetchall()]
        if not leaves:
            connection.rollback()
            return Trial(0, 0)
        keys = read_keys(ring)
        opened = sum(1 for _ in read_records(connection, keys, leaves=leaves))
        connection.rollback()
    if opened != len(leaves):
        raise VerificationError("archive: records went while the sample was opened; run again")
    return Trial(opened, len(keys.wraps))


def close_night(
    site: Site,
    run_id: UUID,
    captured: Sequence[Captured],
    expired: Sequence[Expired],
    trial: Trial,
) -> Run:
    """Read back what was archived, assert the sums, write the summary, seal the ledger.

    Raises  VerificationError if a document was lost or counted twice, TamperingFound if a record
            is not what was sealed
    """
    back = read_back(site, run_id)
    with acting(site, "closing the run of the archive") as connection:
        witness = open_witness_of(site, connection)
        for each in captured:
            if sum(each.outcomes.values()) != each.issued:
                raise VerificationError(
                    f"archive: of {each.issued} issued documents ({each.document}) "
                    f"{sum(each.outcomes.values())} have an outcome"
                )
        acting_as(connection, "runner")
        as_of = read_run(connection, run_id).as_of
        graph = site.graph(connection)
        note_oddities(connection, graph, run_id, as_of, captured)
        keys = document_keys(graph, keys_of_last_night(connection))
        summary = summarise(site, connection, captured, expired, trial) | {"read_back": back}
        waiting = any(each.state == "waiting" for each in expired)
        set_state(connection, run_id, "running", summary=summary)
        counts = {each["document"]: each["outcomes"] for each in summary["documents"]}
        evidence = EvidenceBatch(connection, run_id, witness)
        evidence.add_rows([LedgerRow("archive_closed", {"documents": counts, "keys": keys})])
        evidence.commit()
        seal = seal_ledger(connection, witness)
        acting_as(connection, "runner")
        set_state(
            connection,
            run_id,
            "waiting" if waiting else "done",
            finished=True,
            seal_no=seal.seal_no if seal else None,
        )
        connection.commit()
        return read_run(connection, run_id)


def _require_policy(site: Site, run: Run) -> None:
    if run.policy_digest != site.digest:
        raise GuardStop("the policy changed since the run of the archive began; begin another one")


def _require_day(site: Site, connection: extensions.connection, as_of: date) -> None:
    if as_of > site.today() and not read_warehouse(connection).rehearsal:
        raise GuardStop(
            f"as-of {as_of} lies in the future: it is executed only on a warehouse made with "
            "`lethe init --rehearsal`"
        )
