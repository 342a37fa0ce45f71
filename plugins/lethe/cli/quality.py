"""`lethe quality`: run the suites, find the rows that fail, scan our own outputs for leaks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from lethe.catalogue.graph import Graph
from lethe.cli.desk import COMMON, Desk
from lethe.quality.files import write_suites
from lethe.quality.ground import Handed, Proof
from lethe.quality.leakreport import outcomes_of
from lethe.quality.leaks import scan_outputs
from lethe.quality.night import measure_quality, prepare, run_quality
from lethe.quality.outcomes import Report
from lethe.quality.rows import find_rows
from lethe.retention.coverage_statements import prove
from lethe.retention.statements import date_subjects, judge

app = typer.Typer(
    help="Check that the warehouse is what the policy says.", no_args_is_help=True, epilog=COMMON
)
_COLOURS = {
    "passed": "green",
    "failed": "red",
    "not checked": "red",
    "not yet kept": "yellow",
    "no rows": "dim",
    "not applicable": "dim",
}
SuiteOption = Annotated[
    list[str] | None, typer.Option("--suite", help="Only this suite (a cluster); repeatable.")
]


def _prove(graph: Graph, as_of: date, skeletons: bool) -> Sequence[Proof]:
    return prove(graph, as_of, skeletons=skeletons)


HANDED = Handed(judge, date_subjects, _prove)
"""What retention knows, for quality to ask: wings do not import each other."""


@app.command(epilog=COMMON)
def run(
    context: typer.Context,
    suite: SuiteOption = None,
    docs: Annotated[bool, typer.Option(help="Build Data Docs.")] = True,
    plain: Annotated[
        bool, typer.Option("--plain", help="Plain SQL alone: no Great Expectations, no Data Docs.")
    ] = False,
) -> int:
    """Run the suites; 0 if all is well, 1 if a check failed."""
    desk: Desk = context.obj
    if plain:
        report = measure_quality(desk.site, desk.as_of, HANDED, suite)
    else:
        report = run_quality(
            desk.site, desk.as_of, HANDED, suites=suite, with_docs=docs, tell=desk.tell
        )
    if not desk.answer(report.as_json()):
        _show(desk, report)
    return report.exit_code


def _show(desk: Desk, report: Report) -> None:
    clauses = Table(title=f"Clauses as of {report.as_of}", title_justify="left")
    for name in ("clause", "§", "state"):
        clauses.add_column(name)
    clauses.add_column("checks", justify="right")
    for line in report.clauses:
        colour = _COLOURS[line.state]
        clauses.add_row(line.clause, line.section, f"[{colour}]{line.state}[/]", f"{line.checks:,}")
    desk.console.print(clauses)
    table = Table(title="What is not as it should be", title_justify="left")
    for name in ("expectation", "severity", "clause", "result", "who mends it"):
        table.add_column(name, overflow="fold")
    for each in report.outcomes:
        if each.state in ("failed", "not checked", "not yet kept"):
            colour = _COLOURS[each.state]
            table.add_row(
                escape(each.key),
                each.severity,
                each.clause or "–",
                f"[{colour}]{escape(each.says)}[/]",
                escape(each.owner or "–"),
            )
    if table.row_count:
        desk.console.print(table)
        desk.console.print("Which rows: [bold]lethe quality rows EXPECTATION[/]")
    counted = ", ".join(f"{number} {state}" for state, number in report.counted().items())
    desk.console.print(f"{len(report.outcomes)} expectations: {counted}")
    if report.docs:
        desk.console.print(f"Data Docs: {report.docs}", soft_wrap=True)


@app.command(epilog=COMMON)
def rows(
    context: typer.Context,
    expectation: Annotated[str, typer.Argument(help="As `lethe quality run` names it.")],
    limit: Annotated[int, typer.Option(min=1, help="How many rows.")] = 20,
) -> None:
    """Print the keys of failing rows, and the SQL to look at them under your own rights."""
    desk: Desk = context.obj
    found = find_rows(desk.site, desk.as_of, HANDED, expectation, limit)
    if desk.answer(found.as_json()):
        return
    desk.console.print(f"[bold]{escape(found.title)}[/]")
    if found.keys:
        desk.console.print("Failing rows")
        table = Table()
        for name in found.columns or ("key",):
            table.add_column(escape(name))
        for key in found.keys:
            table.add_row(*(escape(str(part)) for part in key))
        desk.console.print(table)
    else:
        desk.console.print("No key to show: no row fails, or they have none. The SQL shows them.")
    desk.console.print("[bold]SQL[/] (shows whole rows: use your own account)")
    desk.console.print(escape(found.sql), soft_wrap=True)


@app.command(epilog=COMMON)
def suites(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option(help="Folder; default: quality/suites/VERSION under LETHE_HOME.")
    ] = None,
) -> None:
    """Write the suites as readable files, one a cluster."""
    desk: Desk = context.obj
    with desk.connect("planner") as connection:
        prepared = prepare(desk.site, connection, desk.as_of, HANDED)
    written = write_suites(desk.loaded.policy, prepared.derivation, output)
    if not desk.answer({"files": [str(path) for path in written]}):
        for path in written:
            desk.console.print(str(path), soft_wrap=True)


@app.command(epilog=COMMON)
def leaks(context: typer.Context) -> int:
    """Look for personal values in our own outputs: logs, reports, Data Docs, mails, evidence."""
    desk: Desk = context.obj
    report = scan_outputs(desk.site)
    if not desk.answer(report.as_json()):
        for leak in report.leaks:
            desk.console.print(f"[red]{escape(str(leak))}[/]", soft_wrap=True)
        for each in report.unread:
            said = f"[yellow]Not looked at: {escape(str(each))}[/]"
            desk.console.print(said, soft_wrap=True)
        desk.console.print(report.says)
    return int(any(each.is_bad for each in outcomes_of(report, desk.loaded.policy)))
