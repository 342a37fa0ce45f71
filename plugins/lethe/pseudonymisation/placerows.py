"""Rows that are pseudonymised in place: locked and read by blocks, written back by their place."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from psycopg2 import extensions, sql

from lethe.catalogue.conditions import Context, older_than
from lethe.catalogue.fragments import Values, all_of, any_of, column, comma
from lethe.catalogue.graph import Graph
from lethe.connections import acting_as
from lethe.guards.spared import spared_by, ways_to_subjects
from lethe.include import statement
from lethe.policy.model.logs import InPlace
from lethe.policy.names import quoted
from lethe.pseudonymisation.fields import FieldMethods
from lethe.pseudonymisation.key_life import PURPOSE, LogKeys, LogRoom
from lethe.pseudonymisation.placeforms import (
    done_form,
    is_inet,
    plan_columns,
    require_place,
    stays_v4,
)

if TYPE_CHECKING:
    import polars as pl

BLOCKS: Final = 128


@dataclass(slots=True)
class PlaceDone:
    """What became of the rows of a table: read = written + unchanged + locked + no-time.

    masked  of the written ones: their key is gone for ever, and so is what they held
    """

    source: str
    title: str
    read: int = 0
    written: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    masked: int = 0
    batches: int = 0

    def as_data(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return {
            "source": self.source,
            "file": self.title,
            "format": "in place",
            "read": self.read,
            "written": self.written,
            "quarantined": dict(self.quarantined),
            "masked": self.masked,
            "batches": self.batches,
            "repeated": False,
            "raw_destroyed": True,
            "linkability": None,
            "over_limit": [],
            "fault": None,
        }


class PlaceRows:
    """The warehouse's side of the work on one table."""

    def __init__(
        self,
        room: LogRoom,
        connection: extensions.connection,
        graph: Graph,
        name: str,
        place: InPlace,
    ) -> None:
        self._room, self._connection, self._graph, self._place = room, connection, graph, place
        self._table = require_place(graph, name, place)
        self._columns = {c: f for c, f in place.columns.items() if f.method != "keep"}
        self._keys = LogKeys(room)
        self._secrets: dict[str, bytes | None] = {}
        self._made = {key.period for key in self._keys.every() if key.purpose == PURPOSE}
        self._methods = FieldMethods(plan_columns(self._columns))
        self._done = PlaceDone(name, f"{name}: {place.table}")
        self._name = name

    def _begin(self) -> None:
        acting_as(self._connection, "runner")
        manners = self._room.site.loaded.policy.guards.batches
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("logs/set_manners"),
                {
                    "lock": str(manners.lock_timeout_ms),
                    "statement": str(manners.statement_timeout_ms),
                },
            )
            cursor.execute(statement("guards/lock_holds_shared"))

    def _read(self, start: int, end: int) -> pl.DataFrame:
        """Lock and read the rows of some blocks that are old, not done and not guarded."""
        import polars as pl

        values = Values()
        context = Context(self._graph, self._room.as_of, values)
        time = column("r", self._place.time)
        where: list[sql.Composable] = [
            sql.SQL("r.ctid >= {}::tid AND r.ctid < {}::tid").format(
                values.bind(f"({start},0)"), values.bind(f"({end},0)")
            ),
            older_than(
                context,
                time,
                self._graph.column_type(self._place.table, self._place.time),
                self._place.after,
            ),
            any_of(self._not_done()),
        ]
        guarded = [
            sql.SQL("NOT {}").format(
                spared_by(context, self._place.table, kind, way, where, row="r")
            )
            for kind, way in ways_to_subjects(self._graph, self._place.table)
        ]
        text = sql.SQL(
            "COPY (SELECT r.tableoid, r.ctid, CASE WHEN isfinite({time}) THEN"
            " to_char({time}, 'YYYY-MM') END, {columns} FROM {table} AS r WHERE {where}"
            " FOR UPDATE OF r SKIP LOCKED) TO STDOUT (FORMAT csv, NULL '\\N', ENCODING 'UTF8')"
        ).format(
            time=time,
            columns=comma(sql.SQL("{}::text").format(column("r", n)) for n in self._columns),
            table=self._place.table.identifier,
            where=all_of([*where, *guarded]),
        )
        names = ["rel", "tid", "month", *(f"c{n}" for n in range(len(self._columns)))]
        out = io.BytesIO()
        with self._connection.cursor() as cursor:
            cursor.copy_expert(cursor.mogrify(text, values.bound).decode(), out)
        schema = dict.fromkeys(names, pl.String)
        if not out.tell():
            return pl.DataFrame(schema=schema)
        out.seek(0)
        return pl.read_csv(
            out, has_header=False, schema=schema, null_values="\\N", empty_string_is_null=False
        )

    def _count_without_time(self) -> int:
        """Count the rows that are not done and never will be, for they have no time or no end."""
        time = column("r", self._place.time)
        text = sql.SQL(
            "SELECT count(*) FROM {table} AS r"
            " WHERE ({time} IS NULL OR {time} = 'infinity') AND {not_done}"
        ).format(table=self._place.table.identifier, time=time, not_done=any_of(self._not_done()))
        with self._connection.cursor() as cursor:
            cursor.execute(text, {})
            (count,) = cursor.fetchone() or (0,)
        self._connection.rollback()
        return int(count)

    def _not_done(self) -> Iterator[sql.Composable]:
        for name, spec in self._columns.items():
            here = column("r", name)
            if is_inet(self._table.columns[name]):
                done = sql.SQL("family({c}) = 6 AND masklen({c}) = 127").format(c=here)
                if stays_v4(spec):
                    done += sql.SQL(" OR family({c}) = 4 AND masklen({c}) = 31").format(c=here)
                yield sql.SQL("({c} IS NOT NULL AND NOT ({done}))").format(c=here, done=done)
                continue
            form = done_form(name, spec, self._table.columns[name].width)
            if form is None:
                yield sql.SQL("{} IS NOT NULL").format(here)
            else:
                yield sql.SQL("({} IS NOT NULL AND {}::text !~ {})").format(
                    here, here, sql.Literal(form.replace("%", "%%"))
                )

    def _update(self, frame: pl.DataFrame, new: pl.DataFrame, changed: list[int]) -> int:
        """Write the new values; tell how many rows hold them then, or are done all the same."""
        import polars as pl

        columns = [f"c{number}" for number in range(len(self._columns))]
        rows = pl.concat([frame.select("rel", "tid"), new.select(columns)], how="horizontal")
        text = io.BytesIO()
        rows[changed].write_csv(text, include_header=False, null_value="\\N")
        text.seek(0)
        temporary = sql.SQL("CREATE TEMP TABLE lethe_in_place ({}) ON COMMIT DROP").format(
            comma(
                [
                    sql.SQL("rel oid, tid tid"),
                    *(sql.SQL("{} text").format(sql.Identifier(c)) for c in columns),
                ]
            )
        )
        values = {
            name: sql.SQL("n.{}::{}").format(
                sql.Identifier(f"c{number}"),
                sql.SQL(self._table.columns[name].type.replace("%", "%%")),
            )
            for number, name in enumerate(self._columns)
        }
        # What a trigger made of a row is what stands there.
        there = [
            sql.SQL("({c}::text IS NOT DISTINCT FROM ({value})::text OR NOT {not_done})").format(
                c=column("r", name), value=value, not_done=not_done
            )
            for (name, value), not_done in zip(values.items(), self._not_done(), strict=True)
        ]
        update = sql.SQL(
            "WITH done AS (UPDATE {table} AS r SET {sets} FROM pg_temp.lethe_in_place AS n"
            " WHERE r.ctid = n.tid AND r.tableoid = n.rel RETURNING {there} AS there)"
            " SELECT count(*) FROM done WHERE there"
        ).format(
            table=self._place.table.identifier,
            sets=comma(sql.SQL("{} = {}").format(quoted(n), value) for n, value in values.items()),
            there=all_of(there),
        )
        with self._connection.cursor() as cursor:
            cursor.execute(temporary)
            cursor.copy_expert(
                "COPY pg_temp.lethe_in_place FROM STDIN (FORMAT csv, NULL '\\N', ENCODING 'UTF8')",
                text,
            )
            # Rows are found by their place, never by reading the whole table.
            cursor.execute(statement("logs/find_by_place"))
            cursor.execute(update, {})
            return int((cursor.fetchone() or (0,))[0])
