"""The figures as CSV: tidy, the same for every reader, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pandas
import pytest
from lethe.reporting.papers.figures import COLUMNS, write_figures

from tests.reporting.examples import EXAMPLES, KEPT, MONTH

GOLDEN = Path(__file__).parent / "figures-kept.csv"


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def test_the_figures_of_a_kept_night_are_these() -> None:
    assert write_figures(KEPT) == GOLDEN.read_bytes()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_state_has_the_same_columns_and_its_lines_end_as_rfc_4180_says(name: str) -> None:
    content = write_figures(EXAMPLES[name])
    assert content.startswith(",".join(COLUMNS).encode() + b"\r\n")
    assert content.endswith(b"\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert {len(row) for row in rows(content)} == {len(COLUMNS)}


def test_pandas_reads_it_and_finds_the_sums_of_the_report() -> None:
    frame = pandas.read_csv(io.BytesIO(write_figures(MONTH)), dtype={"value": str})
    nights = frame[(frame.section == "nights") & (frame.figure == "erased")]
    assert nights.value.astype(int).sum() == sum(night.erased for night in MONTH.nights)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "  ="])
def test_no_cell_begins_a_formula(start: str) -> None:
    evil = f'{start}cmd|"/c calc"!A1'
    odd = replace(
        KEPT,
        tables=(replace(KEPT.tables[0], table=evil),),
        rules=(replace(KEPT.rules[0], rule=evil, state=evil, kept={evil: 1}),),
    )
    cells = [cell for row in rows(write_figures(odd)) for cell in row.values() if evil in cell]
    assert cells
    assert all(cell == f"'{evil}" or cell.startswith("kept: ") for cell in cells)
