"""A stretch of a log as arrays: where its lines begin and end, and columns cut from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

Positions = NDArray[np.int64]

NEWLINE: Final = 10
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""What some systems write before the first line of a file in UTF-8; no part of the line."""
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PADDING: Final = 32
# What is looked through at a time stays in the processor's cache.
_PIECE: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one stretch.

    buffer        the bytes as UTF-8 without control characters, and some padding behind them
    starts, ends  where each line stands in `buffer`, without its line ending
    raw           the bytes as they were read
    raw_starts, raw_ends  where each line stands in `raw`, line ending included
    """

    buffer: NDArray[np.uint8]
    starts: Positions
    ends: Positions
    raw: bytes | memoryview
    raw_starts: Positions
    raw_ends: Positions

    def __len__(self) -> int:
        return len(self.starts)

    def places(self, octet: int, rows: Positions | None = None) -> Positions:
        """Give the places of one byte, and eight more behind the last line.

        rows  lines in which alone they are wanted, in order
        """
        found = None
        if rows is not None:
            lengths = self.ends[rows] - self.starts[rows]
            total = int(lengths.sum())
            if 16 * total < len(self.buffer):
                behind = np.cumsum(lengths)
                inside = np.repeat(self.starts[rows] - behind + lengths, lengths)
                inside += np.arange(total)
                found = inside[self.buffer[inside] == octet]
        if found is None:
            found = np.flatnonzero(self.buffer[:-_PADDING] == octet)
        return np.concatenate([found, np.full(8, len(self.buffer) - 1)])

    def column(self, starts: Positions, ends: Positions) -> pl.Series:
        """Cut a column of text out of the buffer without copying what is longer than 12 bytes.

        A value whose end lies before its start is null.
        """
        return string_column(self.buffer, starts, ends)

    def whole(self, rows: Positions) -> pl.Series:
        """Give whole lines as a column."""
        return self.column(self.starts[rows], self.ends[rows])


def split_lines(raw: bytes | memoryview) -> Lines:
    """Find the lines of a stretch, and make its bytes safe to be taken as text.

    Bytes that are no UTF-8, NUL and the other control characters are written as `\\xHH`: nothing
    is lost, and a line stays one line.
    """
    octets = np.frombuffer(raw, dtype=np.uint8)
    read = _read_through(octets)
    raw_starts, raw_ends = _bounds(read.newlines, len(raw))
    clean: bytes | memoryview = raw
    controls = read.controls
    if read.highest > 127:
        clean = _as_utf8(raw)
    if controls:
        # Tabs and carriage returns are none that must go.
        controls -= int(np.count_nonzero(octets == 9)) + int(np.count_nonzero(octets == 13))
    if controls or (read.highest >= 127 and (octets == 127).any()):
        clean = _without_control(bytes(clean))
    starts, ends = raw_starts, raw_ends
    if clean is not raw:
        read = _read_through(np.frombuffer(clean, dtype=np.uint8))
        starts, ends = _bounds(read.newlines, len(clean))
    buffer = read.buffer
    if bytes(buffer[:3]) == BYTE_ORDER_MARK:
        starts = np.concatenate([starts[:1] + 3, starts[1:]])
    ends = ends - (buffer[np.maximum(ends - 1, 0)] == NEWLINE)
    if read.controls:
        ends -= (ends > starts) & (buffer[np.maximum(ends - 1, 0)] == 13)
    return Lines(buffer, starts, ends, raw, raw_starts, raw_ends)


def as_text(raw: bytes) -> str:
    """Take some bytes as text, as those of a line are taken."""
    return _without_control(bytes(_as_utf8(raw))).decode()


def _without_control(octets: bytes) -> bytes:
    return _CONTROL.sub(lambda m: b"\\x%02x" % m[0][0], octets)


@dataclass(frozen=True, slots=True)
class _Read:
    """What one look at all bytes tells.

    buffer    a copy of them, padded with line endings
    newlines  where lines end
    highest   the highest byte
    controls  how many bytes below the blank are no line ending
    """

    buffer: NDArray[np.uint8]
    newlines: Positions
    highest: int
    controls: int


def _read_through(octets: NDArray[np.uint8]) -> _Read:
    buffer = np.empty(len(octets) + _PADDING, dtype=np.uint8)
    buffer[len(octets) :] = NEWLINE
    highest = below = 0
    newlines = [np.empty(0, dtype=np.int64)]
    for at in range(0, len(octets), _PIECE):
        piece = buffer[at : min(at + _PIECE, len(octets))]
        piece[:] = octets[at : at + _PIECE]
        highest = max(highest, int(piece.max()))
        below += int(np.count_nonzero(piece < 32))
        newlines.append(_find(piece == NEWLINE) + at)
    found = np.concatenate(newlines)
    return _Read(buffer, found, highest, below - len(found))


def _as_utf8(raw: bytes | memoryview) -> bytes | memoryview:
    try:
        str(raw, "utf-8")
    except UnicodeDecodeError:
        return str(raw, "utf-8", "backslashreplace").encode()
    return raw


def _find(here: NDArray[np.bool_]) -> Positions:
    """Give the places that are true: `numpy.flatnonzero`, quicker where they are few."""
    if len(here) % 64 or 64 * np.count_nonzero(here) > len(here):
        return np.flatnonzero(here)
    bits = np.packbits(here, bitorder="little").view("<u8")
    words = np.flatnonzero(bits != 0)
    bits = bits[words]
    found = [(words << 6) + np.bitwise_count((bits - _ONE) & ~bits)]
    while (more := (bits := bits & (bits - _ONE)) != 0).any():
        words, bits = words[more], bits[more]
        found.append((words << 6) + np.bitwise_count((bits - _ONE) & ~bits))
    return found[0] if len(found) == 1 else np.sort(np.concatenate(found), kind="stable")


def _bounds(newlines: Positions, length: int) -> tuple[Positions, Positions]:
    ends = newlines + 1
    if length and (not len(ends) or ends[-1] != length):
        ends = np.append(ends, length)
    starts = np.empty_like(ends)
    if len(ends):
        starts[0] = 0
        starts[1:] = ends[:-1]
    return starts, ends


# Of a value of so many bytes, the first four and the eight behind them; 13 stands for more.
_FIRST: Final = np.array([(1 << 8 * min(length, 4)) - 1 for length in range(14)], dtype=np.uint64)
_REST: Final = np.array(
    [(1 << 8 * min(max(length - 4, 0), 8)) - 1 for length in range(14)], dtype=np.uint64
)

_EIGHT: Final = np.array([(1 << 8 * length) - 1 for length in range(9)], dtype=np.uint64)
_HALF: Final = np.uint64(32)
_ONE: Final = np.uint64(1)


def eight_bytes(buffer: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Give every place of the buffer as the first of eight bytes, without copying."""
    return np.ndarray((len(buffer) - 7,), dtype="<u8", buffer=buffer, strides=(1,))


