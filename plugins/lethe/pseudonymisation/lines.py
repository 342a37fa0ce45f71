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
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PADDING: Final = 32
_LAST_MARK: Final = 34


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one stretch.

    buffer        the bytes as UTF-8 without control characters, and some padding behind them
    starts, ends  where each line stands in `buffer`, without its line ending
    raw           the bytes as they were read
    raw_starts, raw_ends  where each line stands in `raw`, line ending included
    marks         where `buffer` has line endings, spaces, quotes and other bytes up to `"`
    mark_octets   which of them stands there
    """

    buffer: NDArray[np.uint8]
    starts: Positions
    ends: Positions
    raw: bytes | memoryview
    raw_starts: Positions
    raw_ends: Positions
    marks: Positions
    mark_octets: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.starts)

    def places(self, octet: int, rows: Positions | None = None) -> Positions:
        """Give the places of one byte of at most `"`, and eight more behind the last line.

        rows  lines in which alone they are wanted, in order
        """
        marks, octets = self.marks, self.mark_octets
        if rows is not None and 8 * len(rows) < len(self):
            first = np.searchsorted(marks, self.starts[rows])
            count = np.searchsorted(marks, self.ends[rows]) - first
            chosen = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
            marks, octets = marks[chosen], octets[chosen]
        found = marks[octets == octet]
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
    clean: bytes | memoryview = raw
    octets = np.frombuffer(raw, dtype=np.uint8)
    marks, mark_octets = _marks(octets)
    raw_starts, raw_ends = _bounds(marks, mark_octets, len(raw))
    highest = octets.max(initial=0)
    if highest > 127:
        clean = _as_utf8(clean)
    if _has_control(mark_octets) or (highest >= 127 and (octets == 127).any()):
        clean = _without_control(bytes(clean))
    buffer = np.empty(len(clean) + _PADDING, dtype=np.uint8)
    buffer[: len(clean)] = np.frombuffer(clean, dtype=np.uint8)
    buffer[len(clean) :] = NEWLINE
    starts, ends = raw_starts, raw_ends
    if clean is not raw:
        marks, mark_octets = _marks(buffer[: len(clean)])
        starts, ends = _bounds(marks, mark_octets, len(clean))
    ends = ends - (buffer[np.maximum(ends - 1, 0)] == NEWLINE)
    carriage = (ends > starts) & (buffer[np.maximum(ends - 1, 0)] == 13)
    return Lines(buffer, starts, ends - carriage, raw, raw_starts, raw_ends, marks, mark_octets)


def as_text(raw: bytes) -> str:
    """Take some bytes as text, as those of a line are taken."""
    return _without_control(bytes(_as_utf8(raw))).decode()


def _without_control(octets: bytes) -> bytes:
    return _CONTROL.sub(lambda m: b"\\x%02x" % m[0][0], octets)


def _has_control(mark_octets: NDArray[np.uint8]) -> bool:
    """Tell whether there are control characters besides tabs and line endings."""
    below = int(np.count_nonzero(mark_octets < 32))
    return below != sum(int(np.count_nonzero(mark_octets == octet)) for octet in (9, 10, 13))


def _as_utf8(raw: bytes | memoryview) -> bytes | memoryview:
    try:
        str(raw, "utf-8")
    except UnicodeDecodeError:
        return str(raw, "utf-8", "backslashreplace").encode()
    return raw


def _marks(octets: NDArray[np.uint8]) -> tuple[Positions, NDArray[np.uint8]]:
    marks = np.flatnonzero(octets <= _LAST_MARK)
    return marks, octets[marks]


def _bounds(
    marks: Positions, mark_octets: NDArray[np.uint8], length: int
) -> tuple[Positions, Positions]:
    ends = marks[mark_octets == NEWLINE] + 1
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


def eight_bytes(buffer: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Give every place of the buffer as the first of eight bytes, without copying."""
    return np.ndarray((len(buffer) - 7,), dtype="<u8", buffer=buffer, strides=(1,))


def string_column(buffer: NDArray[np.uint8], starts: Positions, ends: Positions) -> pl.Series:
    """Make an Arrow string view column over `buffer`, which must be UTF-8 and padded.

    Source  Arrow columnar format, variable-size binary view layout
    """
    import polars as pl
    import pyarrow as pa

    count = len(starts)
    lengths = np.maximum(ends - starts, 0)
    classes = np.minimum(lengths, 13)
    words = eight_bytes(buffer)
    views = np.empty((count, 2), dtype=np.uint64)
    heads = (words[starts] & _FIRST[classes]) << np.uint64(32)
    np.bitwise_or(heads, lengths.view(np.uint64), out=views[:, 0])
    # What is longer than twelve bytes is named by its first four, number of the buffer and place.
    places = starts.view(np.uint64) << np.uint64(32)
    views[:, 1] = np.where(classes > 12, places, words[starts + 4] & _REST[classes])
    null = ends < starts
    valid = pa.py_buffer(np.packbits(~null, bitorder="little")) if null.any() else None
    array = pa.Array.from_buffers(
        pa.string_view(), count, [valid, pa.py_buffer(views), pa.py_buffer(buffer)]
    )
    return pl.Series(pl.from_arrow(array))
