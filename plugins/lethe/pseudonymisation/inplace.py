"""Automatic data in other tables, pseudonymised where it lies (policy §2).

The table is worked through block by block, a transaction each, so that no key of a row stands in a
statement. What is done is recognised by its form, whatever happened in between: a pseudonym of an
address begins with `ip_` in text and has the prefix length 127 (IPv4: 31) in a column of type
inet, which no host has; a token ends in sixteen letters of base 32; a user agent begins with `ua:`.
"""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.conditions import Context, older_than
from lethe.catalogue.fragments import Values, all_of, any_of, column, comma
from lethe.catalogue.graph import Graph
from lethe.catalogue.model import Column, Table
from lethe.connections import acting_as
from lethe.errors import UsageError, WarehouseRefused, describe_database_error
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.guards.spared import spared_by, ways_to_subjects
from lethe.include import statement
from lethe.policy.model.logs import Field_, InPlace
from lethe.pseudonymisation.addresses import MARK
from lethe.pseudonymisation.fields import FieldMethods
from lethe.pseudonymisation.key_life import PURPOSE, LogKeys, LogRoom
from lethe.pseudonymisation.logplan import Kind, LogPlan, Method, UrlRules

if TYPE_CHECKING:
    import polars as pl

BLOCKS: Final = 128
"""Blocks of 8 kB a transaction: some thousand rows at most."""
_UNDATED: Final = "undated"
_TOKEN: Final = "[a-z2-7]{16}"  # noqa: S105 (the form of a token)
_GONE_V6: Final = "::/127"
_DONE_INET: Final = r":.*/127$|\..*/31$"
_METHODS: Final = {
    "ipcrypt-deterministic": (Kind.ADDRESSES, Method.DETERMINISTIC),
    "ipcrypt-pfx": (Kind.ADDRESSES, Method.PREFIX),
    "ipcrypt-nd": (Kind.ADDRESSES, Method.ND),
    "token": (Kind.TEXT, Method.TOKEN),
    "user-agent": (Kind.AGENT, Method.REDUCE),
    "url": (Kind.URL, Method.SCAN),
    "text": (Kind.MESSAGE, Method.SCAN),
    "mask": (Kind.TEXT, Method.MASK),
    "drop": (Kind.TEXT, Method.KEEP),
}


