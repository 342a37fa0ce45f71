"""Lines of the common and combined formats in their ordinary shape, cut without searching them.

A line is ordinary if its quotes and spaces stand where nearly all lines have them:

    192.0.2.1 - anna [22/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "referrer" "agent"

Some thousand lines are worked on at a time, as arrays that stay in the processor's cache, and
eight bytes of a line at once. Where a line is not ordinary, it is left to the ways that search it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lethe.pseudonymisation.formats.numbers import number_column, read_numbers
from lethe.pseudonymisation.formats.parsed import Parsed
from lethe.pseudonymisation.formats.times import read_clf_times, to_times
from lethe.pseudonymisation.lines import (
    Lines,
    Positions,
    Views,
    eight_bytes,
    short_views,
    view_column,
    views_of,
)

if TYPE_CHECKING:
    import polars as pl

    Words = NDArray[np.uint64]
    Found = NDArray[np.bool_]

_BLOCK: Final = 8192
_SPACE: Final = 32
_QUOTE: Final = 34
# No ordinary line is shorter; behind the last line stand 32 bytes more.
_SHORTEST: Final = 40
_FRONT: Final = 64
# From the space in front of the time to the quote behind it.
_TIME: Final = 30
_PROTOCOL: Final = 8
# A field of more than some hundred bytes is searched.
_STEPS: Final = 16
_STEP: Final = 57

_ONE: Final = np.uint64(1)
_ONES: Final = np.uint64(0x0101010101010101)
_HIGH: Final = np.uint64(0x8080808080808080)
_BLANKS: Final = _ONES * np.uint64(_SPACE)


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, "little"))


_PROTOCOLS: Final = tuple(_word(text) for text in (b"HTTP/1.1", b"HTTP/2.0", b"HTTP/1.0"))
_BEFORE_REQUEST: Final = _word(b'] "')
_THREE: Final = _word(b"\xff\xff\xff")
_NOUGHTS: Final = _word(b"000")
_SIXES: Final = _word(b"\6\6\6")
_HIGH_HALVES: Final = _word(b"\xf0\xf0\xf0")
_HALF: Final = np.uint64(0x0F)
# `" 200 `: quote, space, three digits, space
_AROUND_STATUS: Final = _word(b'" \0\0\0 ')
_NOT_STATUS: Final = _word(b"\xff\xff\0\0\0\xff")


def read_ordinary(lines: Lines, rows: Positions, *, combined: bool) -> Parsed:
    """Read those of some lines that are ordinary."""
    blocks = [
        _read_block(lines, rows[at : at + _BLOCK], combined=combined)
        for at in range(0, len(rows), _BLOCK)
    ]
    blocks = [block for block in blocks if len(block.rows)]
    if not blocks:
        return Parsed(np.empty(0, dtype=np.int64), {})

    def numbers(name: str) -> NDArray[np.int64]:
        return np.concatenate([block.numbers[name] for block in blocks])

    columns: dict[str, pl.Series] = {
        name: view_column(lines.buffer, np.concatenate([block.texts[name] for block in blocks]))
        for name in blocks[0].texts
    }
    columns["time"] = to_times(numbers("time"))
    columns |= {name: number_column(numbers(name)) for name in ("status", "bytes")}
    return Parsed(np.concatenate([block.rows for block in blocks]), columns)


@dataclass(frozen=True, slots=True)
class _Block:
    """The ordinary lines of a block, cut."""

    rows: Positions
    texts: dict[str, Views] = field(default_factory=dict)
    numbers: dict[str, NDArray[np.int64]] = field(default_factory=dict)


class _Fields:
    """Where the fields of some lines stand, in the bytes of their block.

    fine  which of the lines are ordinary
    """

    def __init__(
        self, buffer: NDArray[np.uint8], starts: Positions, ends: Positions, *, combined: bool
    ) -> None:
        self.starts = starts
        words = eight_bytes(buffer)
        first, second, before = _first_spaces(buffer, starts)
        self.ip_end, self.user, self.before = first, second + 1, before
        opening = before + _TIME
        quotes = _Quotes(buffer)
        fine = (opening < ends) & (first > starts) & (second == first + 2)
        fine &= (buffer[first + 1] == ord("-")) & (buffer[before] == _SPACE)
        fine &= buffer[before + 1] == ord("[")
        fine &= quotes.behind(starts) == opening
        # From here on what is not fine may point anywhere, but not behind the bytes.
        opening = np.minimum(opening, ends)
        fine &= words[opening - 2] & _THREE == _BEFORE_REQUEST
        closing = quotes.behind(opening + 1)
        fine &= closing + 6 < ends
        closing = np.minimum(closing, ends)
        self.method = words[opening + 1]
        self.method_length = _first_space(self.method)
        self.url, self.url_end = opening + 2 + self.method_length, closing - _PROTOCOL - 1
        fine &= (self.method_length > 0) & (self.method_length < 8) & (self.url <= self.url_end)
        fine &= buffer[self.url_end] == _SPACE
        self.protocol = words[self.url_end + 1]
        known = self.protocol == _PROTOCOLS[0]
        for other in _PROTOCOLS[1:]:
            known |= self.protocol == other
        fine &= known
        around = words[closing]
        fine &= around & _NOT_STATUS == _AROUND_STATUS
        self.status, good = _three_digits(around >> np.uint64(16))
        fine &= good
        self.size = closing + 6
        if combined:
            fine &= self._find_back(buffer, quotes, ends)
        else:
            self.size_end = ends
            fine &= quotes.behind(closing + 1) >= ends
        fine &= (self.size_end > self.size) & (self.size_end < self.size + 20)
        # What is not fine would be read like the longest number.
        self.size_end = np.where(fine, self.size_end, self.size + 1)
        self.fine = fine

    def _find_back(
        self, buffer: NDArray[np.uint8], quotes: _Quotes, ends: Positions
    ) -> NDArray[np.bool_]:
        """Find the referrer and the user agent, which alone the combined format has."""
        opening = np.minimum(quotes.behind(self.size), ends)
        self.size_end, self.referrer = opening - 1, opening + 1
        closing = np.minimum(quotes.behind(self.referrer), ends)
        self.referrer_end, self.agent, self.agent_end = closing, closing + 3, ends - 1
        fine: NDArray[np.bool_] = quotes.behind(self.agent) == self.agent_end
        fine &= (buffer[closing + 1] == _SPACE) & (buffer[closing + 2] == _QUOTE)
        fine &= buffer[opening - 1] == _SPACE
        # A backslash in front of a quote makes it part of the field.
        fine &= (buffer[closing - 1] != ord("\\")) & (buffer[self.agent_end - 1] != ord("\\"))
        return fine

    def texts(self, *, combined: bool) -> dict[str, tuple[Positions, Positions]]:
        """Name the fields of text with where they begin and end, but for those of few bytes."""
        found = {
            "ip": (self.starts, self.ip_end),
            "user": (self.user, self.before),
            "url": (self.url, self.url_end),
        }
        if combined:
            found["referrer"] = (self.referrer, self.referrer_end)
            found["agent"] = (self.agent, self.agent_end)
        return found


def _read_block(lines: Lines, rows: Positions, *, combined: bool) -> _Block:
    starts, ends = lines.starts[rows], lines.ends[rows]
    long = ends - starts >= _SHORTEST
    if not long.all():
        rows, starts, ends = rows[long], starts[long], ends[long]
    if not len(rows):
        return _Block(rows)
    begin = int(starts[0])
    buffer = lines.buffer[begin : int(ends[-1]) + 32]
    found = _Fields(buffer, starts - begin, ends - begin, combined=combined)
    size, size_good = read_numbers(buffer, found.size, found.size_end, dash=True)
    time, time_good = read_clf_times(buffer, found.before + 2)
    fine = found.fine & size_good & time_good
    whole = bool(fine.all())

    def kept(values: NDArray[Any]) -> NDArray[Any]:
        return values if whole else np.asarray(values[fine])

    texts = {
        name: views_of(buffer, kept(first), kept(last), begin)
        for name, (first, last) in found.texts(combined=combined).items()
    }
    texts["method"] = short_views(kept(found.method), kept(found.method_length))
    protocols = kept(found.protocol)
    texts["protocol"] = short_views(protocols, np.full(len(protocols), _PROTOCOL))
    numbers = {"time": kept(time), "status": kept(found.status), "bytes": kept(size)}
    return _Block(kept(rows), texts, numbers)


def _first_spaces(
    buffer: NDArray[np.uint8], starts: Positions
) -> tuple[Positions, Positions, Positions]:
    """Give the first three spaces of each line, as far as they stand in its first 64 bytes."""
    fronts = np.ndarray((len(buffer) - _FRONT + 1,), f"V{_FRONT}", buffer, strides=(1,))[starts]
    # A bit for each byte, the first one lowest.
    spaces = np.packbits(fronts.view(np.uint8) == _SPACE, bitorder="little").view("<u8")
    first = starts + _lowest(spaces)
    spaces &= spaces - _ONE
    second = starts + _lowest(spaces)
    spaces &= spaces - _ONE
    return first, second, starts + np.minimum(_lowest(spaces), _FRONT - 1)


def _lowest(bits: Words) -> NDArray[np.uint8]:
    """Give the place of the lowest bit that is set; 64 where none is."""
    return np.asarray(np.bitwise_count((bits - _ONE) & ~bits))


def _first_space(words: Words) -> Positions:
    """Give the place of the first space among eight bytes; 8 where none is."""
    words = words ^ _BLANKS
    # The lowest byte that is nought is marked right; what is above it does not matter (Mycroft).
    return (_lowest((words - _ONES) & ~words & _HIGH) >> 3).astype(np.int64)


def _three_digits(words: Words) -> tuple[NDArray[np.int64], Found]:
    """Read the number in the first three bytes, and tell where there is one."""
    digits = (words & _THREE) ^ _NOUGHTS
    # What is no digit has a high half, or gets one when six is added.
    good = (digits | digits + _SIXES) & _HIGH_HALVES == 0
    first, second, third = (digits >> np.uint64(place) & _HALF for place in (0, 8, 16))
    value = (first * np.uint64(10) + second) * np.uint64(10) + third
    return value.astype(np.int64), np.asarray(good)


class _Quotes:
    """The quotes of a block, a bit for each byte."""

    def __init__(self, buffer: NDArray[np.uint8]) -> None:
        bits = np.packbits(buffer == _QUOTE, bitorder="little")
        # Behind the last byte everything is a quote, so that whoever looks for one stops there.
        self._bits = np.full(len(bits) + 16, 0xFF, dtype=np.uint8)
        self._bits[: len(bits)] = bits
        self._words = eight_bytes(self._bits)

    def behind(self, places: Positions, steps: int = _STEPS) -> Positions:
        """Give the first quote at or behind each place, if it is not very far."""
        bits = self._words[places >> 3] >> (places & 7).astype(np.uint64)
        found = places + _lowest(bits)
        if len(on := np.flatnonzero(bits == 0)):
            # Of 64 bits up to seven stood in front of the place.
            found[on] = self.behind(places[on] + _STEP, steps - 1) if steps else len(self._bits) * 8
        return found
