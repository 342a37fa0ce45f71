"""Any other format, by a regular expression with named groups that the policy gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lethe.errors import UsageError
from lethe.pseudonymisation.formats.parsed import Parsed, Stateless, rejection
from lethe.pseudonymisation.formats.request import divide_requests
from lethe.pseudonymisation.formats.times import read_times
from lethe.pseudonymisation.lines import Lines
from lethe.pseudonymisation.logplan import Kind, LogPlan

if TYPE_CHECKING:
    import polars as pl


def _reason(error: Exception) -> str:
    """Take what is wrong out of the engine's message, which draws the pattern."""
    lines = str(error).splitlines()
    told = (line.partition("error: ")[2] for line in lines if line.startswith("error: "))
    return next(told, lines[0])


class PatternLog(Stateless):
    """Lines that match a pattern in Rust's syntax, whose engine cannot be made slow.

    A group `request` is divided; a group of the kind `time` must be a time; the others are
    fields of their names. What no group takes is left out.
    """

    name = "pattern"

    def __init__(self, plan: LogPlan) -> None:
        import polars as pl

        self._plan = plan
        self._pattern = plan.pattern or ""
        try:
            groups = pl.Series([""]).str.extract_groups(self._pattern).struct.fields
        except pl.exceptions.PolarsError as error:
            raise UsageError(
                f"pattern: {_reason(error)} (Rust's syntax: no look-around, no back-references)"
            ) from None
        named = [group for group in groups if not group.isdigit()]
        if not named:
            raise UsageError("pattern: it has no named groups, such as (?P<ip>\\S+)")
        fields: list[str] = []
        for group in named:
            fields += ["method", "url", "protocol"] if group == "request" else [group]
        self.fields = tuple(dict.fromkeys(fields))
        self._groups = named

    def read(self, lines: Lines) -> list[Parsed]:
        """Read lines; those that do not match are rejected."""
        import polars as pl

        every = np.arange(len(lines))
        empty = lines.ends <= lines.starts
        rows = every[~empty]
        answers = [rejection("empty", every[empty])]
        if not len(rows):
            return answers
        texts = lines.whole(rows)
        frame = texts.str.extract_groups(self._pattern).struct.unnest().select(self._groups)
        matched = texts.str.contains(self._pattern)
        columns: dict[str, pl.Series] = {}
        clock = matched
        for name in self._groups:
            values = frame[name]
            kind = self._plan.kind_of(name)
            if name == "request":
                columns |= divide_requests(values)
                continue
            if kind is Kind.TIME:
                times = read_times(values, self._plan.read_on)
                clock = clock & (times.is_not_null() | values.is_null())
                values = times
            elif kind is Kind.NUMBER:
                number = values.cast(pl.Float64, strict=False)
                values = number if name == "duration" else number.cast(pl.Int64, strict=False)
            columns[name] = values
        good = (matched & clock).to_numpy()
        return [
            *answers,
            rejection("format-mismatch", rows[~matched.to_numpy()]),
            rejection("time-unreadable", rows[(matched & ~clock).to_numpy()]),
            Parsed(rows[good], {k: v.filter(pl.Series(good)) for k, v in columns.items()}),
        ]
