"""A run of quality: bind, derive, ask, write down. What the command and the DAG both call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.bind import bind
from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import UsageError, WarehouseRefused, describe_database_error
from lethe.quality.contents import relations
from lethe.quality.derive import derive
from lethe.quality.expectations import Derivation
from lethe.quality.files import write_suites
from lethe.quality.ground import Ground, Handed
from lethe.quality.history import NAME, usual_volumes, write_report
from lethe.quality.logfiles import judge_log_files
from lethe.quality.measure import measure
from lethe.quality.outcomes import (
    Counts,
    Outcome,
    Report,
    clause_lines,
    outcome_of,
    outcome_of_absent,
)
from lethe.quality.pages import docs_index, finish_pages, run_index, show_newest
from lethe.quality.series import find_series
from lethe.quality.shapes import vat_columns
from lethe.quality.vat import count_numbers

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What there is to ask on a day."""

    ground: Ground
    derivation: Derivation

    def rules_of(self, key: str) -> tuple[str, ...]:
        """The rules that a critical failure of an expectation touches."""
        found = self.derivation.find(key)
        each = found[1] if found else None
        absent = next((a for a in self.derivation.absent if a.key == key), None)
        touches = each.touches if each else absent.touches if absent else ()
        touched = [rule for table in touches for rule in self.ground.rules_of(table)]
        return tuple(dict.fromkeys([*(each.rules if each else ()), *touched]))


def prepare(
    site: Site,
    connection: extensions.connection,
    as_of: date,
    handed: Handed | None,
    *,
    for_inputs: bool = False,
) -> Prepared:
    """Bind the policy and derive what must be true; faults of the policy do not stop the rest.

    connection  outside a transaction; acts as the planner from here on
    for_inputs  what only other stages need is not looked up
    """
    acting_as(connection, "planner")
    bound = bind(connection, site.loaded)
    initialised, archived = _signs(connection)
    policy = site.loaded.policy
    volumes = usual_volumes(policy.policy.name, as_of.isoformat(), policy.guards.history_nights)
    ground = Ground(bound, as_of, handed, initialised, archived, volumes)
    if for_inputs:
        return Prepared(ground, derive(ground))
    ground = replace(
        ground,
        vat=count_numbers(connection, vat_columns(ground)),
        series=find_series(connection, relations(ground).values()),
        log_files=judge_log_files(policy),
    )
    return Prepared(ground, derive(ground))


def _signs(connection: extensions.connection) -> tuple[bool, bool]:
    """Is Lethe's own schema there for this role, and has the archive begun?"""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regclass('lethe.hold') IS NOT NULL"
            " AND has_schema_privilege(current_user, to_regnamespace('lethe'), 'USAGE')"
            " AND has_table_privilege(current_user, to_regclass('lethe.hold'), 'SELECT')"
        )
        row = cursor.fetchone()
        initialised = bool(row and row[0])
        if not initialised:
            return False, False
        cursor.execute("SELECT EXISTS (SELECT FROM lethe.archived_document)")
        row = cursor.fetchone()
    return True, bool(row and row[0])


def run_quality(
    site: Site,
    as_of: date,
    handed: Handed | None,
    *,
    suites: Sequence[str] | None = None,
    with_docs: bool = True,
    tell: Tell = lambda _: None,
) -> Report:
    """Run the suites with Great Expectations, build Data Docs, keep the report.

    suites  only these; None: all
    Raises  UsageError for a suite that there is not
    """
    from lethe.quality.gx import DISGUISED
    from lethe.quality.run import run_suites

    seconds: dict[str, float] = {}
    started = time.monotonic()
    with site.connected("planner") as connection:
        try:
            tell("Deriving expectations")
            prepared = prepare(site, connection, as_of, handed)
            connection.rollback()
        except psycopg2.Error as error:
            raise _refused(error) from None
    derivation = chosen(prepared.derivation, suites)
    write_suites(site.loaded.policy, prepared.derivation)
    seconds["derive"] = time.monotonic() - started
    name = datetime.now(UTC).strftime(NAME)
    ran = run_suites(
        lambda: site.connect("planner"),
        derivation,
        name=name,
        with_docs=with_docs,
        tell=tell,
    )
    seconds |= ran.seconds
    is_whole = suites is None
    docs = (docs_index() if is_whole else run_index(name)) if with_docs else None
    report = make_report(
        site, as_of, prepared, derivation, ran.counts, str(docs) if docs else None, seconds
    )
    if with_docs:
        index = finish_pages(report, derivation, site.loaded.policy, name, DISGUISED)
        if is_whole:
            show_newest(index)
    if is_whole:
        write_report(report, name)
    return report


def measure_quality(
    site: Site, as_of: date, handed: Handed | None, suites: Sequence[str] | None = None
) -> Report:
    """The same questions in plain SQL, without Great Expectations."""
    with site.connected("planner") as connection:
        try:
            prepared = prepare(site, connection, as_of, handed)
            derivation = chosen(prepared.derivation, suites)
            counts = measure(connection, derivation.scans)
        except psycopg2.Error as error:
            raise _refused(error) from None
    return make_report(site, as_of, prepared, derivation, counts, None, {})


def chosen(derivation: Derivation, suites: Sequence[str] | None) -> Derivation:
    """Some suites of a derivation.

    Raises  UsageError for one that there is not
    """
    if suites is None:
        return derivation
    for suite in suites:
        if suite not in derivation.suites:
            raise UsageError(
                f"there is no suite '{suite}'; there are: {', '.join(derivation.suites)}"
            )
    return derivation.of(suites)


def make_report(
    site: Site,
    as_of: date,
    prepared: Prepared,
    derivation: Derivation,
    counts: Mapping[str, Counts],
    docs: str | None,
    seconds: Mapping[str, float],
) -> Report:
    """Judge what was counted."""
    policy = site.loaded.policy
    outcomes: list[Outcome] = []
    for scan in derivation.scans:
        for each in scan.expectations:
            found = counts.get(each.key, Counts(because="it was not answered"))
            outcomes.append(outcome_of(each, found, policy, prepared.rules_of(each.key)))
    for absent in derivation.absent:
        outcomes.append(outcome_of_absent(absent, prepared.rules_of(absent.key)))
    name, version, digest = site.edition
    return Report(
        name,
        version,
        digest.hex(),
        as_of,
        tuple(outcomes),
        clause_lines(outcomes, policy, all_asked=derivation is prepared.derivation),
        docs,
        {key: round(value, 2) for key, value in seconds.items()},
    )


def _refused(error: psycopg2.Error) -> WarehouseRefused:
    return WarehouseRefused(
        f"quality could not be asked: {describe_database_error(error)}", error.pgcode
    )
