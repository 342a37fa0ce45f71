"""What frames the real work: the eraser proves itself before, and files go after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from uuid import UUID

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.erasure.canaries import try_canaries
from lethe.erasure.connectors import Fulfilled, fulfil_intents, naming_columns
from lethe.erasure.selftest import prove_eraser
from lethe.errors import GuardStop
from lethe.evidence.acting import acting, open_witness_of
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.include import statement
from lethe.retention.assignments import assign


def prove_ready(site: Site, as_of: date) -> dict[str, str]:
    """Let the eraser prove itself, and send the canaries ahead; everything is rolled back.

    Returns  canary → what became of it
    Raises   GuardStop if one answer is wrong, noted on the ledger: then no real work may start
    """
    with site.connected("runner") as connection:
        graph = site.graph(connection)
        connection.rollback()
        try:
            prove_eraser(connection, assign)
            connection.rollback()
            return try_canaries(connection, graph, as_of, assign)
        except GuardStop as stop:
            connection.rollback()
            witness = open_witness_of(site, connection)
            acting_as(connection, "runner")
            evidence = EvidenceBatch(connection, None, witness)
            told = {"as_of": as_of.isoformat(), "reason": str(stop)}
            evidence.add_rows([LedgerRow("sweep_unproven", told)])
            evidence.commit()
            raise


def note_canaries(site: Site, run_id: UUID, canaries: Mapping[str, str]) -> None:
    """Keep beside a run what became of the canaries that went ahead of it, for the report."""
    with acting(site, "noting the canaries") as connection:
        with connection.cursor() as cursor:
            cursor.execute(
                statement("retention/note_canaries"),
                {"run_id": str(run_id), "canaries": json.dumps(dict(canaries))},
            )
        connection.commit()


def destroy_files(site: Site) -> Fulfilled:
    """Destroy the files that erased rows named, as far as a connector reaches them."""
    with site.connected("runner") as connection:
        witness = open_witness_of(site, connection)
        policy = site.loaded.policy
        return fulfil_intents(connection, policy.systems, witness, named_in=naming_columns(policy))
