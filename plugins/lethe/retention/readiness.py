"""What frames the real work: the eraser proves itself before, and files go after."""

from __future__ import annotations

from datetime import date

from lethe.catalogue.site import Site
from lethe.erasure.canaries import try_canaries
from lethe.erasure.connectors import Fulfilled, fulfil_intents, naming_columns
from lethe.erasure.selftest import prove_eraser
from lethe.retention.assignments import assign
from lethe.retention.night import witness_of


def prove_ready(site: Site, as_of: date) -> dict[str, str]:
    """Let the eraser prove itself, and send the canaries ahead; everything is rolled back.

    Returns  canary → what became of it
    Raises   GuardStop if one answer is wrong: then the real work must not start
    """
    with site.connected("runner") as connection:
        graph = site.graph(connection)
        connection.rollback()
        prove_eraser(connection, assign)
        connection.rollback()
        return try_canaries(connection, graph, as_of, assign)


def destroy_files(site: Site) -> Fulfilled:
    """Destroy the files that erased rows named, as far as a connector reaches them."""
    with site.connected("runner") as connection:
        witness = witness_of(site, connection)
        policy = site.loaded.policy
        return fulfil_intents(connection, policy.systems, witness, named_in=naming_columns(policy))
