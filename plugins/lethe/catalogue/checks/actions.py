"""Actions on columns: whether a value may be blanked or replaced."""

from __future__ import annotations

from collections.abc import Iterator

from lethe.catalogue.checks.found import Checked, Found, Place
from lethe.catalogue.model import Column, Table
from lethe.policy.model.subjects import Action
from lethe.policy.names import TableName


def check_actions(checked: Checked) -> Iterator[Found]:
    """Every column that an action changes is there and takes the change."""
    for name, entry, table in checked.known():
        action = entry.when_due
        place: Place = ("tables", str(name), "when_due")
        for message in checked.missing_columns(name, (*action.blank, *action.replace)):
            yield Found("fault", "missing-column", place, message)
        for column in (table.columns.get(each) for each in action.blank):
            if column is not None and column.generated is None and not column.nullable:
                yield Found(
                    "fault",
                    "not-null",
                    (*place, "blank"),
                    f"column '{column.name}' of {name} cannot be NULL; give it a text under "
                    "replace",
                )
        for key in action.blank:
            if key in action.replace:
                message = f"column '{key}' is blanked and replaced; say one of them"
                yield Found("fault", "blank-and-replace", place, message)
        for column in (table.columns.get(each) for each in (*action.blank, *action.replace)):
            if column is not None:
                yield from _unchangeable(name, place, column)
        yield from _refusing(name, place, table, action)


def _unchangeable(name: TableName, place: Place, column: Column) -> Iterator[Found]:
    if column.generated is not None:
        sources = ", ".join(column.generated_from) or "other columns"
        yield Found(
            "fault",
            "generated-column",
            place,
            f"column '{column.name}' of {name} is computed from {sources}; change those",
        )
    elif column.identity == "always":
        yield Found(
            "fault",
            "identity-column",
            place,
            f"column '{column.name}' of {name} is GENERATED ALWAYS AS IDENTITY and cannot be set",
        )


def _refusing(name: TableName, place: Place, table: Table, action: Action) -> Iterator[Found]:
    changed = {*action.blank, *action.replace}
    for check in table.checks:
        touched = sorted(changed & set(check.columns))
        if touched:
            yield Found(
                "advice",
                "check-constraint",
                place,
                f"the constraint '{check.name}' of {name} looks at {', '.join(touched)} and may "
                "refuse the change; try it on a copy",
            )
    for key in table.unique_keys:
        fixed = [
            column
            for column in key
            if column in action.replace and "{token}" not in action.replace[column]
        ]
        if fixed and set(key) <= {*action.replace}:
            yield Found(
                "fault",
                "unique-column",
                place,
                f"({', '.join(key)}) of {name} is unique, and a fixed text is the same in every "
                "row; put {token} into it",
            )
