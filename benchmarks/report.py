"""What a benchmark found: figures with their targets, and tables for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    target  what it should be, in words such as '≥ 0.8'; empty: no target
    met     None where there is no target
    """

    name: str
    value: float
    unit: str = ""
    target: str = ""
    met: bool | None = None


def at_least(name: str, value: float, limit: float, unit: str = "") -> Figure:
    """A figure that should not be smaller than a limit."""
    return Figure(name, value, unit, f"≥ {limit:g}", value >= limit)


def at_most(name: str, value: float, limit: float, unit: str = "") -> Figure:
    """A figure that should not be larger than a limit."""
    return Figure(name, value, unit, f"≤ {limit:g}", value <= limit)


@dataclass(slots=True)
class Report:
    """Everything that a benchmark found.

    about   circumstances: sizes, settings, machine
    tables  title → rows of a table, each a mapping of column → text or number
    """

    name: str
    about: dict[str, str | int | float] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    tables: dict[str, Sequence[dict[str, str | int | float]]] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write it as JSON; gives the file."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.name}.json"
        file.write_text(
            json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        return file

    def show(self, console: Console) -> None:
        """Print it as tables."""
        for title, rows in self.tables.items():
            if not rows:
                continue
            table = Table(title=title, title_justify="left")
            for number, column in enumerate(rows[0]):
                table.add_column(column, justify="right" if number else "left")
            for row in rows:
                table.add_row(*(_written(value) for value in row.values()))
            console.print(table)
        table = Table(title=f"{self.name}: figures", title_justify="left")
        for column in ("figure", "value", "target", ""):
            table.add_column(column, justify="right" if column in ("value", "target") else "left")
        for each in self.figures:
            verdict = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[each.met]
            table.add_row(each.name, f"{_written(each.value)} {each.unit}", each.target, verdict)
        console.print(table)


def _written(value: str | float) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"
