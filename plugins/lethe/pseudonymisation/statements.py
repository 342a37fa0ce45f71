"""Raw tables as SQL: which rows are tonight's, taken out of the table in the order of their key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from psycopg2 import sql

from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import Values, all_of, any_of, column, comma, type_name
from lethe.catalogue.graph import Graph, Kind, Way
from lethe.catalogue.model import Column
from lethe.errors import UsageError
from lethe.guards.spared import spared_by, ways_to_subjects
from lethe.policy.model.logs import LogSource
from lethe.policy.names import TableName

_ROW: Final = "r"
_TIMES: Final = ("timestamp with time zone", "timestamp without time zone", "date")


@dataclass(frozen=True, slots=True)
class Range:
    """Rows whose time lies in some months; None: open at that end, rows without a time too."""

    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class RawTable:
    """A raw table of the policy, bound to the catalogue.

    Raises  UsageError where a column is not there
    """

    graph: Graph
    title: str
    source: LogSource
    as_of: date

    @property
    def table(self) -> TableName:
        """Its name."""
        if self.source.table is None:
            raise UsageError(f"{self.title} is a source of files")
        return self.source.table

    def check(self) -> None:
        """Name every column that the policy speaks of and the table has not."""
        known = self.graph.catalogue.tables.get(self.table)
        if known is None:
            raise UsageError(f"{self.title}: there is no table {self.table}")
        named = [*self.source.columns.values(), *(self.source.key or ())]
        named += [self.source.time] if self.source.time else []
        if missing := sorted({name for name in named if name not in known.columns}):
            raise UsageError(f"{self.title}: {self.table} has no column {', '.join(missing)}")
        if not self.source.columns:
            raise UsageError(f"{self.title}: say columns: field of ours, column of {self.table}")
        if not self.key:
            raise UsageError(f"{self.title}: {self.table} has no key; name one under key")
        if self.source.time and self._column(self.source.time).bare_type not in _TIMES:
            raise UsageError(f"{self.title}: {self.table}.{self.source.time} is no time")

    @property
    def key(self) -> tuple[str, ...]:
        """The columns in whose order rows are read."""
        return tuple(self.source.key or self.graph.catalogue.tables[self.table].primary_key or ())

    def _column(self, name: str) -> Column:
        return self.graph.catalogue.tables[self.table].columns[name]

    def find_months(self) -> sql.Composed:
        """SELECT the months of the oldest and newest row as dates; is one dated; is any row there.

        A year that Python's dates do not know is told as the first or last that they do.
        """
        time = column(_ROW, self.source.time or "")
        return sql.SQL(
            "SELECT least(greatest(date_trunc('month', oldest)::date, '0001-01-01'), '9999-12-01'),"
            " least(greatest(date_trunc('month', newest)::date, '0001-01-01'), '9999-12-01'),"
            # Of nothing at all, least and greatest make the first month there is.
            " oldest IS NOT NULL, EXISTS (SELECT FROM {table})"
            " FROM (SELECT min({t}) AS oldest, max({t}) AS newest FROM {table} AS r"
            " WHERE isfinite({t})) AS found"
        ).format(t=time, table=self.table.identifier)

    def find_bound(self, values: Values, part: Range, size: int, after: bool) -> sql.Composed:
        """SELECT the key of the last row of the next batch, as text; none: what is left is less."""
        keys = [column(_ROW, name) for name in self.key]
        return sql.SQL(
            "SELECT {texts} FROM {table} AS r WHERE {where} ORDER BY {keys} OFFSET {skip} LIMIT 1"
        ).format(
            texts=comma(sql.SQL("{}::text").format(key) for key in keys),
            table=self.table.identifier,
            where=all_of(self._where(values, part, after=after)),
            keys=comma(keys),
            skip=values.bind(size - 1),
        )

    def take_rows(
        self,
        values: Values,
        part: Range,
        *,
        after: bool,
        bound: bool,
        spare: bool,
        counted: bool = False,
    ) -> sql.Composed:
        """COPY rows out of the table and delete them, by one statement.

        counted  how many there were comes as one row more, the last one: a trigger may keep some
        """
        where = self._where(values, part, after=after, bound=bound)
        if spare:
            where += [sql.SQL("NOT {}").format(each) for each in self.spared(values, where)]
        here = {"table": self.table.identifier, "where": all_of(where)}
        rows = sql.SQL("DELETE FROM {table} AS r WHERE {where} RETURNING {fields}").format(
            **here, fields=comma(sql.SQL("({})::text").format(each) for each in self._fields())
        )
        if counted:
            blanks = [sql.SQL("NULL")] * (len(self.source.columns) - 1)
            # One statement sees one state of the table, whoever else writes to it.
            rows = sql.SQL(
                "WITH taken AS ({rows}), there AS (SELECT count(*) FROM {table} AS r WHERE {where})"
                " SELECT * FROM taken UNION ALL SELECT {last} FROM there"
            ).format(
                **here,
                rows=rows,
                last=comma([sql.SQL("count::text"), *blanks]),
            )
        return sql.SQL("COPY ({rows}) TO STDOUT (FORMAT csv, NULL '\\N', ENCODING 'UTF8')").format(
            rows=rows
        )

    def count_spared(self, values: Values, part: Range) -> sql.Composed:
        """SELECT how many rows stay because a hold or a restriction is on them."""
        where = self._where(values, part)
        spared = list(self.spared(values, where))
        return sql.SQL("SELECT count(*) FROM {table} AS r WHERE {where} AND {spared}").format(
            table=self.table.identifier,
            where=all_of(where),
            spared=any_of(spared) if spared else sql.SQL("false"),
        )

    def _fields(self) -> Iterator[sql.Composable]:
        for field, name in self.source.columns.items():
            here, known = column(_ROW, name), self._column(name)
            if field == "time" and known.bare_type in _TIMES:
                yield sql.SQL(
                    "CASE WHEN isfinite({t}) THEN (extract(epoch FROM {t}) * 1000000)::bigint END"
                ).format(t=here)
            elif known.base_type == "inet":
                yield sql.SQL("host({})").format(here)
            else:
                yield sql.SQL("{}::text").format(here)

    def _where(
        self, values: Values, part: Range, *, after: bool = False, bound: bool = False
    ) -> list[sql.Composable]:
        found: list[sql.Composable] = []
        if self.source.time and (part.since or part.until):
            time = column(_ROW, self.source.time)
            cast = type_name(self._column(self.source.time).bare_type)
            if part.since:
                found.append(sql.SQL("{} >= {}::{}").format(time, values.bind(part.since), cast))
            if part.until:
                found.append(sql.SQL("{} < {}::{}").format(time, values.bind(part.until), cast))
                if not part.since:
                    found[-1] = sql.SQL("({} OR {} IS NULL)").format(found[-1], time)
        for wanted, sign, name in ((after, ">", "after"), (bound, "<=", "bound")):
            if wanted:
                found.append(self._compared(sign, name))
        return found

    def _compared(self, sign: str, name: str) -> sql.Composed:
        """Compare the key with one that is bound as `after0`, `after1` … or `bound0` …"""
        keys = comma(column(_ROW, each) for each in self.key)
        given = comma(
            sql.SQL("{}::{}").format(
                sql.Placeholder(f"{name}{number}"), type_name(self._column(each).bare_type)
            )
            for number, each in enumerate(self.key)
        )
        return sql.SQL("({}) {} ({})").format(keys, sql.SQL(sign), given)

    def guarded_kinds(self) -> list[tuple[Kind, Way]]:
        """The kinds of subject that a row may hang on, however far, and the ways to them."""
        return ways_to_subjects(self.graph, self.table)

    def spared(self, values: Values, where: list[sql.Composable]) -> Iterator[sql.Composable]:
        """Conditions under which a row stays: its subject is held, or may not be processed.

        where  which rows are looked at
        """
        context = Context(self.graph, self.as_of, values)
        for kind, way in self.guarded_kinds():
            yield spared_by(context, self.table, kind, way, where, row=_ROW)
