"""Find the ways from a table to a kind of subject, hop by hop.

Links that the policy declares as owners are all followed. Where it declares none, the foreign keys
are: only those that lead nearest to the subject, and a tie is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lethe.catalogue.links import all_links, parts_of, resolve_link, unknown
from lethe.catalogue.model import Catalogue, ForeignKey
from lethe.catalogue.nodes import Hop, Kind, Way
from lethe.policy.model import Policy
from lethe.policy.model.subjects import Link
from lethe.policy.names import TableName

Finding = tuple[tuple[str | int, ...], str]


class Routes:
    """The ways of one kind of subject.

    found  table → every way, for every table that was asked for or passed
    """

    def __init__(
        self, policy: Policy, catalogue: Catalogue, kind: Kind, findings: list[Finding]
    ) -> None:
        self._policy = policy
        self._catalogue = catalogue
        self._kind = kind
        self._findings = findings
        self._own = _tables_of_kind(policy, kind)
        self._busy: set[TableName] = set()
        self.found: dict[TableName, tuple[Way, ...]] = {}
        self._distances = self._measure()

    def ways(self, table: TableName) -> tuple[Way, ...]:
        """Every way from a table, along the links of all its rows that are of this kind."""
        if table not in self.found and table not in self._busy:
            ways = self.ways_by(table, self._links(table))
            if not ways:
                return ()
            self.found[table] = ways
        return self.found.get(table, ())

    def ways_by(self, table: TableName, links: Sequence[Link]) -> tuple[Way, ...]:
        """Every way from a table, along given links."""
        if table == self._kind.table:
            return (self._end(),)
        self._busy.add(table)
        try:
            ways = [
                (*hops, *rest)
                for hops in self._owner_hops(table, links)
                for rest in self._onwards(hops[-1])
            ]
        finally:
            self._busy.discard(table)
        return tuple(dict.fromkeys(_shortened(self._kind, way) for way in ways))

    def find_others(self, asked: Iterable[TableName]) -> None:
        """Find ways of tables that belong to no cluster of this kind.

        Events, conditions and holds look at such tables; nothing is erased along these ways.
        asked  tables for which a tie is a finding
        """
        if self._kind.table is None:
            return
        self.found.setdefault(self._kind.table, (self._end(),))
        wanted = set(asked)
        edge = list(self.found)
        while edge:
            hops: dict[TableName, list[Hop]] = {}
            for there in edge:
                for table, hop in self._hops_into(there):
                    if table not in self.found and hop not in hops.setdefault(table, []):
                        hops[table].append(hop)
            for table, some in hops.items():
                chosen = self._choose(table, some, told=table in wanted)
                ways = [
                    _shortened(self._kind, (hop, *rest)) for hop in chosen for rest in self._on(hop)
                ]
                self.found[table] = tuple(dict.fromkeys(ways))
            edge = list(hops)

    def _on(self, hop: Hop) -> tuple[Way, ...]:
        return self.found[hop.to] if hop.to is not None else ((),)

    def _end(self) -> Way:
        return (Hop(self._kind.key, None, self._kind.key),)

    def _links(self, table: TableName) -> tuple[Link, ...]:
        entry = self._policy.tables.get(table)
        if entry is None:
            return ()
        links: list[Link] = []
        for part in parts_of(entry):
            if self._policy.clusters[part.cluster].subject == self._kind.name:
                links += [link for link in part.links if link not in links]
        return tuple(links) or entry.links

    def _measure(self) -> dict[TableName, int]:
        """Hops from each table of this kind to the subject, at least."""
        near: dict[TableName, set[TableName | None]] = {}
        todo = sorted(self._own)
        for table in todo:
            owners = [link for link in self._links(table) if link.role == "owner"]
            keys = self._keys(table, self._links(table))
            near[table] = {link.to for link in owners} or {key.parent for key in keys}
            todo += [each for each in near[table] if each is not None and each not in todo]
        distances: dict[TableName, int] = {self._kind.table: 0} if self._kind.table else {}
        step = 0
        while True:
            step += 1
            reached = [
                table
                for table, parents in near.items()
                if table not in distances and (None in parents or parents & set(distances))
            ]
            if not reached:
                return distances
            distances |= dict.fromkeys(reached, step)

    def _onwards(self, hop: Hop) -> tuple[Way, ...]:
        if hop.to is None:
            return ((),)
        return self.ways(hop.to)

    def _owner_hops(self, table: TableName, links: Sequence[Link]) -> tuple[Way, ...]:
        owners = [link for link in links if link.role == "owner"]
        if not owners:
            return tuple((hop,) for hop in self._nearest(table, links))
        found: list[Way] = []
        for link in owners:
            hops = self._hops_of(table, link)
            if hops is None:
                continue
            if link.to is not None and link.to != table and not self._onwards(hops[-1]):
                self._tell_astray(table, link)
            found.append(hops)
        return tuple(found)

    def _tell_astray(self, table: TableName, link: Link) -> None:
        if link.to in self._busy or link.to not in self._catalogue.tables:
            return
        message = (
            f"the link ({', '.join(link.columns)}) to {link.to} does not lead to subject "
            f"'{self._kind.name}', on which these rows hang; if it only points, say role: reference"
        )
        self._tell((("tables", str(table), "links"), message))

    def _tell(self, finding: Finding) -> None:
        if finding not in self._findings:
            self._findings.append(finding)

    def _hops_of(self, table: TableName, link: Link) -> Way | None:
        if link.to is not None:
            hop, fault = resolve_link(self._catalogue, table, link)
            if fault is not None:
                self._tell((("tables", str(table), "links"), fault))
            return (hop,) if hop is not None else None
        kind, columns = self._kind, tuple(link.columns)
        fault = None
        if len(columns) != len(kind.key):
            fault = (
                f"subject '{kind.name}' has {len(kind.key)} key columns "
                f"({', '.join(kind.key)}), and the link names {len(columns)}"
            )
        elif link.match != "exact" and kind.table is None:
            fault = f"match: {link.match} needs a table, and subject '{kind.name}' is a query"
        if fault is not None:
            self._tell((("tables", str(table), "links"), fault))
            return None
        fault = unknown(self._catalogue, table, link)
        if fault is not None:
            self._tell((("tables", str(table), "links"), fault))
            return None
        if link.match != "exact":
            to_one = link.match == "text" and kind.unique
            return (Hop(columns, kind.table, kind.key, link.match, to_one, False, link.where),)
        return (Hop(columns, None, kind.key, declared=False, where=link.where),)

    def _keys(self, table: TableName, links: Iterable[Link]) -> list[ForeignKey]:
        pointing = {frozenset(link.columns) for link in links if link.role == "reference"}
        return [
            key
            for key in self._catalogue.foreign_keys_from(table)
            if key.parent in self._own
            and not key.is_self_reference
            and frozenset(key.child_columns) not in pointing
        ]

    def _nearest(self, table: TableName, links: Sequence[Link]) -> tuple[Hop, ...]:
        keys = [key for key in self._keys(table, links) if key.parent in self._distances]
        if not keys:
            return ()
        best = min(self._distances[key.parent] for key in keys)
        hops = [
            Hop(key.child_columns, key.parent, key.parent_columns)
            for key in keys
            if self._distances[key.parent] == best
        ]
        return self._choose(table, list(dict.fromkeys(hops)), told=True)[:1]

    def _choose(self, table: TableName, hops: list[Hop], *, told: bool) -> tuple[Hop, ...]:
        """Declared owners all; else the only foreign key, or the first and a finding."""
        links = self._links(table)
        owners = [frozenset(link.columns) for link in links if link.role == "owner"]
        declared = [hop for hop in hops if frozenset(hop.columns) in owners]
        if declared:
            return tuple(declared)
        if len(hops) > 1 and told:
            names = " and ".join(", ".join(hop.columns) for hop in hops)
            message = (
                f"{len(hops)} foreign keys lead to subject '{self._kind.name}' ({names}); say "
                "under links which is the owner (role: owner; several: the row goes when all are "
                "due) and which only points (role: reference)"
            )
            self._tell((("tables", str(table)), message))
        return tuple(hops[:1])

    def _hops_into(self, there: TableName) -> Iterator[tuple[TableName, Hop]]:
        for key in self._catalogue.foreign_keys_to(there):
            entry = self._policy.tables.get(key.child)
            pointing = {
                frozenset(link.columns)
                for link in all_links(entry)
                if link.role == "reference" and link.to in (None, there)
            }
            known = key.child in self._catalogue.tables
            if known and not key.is_self_reference and frozenset(key.child_columns) not in pointing:
                yield key.child, Hop(key.child_columns, key.parent, key.parent_columns)
        for table, entry in self._policy.tables.items():
            for link in all_links(entry):
                if link.to == there and link.role == "owner" and table in self._catalogue.tables:
                    hop, _ = resolve_link(self._catalogue, table, link)
                    if hop is not None:
                        yield table, hop


def _tables_of_kind(policy: Policy, kind: Kind) -> set[TableName]:
    own = {kind.table} if kind.table else set()
    for table, entry in policy.tables.items():
        for part in parts_of(entry):
            cluster = policy.clusters.get(part.cluster)
            if cluster is not None and cluster.subject == kind.name:
                own.add(table)
    return own


def _shortened(kind: Kind, way: Way) -> Way:
    """Leave out the subject's own table where the hop before already holds the key."""
    if len(way) >= 2 and way[-2].to == kind.table and set(way[-2].references) == set(kind.key):
        before = way[-2]
        if before.match == "exact":
            order = [before.references.index(column) for column in kind.key]
            columns = tuple(before.columns[i] for i in order)
            last = Hop(columns, None, kind.key, declared=before.declared, where=before.where)
            return (*way[:-2], last)
    return way
