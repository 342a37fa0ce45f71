"""Tables that the policy names: that they are there, and that rows can be erased from them."""

from __future__ import annotations

from collections.abc import Iterator

from lethe.catalogue.checks.found import Checked, Found, Place, links_of, table_hint
from lethe.policy.model import Policy
from lethe.policy.model.conditions import Condition, Conditions
from lethe.policy.model.rules import Event
from lethe.policy.names import TableName


def check_tables(checked: Checked) -> Iterator[Found]:
    """Every table that the policy names is a table of the warehouse."""
    told: set[TableName] = set()
    for place, name in _named(checked):
        if name in told:
            continue
        told.add(name)
        yield from _check_table(checked, place, name)


def _check_table(checked: Checked, place: Place, name: TableName) -> Iterator[Found]:
    catalogue = checked.catalogue
    if name in catalogue.views:
        kind = "materialised view" if catalogue.views[name].is_materialised else "view"
        yield Found(
            "fault",
            "not-a-table",
            place,
            f"{name} is a {kind}: rows are erased from the tables below it "
            f"({', '.join(map(str, catalogue.views[name].tables)) or 'none known'}); "
            "name those, and answer for the view under warehouse.answers",
        )
    elif name not in catalogue.tables:
        partition_of = next(
            (t.name for t in catalogue.tables.values() for p in t.partitions if p.name == name),
            None,
        )
        message = (
            f"{name} is a partition; name the table that it is part of: {partition_of}"
            if partition_of
            else f"the warehouse has no table {name}; {table_hint(name, catalogue)}"
        )
        yield Found("fault", "missing-table", place, message)
    elif catalogue.tables[name].kind == "foreign":
        server = catalogue.tables[name].foreign_server
        yield Found(
            "fault",
            "not-a-table",
            place,
            f"{name} is a foreign table (server {server}): its rows are elsewhere; leave it out "
            "here, name the other place under systems, and answer for it under warehouse.answers",
        )


def _named(checked: Checked) -> Iterator[tuple[Place, TableName]]:
    policy = checked.policy
    for table, entry in policy.tables.items():
        yield ("tables", str(table)), table
        for place, link in links_of(entry):
            if link.to is not None:
                yield ("tables", str(table), *place, "to"), link.to
    for name, subject in policy.subjects.items():
        if subject.table is not None:
            yield ("subjects", name, "table"), subject.table
    for place, _, _, conditions in all_conditions(checked):
        for inner, condition in flat(place, conditions):
            if condition.exists is not None:
                yield (*inner, "exists", "table"), condition.exists.table
    if policy.archive is not None:
        for name, document in policy.archive.documents.items():
            yield ("archive", "documents", name, "table"), document.table
            for at, bound in enumerate(document.lines):
                yield ("archive", "documents", name, "lines", at, "table"), bound.table
        for at, bound in enumerate(policy.archive.party):
            yield ("archive", "party", at, "table"), bound.table
            if bound.history is not None:
                yield ("archive", "party", at, "history"), bound.history
    for name, consent in policy.consents.items():
        yield ("consents", name, "table"), consent.table
    if policy.disclosures is not None:
        yield ("disclosures", "table"), policy.disclosures.table
    if policy.logs is not None:
        for name, source in policy.logs.sources.items():
            for key in ("table", "output_table"):
                if (log_table := getattr(source, key)) is not None:
                    yield ("logs", "sources", name, key), log_table
        for name, here in policy.logs.in_place.items():
            yield ("logs", "in_place", name, "table"), here.table
    for name, expectation in policy.quality.extra.items():
        yield ("quality", "extra", name, "table"), expectation.table
        if expectation.references is not None:
            yield ("quality", "extra", name, "references"), expectation.references


def flat(place: Place, conditions: Conditions) -> Iterator[tuple[Place, Condition]]:
    """Conditions with those inside any, all and not; those inside exists are of another table."""
    for at, condition in enumerate(conditions):
        here = (*place, at)
        yield here, condition
        for key, inner in (("any", condition.any_), ("all", condition.all_)):
            if inner is not None:
                yield from flat((*here, key), inner)
        if condition.not_ is not None:
            yield from flat((*here, "not"), (condition.not_,))


Conditioned = tuple[Place, str | None, TableName | None, Conditions]
"""Place, kind of subject on whose rows they are, table of these rows, the conditions."""


def all_conditions(checked: Checked) -> Iterator[Conditioned]:
    """Every list of conditions of the policy, with the kind of subject and table it is about."""
    for top in _top_conditions(checked):
        todo = [top]
        for place, kind, table, conditions in todo:
            yield place, kind, table, conditions
            for inner, condition in flat(place, conditions):
                if condition.exists is not None:
                    exists = condition.exists
                    below: Place = (*inner, "exists", "where")
                    todo.append((below, kind, exists.table, exists.where))


def _top_conditions(checked: Checked) -> Iterator[Conditioned]:
    policy = checked.policy
    yield from _of_subjects(policy)
    yield from _of_rules(policy)
    for group in ("holds", "restrictions", "risk_flags"):
        for name, marked in getattr(policy.guards, group).items():
            own = _subject_table(policy, marked.subject)
            yield ("guards", group, name, "where"), marked.subject, own, marked.where
    if policy.archive is not None:
        for name, document in policy.archive.documents.items():
            place: Place = ("archive", "documents", name)
            yield (*place, "issued"), document.subject, document.table, document.issued
            for at, bound in enumerate(document.lines):
                yield (*place, "lines", at, "where"), document.subject, bound.table, bound.where
        for at, bound in enumerate(policy.archive.party):
            yield ("archive", "party", at, "where"), None, bound.table, bound.where
    for name, expectation in policy.quality.extra.items():
        place = ("quality", "extra", name, "where")
        yield place, None, expectation.table, expectation.where


def _of_subjects(policy: Policy) -> Iterator[Conditioned]:
    for name, subject in policy.subjects.items():
        yield ("subjects", name, "where"), name, subject.table, subject.where
    for table, entry in policy.tables.items():
        for number, part in enumerate(entry.rows):
            place: Place = ("tables", str(table), "rows", number, "where")
            yield place, policy.clusters[part.cluster].subject, table, part.where


def _of_rules(policy: Policy) -> Iterator[Conditioned]:
    for name, rule in policy.rules.items():
        kind = policy.clusters[rule.cluster].subject
        own = _subject_table(policy, kind)
        yield ("rules", name, "where"), kind, own, rule.where
        point = rule.starting_point
        events: list[tuple[Place, Event]] = [
            ((point.choice, at), event) for at, event in enumerate(point.events)
        ]
        if point.not_before is not None:
            events.append((("not_before",), point.not_before))
        for where, event in events:
            place: Place = ("rules", name, "starting_point", *where)
            yield (*place, "where"), kind, event.table or own, event.where
            yield (*place, "running"), kind, event.table or own, event.running or ()


def _subject_table(policy: Policy, kind: str) -> TableName | None:
    return policy.subjects[kind].table if kind in policy.subjects else None