Views = NDArray[np.uint64]


def views_of(
    buffer: NDArray[np.uint8], starts: Positions, ends: Positions, begin: int = 0
) -> Views:
    """Give the views of an Arrow string view column over `buffer`, which must be padded.

    begin   place of the buffer in the one that the column will have
    Source  Arrow columnar format, variable-size binary view layout
    """
    lengths = ends - starts
    if len(lengths) and int(lengths.min()) < 0:
        np.maximum(lengths, 0, out=lengths)
    # Sixteen bytes at once cost no more than one from each line.
    fronts = np.ndarray((len(buffer) - 15,), "V16", buffer, strides=(1,))[starts]
    views = fronts.view("<u8").reshape(-1, 2)
    low, high = views[:, 0], views[:, 1]
    # What is longer than twelve bytes is named by its first four, number of the buffer and place.
    places = (starts + begin).view(np.uint64) << _HALF
    classes = np.minimum(lengths, 13)
    rest = (low >> _HALF | high << _HALF) & _REST[classes]
    views[:, 1] = np.where(classes > 12, places, rest)
    views[:, 0] = (low & _FIRST[classes]) << _HALF | lengths.view(np.uint64)
    return views


def short_views(words: NDArray[np.uint64], lengths: Positions) -> Views:
    """Give the views of texts of up to eight bytes, which are at the front of a word each."""
    views = np.empty((len(words), 2), dtype=np.uint64)
    words = words & _EIGHT[lengths]
    views[:, 0] = words << _HALF | lengths.view(np.uint64)
    views[:, 1] = words >> _HALF
    return views


def view_column(
    buffer: NDArray[np.uint8], views: Views, null: NDArray[np.bool_] | None = None
) -> pl.Series:
    """Make a column of views over `buffer`, which must be UTF-8."""
    import polars as pl
    import pyarrow as pa

    short = null is None and len(views) and int(views[0, 0]) & 0xFFFFFFFF <= 12
    if short and (views == views[0]).all():
        # One value throughout, as protocols mostly are.
        only = views[0].tobytes()
        return pl.Series([only[4 : 4 + only[0]].decode()]).new_from_index(0, len(views))
    valid = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    array = pa.Array.from_buffers(
        pa.string_view(), len(views), [valid, pa.py_buffer(views), pa.py_buffer(buffer)]
    )
    return pl.Series(pl.from_arrow(array))


def string_column(buffer: NDArray[np.uint8], starts: Positions, ends: Positions) -> pl.Series:
    """Make a column of text; a value whose end lies before its start is null."""
    null = ends < starts
    return view_column(buffer, views_of(buffer, starts, ends), null if null.any() else None)
