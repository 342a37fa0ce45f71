"""The commands, their common options and their exit codes."""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from collections.abc import Sequence

import psycopg2
import typer

from lethe.cli import (
    archive,
    evidence,
    health,
    initialise,
    policy,
    quality,
    report,
    returned,
    sweep,
)
from lethe.cli.desk import COMMON, Desk, split_common, stderr
from lethe.cli.files import files_app
from lethe.cli.holds import holds_app
from lethe.cli.logs import keys_app, logs_app
from lethe.errors import LetheError, PolicyError, describe_database_error

app = typer.Typer(
    name="lethe",
    help="Keep the promises of a privacy policy on a PostgreSQL warehouse.",
    epilog=COMMON,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("init", epilog=COMMON)(initialise.init)
app.add_typer(policy.app, name="policy")
sweep.app.command("returned", epilog=COMMON)(returned.returned)
sweep.app.command("seen", epilog=COMMON)(returned.seen)
sweep.app.add_typer(files_app, name="files", epilog=COMMON)
app.add_typer(sweep.app, name="sweep")
app.add_typer(archive.app, name="archive")
app.add_typer(holds_app, name="hold", epilog=COMMON)
app.add_typer(logs_app, name="logs", epilog=COMMON)
app.add_typer(quality.app, name="quality")
app.add_typer(keys_app, name="keys", epilog=COMMON)
app.add_typer(evidence.app, name="evidence")
app.command("report", epilog=COMMON)(report.report)
app.command("health", epilog=COMMON)(health.health)


def main(arguments: Sequence[str]) -> int:
    """Run a command.

    Returns  0 done, 1 the answer is no, 2 usage or policy fault, 3 unreachable or failed,
             130 stopped by Ctrl-C
    """
    desk: Desk | None = None
    try:
        desk, rest = split_common(arguments)
        left = app(rest, standalone_mode=False, obj=desk, prog_name="lethe")
        code = left if isinstance(left, int) else 0
    except typer.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, typer.Abort):
        said, code = [_STOPPED], _INTERRUPTED
    except Exception as error:
        said, code = _explain(error)
    else:
        if code != _INTERRUPTED:  # the command-line library's word for Ctrl-C
            return code
        said = [_STOPPED]
    if "--json" in arguments and not (desk and desk.answered):
        print(json.dumps({"error": said, "exit_code": code}, ensure_ascii=False))
    for line in said:
        stderr(line)
    return code


_INTERRUPTED = 130
_STOPPED = "lethe: stopped; what was committed stays, and running again goes on from there"


def _explain(error: Exception) -> tuple[list[str], int]:
    """What to say of an error, and the exit code that it means."""
    if isinstance(error, PolicyError):
        return [str(fault) for fault in error.faults], error.exit_code
    if isinstance(error, LetheError):
        return [f"lethe: {error}"], error.exit_code
    if isinstance(error, psycopg2.Error):
        return [f"lethe: the warehouse refused: {describe_database_error(error)}"], 3
    show = getattr(error, "show", None)
    if show is not None:  # a fault of the call itself, in the words of the command-line library
        show(file=(words := io.StringIO()))
        return words.getvalue().rstrip().splitlines(), 2
    return [_defect(error)], 3


def _defect(error: Exception) -> str:
    """A fault of ours, not of the user: say where, without values; the trace only if asked for."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    if os.environ.get("LETHE_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)
    return (
        f"lethe: defect ({type(error).__name__} at {os.path.basename(last.filename)}:"  # noqa: PTH119
        f"{last.lineno}); set LETHE_DEBUG=1 for the trace, and report it"
    )
