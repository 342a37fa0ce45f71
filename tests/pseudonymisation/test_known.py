"""Each value of a field is worked on once, and every column gets what was made of it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lethe.pseudonymisation.known import Known, compact
from lethe.pseudonymisation.lines import string_column

_LONG = "a value of more than twelve bytes", "another one, longer than twelve bytes"
_TEXTS = st.one_of(st.none(), st.sampled_from(["a", "b", "", *_LONG]))


def _made(texts: list[str]) -> list[str | None]:
    # Two spellings have one pseudonym, and of an empty text nothing stays.
    return [None if not text else f"<{text.upper()[:5]}>" for text in texts]


@settings(deadline=None)
@given(st.lists(st.lists(_TEXTS, max_size=8), max_size=5), st.sampled_from([0, 2, 100_000]))
def test_a_column_gets_what_is_made_of_its_values(
    columns: list[list[str | None]], limit: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lethe.pseudonymisation.known._LIMIT", limit)
        known = Known(_made)
        for column in columns:
            encoded = known.encode(pl.Series(column, dtype=pl.String))
            wanted = [None if text is None else _made([text])[0] for text in column]
            assert encoded.to_pylist() == wanted
            kept = encoded.dictionary.to_pylist()
            assert sorted(kept) == sorted({text for text in wanted if text is not None})


def test_a_value_is_worked_on_once() -> None:
    asked: list[str] = []

    def make(texts: list[str]) -> list[str | None]:
        asked.extend(texts)
        return list(texts)

    known = Known(make)
    for column in (["a", "b", "a"], ["b", None, "c"], ["c", "a"]):
        assert known.encode(pl.Series(column, dtype=pl.String)).to_pylist() == column
    assert asked == ["a", "b", "c"]


def test_what_could_not_be_made_is_asked_for_again() -> None:
    def make(texts: list[str]) -> list[str | None]:
        if "bad" in texts:
            raise ValueError
        return list(texts)

    known = Known(make)
    known.encode(pl.Series(["a"]))
    with pytest.raises(ValueError):
        known.encode(pl.Series(["b", "bad"]))
    assert known.encode(pl.Series(["b", "a"])).to_pylist() == ["b", "a"]


def test_what_is_known_outlives_the_memory_of_the_lines_that_it_was_read_from() -> None:
    first = b"a value of more than twelve bytes"
    buffer = np.frombuffer(first + b"\n" * 32, dtype=np.uint8).copy()
    places = np.array([0]), np.array([len(first)])
    known = Known(lambda texts: list(texts))
    known.encode(string_column(buffer, *places))
    buffer[: len(first)] = ord("x")
    assert known.encode(pl.Series([first.decode()])).to_pylist() == [first.decode()]
    assert known.encode(string_column(buffer, *places)).to_pylist() == ["x" * len(first)]


def test_a_dictionary_holds_no_value_that_no_row_has() -> None:
    encoded = compact(np.array([2, -1, 0, 2], dtype=np.int32), pa.array(["a", "b", "c"]))
    assert encoded.to_pylist() == ["c", None, "a", "c"]
    assert encoded.dictionary.to_pylist() == ["a", "c"]
    assert compact(np.array([-1], dtype=np.int32), pa.array([], pa.string())).to_pylist() == [None]
