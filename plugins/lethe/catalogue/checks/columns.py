"""Columns that the policy names, and the types that they must have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lethe.catalogue.checks.found import Checked, Found, Place, links_of
from lethe.catalogue.checks.tables import all_conditions, flat
from lethe.catalogue.days import DATE_TYPES
from lethe.catalogue.table import Column
from lethe.policy.model.archive import Archive, Bound
from lethe.policy.model.conditions import Condition
from lethe.policy.model.logs import Logs, least_width
from lethe.policy.names import TableName

Named = tuple[Place, TableName | None, tuple[str, ...]]


def check_columns(checked: Checked) -> Iterator[Found]:
    """Every column that the policy names is there, and of a type that fits its use."""
    for place, table, names in _named(checked):
        for message in checked.missing_columns(table, names):
            yield Found("fault", "missing-column", place, message)
    yield from _queries(checked)
    yield from _too_narrow(checked)
    yield from _misfits(checked)
    for place, table, name, use in _dates(checked):
        column = checked.column(table, name)
        if column is not None and column.bare_type not in DATE_TYPES:
            yield Found(
                "fault",
                "wrong-type",
                place,
                f"column '{name}' of {table} is {column.type}, and {use} needs date, timestamp or "
                "timestamptz",
            )
    for place, kind, table, conditions in all_conditions(checked):
        for inner, condition in flat(place, conditions):
            yield from _leads(checked, inner, kind, table, condition)
            yield from _fits(checked, inner, table, condition)


def _too_narrow(checked: Checked) -> Iterator[Found]:
    """A pseudonym that is cut off is known by nobody, and made anew every night."""
    places = checked.policy.logs.in_place if checked.policy.logs is not None else {}
    for name, here in places.items():
        for column_name, spec in here.columns.items():
            known = checked.column(here.table, column_name)
            needed = least_width(column_name, spec.method)
            if known is not None and known.width is not None and known.width < needed:
                yield Found(
                    "fault",
                    "wrong-type",
                    ("logs", "in_place", name, "columns", column_name),
                    f"column '{column_name}' of {here.table} is {known.type}, and what the method "
                    f"{spec.method} makes takes {needed} characters",
                )


def fits_in_place(column: Column, method: str) -> bool:
    """Tell whether a column can hold what a method makes of its values."""
    address = column.base_type == "inet"
    if method == "keep" or (method == "drop" and column.nullable):
        return True
    if address:
        return method == "mask" or (method.startswith("ipcrypt") and method != "ipcrypt-nd")
    return column.is_text


def _misfits(checked: Checked) -> Iterator[Found]:
    """What cannot be written in place is said before a night stumbles over it."""
    places = checked.policy.logs.in_place if checked.policy.logs is not None else {}
    for name, here in places.items():
        for column_name, spec in here.columns.items():
            known = checked.column(here.table, column_name)
            if known is None or spec.method == "keep":
                continue
            why = None
            if known.generated is not None:
                why = "generated from others: pseudonymise those"
            elif not fits_in_place(known, spec.method):
                why = f"{known.type}, which the method {spec.method} does not fit"
            if why is not None:
                yield Found(
                    "fault",
                    "wrong-type",
                    ("logs", "in_place", name, "columns", column_name),
                    f"column '{column_name}' of {here.table} is {why}",
                )


def _leads(
    checked: Checked, place: Place, kind: str | None, table: TableName | None, condition: Condition
) -> Iterator[Found]:
    """Rows of another table are found by their ways to the same subject."""
    there = condition.exists.table if condition.exists is not None else None
    if there is None or kind not in checked.graph.kinds or kind is None:
        return
    for each in (there, table):
        known = each is not None and each in checked.catalogue.tables
        if each is not None and known and not checked.graph.ways.get((kind, each)):
            yield Found(
                "fault",
                "no-way",
                (*place, "exists", "table"),
                f"nothing leads from {each} to subject '{kind}'; add a link under "
                f"tables.{each}.links",
            )


def _fits(
    checked: Checked, place: Place, table: TableName | None, condition: Condition
) -> Iterator[Found]:
    column = checked.column(table, condition.column or "")
    if column is None:
        return
    needs = None
    if condition.is_ in ("true", "false") and column.bare_type != "boolean":
        needs = "is", f"`is: {condition.is_}` needs boolean; say equals"
    if condition.older_than is not None and column.bare_type not in DATE_TYPES:
        needs = "older_than", "older_than needs date, timestamp or timestamptz"
    if needs is not None:
        key, says = needs
        message = f"column '{column.name}' of {table} is {column.type}, and {says}"
        yield Found("fault", "wrong-type", (*place, key), message)


def _named(checked: Checked) -> Iterator[Named]:
    policy = checked.policy
    for name, subject in policy.subjects.items():
        place: Place = ("subjects", name)
        if subject.table is not None:
            yield (*place, "key"), subject.table, tuple(subject.key)
            for key, identifier in subject.identifiers.items():
                yield (*place, "identifiers", key), subject.table, tuple(identifier.columns)
            for key in ("country", "birth_date", "contact"):
                if (column := getattr(subject, key)) is not None:
                    yield (*place, key), subject.table, (column,)
    for table, entry in policy.tables.items():
        place = ("tables", str(table))
        for column in entry.columns:
            yield (*place, "columns", column), table, (column,)
        for at, column in enumerate(entry.not_personal):
            yield (*place, "not_personal", at), table, (column,)
        for inner, link in links_of(entry):
            yield (*place, *inner, "columns"), table, tuple(link.columns)
        if entry.activity is not None:
            yield (*place, "activity"), table, (entry.activity,)
    for where, _, on, conditions in all_conditions(checked):
        for inner, condition in flat(where, conditions):
            if condition.column is not None:
                yield (*inner, "column"), on, (condition.column,)
    yield from _elsewhere(checked)


def _elsewhere(checked: Checked) -> Iterator[Named]:
    policy = checked.policy
    if policy.archive is not None:
        yield from _of_archive(policy.archive)
    if policy.logs is not None:
        yield from _of_logs(policy.logs)
    for name, consent in policy.consents.items():
        for key in ("purpose", "given_at", "withdrawn_at"):
            yield ("consents", name, key), consent.table, (getattr(consent, key),)
    if policy.disclosures is not None:
        for key in ("ground", "recipient", "told_on", "not_told_because"):
            if (column := getattr(policy.disclosures, key)) is not None:
                yield ("disclosures", key), policy.disclosures.table, (column,)
    for name, expectation in policy.quality.extra.items():
        if expectation.column is not None:
            place: Place = ("quality", "extra", name, "column")
            yield place, expectation.table, (expectation.column,)


def _of_logs(logs: Logs) -> Iterator[Named]:
    for name, source in logs.sources.items():
        if source.table is not None:
            place: Place = ("logs", "sources", name)
            for field, column in source.columns.items():
                yield (*place, "columns", field), source.table, (column,)
            for key, columns in (("key", source.key), ("time", source.time)):
                if columns is not None:
                    named = (columns,) if isinstance(columns, str) else tuple(columns)
                    yield (*place, key), source.table, named
    for name, here in logs.in_place.items():
        place = ("logs", "in_place", name)
        yield (*place, "time"), here.table, (here.time,)
        for column in here.columns:
            yield (*place, "columns", column), here.table, (column,)


def _of_archive(archive: Archive) -> Iterator[Named]:
    for name, document in archive.documents.items():
        place: Place = ("archive", "documents", name)
        for key in ("number", "issued_on", "country", "currency", "total", "corrects"):
            if (column := getattr(document, key)) is not None:
                yield (*place, key), document.table, (column,)
        yield (*place, "columns"), document.table, tuple(document.columns)
        yield (*place, "key"), document.table, tuple(document.key)
        yield from _bound((*place, "lines"), document.lines)
    yield from _bound(("archive", "party"), archive.party)


def _bound(place: Place, bounds: Iterable[Bound]) -> Iterator[Named]:
    for at, bound in enumerate(bounds):
        yield (*place, at, "columns"), bound.table, tuple(bound.columns)
        for key in ("valid_from", "valid_to"):
            if bound.history is not None and (column := getattr(bound, key)) is not None:
                yield (*place, at, key), bound.history, (column,)


def _dates(checked: Checked) -> Iterator[tuple[Place, TableName | None, str, str]]:
    policy = checked.policy
    for name, subject in policy.subjects.items():
        if subject.birth_date is not None:
            yield (
                ("subjects", name, "birth_date"),
                subject.table,
                subject.birth_date,
                "a birth date",
            )
    for table, entry in policy.tables.items():
        if entry.activity is not None:
            yield ("tables", str(table), "activity"), table, entry.activity, "activity"
    for name, consent in policy.consents.items():
        for key in ("given_at", "withdrawn_at"):
            yield ("consents", name, key), consent.table, getattr(consent, key), key
    if policy.logs is not None:
        for name, source in policy.logs.sources.items():
            if source.table is not None and source.time is not None:
                yield ("logs", "sources", name, "time"), source.table, source.time, "time"
        for name, here in policy.logs.in_place.items():
            yield ("logs", "in_place", name, "time"), here.table, here.time, "time"
    if policy.archive is not None:
        for name, document in policy.archive.documents.items():
            place = ("archive", "documents", name, "issued_on")
            yield place, document.table, document.issued_on, "issued_on"
        for at, bound in enumerate(policy.archive.party):
            for key in ("valid_from", "valid_to"):
                if (column := getattr(bound, key)) is not None:
                    yield ("archive", "party", at, key), bound.history, column, key


def _queries(checked: Checked) -> Iterator[Found]:
    """A subject that is a query has no table whose columns could be named."""
    policy = checked.policy
    for name, subject in policy.subjects.items():
        if subject.query is None:
            continue
        rules = (
            (("rules", rule, "where"), each.where)
            for rule, each in policy.rules.items()
            if policy.clusters[each.cluster].subject == name
        )
        for place, where in rules:
            if where:
                yield Found("fault", "query-without-table", place, _NO_TABLE)
        for key in ("where", "identifiers", "country", "birth_date", "contact"):
            if getattr(subject, key):
                place = ("subjects", name, key)
                yield Found("fault", "query-without-table", place, _NO_TABLE)


_NO_TABLE = (
    "is about columns of the subject's table, and this subject is a query; "
    "put conditions into the query, or name a table"
)
