"""The W3C extended log format, as IIS and CloudFront write it; its `#Fields:` may change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from lethe.pseudonymisation.formats.parsed import Parsed, rejection
from lethe.pseudonymisation.formats.times import read_times
from lethe.pseudonymisation.lines import BYTE_ORDER_MARK, Lines, Positions, as_text

if TYPE_CHECKING:
    import polars as pl

_TAB: Final = 9
_SPACE: Final = 32
_WORD: Final = re.compile(r"[^ \t]+")
_DIRECTIVE: Final = b"#Fields:"
_DATE: Final = b"#Date:"
# Field of the format → ours; what stands here alone is kept, everything else left out.
_NAMES: Final = {
    "c-ip": "ip",
    "s-ip": "server",
    "cs-username": "user",
    "cs-method": "method",
    "cs-version": "protocol",
    "cs-protocol-version": "protocol",
    "cs-host": "vhost",
    "cs(host)": "vhost",
    "x-host-header": "vhost",
    "cs(user-agent)": "agent",
    "cs(referer)": "referrer",
    "x-forwarded-for": "forwarded",
    "cs(x-forwarded-for)": "forwarded",
    "sc-status": "status",
    "sc-bytes": "bytes",
    "cs-bytes": "bytes_read",
    "time-taken": "duration",
    "s-port": "port",
    "s-sitename": "site",
    "s-computername": "host",
    "sc-substatus": "substatus",
}
_NUMBERS: Final = ("status", "bytes", "bytes_read", "duration", "port", "substatus")


class ExtendedLog:
    """Lines under `#Fields:`; the directives themselves become rows with a message."""

    name = "w3c"
    fields: tuple[str, ...] = (
        "ip", "server", "user", "time", "method", "url", "protocol", "vhost", "status",
        "bytes", "bytes_read", "duration", "referrer", "agent", "forwarded", "port", "site",
        "host", "substatus", "message",
    )  # fmt: skip

    def carry(self, raw: bytes | memoryview, carried: bytes) -> bytes:
        """Give the last `#Fields:` and `#Date:` lines, which rule what follows."""
        body = bytes(raw).removeprefix(BYTE_ORDER_MARK)
        fields, _, day = carried.partition(b"\n")
        fields = _last_line(body, _DIRECTIVE) or fields
        day = _last_line(body, _DATE) or day
        return fields + b"\n" + day if day else fields

    def parse(self, lines: Lines, carried: bytes) -> list[Parsed]:
        """Read lines under the fields that are in force for each."""
        every = np.arange(len(lines))
        empty = lines.ends <= lines.starts
        directive = ~empty & (lines.buffer[lines.starts] == ord("#"))
        answers = [rejection("empty", every[empty])]
        marks = every[directive]
        texts = lines.whole(marks)
        fields, _, day = as_text(carried).partition("\n")
        ruling = [(0, f"{fields}\n{day}")]
        for row, text in zip(marks, texts, strict=True):
            if text.startswith(("#Fields:", "#Date:")):
                fields, day = (text, day) if text.startswith("#Fields:") else (fields, text)
                ruling.append((int(row) + 1, f"{fields}\n{day}"))
        under: dict[str, list[Positions]] = {}
        ends = [start for start, _ in ruling[1:]] + [len(lines)]
        data = ~empty & ~directive
        for (start, header), end in zip(ruling, ends, strict=True):
            under.setdefault(header, []).append(start + np.flatnonzero(data[start:end]))
        for header, parts in under.items():
            rows = np.concatenate(parts)
            if len(rows):
                answers += self._read(lines, rows, header)
        if len(marks):
            answers.append(Parsed(marks, {"message": texts}))
        return answers

    def _read(self, lines: Lines, rows: Positions, header: str) -> list[Parsed]:
        fields, _, day = header.partition("\n")
        names = _WORD.findall(fields.removeprefix("#Fields:"))
        if not names:
            return [rejection("no-fields-header", rows)]
        answers, left = [], rows
        for separator in _separators(lines, rows, len(names)):
            first, fits = _divided(lines, left, separator, len(names))
            chosen, left = left[fits], left[~fits]
            if len(chosen):
                places = lines.places(separator)
                answers += self._read_divided(lines, chosen, names, day, places, first[fits])
        return [*answers, rejection("field-count", left)]

    def _read_divided(
        self,
        lines: Lines,
        rows: Positions,
        names: list[str],
        day: str,
        places: Positions,
        first: Positions,
    ) -> list[Parsed]:
        """Read lines of as many values as there are names; `first` of `places` ends the first."""
        import polars as pl

        raw: dict[str, pl.Series] = {}
        for index, name in enumerate(names):
            start = lines.starts[rows] if index == 0 else places[first + index - 1] + 1
            end = lines.ends[rows] if index == len(names) - 1 else places[first + index]
            values = lines.column(start, end)
            raw[name.lower()] = values.set(values == "-", None)
        times = _times(raw, len(rows), day)
        wrong = times.is_null().to_numpy()
        columns = _columns(raw) | {"time": times}
        kept = pl.Series(~wrong)
        return [
            rejection("time-unreadable", rows[wrong]),
            Parsed(rows[~wrong], {name: values.filter(kept) for name, values in columns.items()}),
        ]


def _divided(
    lines: Lines, rows: Positions, separator: int, count: int
) -> tuple[Positions, NDArray[np.bool_]]:
    """Tell where the separators of each line begin, and whether it has as many values."""
    places = lines.places(separator)
    first = np.searchsorted(places, lines.starts[rows])
    return first, np.searchsorted(places, lines.ends[rows]) - first == count - 1


def _separators(lines: Lines, rows: Positions, count: int) -> tuple[int, ...]:
    """Name what divides the values: spaces or tabs, first what does so in most lines.

    The header does not tell (CloudFront's has spaces, its lines have tabs), and a single line
    must not: a visitor can send a tab. The other one is tried on what is left.
    """
    if not (lines.buffer == _TAB).any():
        return (_SPACE,)
    by_space = _divided(lines, rows, _SPACE, count)[1].sum()
    by_tab = _divided(lines, rows, _TAB, count)[1].sum()
    return (_TAB, _SPACE) if by_tab > by_space else (_SPACE, _TAB)


def _last_line(body: bytes, directive: bytes) -> bytes:
    """Give the last line of some that begins with a directive; nothing where there is none."""
    start = body.rfind(b"\n" + directive) + 1
    if start == 0 and not body.startswith(directive):
        return b""
    end = body.find(b"\n", start)
    return body[start : end if end >= 0 else len(body)].strip()


def _times(raw: dict[str, pl.Series], count: int, day: str) -> pl.Series:
    """Read the times of lines; where they carry no date, that of `#Date:` is theirs."""
    import polars as pl

    # What `#Date:` says: `2026-11-22 09:00:00`.
    said: list[str | None] = [*day.removeprefix("#Date:").split(), None]
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, count)
    today = pl.Series([said[0]], dtype=pl.String).new_from_index(0, count)
    date, time = raw.get("date", today), raw.get("time", nothing)
    return read_times(date + "T" + time)


def _columns(raw: dict[str, pl.Series]) -> dict[str, pl.Series]:
    import polars as pl

    columns = {ours: raw[theirs] for theirs, ours in _NAMES.items() if theirs in raw}
    for name in _NUMBERS:
        if name in columns:
            kind = pl.Float64 if name == "duration" else pl.Int64
            columns[name] = columns[name].cast(kind, strict=False)
    if "forwarded" in columns:
        # IIS writes the spaces of a chain as plus signs.
        columns["forwarded"] = columns["forwarded"].str.replace_all("+", " ", literal=True)
    stem, query = raw.get("cs-uri-stem"), raw.get("cs-uri-query")
    if stem is None:
        stem = raw.get("cs-uri")
    if stem is not None:
        with_query = stem if query is None else stem + ("?" + query).fill_null("")
        columns["url"] = with_query
    elif query is not None:
        columns["url"] = "?" + query
    if "agent" in columns and columns["agent"].str.contains("%20", literal=True).any():
        agents = columns["agent"]
        distinct = agents.unique()
        plain = pl.Series([None if a is None else unquote(a) for a in distinct], dtype=pl.String)
        columns["agent"] = agents.replace_strict(distinct, plain)
    return columns
