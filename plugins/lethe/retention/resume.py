"""Sweeps that broke off: gone on with where day, policy and rules are the same, else closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.evidence.acting import acting
from lethe.include import statement
from lethe.retention.night_close import close_night
from lethe.retention.night_work import verify_night
from lethe.retention.plan import chosen_rules

_LEFT = "left to a newer run"


def find_unfinished(site: Site, as_of: date, rules: Sequence[str] | None = None) -> UUID | None:
    """Find the run, begun by hand, that a crash broke off and that this one goes on with."""
    with acting(site, "looking for a run that broke off") as connection:
        chosen = chosen_rules(site.graph(connection), rules)
        acting_as(connection, "runner")
        with connection.cursor() as cursor:
            cursor.execute(
                statement("retention/find_unfinished"),
                {
                    "policy_name": site.edition[0],
                    "policy_digest": site.digest,
                    "as_of": as_of,
                    "rules": chosen,
                },
            )
            row = cursor.fetchone()
    return None if row is None else UUID(str(row[0]))


def close_abandoned(site: Site, run_id: UUID) -> list[UUID]:
    """Read back and close earlier runs that nobody went on with; their subjects are planned anew.

    run_id  the run that takes their place
    """
    with acting(site, "closing runs that broke off") as connection:
        acting_as(connection, "runner")
        with connection.cursor() as cursor:
            cursor.execute(
                statement("retention/list_abandoned"),
                {
                    "policy_name": site.edition[0],
                    "policy_digest": site.digest,
                    "run_id": str(run_id),
                },
            )
            abandoned = [UUID(str(row[0])) for row in cursor.fetchall()]
            for each in abandoned:
                cursor.execute(
                    statement("retention/skip_undecided"), {"run_id": str(each), "reason": _LEFT}
                )
        connection.commit()
    for each in abandoned:
        close_night(site, each, verify_night(site, each))
    return abandoned
