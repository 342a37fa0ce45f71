"""Links of the policy, resolved: which step each of them is, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable

from lethe.catalogue.model import Catalogue
from lethe.catalogue.nodes import Hop
from lethe.policy.model.subjects import Link, PolicyTable, Rows
from lethe.policy.names import TableName


def parts_of(entry: PolicyTable) -> Iterable[Rows]:
    """The parts of a table, one a cluster; each with the links that it goes by.

    Rows that go by links of their own, told by plain equality, take these links only: what hangs
    on such a row hangs on its subject alone.
    """
    if entry.cluster:
        return [Rows(cluster=entry.cluster, links=entry.links)]
    return [
        part.model_copy(update={"links": _own_links(part) if part.links else entry.links})
        for part in entry.rows
    ]


def _own_links(part: Rows) -> tuple[Link, ...]:
    told: dict[str, str] = {
        each.column: each.equals
        for each in part.where
        if each.column is not None and isinstance(each.equals, str)
    }
    return tuple(
        link.model_copy(update={"where": tuple({**told, **dict(link.where)}.items())})
        if link.role == "owner"
        else link
        for link in part.links
    )


def all_links(entry: PolicyTable | None) -> tuple[Link, ...]:
    """The links of a table and of its parts."""
    if entry is None:
        return ()
    return (*entry.links, *(link for part in entry.rows for link in _own_links(part)))


def resolve_link(
    catalogue: Catalogue, table: TableName, link: Link
) -> tuple[Hop | None, str | None]:
    """The hop of a link to another table, or what is wrong with it."""
    known, target = catalogue.tables.get(table), catalogue.tables.get(link.to or table)
    if link.to is None or known is None or target is None:
        return None, None
    columns = tuple(link.columns)
    for key in catalogue.foreign_keys_from(table):
        same = key.parent == link.to and set(key.child_columns) == set(columns)
        if same and set(link.references or key.parent_columns) == set(key.parent_columns):
            return Hop(key.child_columns, key.parent, key.parent_columns, where=link.where), None
    if link.references is None:
        return None, (
            f"no foreign key leads from ({', '.join(columns)}) to {link.to}; "
            "say references: the columns there"
        )
    for name, where in (*((c, known) for c in columns), *((c, target) for c in link.references)):
        if name not in where.columns:
            has = ", ".join(where.columns)
            return None, f"table {where.name} has no column '{name}'; it has: {has}"
    if len(link.references) != len(columns):
        return None, "columns and references differ in number"
    unique = any(set(unique) <= set(link.references) for unique in target.unique_keys)
    if (fault := unknown(catalogue, table, link)) is not None:
        return None, fault
    to_one = unique and link.match != "lower"
    references = tuple(link.references)
    return Hop(columns, link.to, references, link.match, to_one, False, link.where), None


def unknown(catalogue: Catalogue, table: TableName, link: Link) -> str | None:
    known = catalogue.tables[table].columns
    missing = [name for name, _ in link.where if name not in known]
    if not missing:
        return None
    return f"where: table {table} has no column '{missing[0]}'; it has: {', '.join(known)}"
