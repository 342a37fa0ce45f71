"""The checks of a policy against the catalogue; one file a question, each a generator."""

from __future__ import annotations

from collections.abc import Iterator

from lethe.catalogue.checks import (
    actions,
    canaries,
    classes,
    columns,
    indexes,
    links,
    out_of_sight,
    scope,
    starting_points,
    tables,
)
from lethe.catalogue.checks.found import Checked, Found

CHECKS = (
    tables.check_tables,
    columns.check_columns,
    classes.check_classes,
    starting_points.check_starting_points,
    links.check_links,
    actions.check_actions,
    out_of_sight.check_out_of_sight,
    canaries.check_canaries,
    scope.check_scope,
    indexes.check_indexes,
)


def check_statically(checked: Checked) -> Iterator[Found]:
    """Find everything that policy and catalogue tell without a question to the warehouse."""
    for check in CHECKS:
        yield from check(checked)


__all__ = ["CHECKS", "Checked", "Found", "check_statically"]
