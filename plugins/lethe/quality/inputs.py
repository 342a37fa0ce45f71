"""Before the guard of the sweep: is what it would act on what the policy says?

Plain SQL, one pass a table: Great Expectations is imported once a night, by `data_quality`, which
asks the same expectations again for its reports.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

import psycopg2

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.guards.inputs import stop_rules
from lethe.quality.expectations import rows_command
from lethe.quality.ground import Handed
from lethe.quality.measure import measure
from lethe.quality.night import make_report, prepare
from lethe.quality.outcomes import Outcome, Report


def check_inputs(site: Site, run_id: UUID, as_of: date, handed: Handed) -> Report:
    """Ask the input suites, and stop the rules that a critical failure touches.

    Returns  what was asked; `stops` names the rules
    """
    report = ask_inputs(site, as_of, handed)
    with site.connected("runner") as connection:
        acting_as(connection, "runner")
        stop_rules(connection, run_id, stops(report))
        connection.commit()
    return report


def ask_inputs(site: Site, as_of: date, handed: Handed) -> Report:
    """Ask the input suites, and write nothing."""
    with site.connected("planner") as connection:
        try:
            prepared = prepare(site, connection, as_of, handed, for_inputs=True)
            derivation = prepared.derivation.of(stage="input")
            counts = measure(connection, derivation.scans)
        except psycopg2.Error as error:
            raise WarehouseRefused(
                f"the inputs could not be checked: {describe_database_error(error)}", error.pgcode
            ) from None
    return make_report(site, as_of, prepared, derivation, counts, None, {})


def stops(report: Report) -> dict[str, str]:
    """Rule → why it must not run tonight."""
    found: dict[str, list[Outcome]] = {}
    for each in report.outcomes:
        if each.is_bad and each.severity == "critical":
            for rule in each.rules:
                found.setdefault(rule, []).append(each)
    return {
        rule: "its inputs are not as they should be: "
        + "; ".join(f"{each.key}: {each.says}" for each in some)
        + f" (`{rows_command(some[0].key)}` names them)"
        for rule, some in found.items()
    }
