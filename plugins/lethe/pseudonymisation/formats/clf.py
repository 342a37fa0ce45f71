"""Apache's and NGINX's common and combined log formats, by splitting instead of matching.

Lines of the ordinary shape are cut by `ordinary`; those of as many quotes at their quotes and
spaces, which are searched for. What has another shape (a virtual host in front, an
X-Forwarded-For chain in front or behind, escaped quotes, a user name with spaces) goes to a
pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lethe.pseudonymisation.formats.numbers import number_column, read_numbers
from lethe.pseudonymisation.formats.ordinary import read_ordinary
from lethe.pseudonymisation.formats.parsed import Parsed, Stateless
from lethe.pseudonymisation.formats.request import divide_requests
from lethe.pseudonymisation.formats.times import read_clf_times, read_times, to_times
from lethe.pseudonymisation.lines import Lines, Positions

if TYPE_CHECKING:
    import polars as pl

_ADDRESS: Final = r"\[?(?:[0-9]+\.[0-9.]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)(?:%\w+)?\]?(?::[0-9]+)?"
_CHAIN: Final = rf'(?:{_ADDRESS}|unknown)(?:, ?(?:{_ADDRESS}|unknown|-))*|"[^"]*"'
# A line begins with an address or a chain of them, perhaps behind a virtual host …
_BY_ADDRESS: Final = (
    rf"^(?:(?P<vhost>[\w*-][\w.*-]*(?::[0-9]+)?) )??(?P<ip>{_CHAIN}) (?:(?P<peer>{_ADDRESS}) )?"
)
# … or with a host name.
_BY_NAME: Final = r'^(?P<ip>[^\s"]+) '
_FRONT: Final = (
    r"(?P<ident>\S+) (?P<user>.+?) \[(?P<time>[^\]]+)\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>[0-9]{3}|-) (?P<bytes>[0-9]+|-)'
)
_COMBINED: Final = (
    r' "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"'
    r'(?: "(?P<forwarded>[^"]*)")?(?P<rest>(?: .*)?)$'
)
_SPACE: Final = 32
_QUOTE: Final = 34


class CommonLog(Stateless):
    """The common log format, or with `combined` the combined one."""

    def __init__(self, *, combined: bool) -> None:
        self.name = "combined" if combined else "common"
        self._combined = combined
        self.fields = (
            "vhost", "ip", "ident", "user", "time", "method", "url", "protocol", "status",
            "bytes", *(("referrer", "agent") if combined else ()), "forwarded", "message",
        )  # fmt: skip
        self._back = _FRONT + (_COMBINED if combined else r"(?P<rest>(?: [^\"]*)?)$")

    def read(self, lines: Lines) -> list[Parsed]:
        """Read lines, the ordinary ones by splitting."""
        left = lines.ends > lines.starts
        answers = []
        empty = np.flatnonzero(~left)
        if len(empty):
            answers.append(Parsed(_NONE, {}, {"empty": empty}))
        for read in (self._read_ordinary, self._read_quoted):
            if left.any():
                answer = read(lines, np.flatnonzero(left))
                left[answer.rows] = False
                answers.append(answer)
        if left.any():
            answers.append(self._match(lines, np.flatnonzero(left)))
        return answers

    def _read_ordinary(self, lines: Lines, rows: Positions) -> Parsed:
        return read_ordinary(lines, rows, combined=self._combined)

    def _read_quoted(self, lines: Lines, rows: Positions) -> Parsed:
        return self._cut(lines, _find_quoted(lines, rows, combined=self._combined))

    def _cut(self, lines: Lines, found: _Found) -> Parsed:
        """Cut the columns out of lines whose spaces and quotes were found, where they fit."""
        buffer = lines.buffer
        spaces, quotes, ends = found.spaces, found.quotes, found.ends
        fine = found.fine & (spaces[4] == quotes[0] - 1) & (spaces[4] - spaces[2] == 29)
        fine &= _at(buffer, spaces[2] + 1, ord("[")) & _at(buffer, spaces[4] - 1, ord("]"))
        fine &= spaces[0] > found.starts
        request_end = quotes[1]
        fine &= _at(buffer, request_end + 1, _SPACE) & _at(buffer, request_end + 5, _SPACE)
        bytes_end = quotes[2] - 1 if self._combined else ends
        fine &= (bytes_end > request_end + 6) & (bytes_end < request_end + 26)
        if self._combined:
            fine &= _at(buffer, quotes[2] - 1, _SPACE) & _at(buffer, quotes[3] + 1, _SPACE)
            fine &= quotes[4] == quotes[3] + 2
        # No backslash stands before a quote that ends a field: it would be part of the field.
        for place in quotes[1 : 6 if self._combined else 2 : 2]:
            fine &= ~_at(buffer, place - 1, 92)
        status, status_good = read_numbers(buffer, request_end + 2, request_end + 5)
        amount, amount_good = read_numbers(buffer, request_end + 6, bytes_end, dash=True)
        seconds, time_good = read_clf_times(buffer, spaces[2] + 2)
        fine &= status_good & amount_good & time_good

        whole = bool(fine.all())

        def cut(values: Positions) -> Positions:
            return values if whole else np.asarray(values[fine])

        ident = cut(spaces[0] + 1)
        columns = {
            "ip": lines.column(cut(found.starts), cut(spaces[0])),
            "user": lines.column(cut(spaces[1] + 1), cut(spaces[2])),
            "time": to_times(cut(seconds)),
            **_request_columns(lines, cut(quotes[0] + 1), cut(request_end), found, fine),
            "status": number_column(cut(status)),
            "bytes": number_column(cut(amount)),
        }
        if not (_at(buffer, ident, ord("-")) & (cut(spaces[1]) == ident + 1)).all():
            columns["ident"] = lines.column(ident, cut(spaces[1]))
        if self._combined:
            columns["referrer"] = lines.column(cut(quotes[2] + 1), cut(quotes[3]))
            columns["agent"] = lines.column(cut(quotes[4] + 1), cut(quotes[5]))
            if found.chain is not None:
                columns["forwarded"] = lines.column(cut(found.chain[0]), cut(found.chain[1]))
        return Parsed(cut(found.rows), columns)

    def _match(self, lines: Lines, rows: Positions) -> Parsed:
        """Read lines of an unusual shape with a pattern, or say what is wrong with them."""
        import polars as pl

        texts = lines.whole(rows)
        frame = texts.str.extract_groups(_BY_ADDRESS + self._back).struct.unnest()
        named = texts.str.extract_groups(_BY_NAME + self._back).struct.unnest()
        frame = frame.select(
            pl.coalesce(pl.col(name), named[name] if name in named.columns else None)
            for name in frame.columns
        )
        times = read_times(frame["time"])
        good = (frame["ip"].is_not_null() & times.is_not_null()).to_numpy()
        kept = frame.with_columns(time=times).filter(pl.Series(good))
        client, chain = _divide_chain(kept)
        columns = {
            "ip": client,
            "ident": kept["ident"],
            "user": kept["user"],
            "time": kept["time"],
            **divide_requests(kept["request"]),
            "status": kept["status"].cast(pl.Int64, strict=False),
            "bytes": kept["bytes"].cast(pl.Int64, strict=False),
            "vhost": kept["vhost"],
        }
        if self._combined:
            columns["referrer"] = kept["referrer"]
            columns["agent"] = kept["agent"]
            chain = chain.zip_with(chain.is_not_null(), kept["forwarded"])
        columns["forwarded"] = chain
        rest = kept["rest"].str.strip_chars(" ")
        columns["message"] = rest.set(rest == "", None)
        return Parsed(rows[good], columns, _faults(rows[~good], texts.filter(~good)))


def _faults(rows: Positions, texts: pl.Series) -> dict[str, Positions]:
    """Say of each line that did not match what is wrong with it."""
    if not len(rows):
        return {}
    front = texts.str.contains(r'^\S+ \S+ .+? \[[^\]]+\] "').to_numpy()
    clock = texts.str.contains(
        r"\[[0-9]{2}/[A-Za-z]{3}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4}\]"
    ).to_numpy()
    # Text from the beginning of a line that ends too early.
    short = texts.str.contains(r"^[0-9A-Fa-f:.]{3,45}(?: [^\[]*(?:\[[^\]]*)?)?$").to_numpy()
    broken = front & ~clock
    truncated = (front & clock) | short
    return {
        reason: chosen
        for reason, chosen in (
            ("time-unreadable", rows[broken]),
            ("truncated", rows[truncated & ~broken]),
            ("format-mismatch", rows[~truncated & ~broken]),
        )
        if len(chosen)
    }


def _divide_chain(frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Tell the client from the chain of X-Forwarded-For that may stand in its place.

    With a peer behind the chain the peer is the client, else the chain's first address is.
    """
    import polars as pl

    client = pl.col("ip").str.strip_chars('" ')
    chain = pl.when(pl.col("ip").str.contains(r'[,"]')).then(client)
    first = client.str.extract(r"^([^,]+)")
    return (
        frame.select(pl.coalesce(pl.col("peer"), first, pl.lit("-")).alias("c")).to_series(),
        frame.select(chain.alias("c")).to_series(),
    )


