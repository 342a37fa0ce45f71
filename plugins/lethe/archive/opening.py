"""What every act of the archive begins with: a connection, the witness, the keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys, read_keys
from lethe.archive.recovery import recovery_key
from lethe.catalogue.site import Site
from lethe.connections import Role, acting_as
from lethe.errors import ConfigurationError, WarehouseRefused, describe_database_error
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.witness import Witness
from lethe.evidence.witness_opening import open_witness
from lethe.keys import KeyRing, year_of


def make_keys(
    site: Site, connection: extensions.connection, witness: Witness | None
) -> ArchiveKeys:
    """Open the keys of the archive, making and committing those of this year."""
    acting_as(connection, "runner")
    ring = KeyRing.open(connection, witness=witness)
    archive = site.loaded.policy.archive
    recovery = recovery_key(archive) if archive else None
    keys = read_keys(ring, year=year_of(site.today()), recovery=recovery)
    connection.commit()
    return keys


def open_witness_of(site: Site, connection: extensions.connection) -> Witness:
    """Open the witness that the policy names."""
    acting_as(connection, "runner")
    warehouse = read_warehouse(connection)
    connection.rollback()
    named = site.loaded.policy.evidence.witness
    return open_witness(named.kind, named.location, warehouse.warehouse_id)


@contextmanager
def acting(site: Site, doing: str, role: Role = "runner") -> Iterator[extensions.connection]:
    """A connection that begins as a role; a database error becomes a message without values."""
    if site.loaded.policy.archive is None:
        raise ConfigurationError("the policy has no section archive; nothing is archived under it")
    with site.connected(role) as connection:
        try:
            acting_as(connection, role)
            yield connection
        except psycopg2.Error as error:
            if not connection.closed:
                connection.rollback()
            raise WarehouseRefused(
                f"{doing} failed: {describe_database_error(error)}. If rights are missing, "
                "`lethe init` grants what the policy needs",
                error.pgcode,
            ) from None
