"""VAT numbers that pass their check digits and belong to nobody in particular."""

from __future__ import annotations

import numpy as np
import polars as pl

from demo.warehouse.chunk import Bools, Ints


def vat_numbers(country: pl.Series, rng: np.random.Generator) -> pl.Series:
    """A plausible number where the country's rule is known here, NULL elsewhere."""
    count = len(country)
    code = country.to_numpy()
    made = np.full(count, None, dtype=object)
    for name, make in _MAKERS.items():
        where: Bools = code == name
        digits = make(rng, int(where.sum()))
        width = _WIDTHS[name]
        made[where] = [f"{name}{value:0{width}d}" for value in digits]
    return pl.Series(made.tolist(), dtype=pl.String)


def _luxembourg(rng: np.random.Generator, count: int) -> Ints:
    base = rng.integers(900_000, 1_000_000, count)
    return base * 100 + base % 89


def _belgium(rng: np.random.Generator, count: int) -> Ints:
    base = rng.integers(9_000_000, 10_000_000, count)
    return base * 100 + 97 - base % 97


def _france(rng: np.random.Generator, count: int) -> Ints:
    siren = _with_luhn(rng.integers(99_000_000, 100_000_000, count))
    return (12 + 3 * (siren % 97)) % 97 * 1_000_000_000 + siren


def _germany(rng: np.random.Generator, count: int) -> Ints:
    base = rng.integers(10_000_000, 100_000_000, count)
    product = np.full(count, 10, dtype=np.int64)
    for place in range(7, -1, -1):
        total = (base // 10**place % 10 + product) % 10
        total[total == 0] = 10
        product = total * 2 % 11
    return base * 10 + (11 - product) % 10


def _portugal(rng: np.random.Generator, count: int) -> Ints:
    base = rng.integers(50_000_000, 60_000_000, count)
    total = sum(base // 10**place % 10 * (place + 2) for place in range(8))
    check = (11 - np.asarray(total) % 11) % 11
    return base * 10 + np.where(check == 10, 0, check)


def _with_luhn(base: Ints) -> Ints:
    total = np.zeros_like(base)
    for place in range(8):
        digit = base // 10**place % 10 * (2 - place % 2)
        total += digit // 10 + digit % 10
    return base * 10 + (10 - total % 10) % 10


_MAKERS = {"LU": _luxembourg, "BE": _belgium, "FR": _france, "DE": _germany, "PT": _portugal}
_WIDTHS = {"LU": 8, "BE": 10, "FR": 11, "DE": 9, "PT": 9}
