"""What `make demo` says in the end: what ran, what was erased, kept and refused, where to look."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from demo.platform.credentials import UI_USERS, Credentials
from demo.platform.home import Home
from demo.platform.night import Run

_DUTIES = {"engineer": "runs and mends DAGs", "dpo": "answers approvals", "viewer": "looks on"}


def show_summary(
    console: Console,
    home: Home,
    runs: list[Run],
    seconds: float,
    reports: list[Path],
    since: float = 0.0,
) -> None:
    """Print the whole summary of one night, which began at `since`."""
    parts: list[RenderableType] = [_runs_table(runs)]
    for path in reports:
        parts += ["", *_sweep(json.loads(path.read_text(encoding="utf-8")))]
    mails = _mails(home, since)
    parts += ["", mails] if mails else []
    parts += ["", _places(home, since)]
    failed = any(run.failed for run in runs)
    colour, word = ("red", "The night failed") if failed else ("green", "The night is done")
    title = f"[bold]{word}[/] after {seconds:.0f} s"
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


def _sweep(report: Mapping[str, Any]) -> list[RenderableType]:
    """Show one sweep: a line a rule that had something to do, the rest in a sentence."""
    busy = [rule for rule in report["rules"] if _is_busy(rule)]
    title = f"Sweep as of {report['as_of']}, policy {report['policy']} {report['version']}"
    table = Table(title=f"{title}: {report['state']}", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("rule", style="bold", no_wrap=True)
    table.add_column("clause", style="dim", no_wrap=True)
    table.add_column("due", justify="right")
    table.add_column("erased", justify="right", style="green")
    table.add_column("kept, and why", style="yellow")
    table.add_column("refused or set aside, and why", style="red")
    for rule in busy:
        kept = _reasons(rule["kept"])
        if rule.get("undecided"):
            kept = [f"{rule['undecided']:,} wait for approval: {rule['over_limit']}", *kept]
        aside = _reasons(rule["refused"]) + _reasons(rule["quarantined"])
        table.add_row(
            escape(rule["rule"]),
            escape(str(rule["clause"])),
            f"{rule['due']:,}",
            f"{rule['erased']:,}",
            escape("\n".join(kept)) or "–",
            escape("\n".join(aside)) or "–",
        )
    parts: list[RenderableType] = [table]
    if quiet := len(report["rules"]) - len(busy):
        parts.append(f"[dim]{quiet} more rules found nothing due and nothing odd.[/]")
    if any(rule.get("undecided") for rule in report["rules"]):
        parts.append(
            "What waits is decided by the user dpo under Required Actions (switch on the DAG "
            "sweep_approval), or with bin/lethe sweep run --approve DIGEST."
        )
    return [*parts, _erased_rows(report)]


def _is_busy(rule: Mapping[str, Any]) -> bool:
    names = ("due", "erased", "kept", "refused", "quarantined", "undecided")
    return any(rule.get(name) for name in names)


def _reasons(counts: Mapping[str, int]) -> list[str]:
    return [f"{count:,} {reason}" for reason, count in sorted(counts.items(), key=_by_count)]


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _erased_rows(report: Mapping[str, Any]) -> str:
    """Add up what left the tables, and what the evidence says of it."""
    tables: Counter[str] = Counter()
    changed = 0
    for rule in report["rules"]:
        for name, counts in rule.get("tables", {}).items():
            tables[name] += counts["deleted"]
            changed += counts["changed"]
    words = f"{tables.total():,} rows deleted and {changed:,} blanked in {len(tables)} tables"
    if report.get("seal_no"):
        words += f"; evidence sealed as number {report['seal_no']}"
    return f"[dim]{words}.[/]"


def _places(home: Home, since: float) -> Table:
    table = Table(title="Where to look", title_justify="left", box=None, pad_edge=False)
    table.add_column("what", style="bold")
    table.add_column("where", overflow="fold")
    for name, path in report_files(home, since):
        table.add_row(name, str(path))
    docs = home.root / "quality" / "docs" / "index.html"
    if docs.is_file():
        table.add_row("Data Docs", str(docs))
    table.add_row("the same in a browser", "make up, then Lethe in the left menu of Airflow")
    for what, folder in (("mails", home.mail), ("logs", home.logs)):
        count = sum(1 for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0
        if count:
            table.add_row(what, f"{folder} [dim]({count} files)[/]")
    return table


def report_files(home: Home, since: float) -> list[tuple[str, Path]]:
    """Name what people open first of each report of this night."""
    wanted = (("report.en.html", "page"), ("report.fr.pdf", "PDF"), ("*.zip", "evidence pack"))
    found = []
    for folder in sorted(home.reports.glob("*-*/")):
        for pattern, what in wanted:
            for path in sorted(folder.glob(pattern)):
                if path.stat().st_mtime >= since:
                    found.append((f"report {folder.name}, {what}", path))
    return found


def _mails(home: Home, since: float) -> Table | None:
    """Show the mails that this night sent, by their subjects."""
    table = Table(title="Mails sent", title_justify="left", box=None, pad_edge=False)
    table.add_column("to", style="bold", no_wrap=True)
    table.add_column("subject", overflow="fold")
    for path in sorted(home.mail.glob("*.eml")):
        if path.stat().st_mtime >= since:
            with path.open("rb") as file:
                message = BytesParser(policy=policy.default).parse(file, headersonly=True)
            table.add_row(escape(str(message["To"])), escape(str(message["Subject"])))
    return table if table.row_count else None
