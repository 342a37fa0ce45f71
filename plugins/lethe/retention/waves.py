"""Which rules may be worked on side by side, and which must wait for others."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.retention.assignments import order_rules, rests_on
from lethe.retention.night import Night, read_night


def in_order(site: Site, rules: Sequence[str]) -> list[str]:
    """Order rules as they must be worked on one after the other."""
    if len(rules) < 2:
        return list(rules)
    with site.connected("runner") as connection:
        return order_rules(site.graph(connection), list(rules))


def in_waves(site: Site, night: Night) -> tuple[list[str], list[str]]:
    """Split the cleared rules: those that wait for no other, and those that do.

    A rule waits where rows of another cluster reference rows that it erases. Those that wait come
    in the order in which they must be worked on.
    """
    cleared = in_order(site, night.cleared)
    with site.connected("runner") as connection:
        waits = rests_on(site.graph(connection), cleared)
    first = [rule for rule in cleared if not waits[rule]]
    return first, [rule for rule in cleared if waits[rule]]


def rest_of(site: Site, run_id: UUID) -> list[str]:
    """Name the cleared rules of a running night that wait for others."""
    with site.connected("runner") as connection:
        acting_as(connection, "runner")
        night = read_night(connection, run_id)
    return in_waves(site, night)[1] if night.run.state == "running" else []
