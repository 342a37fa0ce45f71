"""What goes into the work on lines and what comes of it, every line and byte accounted for."""

from __future__ import annotations

from collections.abc import Iterable
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


def joined(pieces: list[Done]) -> Done:
    """Add up what became of the pieces of one stretch."""
    import pyarrow as pa

    if len(pieces) == 1:
        return pieces[0]

    def added(counts: Iterable[dict[str, int]]) -> dict[str, int]:
        total: dict[str, int] = {}
        for each in counts:
            for reason, number in each.items():
                total[reason] = total.get(reason, 0) + number
        return total

    days: dict[str, list[pa.Table]] = {}
    for piece in pieces:
        for day, table in piece.days.items():
            days.setdefault(day, []).append(table)
    return Done(
        lines=sum(piece.lines for piece in pieces),
        octets=sum(piece.octets for piece in pieces),
        days={day: pa.concat_tables(tables) for day, tables in days.items()},
        rows=sum(piece.rows for piece in pieces),
        row_octets=sum(piece.row_octets for piece in pieces),
        reasons=added(piece.reasons for piece in pieces),
        reason_octets=added(piece.reason_octets for piece in pieces),
        quarantined=[line for piece in pieces for line in piece.quarantined],
        line_sum=sum(piece.line_sum for piece in pieces),
    )
