"""One stretch of raw log in, pseudonymised rows and unreadable lines out.

The local engine and Spark's mapInArrow both call `Batches.process`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lethe.errors import LetheError, UsageError
from lethe.pseudonymisation.fields import FieldMethods
from lethe.pseudonymisation.formats import Format, Parsed, make_format
from lethe.pseudonymisation.lines import Lines, Positions, split_lines
from lethe.pseudonymisation.logplan import Kind, LogPlan, Method
from lethe.pseudonymisation.outcome import (
    KEY_DESTROYED,
    LEAK,
    NEVER,
    NO_KEY,
    TOO_LONG,
    Done,
    Part,
    Stretch,
    accounted,
    joined,
    set_aside,
)

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


# Enough to find fifty lines of a hundred thousand one by one, and soon over.
_MOST_ATTEMPTS: Final = 512
# Asked for the secret of a period that the plan does not hold: the secret, or a reason.
KeySource = Callable[[str], bytes | str]


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
        """Work on one stretch; a line that the code fails on is set aside alone.

        Where it fails on very many, lines beside them are set aside with them: a stretch costs at
        most so many attempts, whatever is in it.
        """
        if stretch.part is not Part.LINES:
            return set_aside(stretch, TOO_LONG, continued=stretch.part is Part.LONG_TAIL)
        finished: list[tuple[int, Done]] = []
        waiting, attempts = deque([stretch]), 0
        while waiting:
            piece, attempts = waiting.popleft(), attempts + 1
            lines = split_lines(piece.raw)
            try:
                done = self._process(piece, lines)
            except (OSError, MemoryError, LetheError):
                raise
            except Exception as fault:
                if len(lines) > 1 and attempts < _MOST_ATTEMPTS:
                    waiting += self._halves(piece, lines)
                    continue
                nothing, every = np.empty(0, dtype=np.int64), np.arange(len(lines))
                why = {f"failed-{type(fault).__name__}": [every]}
                done = accounted(piece, lines, [], nothing, why)
            finished.append((piece.offset, done))
        finished.sort(key=itemgetter(0))
        return joined([done for _, done in finished])

    def _halves(self, stretch: Stretch, lines: Lines) -> tuple[Stretch, Stretch]:
        middle = len(lines) // 2
        cut = int(lines.raw_starts[middle])
        head, tail = stretch.raw[:cut], stretch.raw[cut:]
        carried = self.format.carry(head, stretch.carried)
        return (
            Stretch(head, stretch.first_line, stretch.offset, stretch.carried),
            Stretch(tail, stretch.first_line + middle, stretch.offset + cut, carried),
        )

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
        return accounted(stretch, lines, tables, written, rejected)

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
        undated = seconds == NEVER
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


def output_schema(plan: LogPlan, fields: tuple[str, ...]) -> pa.Schema:
    """Give the columns of the output: every stretch of a source has the same.

    Raises  UsageError for two of the same name
    """
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
            system, device, bot = plan.agent_columns(name)
            parts = (f"{name}_family", f"{name}_major", system, device)
            items += [pa.field(part, text) for part in parts] + [pa.field(bot, pa.bool_())]
        elif kind is Kind.TARGET and method is Method.SCAN:
            items += [pa.field("path", text), pa.field("query", text)]
        elif method in (Method.ND, Method.NDX):
            items.append(pa.field(name, pa.string()))
        else:
            items.append(pa.field(name, text))
    names = [item.name for item in items]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(
            f"two fields would be the column {', '.join(twice)} of the output: give one of them"
            " another name"
        )
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
        return np.full(len(parsed.rows), NEVER)
    seconds = times.dt.epoch("s")
    if filled:
        seconds = seconds.fill_null(strategy="forward").fill_null(strategy="backward")
    return seconds.cast(pl.Int64).fill_null(NEVER).to_numpy()
