"""`lethe policy`: check a policy file, alone and against a warehouse; compare two editions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lethe.cli.desk import COMMON, Desk
from lethe.cli.policy_check import print_report
from lethe.cli.policy_diff import diff
from lethe.connections import warehouse_dsn
from lethe.errors import ConfigurationError, UsageError
from lethe.policy.yaml_problems import dotted
from lethe.pseudonymisation.policy_check import check_logs
from lethe.retention.check import CheckReport, Problem, check_file, check_policy

app = typer.Typer(help="Check a policy, and compare two.", no_args_is_help=True, epilog=COMMON)
app.command("diff", epilog=COMMON)(diff)


@app.command(epilog=COMMON)
def check(
    context: typer.Context,
    file_only: Annotated[
        bool, typer.Option("--file-only", help="Check the file and ask no warehouse.")
    ] = False,
) -> None:
    """Name all faults, alarms and gaps at once: 0 none, 1 something is not kept, 2 a fault."""
    desk: Desk = context.obj
    report = _checked(desk, file_only=file_only)
    if not desk.answer(report.as_json()):
        print_report(report, desk.console)
    raise typer.Exit(report.exit_code)


@app.command(epilog=COMMON)
def record(
    context: typer.Context,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the files.")],
) -> None:
    """Write the record of processing (GDPR Art. 30) of a policy: HTML, PDF/A and JSON-LD."""
    from lethe.reporting.papers.record import write_record

    desk: Desk = context.obj
    try:
        files = write_record(desk.loaded.policy, output)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written ({error.strerror})") from None
    answer = {"digest": desk.loaded.digest, "files": [str(file) for file in files]}
    if not desk.answer(answer):
        for file in files:
            desk.console.print(str(file), soft_wrap=True, markup=False)


def _checked(desk: Desk, *, file_only: bool) -> CheckReport:
    report = _asked(desk, file_only=file_only)
    loaded = desk.loaded
    logs = [
        Problem(
            each.level, each.code, loaded.file, loaded.line_of(each.place), dotted(each.place),
            each.message, None,
        )
        for each in check_logs(loaded.policy.logs)
    ]  # fmt: skip
    return replace(report, problems=(*report.problems, *logs))


def _asked(desk: Desk, *, file_only: bool) -> CheckReport:
    if file_only or not _has_warehouse(desk):
        return check_file(desk.loaded)
    with desk.site.connected("planner") as connection:
        return check_policy(connection, desk.loaded, desk.as_of)


def _has_warehouse(desk: Desk) -> bool:
    """Without a DSN and without a connection there is only the file to check."""
    try:
        warehouse_dsn(desk.dsn, "planner")
    except ConfigurationError:
        return False
    return True
