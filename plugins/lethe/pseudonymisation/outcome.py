"""What goes into the work on lines and what comes of it, every line and byte accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lethe.pseudonymisation.lines import Lines, Positions

if TYPE_CHECKING:
    import pyarrow as pa


EMPTY: Final = "empty"


KEY_DESTROYED: Final = "key-destroyed"


NO_KEY: Final = "no-key-for-period"


# Of these nothing is kept: there is nothing in the line, or its time to be destroyed has come.
NOT_KEPT: Final = frozenset({EMPTY, KEY_DESTROYED})


TOO_LONG: Final = "too-long"


LEAK: Final = "leak-suspected"


UNDATED: Final = "undated"


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


NEVER: Final = np.iinfo(np.int64).min


def accounted(
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
            undated = first == NEVER // 86400
            name = UNDATED if undated else str(np.datetime64(first, "D"))
            divided.setdefault(name, []).append(table.slice(start, end - start))
    return {name: pa.concat_tables(parts) for name, parts in divided.items()}


def set_aside(stretch: Stretch, reason: str, *, continued: bool = False) -> Done:
    """Set a whole stretch aside: one line, or a further piece of one that was counted before."""
    octets, count = len(stretch.raw), 0 if continued else 1
    kept = Quarantined(stretch.first_line, stretch.offset, reason, bytes(stretch.raw))
    return Done(count, octets, {}, 0, 0, {reason: count}, {reason: octets}, [kept])


def joined(first: Done, second: Done) -> Done:
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
