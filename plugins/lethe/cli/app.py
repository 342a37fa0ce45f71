"""The commands, their common options and their exit codes."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence

import psycopg2
import typer

from lethe.cli import archive, evidence, health, initialise, policy, quality, report, sweep
from lethe.cli.desk import COMMON, split_common, stderr
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

    Returns  0 done, 1 the answer is no, 2 usage or policy fault, 3 unreachable or failed
    """
    as_json = "--json" in arguments
    try:
        desk, rest = split_common(arguments)
        code = app(rest, standalone_mode=False, obj=desk, prog_name="lethe")
    except typer.Exit as leave:
        return leave.exit_code
    except LetheError as error:
        return _refuse(error, as_json)
    except psycopg2.Error as error:
        stderr(f"lethe: the warehouse refused: {describe_database_error(error)}")
        return 3
    except (KeyboardInterrupt, typer.Abort):
        stderr("lethe: stopped; what was committed stays, and running again goes on from there")
        return 130
    except Exception as error:
        show = getattr(error, "show", None)
        if show is None:
            return _report_defect(error)
        show()  # a fault of the call itself, in the words of the command-line library
        return 2
    return code if isinstance(code, int) else 0


def _refuse(error: LetheError, as_json: bool) -> int:
    faults = (
        [str(fault) for fault in error.faults] if isinstance(error, PolicyError) else [str(error)]
    )
    if as_json:
        print(json.dumps({"error": faults, "exit_code": error.exit_code}, ensure_ascii=False))
    for fault in faults:
        stderr(f"lethe: {fault}" if not isinstance(error, PolicyError) else fault)
    return error.exit_code


def _report_defect(error: Exception) -> int:
    """A fault of ours, not of the user: say where, without values; the trace only if asked for."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    stderr(
        f"lethe: defect ({type(error).__name__} at {os.path.basename(last.filename)}:"  # noqa: PTH119
        f"{last.lineno}); set LETHE_DEBUG=1 for the trace, and report it"
    )
    if os.environ.get("LETHE_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)
    return 3
