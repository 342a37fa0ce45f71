"""`lethe policy`: check a policy file, alone and against a warehouse."""

from __future__ import annotations

import typer

from lethe.cli.desk import COMMON

app = typer.Typer(help="Check a policy, and compare two.", no_args_is_help=True, epilog=COMMON)
