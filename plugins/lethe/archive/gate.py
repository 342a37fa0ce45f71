"""What must hold before anything of the archive is destroyed, in a night and outside of one."""

from __future__ import annotations

from datetime import date

from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys
from lethe.archive.verify_heads import require_told_head
from lethe.archive.verify_unsealed import require_frozen_by_erasures
from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import GuardStop
from lethe.evidence.initialise import read_warehouse
from lethe.guards.edition_gate import require_edition
from lethe.guards.holds import require_force


def why_stopped(
    site: Site, connection: extensions.connection, as_of: date, kind: str | None = None
) -> str | None:
    """Why nothing (of a kind of subject) may be destroyed; what is new is archived still.

    connection  of the runner; rolled back
    """
    acting_as(connection, "runner")
    try:
        if not read_warehouse(connection).armed:
            return "report-only: the approver has not armed this warehouse (`lethe init --arm`)"
        if kind is None:
            require_edition(connection, site.loaded, as_of)
        else:
            require_force(connection, site.loaded.policy, kind)
    except GuardStop as stop:
        return str(stop)
    finally:
        connection.rollback()
    return None


def require_untouched(connection: extensions.connection, keys: ArchiveKeys) -> None:
    """The archive is the one that the ledger tells, and its clocks were frozen by erasures.

    connection  of the runner; rolled back
    Raises      TamperingFound
    """
    acting_as(connection, "runner")
    require_told_head(connection)
    require_frozen_by_erasures(connection, keys)
    connection.rollback()
