"""Where pseudonymised rows go in the warehouse: a table of the policy, through COPY."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg2 import extensions, sql

from lethe.catalogue.fragments import comma
from lethe.errors import UsageError, VerificationError
from lethe.include import statement
from lethe.policy.names import TableName, quoted

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 65_536
_TIME = "%Y-%m-%d %H:%M:%S%.6f+00"


class OutputTable:
    """The table of pseudonymised logs; its columns are named like those of the Parquet files."""

    def __init__(
        self, connection: extensions.connection, table: TableName, fields: Sequence[str]
    ) -> None:
        self._connection = connection
        self.table = table
        there = set(self._columns())
        if not there:
            raise UsageError(f"there is no table {table} for pseudonymised logs, or no right to it")
        if missing := [name for name in fields if name not in there and name != "line"]:
            raise UsageError(
                f"{table} has no column {', '.join(missing)} for pseudonymised logs; add it, or"
                " drop the field in the policy"
            )
        self._fields = [name for name in fields if name in there]

    def _columns(self) -> Iterator[str]:
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("logs/read_columns"),
                {"schema": self.table.schema, "table": self.table.name},
            )
            yield from (str(row[0]) for row in cursor.fetchall())

    def write(self, rows: pa.Table, connection: extensions.connection | None = None) -> int:
        """Write rows in the caller's transaction; returns how many.

        connection  another than the table was opened with
        Raises  VerificationError where the table did not take all of them
        """
        import polars as pl

        if not rows.num_rows:
            return 0
        frame = pl.DataFrame(pl.from_arrow(rows.select(self._fields)))
        text = io.BytesIO()
        frame.write_csv(text, include_header=False, null_value="\\N", datetime_format=_TIME)
        text.seek(0)
        copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, NULL '\\N', ENCODING 'UTF8')").format(
            self.table.identifier, comma(quoted(name) for name in self._fields)
        )
        with (connection or self._connection).cursor() as cursor:
            cursor.copy_expert(cursor.mogrify(copy, {}).decode(), text, size=1 << 18)
            written = int(cursor.rowcount)
        if written != rows.num_rows:
            # PostgreSQL does not count what a trigger passes over or puts somewhere else.
            raise VerificationError(
                f"{self.table} took {written} of {rows.num_rows} rows: a trigger before its INSERT"
                " passes over the others, or puts them elsewhere. The batch was rolled back, and"
                " the raw stays; name as output_table the table in which they are to lie, or take"
                " the trigger away"
            )
        return written


def write_files(connection: extensions.connection, table: TableName, files: Sequence[Path]) -> int:
    """Write the rows of Parquet files into a table, in the caller's transaction."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    written, output = 0, None
    for path in files:
        with pq.ParquetFile(path) as file:
            output = output or OutputTable(connection, table, file.schema_arrow.names)
            for batch in file.iter_batches(_BATCH_ROWS):
                written += output.write(pa.Table.from_batches([batch]))
    return written
