"""Decimal numbers in the bytes of lines, read over whole columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lethe.pseudonymisation.lines import Positions, eight_bytes

if TYPE_CHECKING:
    import polars as pl


def read_numbers(
    buffer: NDArray[np.uint8], starts: Positions, ends: Positions, *, dash: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read decimal numbers of up to 19 digits; -1 for a `-` where that is allowed."""
    length = ends - starts
    if len(length) and int(length.min()) > 0 and int(length.max()) <= 8:
        return _read_short(buffer, starts, length, dash=dash)
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


_ZEROS: Final = np.uint64(0x3030303030303030)
# In front of a number of so many digits, noughts fill up eight bytes.
_FILL: Final = np.array([int(_ZEROS) & (1 << 8 * (8 - n)) - 1 for n in range(9)], dtype=np.uint64)


def _read_short(
    buffer: NDArray[np.uint8], starts: Positions, length: Positions, *, dash: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read numbers of one to eight digits, all eight bytes at once."""
    words = eight_bytes(buffer)
    word = words[np.minimum(starts, len(words) - 1)]
    digits = (word << (64 - 8 * length).astype(np.uint64) | _FILL[length]) ^ _ZEROS
    good = (digits | digits + np.uint64(0x7676767676767676)) & np.uint64(0x8080808080808080) == 0
    # Pairs, fours, eight: each time the half that stands in front counts more.
    value = digits * np.uint64(10) + (digits >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    value = value * np.uint64(100) + (value >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    value = value * np.uint64(10_000) + (value >> np.uint64(32)) & np.uint64(0xFFFFFFFF)
    number = value.astype(np.int64)
    if dash:
        dashes = (length == 1) & (word & np.uint64(0xFF) == ord("-"))
        number[dashes], good[dashes] = -1, True
    return number, good


def number_column(values: NDArray[np.int64]) -> pl.Series:
    """Make a column of numbers; one below nought is null."""
    import polars as pl

    column = pl.Series(values)
    return column if values.min(initial=0) >= 0 else column.set(pl.Series(values < 0), None)