@dataclass(slots=True)
class PlaceDone:
    """What became of the rows of a table: read = written + unchanged + spared + locked.

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


def work_in_place(room: LogRoom, name: str, *, blocks: int = BLOCKS) -> PlaceDone:
    """Pseudonymise every old row of a table that is not done yet.

    Raises  UsageError for a column or a method that cannot be; GuardStop where nothing may be
            destroyed
    """
    room.require_destruction_allowed()
    place = room.logs.in_place[name]
    with room.site.connected("runner") as connection:
        acting_as(connection, "runner")
        graph = room.site.graph(connection)
        connection.rollback()
        work = _Place(room, connection, graph, name, place)
        try:
            return work.work(blocks)
        except psycopg2.Error as error:
            connection.rollback()
            raise WarehouseRefused(
                f"{name}: {describe_database_error(error)}; what was committed stays, and the next"
                " run goes on. If rights are missing, `lethe init` grants what the policy needs",
                error.pgcode,
            ) from None


class _Place:
    """The work on one table."""

    def __init__(
        self,
        room: LogRoom,
        connection: extensions.connection,
        graph: Graph,
        name: str,
        place: InPlace,
    ) -> None:
        self._room, self._connection, self._graph, self._place = room, connection, graph, place
        self._table = _require(graph, name, place)
        self._columns = {c: f for c, f in place.columns.items() if f.method != "keep"}
        self._keys = LogKeys(room)
        self._secrets: dict[str, bytes | None] = {}
        self._made = {key.period for key in self._keys.every() if key.purpose == PURPOSE}
        self._methods = FieldMethods(_plan(self._columns))
        self._done = PlaceDone(name, f"{name}: {place.table}")
        self._name = name

    def work(self, blocks: int) -> PlaceDone:
        acting_as(self._connection, "runner")
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("logs/count_blocks"),
                {"schema": self._place.table.schema, "table": self._place.table.name},
            )
            last = int((cursor.fetchone() or (0,))[0])
        self._connection.rollback()
        for start in range(0, last, blocks):
            self._work_blocks(start, start + blocks)
        return self._done

    def _work_blocks(self, start: int, end: int) -> None:
        self._begin()
        frame = self._read(start, end)
        if not len(frame):
            self._connection.rollback()
            return
        new = self._pseudonymise(frame)
        changed = self._changed(frame, new)
        masked = int(new["gone"][changed].sum())
        self._done.read += len(frame)
        if len(frame) > len(changed):
            self._done.quarantined["unchanged"] += len(frame) - len(changed)
        if not changed:
            self._connection.rollback()
            return
        written = self._update(frame, new, changed)
        batch = EvidenceBatch(self._connection, self._room.run_id, self._room.witness)
        told: dict[str, Any] = {
            "source": self._name,
            "table": str(self._place.table),
            "columns": sorted(self._columns),
            "rows": written,
            "masked": masked,
        }
        batch.add_rows([LedgerRow("log_in_place", told)])
        batch.commit()
        self._done.written += written
        self._done.masked += masked
        self._done.batches += 1
        if written != len(changed):
            self._done.quarantined["gone"] += len(changed) - written

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

    def _not_done(self) -> Iterator[sql.Composable]:
        for name, spec in self._columns.items():
            here = column("r", name)
            if _is_inet(self._table.columns[name]):
                yield sql.SQL(
                    "({c} IS NOT NULL AND masklen({c}) <> CASE family({c}) WHEN 4 THEN 31 ELSE 127"
                    " END)"
                ).format(c=here)
                continue
            form = done_form(name, spec)
            if form is None:
                yield sql.SQL("{} IS NOT NULL").format(here)
            else:
                yield sql.SQL("({} IS NOT NULL AND {}::text !~ {})").format(
                    here, here, sql.Literal(form)
                )

    def _pseudonymise(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the new values, in the order of the frame, and whether a row's key is gone."""
        import polars as pl

        parts = []
        indexed = frame.with_row_index("at")
        for (month,), part in indexed.group_by(["month"]):
            secret = self._secret(str(month or _UNDATED))
            gone = pl.Series([secret is None]).new_from_index(0, len(part))
            columns = {"at": part["at"], "gone": gone}
            for number, (name, spec) in enumerate(self._columns.items()):
                columns[f"c{number}"] = self._new(
                    name, spec, part[f"c{number}"], str(month or _UNDATED), secret
                )
            parts.append(pl.DataFrame(columns))
        return pl.concat(parts).sort("at")

    def _new(
        self, name: str, spec: Field_, values: pl.Series, month: str, secret: bytes | None
    ) -> pl.Series:
        known = self._table.columns[name]
        inet = _is_inet(known)
        form = _DONE_INET if inet else done_form(name, spec)
        done = values.is_null()
        if form is not None:
            done |= values.str.contains(form).fill_null(value=True)
        if spec.method == "drop":
            return _all(None if known.nullable else "", len(values))
        if spec.method == "mask" or (secret is None and form is not None):
            made = _all(_GONE_V6 if inet else f"[{name}]", len(values))
        else:
            # Text whose key is gone, and which tells not by its form whether it is done: what is
            # still personal in it gets a token that nobody can make again.
            secret, month = (secret, month) if secret else (os.urandom(32), f"{month}/gone")
            plain = values.str.split("/").list.first() if inet else values
            made = self._methods.replace(month, secret, name, plain)
            if spec.method.startswith("ipcrypt"):
                made = _marked(made, inet=inet)
            # Nothing of note, such as `-`: it names nobody, and stays.
            made = made.zip_with(made.is_not_null(), values)
        return values.zip_with(done, made)

    def _secret(self, month: str) -> bytes | None:
        """The secret of a month; None where its key is gone.

        A month whose window has ended before it ever had a key gets one for this run alone,
        which nobody can be asked for afterwards.
        """
        if month not in self._secrets:
            ended = month != _UNDATED and self._keys.window_end(month) < self._room.as_of
            if month == _UNDATED or (ended and month not in self._made):
                self._secrets[month] = os.urandom(32)
            else:
                found = self._keys.secret(month)
                self._secrets[month] = found if isinstance(found, bytes) else None
        return self._secrets[month]

    def _changed(self, frame: pl.DataFrame, new: pl.DataFrame) -> list[int]:
        import polars as pl

        differs = pl.Series([False]).new_from_index(0, len(frame))
        for number in range(len(self._columns)):
            here = f"c{number}"
            differs |= frame[here].ne_missing(new[here])
        return list(differs.arg_true())

    def _update(self, frame: pl.DataFrame, new: pl.DataFrame, changed: list[int]) -> int:
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
        update = sql.SQL(
            "UPDATE {table} AS r SET {sets} FROM pg_temp.lethe_in_place AS n"
            " WHERE r.ctid = n.tid AND r.tableoid = n.rel"
        ).format(
            table=self._place.table.identifier,
            sets=comma(
                sql.SQL("{} = n.{}::{}").format(
                    sql.Identifier(name),
                    sql.Identifier(f"c{number}"),
                    sql.SQL(self._table.columns[name].type.replace("%", "%%")),
                )
                for number, name in enumerate(self._columns)
            ),
        )
        with self._connection.cursor() as cursor:
            cursor.execute(temporary)
            cursor.copy_expert(
                "COPY pg_temp.lethe_in_place FROM STDIN (FORMAT csv, NULL '\\N', ENCODING 'UTF8')",
                text,
            )
            # Rows are found by their place, never by reading the whole table.
            cursor.execute(statement("logs/find_by_place"))
            cursor.execute(update)
            return int(cursor.rowcount)


