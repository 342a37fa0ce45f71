"""Starting points: of the right type, on a way to the subject, and no change dates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lethe.catalogue.checks.found import Checked, Found, Place
from lethe.catalogue.days import DATE_TYPES
from lethe.catalogue.events import are_of_one_row
from lethe.policy.model.rules import Event, StartingPoint

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CHANGE = re.compile(
    r"updat|modif|mtime|lastmod|chang(?!e?over)|revis|edited"
    r"|(?:^|_)(?:upd|mod|maj|tms|touched|rowversion|write_date|mis(?:e)?_[aà]_jour)(?:_|$)"
    r"|datemaj|majdate"
)
_NOT_CHANGE = re.compile(r"exchang|interchang")


def looks_like_change_date(name: str) -> bool:
    """The name says that the column moves whenever the row is touched."""
    words = re.sub(r"[\s.\-]+", "_", _CAMEL.sub("_", name)).lower()
    return _CHANGE.search(_NOT_CHANGE.sub("", words)) is not None


def check_starting_points(checked: Checked) -> Iterator[Found]:
    """Every event of every starting point can be read for its subjects, and means what it says."""
    policy = checked.policy
    for name, rule in policy.rules.items():
        cluster = policy.clusters.get(rule.cluster)
        if cluster is not None:
            place: Place = ("rules", name, "starting_point")
            yield from _check(checked, place, cluster.subject, rule.starting_point)
    if policy.archive is not None:
        place = ("archive", "starting_point")
        kinds = sorted({document.subject for document in policy.archive.documents.values()})
        # A kind without the events, such as guests, has no deactivation; one kind must have them.
        found = [
            list(_check(checked, place, kind, policy.archive.starting_point)) for kind in kinds
        ]
        yield from min(found, key=lambda each: sum(one.level == "fault" for one in each))


def _check(checked: Checked, place: Place, kind: str, point: StartingPoint) -> Iterator[Found]:
    for at, event in enumerate(point.events):
        yield from _event(checked, (*place, point.choice, at), kind, event)
        if point.although is None and looks_like_change_date(event.column):
            yield Found(
                "fault",
                "change-date",
                (*place, point.choice, at, "column"),
                f"'{event.column}' looks like a date that moves whenever the row is touched; a "
                "period that starts there never ends, or ends too early: name the event's own "
                "date, or say although: why it is right",
            )
    known = checked.graph.kinds.get(kind)
    if (
        known is not None
        and known.is_group
        and point.choice == "first_known"
        and not are_of_one_row(known, point.events)
    ):
        yield Found(
            "alarm",
            "first-known-of-many-rows",
            (*place, point.choice),
            f"a subject '{kind}' is several rows, so nobody knows which day is of which row: the "
            "latest of these counts, not the first known; say latest, or name columns of one "
            "table under the same conditions",
        )
    if point.not_before is not None:
        yield from _event(checked, (*place, "not_before"), kind, point.not_before)


def _event(checked: Checked, place: Place, kind: str, event: Event) -> Iterator[Found]:
    subject = checked.policy.subjects.get(kind)
    table = event.table or (subject.table if subject else None)
    if table is None:
        yield Found(
            "fault",
            "event-without-table",
            place,
            f"subject '{kind}' is a query, so the event must name its table",
        )
        return
    known = checked.catalogue.tables.get(table)
    if known is None:
        return
    for message in checked.missing_columns(table, (event.column,)):
        yield Found("fault", "missing-column", (*place, "column"), message)
    column = known.columns.get(event.column)
    if column is not None and column.bare_type not in DATE_TYPES:
        yield Found(
            "fault",
            "wrong-type",
            (*place, "column"),
            f"column '{event.column}' of {table} is {column.type}; a starting point needs date, "
            "timestamp or timestamptz",
        )
    if kind in checked.graph.kinds and not checked.graph.ways.get((kind, table)):
        yield Found(
            "fault",
            "no-way",
            (*place, "table") if event.table else place,
            f"nothing leads from {table} to subject '{kind}'; add a link under "
            f"tables.{table}.links",
        )
