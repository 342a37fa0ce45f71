"""Columns that the policy names, and the types that they must have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lethe.catalogue.checks.found import Checked, Found, Place, links_of
from lethe.catalogue.checks.tables import all_conditions, flat
from lethe.catalogue.days import DATE_TYPES
from lethe.policy.model.archive import Archive, Bound
from lethe.policy.names import TableName

Named = tuple[Place, TableName | None, tuple[str, ...]]


def check_columns(checked: Checked) -> Iterator[Found]:
    """Every column that the policy names is there, and of a type that fits its use."""
    for place, table, names in _named(checked):
        for message in checked.missing_columns(table, names):
            yield Found("fault", "missing-column", place, message)
    yield from _queries(checked)
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
    for place, table, conditions in all_conditions(checked):
        for inner, condition in flat(place, conditions):
            column = checked.column(table, condition.column or "")
            if column is None:
                continue
            if condition.is_ in ("true", "false") and column.bare_type != "boolean":
                yield Found(
                    "fault",
                    "wrong-type",
                    (*inner, "is"),
                    f"column '{column.name}' of {table} is {column.type}, and `is: "
                    f"{condition.is_}` needs boolean; say equals",
                )
            if condition.older_than is not None and column.bare_type not in DATE_TYPES:
                yield Found(
                    "fault",
                    "wrong-type",
                    (*inner, "older_than"),
                    f"column '{column.name}' of {table} is {column.type}, and older_than needs "
                    "date, timestamp or timestamptz",
                )


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
    for where, on, conditions in all_conditions(checked):
        for inner, condition in flat(where, conditions):
            if condition.column is not None:
                yield (*inner, "column"), on, (condition.column,)
    yield from _elsewhere(checked)


def _elsewhere(checked: Checked) -> Iterator[Named]:
    policy = checked.policy
    if policy.archive is not None:
        yield from _of_archive(policy.archive)
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


def _of_archive(archive: Archive) -> Iterator[Named]:
    for name, document in archive.documents.items():
        place: Place = ("archive", "documents", name)
        for key in ("number", "issued_on", "country", "currency", "total", "corrects"):
            if (column := getattr(document, key)) is not None:
                yield (*place, key), document.table, (column,)
        yield (*place, "columns"), document.table, tuple(document.columns)
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
    if policy.archive is not None:
        for name, document in policy.archive.documents.items():
            place = ("archive", "documents", name, "issued_on")
            yield place, document.table, document.issued_on, "issued_on"


def _queries(checked: Checked) -> Iterator[Found]:
    """A subject that is a query has no table whose columns could be named."""
    for name, subject in checked.policy.subjects.items():
        if subject.query is None:
            continue
        for key in ("where", "identifiers", "country", "birth_date", "contact"):
            if getattr(subject, key):
                yield Found(
                    "fault",
                    "query-without-table",
                    ("subjects", name, key),
                    "is about columns of the subject's table, and this subject is a query; "
                    "put conditions into the query, or name a table",
                )
