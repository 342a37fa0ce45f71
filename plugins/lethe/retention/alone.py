"""One sweep by hand at a time: a second one would take the first for a run that broke off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import GuardStop, WarehouseRefused, describe_database_error
from lethe.include import statement


@contextmanager
def alone(site: Site) -> Iterator[None]:
    """Do something while nobody else sweeps by hand under the same policy.

    Held by an open transaction of a connection of its own: it ends with the process, however that
    ends.

    Raises  GuardStop if somebody does
    """
    with site.connected("runner") as connection:
        if not _is_free(site, connection):
            raise GuardStop(
                "another sweep of this policy is running; wait for its end, or stop it: what it "
                "has committed stays, and running again goes on from there"
            )
        yield


def _is_free(site: Site, connection: extensions.connection) -> bool:
    try:
        acting_as(connection, "runner")
        with connection.cursor() as cursor:
            named = {"policy_name": site.loaded.policy.policy.name}
            cursor.execute(statement("retention/lock_sweep"), named)
            row = cursor.fetchone()
    except psycopg2.Error as error:
        raise WarehouseRefused(
            f"the sweep could not be begun: {describe_database_error(error)}", error.pgcode
        ) from None
    return bool(row and row[0])
