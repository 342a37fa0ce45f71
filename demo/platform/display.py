"""What a person sees while the platform works: moving where somebody watches, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from demo.platform.night import Run

_MARKS = {
    "success": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "upstream_failed": "[red]·[/]",
    "skipped": "[dim]–[/]",
    "awaiting_input": "[yellow]?[/]",
}


class Display:
    """Tells the stages of a command and, in the night, every change of a task's state."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        if not self.console.is_terminal:
            self.console.width = max(self.console.width, 110)
        self.started = time.monotonic()
        self.told: dict[tuple[str, str], str] = {}
        self._status = self.console.status("")

    @contextmanager
    def stage(self, title: str) -> Iterator[list[str]]:
        """Show what is being done, and in the end how long it took.

        Yields  a list for what there is to say of the outcome
        """
        begun = time.monotonic()
        outcome: list[str] = []
        mark = "[red]✗[/]"
        self._now(title)
        try:
            yield outcome
            mark = "[green]✓[/]"
        finally:
            self._status.stop()
            words = escape(": ".join([title, *outcome]))
            took = f"[dim]{time.monotonic() - begun:.1f} s[/]"
            self.console.print(f"{mark} {words} {took}", soft_wrap=True)

    def tell(self, text: str) -> None:
        """Say what is being waited for inside a stage."""
        if self.console.is_terminal:
            room = self.console.width - 4
            line = text if len(text) <= room else f"{text[: room - 1]}…"
            self._status.update(f"[dim]{escape(line)}[/]")
        else:
            self.console.print(f"  … {escape(text)}", soft_wrap=True)

    def watch(self, run: Run) -> None:
        """Print the tasks of a run whose state has changed since the last look."""
        key = (run.run_id, "")
        if key not in self.told:
            self.told[key] = run.state
            self.console.print(f"  [bold]{run.dag_id}[/] [dim]{escape(run.run_id)}[/]")
        for task in run.tasks:
            before = self.told.get((run.run_id, task.name))
            if task.state == before:
                continue
            self.told[(run.run_id, task.name)] = task.state
            if task.state in _MARKS:
                mark = _MARKS[task.state]
                self.console.print(f"    {mark} {escape(task.name)} [dim]{task.state}[/]")
            elif task.state == "running" and self.console.is_terminal:
                self.tell(f"{run.dag_id}: {task.name} is running")

    def _now(self, title: str) -> None:
        if self.console.is_terminal:
            self._status.update(title)
            self._status.start()
        else:
            self.console.print(f"• {title}")

    def elapsed_s(self) -> float:
        return time.monotonic() - self.started
