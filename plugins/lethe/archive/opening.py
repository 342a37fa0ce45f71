"""What every act of the archive begins with: a connection, the witness, the keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys, read_keys
from lethe.archive.recovery import recovery_key
from lethe.catalogue.site import Site
from lethe.connections import Role, acting_as
from lethe.errors import ConfigurationError
from lethe.evidence import acting as ground
from lethe.evidence.witness import Witness
from lethe.keys import KeyRing, year_of

open_witness_of = ground.open_witness_of


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


@contextmanager
def acting(site: Site, doing: str, role: Role = "runner") -> Iterator[extensions.connection]:
    """A connection that begins as a role, where the policy has an archive."""
    if site.loaded.policy.archive is None:
        raise ConfigurationError("the policy has no section archive; nothing is archived under it")
    with ground.acting(site, doing, role) as connection:
        connection.set_client_encoding("UTF8")
        yield connection
