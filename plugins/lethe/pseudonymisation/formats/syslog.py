"""Syslog: free text of daemons, and HAProxy's HTTP log inside it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np

from lethe.pseudonymisation.formats.leading import find_times
from lethe.pseudonymisation.formats.parsed import Parsed, Stateless, rejection
from lethe.pseudonymisation.formats.request import divide_requests
from lethe.pseudonymisation.formats.times import read_times
from lethe.pseudonymisation.lines import Lines

if TYPE_CHECKING:
    import polars as pl

_HEAD: Final = r"^(?:<[0-9]{1,3}>)?"
_CLASSIC: Final = r"(?P<time>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8})"
_ISO: Final = r"(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}\S*)"
_HOST: Final = r" (?P<host>[A-Za-z0-9_.:-]*[A-Za-z0-9_-])"
_PROGRAM: Final = r"(?P<program>[^\s\[:]+)(?:\[[0-9]+\])?"
# Applications write such a time too, and then words of which none is a host: there a colon must
# follow the program.
_FORMS: Final = (
    rf"{_HEAD}{_CLASSIC}{_HOST} (?P<message>{_PROGRAM}:? .*)$",
    rf"^<[0-9]{{1,3}}>1 {_ISO}{_HOST} (?P<message>{_PROGRAM}:? .*)$",
    rf"{_HEAD}{_ISO}{_HOST} (?P<message>{_PROGRAM}: .*)$",
    # Without a host.
    rf"{_HEAD}{_CLASSIC} (?P<message>{_PROGRAM}: .*)$",
)
SYSLOG: Final = "|".join(
    form.replace("?P<time>", "")
    .replace("?P<host>", "")
    .replace("?P<message>", "")
    .replace("?P<program>", "")
    for form in _FORMS
)
_HTTP: Final = (
    r"(?:^|: )(?P<ip>[0-9A-Fa-f:.]+):[0-9]+ \[(?P<time>[^\]]+)\] (?P<frontend>\S+)"
    r" (?P<backend>\S+) (?P<timers>[0-9/+-]+) (?P<status>-?[0-9]+) (?P<bytes>\+?[0-9]+)"
    r" \S+ \S+ (?P<termination>\S+) (?P<connections>[0-9/+-]+) (?P<queues>[0-9/]+)"
    r"(?: \{(?P<captured>[^}]*)\})?(?: \{[^}]*\})? \"(?P<request>[^\"]*)\"?$"
)


class Syslog(Stateless):
    """Any text; where a line begins as syslog's do, time, host and program are taken from it."""

    name = "syslog"
    fields: tuple[str, ...] = ("time", "host", "program", "message")

    def __init__(self, read_on: date | None) -> None:
        self._read_on = read_on

    def read(self, lines: Lines) -> list[Parsed]:
        """Read lines; only empty ones are rejected."""
        every = np.arange(len(lines))
        empty = lines.ends <= lines.starts
        answers = [rejection("empty", every[empty])]
        rows = every[~empty]
        if len(rows):
            answers.append(Parsed(rows, self._read(lines.whole(rows), self._read_on)))
        return answers

    def _read(self, texts: pl.Series, read_on: date | None) -> dict[str, pl.Series]:
        import polars as pl

        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(texts))
        columns = {"time": nothing, "host": nothing, "program": nothing, "message": nothing}
        left = texts.is_not_null()
        for form in _FORMS:
            rows = left.arg_true()
            if not len(rows):
                break
            parts = texts.gather(rows).str.extract_groups(form).struct.unnest()
            found = parts["message"].is_not_null()
            if not found.any():
                continue
            hit = rows.filter(found)
            for name in parts.columns:
                columns[name] = columns[name].clone().scatter(hit, parts[name].filter(found))
            left = left.clone().scatter(hit, values=False)
        times = read_times(columns["time"], read_on)
        rows = left.arg_true()
        if len(rows):
            found, rests = find_times(texts.gather(rows), read_on)
            times = times.scatter(rows, found)
            columns["message"] = columns["message"].clone().scatter(rows, rests)
        return columns | {"time": times}


class HaproxyLog(Syslog):
    """HAProxy's HTTP log; its other lines become rows with a message."""

    name = "haproxy"
    fields: tuple[str, ...] = (
        "time", "host", "program", "ip", "method", "url", "protocol", "status", "bytes",
        "agent", "frontend", "backend", "timers", "termination", "connections", "queues",
        "captured", "message",
    )  # fmt: skip

    def read(self, lines: Lines) -> list[Parsed]:
        """Read lines; what is neither a request nor syslog is rejected."""
        import polars as pl

        every = np.arange(len(lines))
        empty = lines.ends <= lines.starts
        rows = every[~empty]
        if not len(rows):
            return [rejection("empty", every)]
        texts = lines.whole(rows)
        http = texts.str.extract_groups(_HTTP).struct.unnest()
        is_http = http["ip"].is_not_null()
        times = read_times(http["time"], self._read_on)
        is_http &= times.is_not_null()
        # The requests carry their year; the messages between them were written in the same.
        newest = times.dt.date().max()
        header = self._read(texts, newest if isinstance(newest, date) else self._read_on)
        known = is_http | header["program"].is_not_null()
        agent, captured = _captured(http["captured"])
        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(rows))
        columns = {
            **{name: http[name] for name in http.columns if name not in ("request", "captured")},
            **divide_requests(http["request"]),
            "time": times.zip_with(is_http, header["time"]),
            "host": header["host"],
            "program": header["program"],
            "status": http["status"].cast(pl.Int64, strict=False),
            "bytes": http["bytes"].str.strip_prefix("+").cast(pl.Int64, strict=False),
            "agent": agent,
            "captured": captured,
            "message": nothing.zip_with(is_http, header["message"]),
        }
        kept = known.to_numpy()
        truncated = texts.str.contains(r"haproxy\[|\] [A-Za-z]\S* \S+/").to_numpy() & ~kept
        return [
            rejection("empty", every[empty]),
            rejection("truncated", rows[truncated]),
            rejection("format-mismatch", rows[~kept & ~truncated]),
            Parsed(rows[kept], {name: values.filter(known) for name, values in columns.items()}),
        ]


def _captured(headers: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Tell the user agent among captured request headers; which stand there, a setting decides."""
    import polars as pl

    agent = headers.str.extract(r"((?:Mozilla|Opera|curl|Wget|[A-Za-z.-]+)/[0-9][^|]*)")
    rest = headers.str.replace(r"(?:Mozilla|Opera|curl|Wget|[A-Za-z.-]+)/[0-9][^|]*", "")
    rest = rest.str.strip_chars("| ")
    return agent, rest.set((rest == "").fill_null(value=False), None).cast(pl.String)
