"""Values of a field that were met before, so that each is worked on once a process."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

_LIMIT: Final = 100_000

Make = Callable[[list[str]], list[str | None]]


class Known:
    """What was made of the values of one field, in one key period.

    Arrow numbers values in the order in which it meets them. The known ones go in front of a
    column, so that in every column they have the number under which their pseudonym is kept, and
    only what is new is looked at one by one.
    """

    def __init__(self, make: Make) -> None:
        self._make = make
        self._forget()

    def _forget(self) -> None:
        import pyarrow as pa

        self._values: Any = pa.array([], pa.string_view())
        # Of each value where its pseudonym stands; -1 for a value of which nothing stays.
        self._places = np.empty(0, dtype=np.int32)
        self._written: Any = pa.array([], pa.string())
        self._place_of: dict[str, int] = {}

    def encode(self, values: pl.Series) -> pa.Array:
        """Give what is made of a column, each pseudonym once: a dictionary array."""
        import polars as pl

        there = values.is_not_null() if values.null_count() else None
        places = self._find((values if there is None else values.drop_nulls()).cast(pl.String))
        if there is not None:
            found, places = places, np.full(len(values), -1, dtype=np.int32)
            places[there.to_numpy()] = found
        encoded = compact(places, self._written)
        if len(self._values) > _LIMIT:
            self._forget()
        return encoded

    def _find(self, values: pl.Series) -> NDArray[np.int32]:
        """Tell of each value where its pseudonym stands."""
        import polars as pl
        import pyarrow as pa

        count = len(self._values)
        if not len(values):
            return np.empty(0, dtype=np.int32)
        column: Any = values.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
        chunks = [self._values, column] if count else [column]
        encoded: Any = pa.chunked_array(chunks).dictionary_encode().chunk(len(chunks) - 1)
        if len(encoded.dictionary) > count:
            fresh = pl.Series(pl.from_arrow(encoded.dictionary.slice(count)))
            self._add(self._make(fresh.to_list()))
            self._values = encoded.dictionary
        return np.asarray(self._places[encoded.indices.to_numpy(zero_copy_only=False)])

    def _add(self, made: list[str | None]) -> None:
        import pyarrow as pa

        place_of, before = self._place_of, len(self._place_of)
        fresh = [-1 if text is None else place_of.setdefault(text, len(place_of)) for text in made]
        self._places = np.concatenate([self._places, np.array(fresh, dtype=np.int32)])
        added = pa.array(islice(place_of, before, None), pa.string())
        self._written = pa.concat_arrays([self._written, added])


def compact(places: NDArray[np.int32], values: pa.Array) -> pa.Array:
    """Make a dictionary array of those values alone that rows have; a place of -1 is null."""
    import pyarrow as pa

    # The last place is that of the rows without a value.
    there = np.zeros(len(values) + 1, dtype=np.bool_)
    there[places] = True
    without = bool(there[-1])
    there[-1] = False
    used = np.flatnonzero(there)
    numbers = np.empty(len(there), dtype=np.int32)
    numbers[used] = np.arange(len(used), dtype=np.int32)
    mask = places < 0 if without else None
    return pa.DictionaryArray.from_arrays(
        pa.array(numbers[places], mask=mask), values.take(pa.array(used))
    )
