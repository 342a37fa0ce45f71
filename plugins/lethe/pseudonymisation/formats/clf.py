"""Apache's and NGINX's common and combined log formats, by splitting instead of matching.

A line of the ordinary shape is cut at its quotes and spaces, whose places in the whole stretch
are found at once. What has another shape (a virtual host in front, an X-Forwarded-For chain in
front or behind, escaped quotes, a user name with spaces) goes to a pattern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

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
        empty = lines.ends <= lines.starts
        fast, good = self._split(lines)
        answers = [fast] if len(fast.rows) else []
        left = np.flatnonzero(~good & ~empty)
        if len(left):
            answers.append(self._match(lines, left))
        if empty.any():
            answers.append(Parsed(_NONE, {}, {"empty": np.flatnonzero(empty)}))
        return answers

    def _split(self, lines: Lines) -> tuple[Parsed, NDArray[np.bool_]]:
        """Cut lines of the ordinary shape; tell which they were."""
        buffer, starts, ends = lines.buffer, lines.starts, lines.ends
        quotes, spaces = lines.places(_QUOTE), lines.places(_SPACE)
        first = np.searchsorted(quotes, starts)
        number = np.searchsorted(quotes, ends) - first
        good = number == (6 if self._combined else 2)
        if self._combined:
            good |= number == 8
        rows = np.flatnonzero(good)
        starts, ends, first, number = starts[rows], ends[rows], first[rows], number[rows]
        q = [quotes[first + i] for i in range(8 if self._combined else 2)]
        fine, front = _front_spaces(buffer, spaces, starts, q[0])
        request_end = q[1]
        fine &= _at(buffer, request_end + 1, _SPACE) & _at(buffer, request_end + 5, _SPACE)
        bytes_end = q[2] - 1 if self._combined else ends
        fine &= (bytes_end > request_end + 6) & (bytes_end < request_end + 26)
        if self._combined:
            fine &= _at(buffer, q[2] - 1, _SPACE)
            fine &= (q[4] == q[3] + 2) & _at(buffer, q[3] + 1, _SPACE)
            eight = number == 8
            fine &= np.where(eight, (q[6] == q[5] + 2) & (q[7] + 1 == ends), q[5] + 1 == ends)
        status, status_good = read_numbers(buffer, request_end + 2, request_end + 5)
        amount, amount_good = read_numbers(buffer, request_end + 6, bytes_end, dash=True)
        seconds, time_good = read_clf_times(buffer, front[2] + 2)
        fine &= status_good & amount_good & time_good
        # No backslash stands before a quote that ends a field: it would be part of the field.
        for place in q[1 : 8 if self._combined else 2]:
            fine &= ~_at(buffer, place - 1, 92)
        good[rows[~fine]] = False

        def cut(values: Positions) -> Positions:
            return np.asarray(values[fine])

        columns = {
            "ip": lines.column(cut(starts), cut(front[0])),
            "ident": lines.column(cut(front[0] + 1), cut(front[1])),
            "user": lines.column(cut(front[1] + 1), cut(front[2])),
            "time": to_times(cut(seconds)),
            **_request_columns(lines, spaces, cut(q[0] + 1), cut(request_end)),
            "status": _numbers(cut(status)),
            "bytes": _numbers(cut(amount)),
        }
        if self._combined:
            columns["referrer"] = lines.column(cut(q[2] + 1), cut(q[3]))
            columns["agent"] = lines.column(cut(q[4] + 1), cut(q[5]))
            if eight.any():
                behind = np.where(eight, q[7], q[6])
                columns["forwarded"] = lines.column(cut(q[6] + 1), cut(behind))
        return Parsed(rows[fine], columns), good

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


def _front_spaces(
    buffer: NDArray[np.uint8], spaces: Positions, starts: Positions, first_quote: Positions
) -> tuple[NDArray[np.bool_], list[Positions]]:
    """Find the spaces of `client ident user [time zone] "`, and tell where there are just these."""
    index = np.searchsorted(spaces, starts)
    found = [spaces[index + i] for i in range(5)]
    fine = (found[4] == first_quote - 1) & _at(buffer, found[2] + 1, ord("["))
    fine &= _at(buffer, found[4] - 1, ord("]")) & (found[4] - found[2] == 29)
    return fine & (found[0] > starts), found


def _request_columns(
    lines: Lines, spaces: Positions, starts: Positions, ends: Positions
) -> dict[str, pl.Series]:
    """Cut `GET /path HTTP/1.1` at its first and last space; what is no request is all target."""
    buffer = lines.buffer
    first = spaces[np.searchsorted(spaces, starts)]
    last = spaces[np.searchsorted(spaces, ends) - 1]
    two = (first < ends) & (first > starts)
    http = two & (last > first) & _at(buffer, last + 1, ord("H")) & _at(buffer, last + 5, ord("/"))
    target_start = np.where(two, first + 1, starts)
    target_end = np.where(http, last, ends)
    return {
        "method": lines.column(np.where(two, starts, 1), np.where(two, first, 0)),
        "url": lines.column(target_start, target_end),
        "protocol": lines.column(np.where(http, last + 1, 1), np.where(http, ends, 0)),
    }


def read_numbers(
    buffer: NDArray[np.uint8], starts: Positions, ends: Positions, *, dash: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read decimal numbers of up to 19 digits; -1 for a `-` where that is allowed."""
    length = ends - starts
    good = (length > 0) & (length < 20)
    value = np.zeros(len(starts), dtype=np.int64)
    for place in range(int(length[good].max()) if good.any() else 0):
        inside = good & (place < length)
        digit = buffer[np.where(inside, starts + place, 0)].astype(np.int64) - 48
        value = np.where(inside, value * 10 + digit, value)
        wrong = inside & ((digit < 0) | (digit > 9))
        if dash and place == 0:
            dashes = wrong & (digit == -3) & (length == 1)
            value[dashes] = -1
            wrong &= ~dashes
        good &= ~wrong
    return value, good


def _numbers(values: NDArray[np.int64]) -> pl.Series:
    import polars as pl

    return pl.Series(values).set(pl.Series(values < 0), None)
