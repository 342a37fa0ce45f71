"""The folder of papers: what lies in it, and that nothing half lies in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from lethe.reporting.papers import clause_trace, write_papers

from tests.reporting.examples import KEPT, MONTH

PROJECT = Path(__file__).resolve().parents[3]


def test_a_report_is_a_pdf_and_a_sheet_a_language_and_the_figures_once(tmp_path: Path) -> None:
    made = write_papers(MONTH, tmp_path / "new", ("fr", "en", "fr"))
    assert [file.name for file in made] == [
        "report.fr.pdf",
        "sign-off.fr.pdf",
        "figures.fr.csv",
        "report.en.pdf",
        "sign-off.en.pdf",
        "figures.csv",
    ]
    assert sorted(made) == sorted((tmp_path / "new").iterdir())
    assert all(file.stat().st_size > 1000 for file in made)


def test_papers_written_again_are_the_same(tmp_path: Path) -> None:
    first = [file.read_bytes() for file in write_papers(KEPT, tmp_path, ("en",))]
    assert first == [file.read_bytes() for file in write_papers(KEPT, tmp_path, ("en",))]


def test_a_name_that_is_a_folder_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "figures.csv").mkdir()
    with pytest.raises(OSError, match="figures"):
        write_papers(KEPT, tmp_path, ())


def test_the_trace_follows_every_clause_in_its_order() -> None:
    lines = clause_trace(KEPT)
    assert [line.clause for line in lines] == [clause.clause for clause in KEPT.clauses]
    assert {line.clause for line in lines if line.is_tested is None} == {"s5-not-sold"}
    assert {line.clause for line in lines if line.is_tested is False} == {"s1-contact"}


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys; sys.path.insert(0, 'plugins');"
        "import lethe.reporting.papers, lethe.reporting.papers.record;"
        "heavy = {'matplotlib', 'typst', 'fontTools', 'pandas'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
