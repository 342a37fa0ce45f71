"""The subject graph: how every table of a cluster hangs on its subject.

A *way* leads from a row to the key of its *root*, hop by hop; a hop is an equality between columns,
declared by a foreign key or by the policy. The root is the subject itself, or an *anchor*: a table
whose rows hang on several subjects at once (a contact shared by accounts, a message with a sender
and a recipient). A row below an anchor goes when the anchor's row goes, and that one goes when the
last of its subjects does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from psycopg2 import sql

from lethe.catalogue.model import Catalogue
from lethe.policy.model import Policy
from lethe.policy.model.conditions import Conditions
from lethe.policy.model.subjects import Action, Subject
from lethe.policy.names import TableName


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a way: `columns` here equal `references` there.

    to      the next table; None where `references` is the key of the root
    to_one  at most one row there matches
    where   columns here with the values, as text, of the rows that take this step
    """

    columns: tuple[str, ...]
    to: TableName | None
    references: tuple[str, ...]
    match: Literal["exact", "lower", "text"] = "exact"
    to_one: bool = True
    declared: bool = True
    where: tuple[tuple[str, str], ...] = ()

    def excludes(self, other: Hop) -> bool:
        """No row takes both steps."""
        theirs = dict(other.where)
        return any(theirs.get(name, value) != value for name, value in self.where)


Way = tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of subject, resolved: where it is, and of which types its key is.

    unique       one row a subject in `table`
    spelt_once   two equal keys have the same text
    """

    name: str
    table: TableName | None
    query: str | None
    key: tuple[str, ...]
    types: tuple[str, ...]
    unique: bool
    where: Conditions
    policy: Subject
    spelt_once: bool

    @property
    def is_group(self) -> bool:
        """A subject is what rows have in common: a lock on those that are there keeps none out."""
        return self.table is None or not self.unique

    @property
    def source(self) -> sql.Composable:
        """What the subjects are selected from: the table, or the query in parentheses."""
        if self.table is not None:
            return self.table.identifier
        # A line of its own, for the query may end with a comment; % is doubled as in names.
        query = (self.query or "").strip().removesuffix(";").replace("%", "%%")
        return sql.SQL("(\n" + query + "\n)")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A table whose rows hang on several subjects: its key, and every way to them."""

    table: TableName
    key: tuple[str, ...]
    types: tuple[str, ...]
    ways: tuple[Way, ...]
    where: Conditions


@dataclass(frozen=True, slots=True)
class Member:
    """Rows of one table in one cluster, and the way to their root.

    anchor      the root, if it is not the subject
    way         ends at the key of the root
    ways        every way to the subject
    unique_key  names one row; None where the table has no key
    only        leave out tables that inherit (they are members of their own)
    """

    table: TableName
    cluster: str
    where: Conditions
    anchor: Anchor | None
    way: Way
    ways: tuple[Way, ...]
    action: Action
    unique_key: tuple[str, ...] | None
    activity: str | None
    only: bool

    @property
    def is_declared(self) -> bool:
        """Every hop is a foreign key, so that a lock on the subject keeps new rows out."""
        return self.anchor is None and all(hop.declared for hop in self.way)


@dataclass(frozen=True, slots=True)
class Reference:
    """A pointer at rows of another table: what would be left hanging when those go.

    unlink  the policy says that the columns go NULL
    """

    child: TableName
    columns: tuple[str, ...]
    parent: TableName
    references: tuple[str, ...]
    unlink: bool
    on_delete: str
    constraint: str | None
    deferrable: bool
    can_be_cut: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """Policy and catalogue, joined: what the wings plan from."""

    policy: Policy
    catalogue: Catalogue
    kinds: Mapping[str, Kind]
    members: Mapping[str, tuple[Member, ...]]
    references: tuple[Reference, ...]
    ways: Mapping[tuple[str, TableName], tuple[Way, ...]]
    """(kind, table) → every way from that table to the subject; a part of a table with links of
    its own has its own ways (`Member.ways`)."""

    def kind_of(self, cluster: str) -> Kind:
        """The kind of subject on which a cluster hangs."""
        return self.kinds[self.policy.clusters[cluster].subject]

    @property
    def refreshed_views(self) -> tuple[TableName, ...]:
        """Materialised views that the policy wants refreshed after a sweep."""
        names = {
            each.name
            for each in self.policy.warehouse.answers
            if (each.kind, each.answer) == ("materialised_view", "refresh")
        }
        views = self.catalogue.views.values()
        return tuple(v.name for v in views if v.is_materialised and str(v.name) in names)

    def anchors(self, cluster: str) -> tuple[Anchor, ...]:
        """The anchors of a cluster, each once."""
        found = {m.anchor.table: m.anchor for m in self.members[cluster] if m.anchor}
        return tuple(found.values())

    def cuttable(self, table: TableName, columns: tuple[str, ...]) -> tuple[str, ...]:
        """The columns that go NULL to cut a link, so that no other link of the row is cut with it.

        None where the link cannot be cut alone: (tenant, sender) goes by sender, for tenant also
        stands in (tenant, recipient).
        """
        mine = frozenset(columns)
        owners = {link for link in self._steps_from(table) if link != mine}
        others = {
            frozenset(ref.columns)
            for ref in self.references
            if ref.child == table and not mine <= set(ref.columns)
        }
        needed = frozenset().union(*owners, *others)
        known = self.catalogue.tables[table].columns
        found = tuple(n for n in columns if known[n].may_be_nulled and n not in needed)
        whole = any(
            key.match_full and frozenset(key.child_columns) == mine
            for key in self.catalogue.foreign_keys_from(table)
        )
        return () if whole and len(found) < len(columns) else found

    def _steps_from(self, table: TableName) -> set[frozenset[str]]:
        """Columns of a table along which rows find their subject."""
        ways = [(here, way) for (_, here), found in self.ways.items() for way in found]
        for member in (each for some in self.members.values() for each in some):
            ways += [(member.table, way) for way in (member.way, *member.ways)]
            anchor = member.anchor
            ways += [(anchor.table, way) for way in anchor.ways] if anchor else []
        found: set[frozenset[str]] = set()
        for start, way in ways:
            here: TableName | None = start
            for hop in way:
                if here == table:
                    found.add(frozenset(hop.columns))
                here = hop.to
        return found

    def column_type(self, table: TableName, column: str) -> str:
        """The SQL type of a column, fit for a cast."""
        return self.catalogue.tables[table].columns[column].bare_type
