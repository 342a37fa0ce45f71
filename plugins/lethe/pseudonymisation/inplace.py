"""Automatic data in other tables, pseudonymised where it lies (policy §2).

The table is worked through block by block, a transaction each, so that no key of a row stands in a
statement. What is done is recognised by its form, whatever happened in between: a pseudonym of an
address begins with `ip_` in text and has the prefix length 127 (IPv4: 31) in a column of type
inet, which no host has; a token ends in sixteen letters of base 32; a user agent begins with `ua:`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import psycopg2

from lethe.connections import acting_as
from lethe.errors import VerificationError, WarehouseRefused, describe_database_error
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.include import statement
from lethe.policy.model.logs import Field_
from lethe.pseudonymisation.key_life import LogRoom
from lethe.pseudonymisation.placeforms import (
    GONE_V6,
    UNDATED,
    done_form,
    done_inet,
    filled,
    is_inet,
    marked,
)
from lethe.pseudonymisation.placerows import PlaceDone, PlaceRows

if TYPE_CHECKING:
    import polars as pl

BLOCKS: Final = 128
"""Blocks of 8 kB a transaction: some thousand rows at most."""


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


class _Place(PlaceRows):
    """The work on one table."""

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
        self._begin()
        if left := self._count_without_time():
            self._done.read += left
            self._done.quarantined["no-time"] = left
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
        if written != len(changed):
            # The rows are locked: none of them can have gone.
            raise VerificationError(
                f"{self._name}: of {len(changed)} rows of {self._place.table} only {written} hold"
                " what was written: a trigger of the table keeps or changes it. The batch was"
                " rolled back; take the trigger away for the night, or let it leave these columns"
                " alone"
            )
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

    def _pseudonymise(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the new values, in the order of the frame, and whether a row's key is gone."""
        import polars as pl

        parts = []
        indexed = frame.with_row_index("at")
        for (month,), part in indexed.group_by(["month"]):
            secret = self._secret(str(month or UNDATED))
            gone = pl.Series([secret is None]).new_from_index(0, len(part))
            columns = {"at": part["at"], "gone": gone}
            for number, (name, spec) in enumerate(self._columns.items()):
                columns[f"c{number}"] = self._new(
                    name, spec, part[f"c{number}"], str(month or UNDATED), secret
                )
            parts.append(pl.DataFrame(columns))
        return pl.concat(parts).sort("at")

    def _new(
        self, name: str, spec: Field_, values: pl.Series, month: str, secret: bytes | None
    ) -> pl.Series:
        known = self._table.columns[name]
        inet = is_inet(known)
        form = done_inet(spec) if inet else done_form(name, spec, known.width)
        done = values.is_null()
        if form is not None:
            done |= values.str.contains(form).fill_null(value=True)
        if spec.method == "drop":
            return filled(None if known.nullable else "", len(values))
        if spec.method == "mask" or (secret is None and form is not None):
            made = filled(GONE_V6 if inet else f"[{name}]", len(values))
        else:
            # Text whose key is gone, and which tells not by its form whether it is done: what is
            # still personal in it gets a token that nobody can make again.
            secret, month = (secret, month) if secret else (os.urandom(32), f"{month}/gone")
            plain = values.str.split("/").list.first() if inet else values
            made = self._methods.replace(month, secret, name, plain)
            if spec.method.startswith("ipcrypt"):
                made = marked(made, inet=inet)
            # Nothing of note, such as `-`: it names nobody, and stays.
            made = made.zip_with(made.is_not_null(), values)
            if known.width is not None and spec.method != "user-agent" and form is not None:
                # Many addresses in one value: cut off, they would be made anew every night.
                fits = (made.str.len_chars() <= known.width).fill_null(value=True)
                made = made.zip_with(fits, filled(f"[{name}]", len(values)))
        return values.zip_with(done, made)

    def _secret(self, month: str) -> bytes | None:
        """The secret of a month; None where its key is gone.

        A month whose window has ended before it ever had a key gets one for this run alone,
        which nobody can be asked for afterwards.
        """
        if month not in self._secrets:
            ended = month != UNDATED and self._keys.window_end(month) < self._room.as_of
            if month == UNDATED or (ended and month not in self._made):
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
