"""One stretch of raw log in, pseudonymised rows and unreadable lines out.

The local engine and Spark's mapInArrow both call `Batches.process`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lethe.pseudonymisation.fields import FieldMethods
from lethe.pseudonymisation.formats import Format, Parsed, make_format
from lethe.pseudonymisation.lines import Lines, Positions, split_lines
from lethe.pseudonymisation.logplan import Kind, LogPlan, Method

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

EMPTY: Final = "empty"
KEY_DESTROYED: Final = "key-destroyed"
NO_KEY: Final = "no-key-for-period"
# Of these nothing is kept: there is nothing in the line, or its time to be destroyed has come.
NOT_KEPT: Final = frozenset({EMPTY, KEY_DESTROYED})
TOO_LONG: Final = "too-long"
LEAK: Final = "leak-suspected"
UNDATED: Final = "undated"


# Asked for the secret of a period that the plan does not hold: the secret, or a reason.
KeySource = Callable[[str], bytes | str]


class Part(StrEnum):
    """What a piece of a source is."""

    LINES = "lines"
    LONG_HEAD = "long-head"
    LONG_TAIL = "long-tail"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole lines of a source.

    first_line  number of the first line in the source, from 1
    offset      place of the first byte in the (uncompressed) source
    carried     what is in force from further above; see `Format.carry`
    part        whole lines, or a piece of a line that is too long to be read as one
    """

    raw: bytes | memoryview
    first_line: int = 1
    offset: int = 0
    carried: bytes = b""
    part: Part = Part.LINES


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A line that was not written."""

    line: int
    offset: int
    reason: str
    raw: bytes


@dataclass(slots=True)
class Done:
    """What became of a stretch: lines = rows + sum of reasons, and likewise by bytes.

    days    day (`2026-11-22`, or `undated`) → rows
    """

    lines: int
    octets: int
    days: dict[str, pa.Table]
    rows: int
    row_octets: int
    reasons: dict[str, int]
    reason_octets: dict[str, int]
    quarantined: list[Quarantined]
    line_sum: int = 0

    def check(self) -> None:
        """Assert that no line and no byte is missing or counted twice."""
        written = sum(table.num_rows for table in self.days.values())
        if (
            self.rows != written
            or self.lines != self.rows + sum(self.reasons.values())
            or self.octets != self.row_octets + sum(self.reason_octets.values())
        ):
            raise AssertionError(
                f"{self.lines} lines of {self.octets} bytes were read, but {written} rows written"
                f" and {self.reasons} set aside"
            )


class Batches:
    """Works on stretches under one plan; keep one of these a process."""

    def __init__(self, plan: LogPlan, missing_key: KeySource | None = None) -> None:
        self.plan = plan
        self.format: Format = make_format(plan)
        self._fields = FieldMethods(plan)
        self._keys: dict[str, bytes | str] = {
            **dict.fromkeys(plan.destroyed, KEY_DESTROYED),
            **plan.secrets,
        }
        self._missing_key = missing_key
        self.schema = output_schema(plan, self.format.fields)

    def process(self, stretch: Stretch) -> Done:
        """Work on one stretch; a line that the code fails on is set aside alone."""
        if stretch.part is not Part.LINES:
            return _set_aside(stretch, TOO_LONG, continued=stretch.part is Part.LONG_TAIL)
        lines = split_lines(stretch.raw)
        try:
            return self._process(stretch, lines)
        except (OSError, MemoryError):
            raise
        except Exception as fault:
            if len(lines) == 1:
                return _set_aside(stretch, f"failed-{type(fault).__name__}")
            return self._process_halves(stretch, lines)

    def _process_halves(self, stretch: Stretch, lines: Lines) -> Done:
        middle = len(lines) // 2
        cut = int(lines.raw_starts[middle])
        head, tail = stretch.raw[:cut], stretch.raw[cut:]
        first = self.process(Stretch(head, stretch.first_line, stretch.offset, stretch.carried))
        carried = self.format.carry(head, stretch.carried)
        second = self.process(
            Stretch(tail, stretch.first_line + middle, stretch.offset + cut, carried)
        )
        return _joined(first, second)

    def _process(self, stretch: Stretch, lines: Lines) -> Done:
        answers = self.format.parse(lines, stretch.carried)
        rejected: dict[str, list[Positions]] = {}
        for answer in answers:
            for why, lost in answer.rejected.items():
                rejected.setdefault(why, []).append(lost)
        parsed = _merge([answer for answer in answers if len(answer.rows)])
        tables: list[tuple[pa.Table, NDArray[np.int64]]] = []
        written = np.empty(0, dtype=np.int64)
        if parsed is not None:
            tables, written = self.pseudonymise(parsed, stretch.first_line, rejected)
        return _accounted(stretch, lines, tables, written, rejected)

    def pseudonymise(
        self,
        parsed: Parsed,
        first_line: int,
        rejected: dict[str, list[Positions]],
        *,
        in_order: bool = True,
    ) -> tuple[list[tuple[pa.Table, NDArray[np.int64]]], Positions]:
        """Pseudonymise rows, those of each key period under its own secret.

        rejected  takes the rows for whose period there is no key, by reason
        in_order  a row without a time is as old as the row above it
        Returns   tables with the day of each row, in days since 1970; and the rows in them
        """
        tables: list[tuple[pa.Table, NDArray[np.int64]]] = []
        written = np.empty(0, dtype=np.int64)
        seconds = _seconds(parsed, filled=in_order)
        if self.plan.set_aside:
            parsed, seconds = self._without_leaks(parsed, seconds, first_line, rejected)
            if not len(parsed.rows):
                return tables, written
        for period, chosen in self._periods(parsed, seconds):
            secret = self._key(period)
            if isinstance(secret, str):
                rejected.setdefault(secret, []).append(parsed.rows[chosen])
                continue
            whole = len(chosen) == len(parsed.rows)
            columns = parsed.columns if whole else _gathered(parsed.columns, chosen)
            arrays = self._fields.apply(period, secret, columns)
            rows = parsed.rows[chosen]
            tables.append((self._table(arrays, rows + first_line), seconds[chosen] // 86400))
            written = np.concatenate([written, rows])
        return tables, written

    def _without_leaks(
        self,
        parsed: Parsed,
        seconds: NDArray[np.int64],
        first_line: int,
        rejected: dict[str, list[Positions]],
    ) -> tuple[Parsed, NDArray[np.int64]]:
        """Leave out the lines in whose output something personal was found."""
        leaky = np.isin(parsed.rows + first_line, sorted(self.plan.set_aside))
        if not leaky.any():
            return parsed, seconds
        rejected.setdefault(LEAK, []).append(parsed.rows[leaky])
        kept = np.flatnonzero(~leaky)
        return Parsed(parsed.rows[kept], _gathered(parsed.columns, kept)), seconds[kept]

    def _periods(
        self, parsed: Parsed, seconds: NDArray[np.int64]
    ) -> Iterator[tuple[str, Positions]]:
        months = seconds.astype("datetime64[s]").astype("datetime64[M]")
        everything = np.arange(len(parsed.rows))
        undated = seconds == _NEVER
        first = months[0]
        if not undated.any() and (months == first).all():
            yield str(first), everything
            return
        if undated.any():
            yield self.plan.undated_period, everything[undated]
        for month in np.unique(months[~undated]):
            yield str(month), everything[~undated & (months == month)]

    def _key(self, period: str) -> bytes | str:
        """Give the secret of a period, or the reason for which its lines are set aside."""
        if period not in self._keys:
            self._keys[period] = self._missing_key(period) if self._missing_key else NO_KEY
        return self._keys[period]

    def _table(self, arrays: dict[str, pa.Array], numbers: NDArray[np.int64]) -> pa.Table:
        import pyarrow as pa

        count = len(numbers)
        columns = [
            pa.array(numbers)
            if item.name == "line"
            else arrays[item.name].cast(item.type)
            if item.name in arrays
            else pa.nulls(count, item.type)
            for item in self.schema
        ]
        return pa.table(columns, schema=self.schema)


_NEVER: Final = np.iinfo(np.int64).min


def output_schema(plan: LogPlan, fields: tuple[str, ...]) -> pa.Schema:
    """Give the columns of the output: every stretch of a source has the same."""
    import pyarrow as pa

    text: Any = pa.dictionary(pa.int32(), pa.string())
    items = [pa.field("line", pa.int64())]
    for name in fields:
        kind, method = plan.kind_of(name), plan.method_of(name)
        if method is Method.DROP:
            continue
        if kind is Kind.TIME:
            items.append(pa.field(name, pa.timestamp("us", tz="UTC")))
        elif kind is Kind.NUMBER and method is Method.KEEP:
            items.append(pa.field(name, pa.float64() if name == "duration" else pa.int64()))
        elif kind is Kind.AGENT and method is Method.REDUCE:
            parts = (f"{name}_family", f"{name}_major", "os_family", "device")
            items += [pa.field(part, text) for part in parts] + [pa.field("bot", pa.bool_())]
        elif kind is Kind.TARGET and method is Method.SCAN:
            items += [pa.field("path", text), pa.field("query", text)]
        elif method in (Method.ND, Method.NDX):
            items.append(pa.field(name, pa.string()))
        else:
            items.append(pa.field(name, text))
    return pa.schema(items)


def _merge(answers: list[Parsed]) -> Parsed | None:
    import polars as pl

    if len(answers) < 2:
        return answers[0] if answers else None
    rows = np.concatenate([answer.rows for answer in answers])
    frame = pl.concat([pl.DataFrame(answer.columns) for answer in answers], how="diagonal")
    order = np.argsort(rows, kind="stable")
    ordered = frame[order]
    return Parsed(rows[order], {name: ordered[name] for name in ordered.columns})


def _gathered(columns: dict[str, pl.Series], chosen: Positions) -> dict[str, pl.Series]:
    import polars as pl

    places = pl.Series(chosen)
    return {name: values.gather(places) for name, values in columns.items()}


def _seconds(parsed: Parsed, *, filled: bool) -> NDArray[np.int64]:
    """Give each row its time in seconds; filled, a row without one has that of its neighbour."""
    import polars as pl

    times = parsed.columns.get("time")
    if times is None:
        return np.full(len(parsed.rows), _NEVER)
    seconds = times.dt.epoch("s")
    if filled:
        seconds = seconds.fill_null(strategy="forward").fill_null(strategy="backward")
    return seconds.cast(pl.Int64).fill_null(_NEVER).to_numpy()


def _accounted(
    stretch: Stretch,
    lines: Lines,
    tables: list[tuple[pa.Table, NDArray[np.int64]]],
    written: Positions,
    rejected: dict[str, list[Positions]],
) -> Done:
    lengths = lines.raw_ends - lines.raw_starts
    reasons, reason_octets, quarantined = {}, {}, []
    for reason, parts in rejected.items():
        rows = np.concatenate(parts)
        reasons[reason] = len(rows)
        reason_octets[reason] = int(lengths[rows].sum())
        if reason not in NOT_KEPT:
            quarantined += [
                Quarantined(
                    stretch.first_line + row,
                    stretch.offset + int(lines.raw_starts[row]),
                    reason,
                    bytes(stretch.raw[lines.raw_starts[row] : lines.raw_ends[row]]),
                )
                for row in rows.tolist()
            ]
    days = by_day(tables)
    done = Done(
        lines=len(lines),
        octets=len(stretch.raw),
        days=days,
        rows=len(written),
        row_octets=int(lengths[written].sum()),
        reasons=reasons,
        reason_octets=reason_octets,
        quarantined=quarantined,
        line_sum=int(written.sum()) + stretch.first_line * len(written),
    )
    done.check()
    return done


def by_day(tables: list[tuple[pa.Table, NDArray[np.int64]]]) -> dict[str, pa.Table]:
    """Divide rows by their days; rows without a time are of the day `undated`."""
    import pyarrow as pa

    divided: dict[str, list[pa.Table]] = {}
    for table, days in tables:
        if (days[1:] < days[:-1]).any():
            order = np.argsort(days, kind="stable")
            table, days = table.take(pa.array(order)), days[order]
        cuts = np.flatnonzero(np.diff(days)) + 1
        for start, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(days)], strict=True):
            first = int(days[start])
            undated = first == _NEVER // 86400
            name = UNDATED if undated else str(np.datetime64(first, "D"))
            divided.setdefault(name, []).append(table.slice(start, end - start))
    return {name: pa.concat_tables(parts) for name, parts in divided.items()}


def _set_aside(stretch: Stretch, reason: str, *, continued: bool = False) -> Done:
    """Set a whole stretch aside: one line, or a further piece of one that was counted before."""
    octets, count = len(stretch.raw), 0 if continued else 1
    kept = Quarantined(stretch.first_line, stretch.offset, reason, bytes(stretch.raw))
    return Done(count, octets, {}, 0, 0, {reason: count}, {reason: octets}, [kept])


def _joined(first: Done, second: Done) -> Done:
    import pyarrow as pa

    def added(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
        return {key: a.get(key, 0) + b.get(key, 0) for key in (*a, *b)}

    days = {
        day: pa.concat_tables([d.days[day] for d in (first, second) if day in d.days])
        for day in (*first.days, *second.days)
    }
    return Done(
        first.lines + second.lines,
        first.octets + second.octets,
        days,
        first.rows + second.rows,
        first.row_octets + second.row_octets,
        added(first.reasons, second.reasons),
        added(first.reason_octets, second.reason_octets),
        first.quarantined + second.quarantined,
        first.line_sum + second.line_sum,
    )


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
