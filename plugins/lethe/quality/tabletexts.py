"""Columns of text in Parquet and Arrow files, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

_ROWS = 5_000


def texts_of_parquet(source: IO[bytes]) -> Iterator[str]:
    """Names of columns, notes, and every value that may hold words or a long number."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(source) as file:
        yield _notes(file.schema_arrow)
        for batch in file.iter_batches(batch_size=_ROWS):
            yield from _columns(batch)


def texts_of_arrow(source: IO[bytes]) -> Iterator[str]:
    """The same of a file in Arrow's own form."""
    import pyarrow as pa

    with pa.ipc.open_file(source) as file:
        yield _notes(file.schema)
        for number in range(file.num_record_batches):
            yield from _columns(file.get_batch(number))


def _notes(schema: Any) -> str:
    return "\n".join([*schema.names, *(str(each) for each in (schema.metadata or {}).items())])


def _columns(batch: Any) -> Iterator[str]:
    import pyarrow as pa

    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        kind = column.type
        if pa.types.is_boolean(kind) or pa.types.is_temporal(kind) or pa.types.is_null(kind):
            continue
        values = (_shown(each) for each in column.to_pylist() if each is not None)
        yield "\n".join([name, *values])


def _shown(value: object) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
