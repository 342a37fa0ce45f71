"""Parquet files of the output: a directory a day, written beside it and moved in when whole.

A finished file is read back from the disk, not from memory: every byte is compared with what was
written by its digest, the number of every line by its sum, and one row group is decoded whole.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lethe.errors import VerificationError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_OPEN_LIMIT: Final = 16


@dataclass(frozen=True, slots=True)
class PartFile:
    """One finished file, by its name under the output directory."""

    name: str
    rows: int
    octets: int
    digest: str


class _Digested:
    """A file of which a digest is taken while it is written."""

    closed = False

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """SHA-256 of what was written."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> int:
        """Write some bytes."""
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Nothing yet: the end makes all of it durable."""

    def close(self) -> None:
        """Make what was written durable."""
        self._file.flush()
        os.fsync(self._file.fileno())
        # What is read from now on comes from the disk.
        os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self._file.close()


@dataclass(slots=True)
class _Open:
    writer: pq.ParquetWriter
    sink: _Digested
    path: Path
    name: str
    rows: int = 0
    line_sum: int = 0


class PartWriter:
    """Writes the rows of one worker, a file a day, at most sixteen of them open at a time."""

    def __init__(self, work: Path, source: str, worker: int, schema: pa.Schema) -> None:
        self._work = work
        self._stem = f"{source}-{worker}"
        self._schema = schema
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._closed: list[_Open] = []

    def write(self, days: dict[str, pa.Table]) -> None:
        """Append rows to the files of their days, a row group each time."""
        for day, table in days.items():
            part = self._part(day)
            part.writer.write_table(table, row_group_size=table.num_rows)
            part.rows += table.num_rows
            lines = table["line"]
            part.line_sum += int(lines.to_numpy().sum())

    def _part(self, day: str) -> _Open:
        import pyarrow.parquet as pq

        if day in self._open:
            self._open.move_to_end(day)
            return self._open[day]
        if len(self._open) >= _OPEN_LIMIT:
            _, oldest = self._open.popitem(last=False)
            self._close(oldest)
        name = f"day={day}/{self._stem}-{len(self._open) + len(self._closed)}.parquet"
        path = self._work / name
        path.parent.mkdir(exist_ok=True)
        text = [f.name for f in self._schema if str(f.type).startswith("dictionary")]
        numbers = [f.name for f in self._schema if str(f.type) == "int64"]
        sink = _Digested(path)
        writer = pq.ParquetWriter(
            sink,
            self._schema,
            compression="zstd",
            use_dictionary=text,
            write_page_checksum=True,
            column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
            write_statistics=["line", *(["time"] if "time" in self._schema.names else [])],
        )
        self._open[day] = _Open(writer, sink, path, name)
        return self._open[day]

    def _close(self, part: _Open) -> None:
        part.writer.close()
        part.sink.close()
        self._closed.append(part)

    def finish(self) -> list[PartFile]:
        """Close, make durable and read back every file.

        Raises  VerificationError where a file does not hold what was written to it
        """
        for part in self._open.values():
            self._close(part)
        self._open.clear()
        return [_verified(part) for part in self._closed]


def _verified(part: _Open) -> PartFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with part.path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest != part.sink.digest:
        raise VerificationError(f"{part.name} was read back with other bytes than were written")
    rows = line_sum = 0
    try:
        with pq.ParquetFile(part.path, page_checksum_verification=True) as file:
            last = file.num_row_groups - 1
            for group in range(last + 1):
                columns = None if group == last else ["line"]
                table = file.read_row_group(group, columns=columns, use_threads=False)
                rows += table.num_rows
                line_sum += int(table["line"].to_numpy().sum())
    except (OSError, pa.ArrowException) as error:
        raise VerificationError(f"{part.name} cannot be read back: {error}") from None
    if (rows, line_sum) != (part.rows, part.line_sum):
        raise VerificationError(
            f"{part.name} was read back with {rows} rows instead of {part.rows}, or others"
        )
    return PartFile(part.name, rows, part.path.stat().st_size, digest)
