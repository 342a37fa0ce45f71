"""What `make demo` says in the end: what ran, what was erased, kept and refused, where to look."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table

from demo.platform.credentials import UI_USERS, Credentials
from demo.platform.home import Home
from demo.platform.night import Run

_DUTIES = {"engineer": "runs and mends DAGs", "dpo": "answers approvals", "viewer": "looks on"}


def show_summary(
    console: Console, home: Home, runs: list[Run], seconds: float, reports: list[Path]
) -> None:
    """Print the whole summary of one night."""
    parts: list[RenderableType] = [_runs_table(runs)]
    for path in reports:
        parts += ["", *_sweep(json.loads(path.read_text(encoding="utf-8")))]
    parts += ["", _places(home)]
    failed = any(run.failed for run in runs)
    colour, word = ("red", "failed") if failed else ("green", "done")
    title = f"[bold]The night is {word}[/] after {seconds:.0f} s"
    console.print()
    console.print(Panel(Group(*parts), title=title, border_style=colour, padding=(1, 2)))


def new_reports(home: Home, since: float) -> list[Path]:
    """Find the sweep summaries that the tasks of this night wrote."""
    found = [path for path in home.reports.glob("sweep-*.json") if path.stat().st_mtime >= since]
    return sorted(found, key=lambda path: path.stat().st_mtime)


def users_table(credentials: Credentials, home: Home) -> RenderableType:
    """Show who may sign in; the passwords the first time only."""
    shown = home.run / "passwords-shown"
    table = Table(title="Who signs in", title_justify="left", box=None, pad_edge=False)
    table.add_column("user", style="bold")
    table.add_column("may")
    table.add_column("password")
    for name in UI_USERS:
        hidden = "[dim]as before[/]"
        table.add_row(name, _DUTIES[name], hidden if shown.exists() else credentials.ui[name])
    shown.touch()
    return Group(table, f"[dim]Passwords are kept in {home.secrets / 'ui-users.json'}[/]")


def _runs_table(runs: list[Run]) -> Table:
    table = Table(title="DAG runs", title_justify="left", box=None, pad_edge=False)
    table.add_column("DAG", style="bold")
    table.add_column("state")
    table.add_column("tasks", justify="right")
    table.add_column("took", justify="right")
    for run in runs:
        colour = "red" if run.failed else "green"
        table.add_row(
            run.dag_id, f"[{colour}]{run.state}[/]", str(len(run.tasks)), f"{run.seconds:.0f} s"
        )
    return table


def _sweep(report: Mapping[str, Any]) -> Iterable[RenderableType]:
    yield ""


def _places(home: Home) -> Table:
    table = Table(title="Where to look", title_justify="left", box=None, pad_edge=False)
    table.add_column("what", style="bold")
    table.add_column("where")
    table.add_row("the same in a browser", "make up")
    for what, folder in (("reports", home.reports), ("mails", home.mail), ("logs", home.logs)):
        count = sum(1 for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0
        if count:
            table.add_row(what, f"{folder} [dim]({count} files)[/]")
    return table
