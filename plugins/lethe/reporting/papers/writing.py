"""Write the papers of a report into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lethe.reporting.papers.figures import write_figures
from lethe.reporting.papers.figures_said import write_said_figures
from lethe.reporting.papers.monthly import report_paper
from lethe.reporting.papers.signoff import signoff_paper
from lethe.reporting.papers.typesetting import typeset
from lethe.reporting.summary import Summary


def write_papers(summary: Summary, folder: Path, languages: Sequence[str]) -> tuple[Path, ...]:
    """Write report.<language>.pdf, sign-off.<language>.pdf and the figures.

    figures.csv is in codes, for programs and in every language the same; figures.fr.csv says them
    in French.


    languages  'en', 'fr'; one file each
    Returns    the files, PDFs first; the same Summary gives the same bytes
    """
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for language in dict.fromkeys(languages):
        report = typeset(report_paper(summary, language), summary.made_at)
        made.append(put_whole(folder / f"report.{language}.pdf", report))
        signoff = typeset(signoff_paper(summary, language), summary.made_at)
        made.append(put_whole(folder / f"sign-off.{language}.pdf", signoff))
        if language != "en":
            figures = write_said_figures(summary, language)
            made.append(put_whole(folder / f"figures.{language}.csv", figures))
    made.append(put_whole(folder / "figures.csv", write_figures(summary)))
    return tuple(made)


def put_whole(file: Path, content: bytes) -> Path:
    """Write whole or not at all: a reader never sees half a file."""
    part = file.with_name(file.name + ".part")
    part.write_bytes(content)
    return part.replace(file)
