"""What every act on a warehouse begins with: a role, and the witness outside of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2 import errorcodes, extensions

from lethe.catalogue.site import Site
from lethe.connections import Role, acting_as, group_role
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.witness import Witness
from lethe.evidence.witness_opening import open_witness


@contextmanager
def acting(site: Site, doing: str, role: Role = "runner") -> Iterator[extensions.connection]:
    """A connection that begins as a role; a database error becomes a message without values."""
    with site.connected(role) as connection:
        try:
            acting_as(connection, role)
            yield connection
        except psycopg2.Error as error:
            if not connection.closed:
                connection.rollback()
            raise WarehouseRefused(
                f"{doing} failed: {describe_database_error(error)}{_way_out(error, role)}",
                error.pgcode,
            ) from None


def open_witness_of(site: Site, connection: extensions.connection) -> Witness:
    """Open the witness that the policy names; the transaction of the connection is ended."""
    acting_as(connection, "runner")
    warehouse = read_warehouse(connection)
    connection.rollback()
    named = site.loaded.policy.evidence.witness
    return open_witness(named.kind, named.location, warehouse.warehouse_id)


def _way_out(error: psycopg2.Error, role: Role) -> str:
    if error.pgcode != errorcodes.INSUFFICIENT_PRIVILEGE:
        return ""
    return (
        f"; use a connection (or a --dsn) whose user is a member of {group_role(role)}; what the "
        "policy needs beyond that `lethe init` grants"
    )
