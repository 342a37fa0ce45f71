"""`lethe report`: the files of a report, without sending."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from lethe.cli.desk import Desk
from lethe.reporting.files import make_report
from lethe.reporting.headline import headline


def report(
    context: typer.Context,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the files.")],
    period: Annotated[
        Literal["day", "month"],
        typer.Option(help="The day (--as-of), or its month up to that day."),
    ] = "day",
) -> None:
    """Write a report: summary, mail as page and text, PDF, CSV, evidence pack; nothing is sent."""
    desk: Desk = context.obj
    desk.tell("Gathering what the wings left behind, writing files")
    made = make_report(desk.site, period, desk.as_of, datetime.now(UTC), output)
    summary = made.summary
    answer = {
        "verdict": summary.verdict,
        "headline": {language: headline(summary, language) for language in ("en", "fr")},
        "needs": summary.needs,
        "period": period,
        "first": summary.first,
        "last": summary.last,
        "folder": str(made.folder),
        "files": [file.name for file in made.files],
        "pack": made.pack.name if made.pack else None,
        "no_pack": made.no_pack,
    }
    if desk.answer(answer):
        return
    desk.console.print(f"[bold]{headline(summary, 'en')}[/bold]")
    for file in made.files:
        desk.console.print(f"  {file}", soft_wrap=True, markup=False)
    if made.no_pack:
        desk.console.print(f"No evidence pack: {made.no_pack}", soft_wrap=True, markup=False)