def done_form(name: str, spec: Field_) -> str | None:
    """The pattern of what is done, of a column of text; None: what is done is told by nothing."""
    own = re.escape(name)
    forms = {
        "ipcrypt": rf"{MARK}[0-9a-f:.]+(, {MARK}[0-9a-f:.]+)*|host_{_TOKEN}|unknown|localhost",
        "token": rf"({own}|user|email|host)_{_TOKEN}",
        "mask": "",
        "user-agent": "ua:.*",
        # Looked through again each night: what changes nothing is not written.
        "url": None,
        "text": None,
        "drop": None,
    }
    form = forms["ipcrypt" if spec.method.startswith("ipcrypt") else spec.method]
    if form is None:
        return None
    mask = rf"\[{own}\]"
    return f"^({form}|{mask}|-|)$" if form else f"^({mask}|-|)$"


def _all(value: str | None, count: int) -> pl.Series:
    import polars as pl

    return pl.Series([value], dtype=pl.String).new_from_index(0, count)


def _marked(made: pl.Series, *, inet: bool) -> pl.Series:
    import polars as pl

    if inet:
        length = pl.when(pl.col("a").str.contains(":", literal=True)).then(pl.lit("/127"))
        written = pl.col("a") + length.otherwise(pl.lit("/31"))
    else:
        written = pl.col("a").str.replace_all(
            r"(^|, )([0-9a-f:.]+)(,|$)", f"${{1}}{MARK}${{2}}${{3}}"
        )
        # Of two in a row every second one is left by one pass.
        written = written.str.replace_all(r"(, )([0-9a-f:.]+)(,|$)", f"${{1}}{MARK}${{2}}${{3}}")
    return pl.DataFrame({"a": made}).select(written.alias("a")).to_series()


def _plan(columns: dict[str, Field_]) -> LogPlan:
    kinds = {name: _METHODS[spec.method][0] for name, spec in columns.items()}
    methods = {name: _METHODS[spec.method][1] for name, spec in columns.items()}
    return LogPlan(
        format="columns",
        secrets={},
        undated_period="",
        quarantine_key=bytes(32),
        settled=True,
        kinds=kinds,
        methods=methods,
        urls={
            name: UrlRules(frozenset(spec.query_allow), spec.path_templates)
            for name, spec in columns.items()
            if spec.method == "url"
        },
        phones=frozenset(name for name, spec in columns.items() if spec.phones),
    )


def _require(graph: Graph, name: str, place: InPlace) -> Table:
    """Find what cannot work before anything is read."""
    table = graph.catalogue.tables.get(place.table)
    where = f"logs.in_place.{name}"
    if table is None:
        raise UsageError(f"{where}: there is no table {place.table}")
    if missing := sorted({*place.columns, place.time} - set(table.columns)):
        raise UsageError(f"{where}: {place.table} has no column {', '.join(missing)}")
    pointed = {
        c for key in graph.catalogue.foreign_keys_to(place.table) for c in key.parent_columns
    }
    for column_name, spec in place.columns.items():
        known = table.columns[column_name]
        if spec.method == "time":
            raise UsageError(f"{where}.columns.{column_name}: a time is not truncated in place")
        if column_name in pointed and spec.method != "keep":
            raise UsageError(
                f"{where}.columns.{column_name}: other tables point to it; pseudonymise the column"
                " that points, or let the rows end with their subject"
            )
        fits = known.is_text or (_is_inet(known) and spec.method.startswith(("ipcrypt", "mask")))
        fits = fits or (spec.method == "drop" and known.nullable) or spec.method == "keep"
        if not fits or (_is_inet(known) and spec.method == "ipcrypt-nd"):
            raise UsageError(
                f"{where}.columns.{column_name}: the method {spec.method} does not fit a column of"
                f" type {known.type}"
            )
    return table


def _is_inet(known: Column) -> bool:
    return known.base_type == "inet"
