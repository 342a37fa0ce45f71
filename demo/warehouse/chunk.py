"""A chunk of accounts and the small tools that turn numbers into columns."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from demo.warehouse.pools import Pools

DAY = 86_400
EPOCH = date(1970, 1, 1)
_LETTERS = np.frombuffer(b"bcdfghjkmnpqrstvwxz", dtype=np.uint8)

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def day_number(day: date) -> int:
    """The day counted from 1970-01-01."""
    return (day - EPOCH).days


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one table, in the order of the frame's columns."""

    table: str
    rows: pl.DataFrame


@dataclass(slots=True)
class Counters:
    """The next free key of each table; chunks are made one after the other."""

    used: dict[str, int] = field(default_factory=dict)

    def take(self, table: str, count: int) -> Ints:
        """Reserve `count` consecutive keys."""
        start = self.used.get(table, 0) + 1
        self.used[table] = start + count - 1
        return np.arange(start, start + count, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What every maker of rows may ask for."""

    seed: int
    number: int
    as_of: date
    ids: Ints
    pools: Pools
    counters: Counters
    employees: int

    @property
    def today(self) -> int:
        """The as-of day, counted from 1970-01-01."""
        return day_number(self.as_of)

    def rng(self, table: str) -> np.random.Generator:
        """A stream of its own for each table, so that a change in one leaves the others alone."""
        return np.random.default_rng([self.seed, self.number, zlib.crc32(table.encode())])

    def words(self, pool: str, rng: np.random.Generator, count: int) -> pl.Series:
        """Words of a pool, drawn at random."""
        series = self.pools.texts[pool]
        return series.gather(rng.integers(0, len(series), count))


def between(rng: np.random.Generator, low: Ints | int, high: Ints | int, count: int) -> Ints:
    """Whole numbers from `low` to `high` inclusive, one a row; `low` where high is below it."""
    share = rng.random(count)
    width = np.maximum(np.asarray(high) - np.asarray(low), 0)
    drawn: Ints = (np.asarray(low) + np.floor(share * (width + 1))).astype(np.int64)
    return drawn


def seconds(rng: np.random.Generator, day: Ints) -> Ints:
    """A second of each day, in UTC, counted from 1970."""
    return day * DAY + rng.integers(0, DAY, len(day))


def stamps(values: Ints, where: Bools | None = None) -> pl.Series:
    """Timestamps from seconds; NULL where the mask is false."""
    return _masked(pl.Series(values * 1_000_000).cast(pl.Datetime("us")), where)


def days(values: Ints, where: Bools | None = None) -> pl.Series:
    """Dates from day numbers; NULL where the mask is false."""
    return _masked(pl.Series(values.astype(np.int32)).cast(pl.Date), where)


def numbers(values: npt.NDArray[np.integer], where: Bools | None = None) -> pl.Series:
    """Whole numbers; NULL where the mask is false."""
    return _masked(pl.Series(values), where)


def texts(values: pl.Series, where: Bools) -> pl.Series:
    """Texts; NULL where the mask is false."""
    return _masked(values, where)


def _masked(values: pl.Series, where: Bools | None) -> pl.Series:
    if where is None:
        return values
    return values.to_frame("v").select(pl.when(pl.Series(where)).then(pl.col("v"))).to_series()


def tokens(rng: np.random.Generator, count: int, length: int, prefix: str = "") -> pl.Series:
    """Random tokens of consonants: no digits, so that none looks like a card or an IBAN."""
    letters = _LETTERS[rng.integers(0, len(_LETTERS), (count, length), dtype=np.uint8)]
    flat = pl.Series(letters.view(f"S{length}").ravel().astype(str).tolist(), dtype=pl.String)
    return join("{}{}", prefix, flat) if prefix else flat


def last_four(rng: np.random.Generator, count: int) -> pl.Series:
    """Four digits, as text."""
    return pl.Series(rng.integers(0, 10_000, count)).cast(pl.String).str.zfill(4)


def join(pattern: str, *parts: pl.Series | str) -> pl.Series:
    """Fill `{}` of a pattern row by row."""
    between_parts = pattern.split("{}")
    pieces = [pl.lit(between_parts[0])]
    for part, text in zip(parts, between_parts[1:], strict=True):
        pieces += [pl.lit(part), pl.lit(text)]
    return pl.select(pl.concat_str(pieces)).to_series()


def addresses(rng: np.random.Generator, count: int) -> pl.Series:
    """IP addresses of ranges that belong to nobody (benchmark, shared, documentation)."""
    number = rng.zipf(1.35, count) % 130_000
    v4 = join("198.{}.{}.{}", *(pl.Series(part) for part in _octets(number)))
    hextet = [_hextets().gather(rng.integers(0, 65_536, count)) for _ in range(3)]
    v6 = join("2001:db8:{}:{}::{}", *hextet)
    six = rng.random(count) < 0.2
    return pl.select(pl.when(pl.Series(six)).then(pl.lit(v6)).otherwise(pl.lit(v4))).to_series()


@cache
def _hextets() -> pl.Series:
    return pl.Series([f"{value:x}" for value in range(65_536)])


def _octets(number: Ints) -> tuple[Ints, Ints, Ints]:
    return 18 + (number >> 16), (number >> 8) & 255, number & 255
