"""`lethe archive verify`: one verification of one site."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

import psycopg2
from psycopg2 import extensions

from lethe.archive.appending import read_keys
from lethe.archive.facts import VERIFICATION_RUN
from lethe.archive.old_mails import NOTHING, OldMails, parse_heads, read_texts
from lethe.archive.opening import acting, open_witness_of
from lethe.archive.verify import Verification, Verifier
from lethe.archive.verify_heads import compare_mails
from lethe.catalogue.site import Site
from lethe.connections import acting_as, warehouse_dsn
from lethe.errors import describe_database_error
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.runs import State, begin_run, set_state
from lethe.evidence.settle import lost_batches, settle_witness
from lethe.evidence.witness import Witness, WitnessRecord
from lethe.include import statement
from lethe.keys import KeyRing

log = logging.getLogger(__name__)

_PROCESSES = 2


def verify_archive(
    site: Site, *, told: OldMails | Iterable[str] = (), processes: int = 1
) -> Verification:
    """Verify everything in one snapshot; of the warehouse only the list of runs is added to.

    told  what old mails tell, or lines of them
    """
    mails = told if isinstance(told, OldMails) else read_texts(told)
    with acting(site, "verifying the archive") as connection:
        witness = open_witness_of(site, connection)
        # Before the comparison: what was in flight then is committed or voided after it.
        promised = [record for record in witness.records() if record.kind == "batch"]
        state = settle_witness(connection, witness).state
        witnessed = _heads_of(promised, witness)
        lost = _heads_of(_lost(connection, witness), witness)
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        acting_as(connection, "runner")
        with connection.cursor() as cursor:
            cursor.execute(statement("archive/read_last_head"))
            is_empty = cursor.fetchone() is None
        if is_empty and not witnessed:
            found = _of_nothing(connection, mails, lost)
            connection.rollback()
            if mails != NOTHING:
                _note(site, found)
            return found
        keys = read_keys(KeyRing.open(connection))
        verifier = Verifier(
            connection, keys, dsn=warehouse_dsn(site.dsn, "runner"), processes=processes
        )
        found = verifier.verify(mails, witnessed, lost)
        connection.rollback()
    if state in ("behind", "witness_lost"):
        found.faults.append(f"warehouse and witness do not agree ({state.replace('_', ' ')})")
    _note(site, found)
    return found


def _of_nothing(
    connection: extensions.connection, mails: OldMails, lost: Iterable[str]
) -> Verification:
    """Nothing is archived, says the warehouse and its witness; old mails may know better."""
    found = Verification(told_heads=len(mails.heads))
    if mails != NOTHING:
        warehouse_id = read_warehouse(connection).warehouse_id
        gone = frozenset(parse_heads(lost))
        compare_mails([], mails, warehouse_id, found.faults.append, gone)
    return found


def read_back(site: Site, run_id: UUID) -> int:
    """Open everything that a run appended, as it is stored now; gives the number of records.

    Raises  TamperingFound if a record is not what was sealed
    """
    with acting(site, "reading the night's records back") as connection:
        with connection.cursor() as cursor:
            cursor.execute(statement("archive/find_first_append"), {"run_id": str(run_id)})
            (head_no,) = cursor.fetchone() or (None,)
        connection.rollback()
        if head_no is None:
            return 0
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        acting_as(connection, "runner")
        keys = read_keys(KeyRing.open(connection))
        dsn = warehouse_dsn(site.dsn, "runner")
        verifier = Verifier(connection, keys, dsn=dsn, processes=_PROCESSES)
        found = verifier.verify_since(int(head_no))
        connection.rollback()
    found.require_clean()
    return found.records


def _note(site: Site, found: Verification) -> None:
    """Write as a run that everything was verified, for the reports; the answer does not need it."""
    try:
        with site.connected("runner") as connection:
            acting_as(connection, "runner")
            _write_run(site, connection, found)
    except psycopg2.Error as error:
        log.warning("The verification is not on record: %s", describe_database_error(error))


def _write_run(site: Site, connection: extensions.connection, found: Verification) -> None:
    run = begin_run(
        connection,
        kind=VERIFICATION_RUN,
        name=None,
        policy=site.edition,
        as_of=site.today(),
        requested_by=None,
    )
    counts = {
        "leaves": found.leaves,
        "records": found.records,
        "destroyed": found.destroyed,
        "heads": found.heads,
        "told_heads": found.told_heads,
        "faults": len(found.faults),
        "head": found.head,
    }
    state: State = "failed" if found.faults else "done"
    set_state(connection, run.run_id, state, finished=True, summary=counts)
    connection.commit()


def _lost(connection: extensions.connection, witness: Witness) -> list[WitnessRecord]:
    """Batches that a restore lost, which `lethe sweep replay` has put on record since."""
    replayed = [record.number for record in witness.records() if record.kind == "replayed"]
    if not replayed:
        return []
    acting_as(connection, "runner")
    found = [
        record for record in lost_batches(connection, witness) if record.number < max(replayed)
    ]
    connection.rollback()
    return found


def _heads_of(promised: Sequence[WitnessRecord], witness: Witness) -> list[str]:
    voided = {record.body["number"] for record in witness.records() if record.kind == "void"}
    return [
        str(event["body"]["head"])
        for record in promised
        if record.number not in voided
        for event in record.body.get("events", ())
        if event["kind"] == "archive_head"
    ]
