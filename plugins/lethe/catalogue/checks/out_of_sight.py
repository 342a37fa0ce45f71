"""What could delete, keep or copy personal rows out of our sight; each needs an answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lethe.catalogue.checks.found import Checked, Found
from lethe.catalogue.hidden import Publication
from lethe.policy.names import TableName

AT_WORK = ("origin", "always")
"""Triggers and rules that fire in an ordinary session."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """Something out of sight, as it is answered for under warehouse.answers."""

    kind: str
    name: str
    says: str


def check_out_of_sight(checked: Checked) -> Iterator[Found]:
    """Find what has no answer, and answers to what is no longer there."""
    answers = {
        (answer.kind, answer.name): at for at, answer in enumerate(checked.policy.warehouse.answers)
    }
    there = set()
    for hidden in find_hidden(checked):
        there.add((hidden.kind, hidden.name))
        if (hidden.kind, hidden.name) not in answers:
            yield Found(
                "alarm",
                f"unanswered-{hidden.kind.replace('_', '-')}",
                ("warehouse", "answers"),
                f"{hidden.says}; answer with kind: {hidden.kind}, name: '{hidden.name}'",
            )
    for (kind, name), at in answers.items():
        if (kind, name) not in there:
            yield Found(
                "advice",
                "idle-answer",
                ("warehouse", "answers", at),
                f"nothing of kind {kind} is called '{name}' here any more; take the answer out, "
                "or spell the name as this check prints it",
            )
    yield from _swallowing(checked)


def find_hidden(checked: Checked) -> Iterator[Hidden]:
    """Name everything that needs an answer, whether it has one or not."""
    personal = set(checked.personal)
    yield from _views(checked, personal)
    yield from _on_tables(checked, personal)
    for trigger in checked.catalogue.event_triggers:
        if trigger.firing in AT_WORK:
            says = f"the event trigger {trigger.name} calls {trigger.function} on {trigger.event}"
            yield Hidden("event_trigger", trigger.name, says)
    for publication in checked.catalogue.publications:
        copied = sorted(personal & set(publication.tables))
        if copied:
            says = _say_published(publication, copied)
            yield Hidden("publication", publication.name, says)
    for subscription in checked.catalogue.subscriptions:
        filled = sorted(personal & set(subscription.tables))
        if filled:
            says = (
                f"the subscription {subscription.name} fills {_list(filled)}: what was erased may "
                "come again"
            )
            yield Hidden("subscription", subscription.name, says)
    yield from _cascades(checked, personal)


def _views(checked: Checked, personal: set[TableName]) -> Iterator[Hidden]:
    for view in checked.catalogue.views.values():
        shown = sorted(personal & set(view.tables))
        if not shown:
            continue
        if view.is_materialised:
            says = f"the materialised view {view.name} holds copies of rows of {_list(shown)}"
            yield Hidden("materialised_view", str(view.name), says)
        else:
            yield Hidden("view", str(view.name), f"the view {view.name} shows {_list(shown)}")
    for table in checked.catalogue.tables.values():
        if table.kind == "foreign" and checked.in_scope(table.name):
            says = f"the foreign table {table.name} reaches rows on server {table.foreign_server}"
            yield Hidden("foreign_table", str(table.name), says)


def _on_tables(checked: Checked, personal: set[TableName]) -> Iterator[Hidden]:
    catalogue = checked.catalogue
    for trigger in catalogue.triggers:
        if trigger.table in personal and trigger.firing in AT_WORK:
            events = " or ".join(event.upper() for event in trigger.events)
            says = (
                f"the trigger {trigger.name} on {trigger.table} calls {trigger.function} "
                f"{trigger.timing} {events}"
            )
            yield Hidden("trigger", f"{trigger.table}.{trigger.name}", says)
    for rule in catalogue.rules:
        if rule.table in personal and rule.firing in AT_WORK:
            does = "instead of" if rule.instead else "besides"
            says = f"the rule {rule.name} on {rule.table} acts {does} {rule.event.upper()}"
            yield Hidden("rule", f"{rule.table}.{rule.name}", says)
    for name in checked.personal:
        table = catalogue.tables[name]
        if table.rls_enabled:
            filtered = " and filters what this role sees" if table.rls_filters_us else ""
            yield Hidden(
                "row_security", str(name), f"row-level security is on for {name}{filtered}"
            )
        for column in table.large_object_columns:
            says = (
                f"column '{column}' of {name} may name large objects, which stay when the row goes"
            )
            yield Hidden("large_object", f"{name}.{column}", says)


def _say_published(publication: Publication, copied: list[TableName]) -> str:
    keeps = (
        "copies changes"
        if publication.delete
        else "does not publish DELETE, so that its subscribers keep what is erased here:"
    )
    return f"the publication {publication.name} {keeps} of {_list(copied)}"


def _cascades(checked: Checked, personal: set[TableName]) -> Iterator[Hidden]:
    for key in checked.catalogue.foreign_keys:
        reacts = key.on_delete in ("cascade", "set null", "set default")
        if reacts and key.parent in personal and key.child not in personal:
            says = (
                f"the foreign key {key.constraint} of {key.child} says ON DELETE "
                f"{key.on_delete.upper()} and would reach rows outside the policy when rows of "
                f"{key.parent} go; such a row stops its subject"
            )
            yield Hidden("cascade", f"{key.child}.{key.constraint}", says)


def _swallowing(checked: Checked) -> Iterator[Found]:
    """A rule instead of DELETE or UPDATE: we would report what did not happen."""
    personal = set(checked.personal)
    for rule in checked.catalogue.rules:
        if (
            rule.instead
            and rule.event in ("delete", "update")
            and rule.table in personal
            and rule.firing in AT_WORK
        ):
            yield Found(
                "fault",
                "swallowing-rule",
                ("tables", str(rule.table)),
                f"the rule {rule.name} acts instead of {rule.event.upper()}, so nothing can be "
                "erased there; drop it, or name the table that holds the rows",
            )


def _list(names: list[TableName]) -> str:
    shown = ", ".join(map(str, names[:4]))
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown
