"""Tables that the policy names: that they are there, and that rows can be erased from them."""

from __future__ import annotations

from collections.abc import Iterator

from lethe.catalogue.checks.found import Checked, Found, Place, links_of, table_hint
from lethe.policy.model.conditions import Condition, Conditions
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
    for place, _, conditions in all_conditions(checked):
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


def all_conditions(checked: Checked) -> Iterator[tuple[Place, TableName | None, Conditions]]:
    """Every list of conditions of the policy, with the table that it is about."""
    for place, table, conditions in _top_conditions(checked):
        todo = [(place, table, conditions)]
        for each in todo:
            yield each
            for inner, condition in flat(each[0], each[2]):
                if condition.exists is not None:
                    exists = condition.exists
                    todo.append(((*inner, "exists", "where"), exists.table, exists.where))


def _top_conditions(checked: Checked) -> Iterator[tuple[Place, TableName | None, Conditions]]:
    policy = checked.policy

    def subject_table(kind: str) -> TableName | None:
        return policy.subjects[kind].table if kind in policy.subjects else None

    for name, subject in policy.subjects.items():
        yield ("subjects", name, "where"), subject.table, subject.where
    for table, entry in policy.tables.items():
        for number, part in enumerate(entry.rows):
            yield ("tables", str(table), "rows", number, "where"), table, part.where
    for name, rule in policy.rules.items():
        cluster = policy.clusters.get(rule.cluster)
        own = subject_table(cluster.subject) if cluster else None
        yield ("rules", name, "where"), own, rule.where
        point = rule.starting_point
        events = [((point.choice, at), event) for at, event in enumerate(point.events)]
        events += [(("not_before",), point.not_before)] if point.not_before else []  # type: ignore[list-item]
        for where, event in events:
            place: Place = ("rules", name, "starting_point", *where)
            yield (*place, "where"), event.table or own, event.where
            yield (*place, "running"), event.table or own, event.running or ()
    for group in ("holds", "restrictions", "risk_flags"):
        for name, marked in getattr(policy.guards, group).items():
            yield ("guards", group, name, "where"), subject_table(marked.subject), marked.where
    if policy.archive is not None:
        for name, document in policy.archive.documents.items():
            place = ("archive", "documents", name)
            yield (*place, "issued"), document.table, document.issued
            for at, bound in enumerate(document.lines):
                yield (*place, "lines", at, "where"), bound.table, bound.where
        for at, bound in enumerate(policy.archive.party):
            yield ("archive", "party", at, "where"), bound.table, bound.where
    for name, expectation in policy.quality.extra.items():
        yield ("quality", "extra", name, "where"), expectation.table, expectation.where
