"""Times as logs write them, over whole columns; always in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from lethe.pseudonymisation.lines import Positions

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_MONTH_OF: Final = np.zeros(1 << 15, dtype=np.int64)
for _name, _number in _MONTHS.items():
    _a, _b, _c = (ord(letter) - 96 for letter in _name)
    _MONTH_OF[_a << 10 | _b << 5 | _c] = _number

# 10/Oct/2000:13:55:36 -0700
CLF_LENGTH: Final = 26


def read_clf_times(
    buffer: NDArray[np.uint8], starts: Positions
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read times of the form 10/Oct/2000:13:55:36 -0700, by arithmetic on their bytes.

    Lines beside each other are mostly of one day: day and zone are read where they change.
    Returns  seconds since 1970 in UTC, and which of them could be read
    """
    words = np.ndarray((len(buffer) - 7,), dtype="<u8", buffer=buffer, strides=(1,))
    starts = np.minimum(starts, len(buffer) - CLF_LENGTH)
    # Eight bytes each: 10/Oct/2, Oct/2000:, 13:55:36, 36 -0700
    front, year, clock, zone = (words[starts + at] for at in (0, 4, 12, 18))
    changed = np.ones(len(starts), dtype=np.bool_)
    changed[1:] = (front[1:] != front[:-1]) | (year[1:] != year[:-1])
    changed[1:] |= (zone[1:] ^ zone[:-1]) >> np.uint64(16) != 0
    first, first_good = _read_whole(buffer, starts[changed])
    seconds, good = _read_clocks(clock)
    group = np.cumsum(changed) - 1
    return (first - seconds[changed])[group] + seconds, first_good[group] & good


_COLON_MASK: Final = np.uint64(0x0000_FF00_00FF_0000)
_COLONS: Final = np.uint64(0x0000_3A00_003A_0000)


