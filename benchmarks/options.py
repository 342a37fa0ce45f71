"""What whoever runs a benchmark may choose."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console


@dataclass(frozen=True, slots=True)
class Options:
    """Choices of a run.

    size   accounts, lines or whatever the benchmark counts; None: its full size
    parts  only these parts; none: all
    """

    size: int | None = None
    parts: tuple[str, ...] = ()
    console: Console = field(default_factory=Console)

    def wants(self, part: str) -> bool:
        """Whether a part was asked for."""
        return not self.parts or part in self.parts

    def tell(self, text: str) -> None:
        """Say what is being done."""
        self.console.print(f"[dim]{text}[/]")


def machine() -> dict[str, str | int | float]:
    """Describe the machine, without naming it, and how busy others keep it."""
    memory_kib = int(Path("/proc/meminfo").read_text(encoding="ascii").split()[1])
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory_kib / 2**20),
        "load_before": round(os.getloadavg()[0], 2),
    }
