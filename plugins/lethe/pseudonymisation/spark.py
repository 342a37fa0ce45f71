"""The engine for Spark: the same work on batches of Arrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from lethe.pseudonymisation.batch import Batches
from lethe.pseudonymisation.logplan import LogPlan
from lethe.pseudonymisation.outcome import (
    Stretch,
)

if TYPE_CHECKING:
    import pyarrow as pa


def map_in_arrow(
    plan: LogPlan, column: str = "value"
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Give the function for Spark's `mapInArrow` over a table with one raw line a row.

    Returns  rows of the plan's schema behind `reason` and `sealed`: for an unreadable line the
             reason, and the line sealed under the quarantine key
    """
    from lethe.pseudonymisation.quarantine import seal

    def process(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        engine = Batches(plan)
        front = [pa.field("reason", pa.string()), pa.field("sealed", pa.binary())]
        plain = [
            pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type)
            for f in engine.schema
        ]
        schema = pa.schema(front + plain)
        for batch in batches:
            values = [
                b"" if v is None else v for v in batch.column(column).cast("binary").to_pylist()
            ]
            raw = b"".join(value.replace(b"\n", b"\\n") + b"\n" for value in values)
            done = engine.process(Stretch(raw))
            for table in done.days.values():
                empty = [pa.nulls(table.num_rows, f.type) for f in front]
                cast = [table[f.name].cast(f.type) for f in plain]
                yield from pa.table(empty + cast, schema=schema).to_batches()
            if done.quarantined:
                count = len(done.quarantined)
                reasons = pa.array([q.reason for q in done.quarantined])
                sealed = pa.array([seal(plan.quarantine_key, q.raw) for q in done.quarantined])
                rest = [pa.nulls(count, f.type) for f in plain]
                yield pa.record_batch([reasons, sealed, *rest], schema=schema)

    return process
