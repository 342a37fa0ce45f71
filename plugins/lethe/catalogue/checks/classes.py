"""Default deny: every table and column in scope is classified, and what is critical is covered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lethe.catalogue.checks.found import Checked, Found, Place
from lethe.catalogue.model import Table
from lethe.policy.model.subjects import Column, PolicyTable
from lethe.policy.names import TableName


def check_classes(checked: Checked) -> Iterator[Found]:
    """Tables without entry, columns without class, values in the clear, files out of reach."""
    yield from _unlisted(checked)
    for table, columns in unclassified(checked).items():
        verb = "is" if len(columns) == 1 else "are"
        yield Found(
            "alarm",
            "unclassified-column",
            ("tables", str(table)),
            f"{', '.join(columns)} {verb} not classified; name the class under columns, or list "
            "under not_personal",
        )
    for name, entry, _ in checked.known():
        yield from _doubled_parts(name, entry)
        for column, spec in entry.columns.items():
            place: Place = ("tables", str(name), "columns", column)
            yield from _in_the_clear(name, column, spec, place)
            yield from _file(checked, spec, place)


def unclassified(checked: Checked) -> Mapping[TableName, tuple[str, ...]]:
    """Columns that the policy says nothing about, by table."""
    found = {}
    for name, entry, table in checked.known():
        if table.kind == "foreign":
            continue
        listed = {*entry.columns, *entry.not_personal}
        columns = tuple(column for column in table.columns if column not in listed)
        if columns:
            found[name] = columns
    return found


def _unlisted(checked: Checked) -> Iterator[Found]:
    for name, table in checked.catalogue.tables.items():
        if name in checked.policy.tables or not checked.in_scope(name) or table.kind == "foreign":
            continue
        yield Found("alarm", "unlisted-table", (), _say_unlisted(checked, name, table))


def _say_unlisted(checked: Checked, name: TableName, table: Table) -> str:
    parents = [parent for parent in table.inherits_from if parent in checked.policy.tables]
    way_out = "list it under tables, or under warehouse.ignore with because"
    if parents:
        return (
            f"table {name} inherits from {parents[0]} and is not in the policy: its rows are seen "
            f"there and not erased; {way_out}"
        )
    return f"table {name} is not in the policy; {way_out}"


def _doubled_parts(name: TableName, entry: PolicyTable) -> Iterator[Found]:
    seen: set[str] = set()
    for number, part in enumerate(entry.rows):
        if part.cluster in seen:
            yield Found(
                "fault",
                "part-twice",
                ("tables", str(name), "rows", number),
                f"two parts of the table belong to cluster '{part.cluster}'; make them one with "
                "any:",
            )
        seen.add(part.cluster)


def _in_the_clear(name: TableName, column: str, spec: Column, place: Place) -> Iterator[Found]:
    if spec.class_ == "credential" and spec.protected not in ("hashed", "encrypted", "tokenised"):
        yield Found(
            "alarm",
            "credential-in-the-clear",
            place,
            f"column '{column}' of {name} is a credential and not said to be hashed; hash it and "
            "say protected: hashed",
        )
    elif spec.class_ == "critical" and spec.protected is None:
        if spec.clear_because is None:
            message = (
                f"column '{column}' of {name} is critical and lies in the clear; encrypt or "
                "pseudonymise it and say protected, or say clear_because"
            )
            yield Found("alarm", "critical-in-the-clear", place, message)
        else:
            because = spec.clear_because.get("en") or next(iter(spec.clear_because.values()))
            message = f"column '{column}' of {name} is critical and lies in the clear: {because}"
            yield Found("advice", "critical-in-the-clear", place, message)


def _file(checked: Checked, spec: Column, place: Place) -> Iterator[Found]:
    system = checked.policy.systems.get(spec.file_reference or "")
    if system is not None and system.connector is None and system.out_of_scope is None:
        yield Found(
            "alarm",
            "no-connector",
            (*place, "file_reference"),
            f"nothing reaches the files of system '{spec.file_reference}'; give it a connector",
        )