def _read_clocks(clock: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read clocks of the form 13:55:36, eight bytes each: seconds, and which could be read."""
    good = clock & _COLON_MASK == _COLONS
    pairs = []
    for place in (0, 24, 48):
        tens, ones = (
            ((clock >> np.uint64(place + shift)) & np.uint64(0xFF)).astype(np.int64) - 48
            for shift in (0, 8)
        )
        good &= (tens >= 0) & (tens <= 9) & (ones >= 0) & (ones <= 9)
        pairs.append(tens * 10 + ones)
    hour, minute, second = pairs
    good &= (hour < 24) & (minute < 60) & (second < 61)
    return hour * 3600 + minute * 60 + second, good


def _read_whole(
    buffer: NDArray[np.uint8], starts: Positions
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    inline = np.ndarray((len(buffer) - CLF_LENGTH + 1,), dtype="V26", buffer=buffer, strides=(1,))
    text = inline[np.minimum(starts, len(inline) - 1)].view(np.uint8).reshape(-1, CLF_LENGTH)
    digit = text.astype(np.int16) - 48
    numeric = [0, 1, 7, 8, 9, 10, 12, 13, 15, 16, 18, 19, 22, 23, 24, 25]
    good = ((digit[:, numeric] >= 0) & (digit[:, numeric] <= 9)).all(axis=1)
    for place, sign in ((2, "/"), (6, "/"), (11, ":"), (14, ":"), (17, ":"), (20, " ")):
        good &= text[:, place] == ord(sign)
    good &= (text[:, 21] == ord("+")) | (text[:, 21] == ord("-"))

    def pair(place: int) -> NDArray[np.int64]:
        return (digit[:, place] * 10 + digit[:, place + 1]).astype(np.int64)

    letters = (text[:, 3:6] & 31).astype(np.int64)
    month = _MONTH_OF[letters[:, 0] << 10 | letters[:, 1] << 5 | letters[:, 2]]
    day, year = pair(0), pair(7) * 100 + pair(9)
    hour, minute, second = pair(12), pair(15), pair(18)
    good &= (month > 0) & (day > 0) & (hour < 24) & (minute < 60) & (second < 61) & (year > 0)
    days = _days_before(np.where(good, year, 1970), np.where(good, month, 1))
    following = _days_before(
        np.where(good, year, 1970) + (month == 12), np.where(good, month, 1) % 12 + 1
    )
    good &= day <= following - days
    offset = (pair(22) * 60 + pair(24)) * 60 * np.where(text[:, 21] == ord("-"), -1, 1)
    return ((days + day - 1) * 24 + hour) * 3600 + minute * 60 + second - offset, good


def _days_before(year: NDArray[np.int64], month: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the days from 1970-01-01 to the first of a month."""
    return (
        ((year - 1970) * 12 + month - 1)
        .astype("datetime64[M]")
        .astype("datetime64[D]")
        .astype(np.int64)
    )


def to_times(seconds: NDArray[np.int64]) -> pl.Series:
    """Make a column of times out of seconds since 1970."""
    import polars as pl

    return pl.Series(seconds * 1_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def read_times(texts: pl.Series, read_on: date | None = None) -> pl.Series:
    """Read times in any of the usual forms; null where none fits.

    read_on  a time without a year, as in syslog, is the latest one that is not after this day's
             morrow; without it such a time is null
    Takes    ISO 8601 with or without a zone (then UTC), the forms of CLF and HAProxy, syslog's
             `Feb  5 16:19:38`, and seconds, milliseconds or microseconds since 1970
    """
    import polars as pl

    zoned = pl.Datetime("us", "UTC")
    text = pl.col("t").str.strip_chars("[] ")
    number = text.str.extract(r"^([0-9]{9,10}(?:\.[0-9]{1,9})?)$").cast(pl.Float64, strict=False)
    millis = text.str.extract(r"^([0-9]{12,13})$").cast(pl.Int64, strict=False)
    micros = text.str.extract(r"^([0-9]{15,16})$").cast(pl.Int64, strict=False)
    # Fractions are cut to microseconds, which is as fine as a time is kept.
    iso = (
        text.str.extract(
            r"^([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,6})?)"
            r"[0-9]*(?:Z|[+-][0-9]{2}:?[0-9]{2})?$"
        )
        .str.replace(",", ".", literal=True)
        .str.replace(" ", "T", literal=True)
    )
    offset = text.str.extract(r"([+-][0-9]{2}:?[0-9]{2})$").str.replace(":", "", literal=True)
    iso_text = iso + offset.fill_null("+0000")
    clf = text.str.extract(r"^([0-9]{2}/[A-Za-z]{3}/[0-9]{4}:[0-9:]{8}(?:\.[0-9]{1,6})?)")
    clf_text = clf + text.str.extract(r" ([+-][0-9]{4})$").fill_null("+0000")
    expression = pl.coalesce(
        (number * 1_000_000).round().cast(pl.Int64).cast(zoned),
        (millis * 1000).cast(zoned),
        micros.cast(zoned),
        iso_text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", strict=False),
        clf_text.str.to_datetime("%d/%b/%Y:%H:%M:%S%.f%z", time_unit="us", strict=False),
    )  # fmt: skip
    if read_on is not None:
        expression = pl.coalesce(expression, *_without_year(text, read_on))
    return pl.DataFrame({"t": texts}).select(expression.alias("time")).to_series()


def _without_year(text: pl.Expr, read_on: date) -> list[pl.Expr]:
    """Read `Feb  5 16:19:38` in the year of a day and in the seven before, the latest first."""
    import polars as pl

    clock = text.str.extract(r"^([A-Z][a-z]{2} +[0-9]{1,2} [0-9]{2}:[0-9]{2}:[0-9]{2})")
    clock = clock.str.replace(r" +", " ")
    latest = pl.lit(datetime(read_on.year, read_on.month, read_on.day, tzinfo=UTC))
    tried: list[pl.Expr] = []
    # Eight years hold a 29 February, whatever the century.
    for year in range(read_on.year, read_on.year - 9, -1):
        time = (pl.lit(f"{year} ") + clock).str.to_datetime(
            "%Y %b %d %H:%M:%S", time_unit="us", strict=False
        )
        time = time.dt.replace_time_zone("UTC")
        tried.append(pl.when(time <= latest + pl.duration(days=2)).then(time))
    return tried