_NONE: Final = np.empty(0, dtype=np.int64)


def _at(buffer: NDArray[np.uint8], places: Positions, octet: int) -> NDArray[np.bool_]:
    return np.asarray(buffer[np.minimum(places, len(buffer) - 1)] == octet)


@dataclass(frozen=True, slots=True)
class _Found:
    """Where the spaces and quotes of some lines stand.

    spaces    the first five of each line
    quotes    as many as the format has
    chain     start and end of a quoted chain behind the agent; before its start where none is
    fine      which lines have them in the right order so far
    """

    rows: Positions
    starts: Positions
    ends: Positions
    spaces: list[Positions]
    quotes: list[Positions]
    fine: NDArray[np.bool_]
    chain: tuple[Positions, Positions] | None = None


def _find_quoted(lines: Lines, rows: Positions, *, combined: bool) -> _Found:
    """Search for the spaces and quotes of lines that have as many quotes as the format."""
    starts, ends = lines.starts[rows], lines.ends[rows]
    places = lines.places(_QUOTE, rows)
    first = np.searchsorted(places, starts)
    number = np.searchsorted(places, ends) - first
    some = np.isin(number, (6, 8)) if combined else number == 2
    rows, starts, ends = rows[some], starts[some], ends[some]
    first, number = first[some], number[some]
    quotes = [places[first + i] for i in range(8 if combined else 2)]
    index = np.searchsorted(blanks := lines.places(_SPACE, rows), starts)
    spaces = [blanks[index + i] for i in range(5)]
    fine = np.ones(len(rows), dtype=np.bool_)
    chain = None
    if combined:
        behind = number == 8
        fine &= np.where(
            behind, (quotes[6] == quotes[5] + 2) & (quotes[7] + 1 == ends), quotes[5] + 1 == ends
        )
        if behind.any():
            chain = (quotes[6] + 1, np.where(behind, quotes[7], quotes[6]))
    return _Found(rows, starts, ends, spaces, quotes[:6], fine, chain=chain)


def _request_columns(
    lines: Lines, starts: Positions, ends: Positions, found: _Found, fine: NDArray[np.bool_]
) -> dict[str, pl.Series]:
    """Cut `GET /path HTTP/1.1` at its first and last space; what is no request is all target."""
    buffer = lines.buffer
    spaces = lines.places(_SPACE, found.rows[fine])
    first = spaces[np.searchsorted(spaces, starts)]
    last = spaces[np.searchsorted(spaces, ends) - 1]
    two = (first < ends) & (first > starts)
    http = two & (last > first) & _at(buffer, last + 1, ord("H")) & _at(buffer, last + 5, ord("/"))
    return {
        "method": lines.column(np.where(two, starts, 1), np.where(two, first, 0)),
        "url": lines.column(np.where(two, first + 1, starts), np.where(http, last, ends)),
        "protocol": lines.column(np.where(http, last + 1, 1), np.where(http, ends, 0)),
    }
