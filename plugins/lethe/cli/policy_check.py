"""`lethe policy check`, read aloud."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lethe.retention.check import CheckReport, Problem
from lethe.retention.clauses import ClauseState
from lethe.retention.coverage import CoverageLine

REFUSING = ("missing-right", "filtered-rows", "trigger-right")
"""Alarms for which `sweep run` does not begin."""
_STYLES = {"fault": "bold red", "alarm": "yellow", "advice": "cyan"}
_STATES = {
    "enforced": "green",
    "checked": "green",
    "organisational": "dim",
    "not yet kept": "yellow",
    "gap": "yellow",
    "not counted": "yellow",
    "undecided": "cyan",
    "covered": "green",
}


def print_report(report: CheckReport, console: Console) -> None:
    """Print everything that was found, worst first, and the verdict at the end."""
    against = f" against database {report.database}" if report.database else ""
    console.print(
        f"[bold]{escape(report.policy)}[/bold] {escape(report.version)}{escape(against)}"
        + (f", as of {report.as_of}" if report.as_of else "")
    )
    _print_problems(console, "Faults", report.faults)
    _print_problems(console, "Alarms", report.alarms)
    _print_coverage(console, report.coverage)
    _print_clauses(console, report.clauses)
    _print_problems(console, "Advice", report.advice)
    console.print(_verdict(report))


def _print_problems(console: Console, title: str, problems: Sequence[Problem]) -> None:
    if not problems:
        return
    console.print(f"\n[bold]{title}[/bold] ({len(problems)})")
    for each in problems:
        style = _STYLES[each.level]
        console.print(f"[{style}]•[/{style}] {escape(str(each))}", soft_wrap=True)
        if each.sql:
            console.print(f"  [dim]{escape(each.sql)};[/dim]", soft_wrap=True)


def _print_coverage(console: Console, lines: Sequence[CoverageLine]) -> None:
    if not lines:
        return
    covered = [line for line in lines if line.state == "covered"]
    console.print(f"\n[bold]Coverage[/bold] ({len(covered)} of {len(lines)} questions proved)")
    for line in lines:
        if line.state != "covered":
            style = _STATES[line.state]
            console.print(f"[{style}]{line.state}[/{style}] {escape(str(line))}", soft_wrap=True)
            if line.examples:
                console.print(f"  [dim]such as {', '.join(line.examples)}[/dim]", soft_wrap=True)


def _print_clauses(console: Console, clauses: Sequence[ClauseState]) -> None:
    table = Table(title="Clauses", title_justify="left", title_style="bold")
    for name in ("§", "clause", "state", "kept by"):
        table.add_column(name)
    for each in clauses:
        style = _STATES[each.state]
        table.add_row(
            escape(each.section),
            escape(each.clause),
            f"[{style}]{escape(str(each))}[/{style}]",
            escape(", ".join(each.rules or each.by)),
        )
    console.print()
    console.print(table)


def _verdict(report: CheckReport) -> str:
    if report.faults:
        return (
            f"\n[bold red]{_number(report.faults, 'fault')}[/bold red]: nothing can be planned "
            "before they are mended."
        )
    not_yet = sum(1 for each in report.clauses if each.state == "not yet kept")
    later = f" {not_yet} of {len(report.clauses)} clauses are not yet kept." if not_yet else ""
    if any(each.code in REFUSING for each in report.alarms):
        return (
            f"\n[bold red]{_number(report.alarms, 'alarm')}[/bold red]: the sweep would be refused "
            f"before rights or row-level security are put right.{later}"
        )
    if report.exit_code:
        return (
            f"\n[bold yellow]{_number(report.alarms, 'alarm')}, "
            f"{_number(report.gaps, 'gap')}[/bold yellow]: the sweep can run, and what is named "
            f"above is not kept.{later}"
        )
    what = "file and warehouse agree" if report.database else "the file is sound"
    return f"\n[bold green]No alarm:[/bold green] {what}.{later}"


def _number(found: Sequence[object], word: str) -> str:
    return f"{len(found)} {word}" + ("" if len(found) == 1 else "s")
