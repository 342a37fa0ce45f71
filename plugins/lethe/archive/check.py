"""`lethe archive verify`: one verification of one site."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lethe.archive.appending import read_keys
from lethe.archive.heads import read_heads
from lethe.archive.night import acting, open_witness_of
from lethe.archive.verify import Verification, Verifier
from lethe.catalogue.site import Site
from lethe.connections import acting_as, warehouse_dsn
from lethe.evidence.settle import settle_witness
from lethe.evidence.witness import Witness, WitnessRecord
from lethe.keys import KeyRing


def verify_archive(site: Site, *, told: Iterable[str] = (), processes: int = 1) -> Verification:
    """Verify everything in one snapshot; nothing in the warehouse is changed.

    told  texts of old mails, with heads in them
    """
    with acting(site, "verifying the archive") as connection:
        witness = open_witness_of(site, connection)
        # Before the comparison: what was in flight then is committed or voided after it.
        promised = [record for record in witness.records() if record.kind == "batch"]
        state = settle_witness(connection, witness).state
        witnessed = _heads_of(promised, witness)
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        acting_as(connection, "runner")
        if not read_heads(connection) and not witnessed:
            connection.rollback()
            return Verification()
        keys = read_keys(KeyRing.open(connection))
        verifier = Verifier(
            connection, keys, dsn=warehouse_dsn(site.dsn, "runner"), processes=processes
        )
        found = verifier.verify(told, witnessed)
        connection.rollback()
    if state in ("behind", "witness_lost"):
        found.faults.append(f"warehouse and witness do not agree ({state.replace('_', ' ')})")
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
