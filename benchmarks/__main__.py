"""`python -m benchmarks [NAME] [--accounts N]`: run the benchmarks and write what they found.

A benchmark is a module of this package with a function `measure(options) -> Report`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path

from lethe.include import home_folder
from rich.console import Console

import benchmarks
from benchmarks.options import Options


def names() -> list[str]:
    """Name the benchmarks that there are."""
    folder = Path(benchmarks.__path__[0])
    return [
        module.name
        for module in pkgutil.iter_modules([str(folder)])
        if "\ndef measure(" in (folder / f"{module.name}.py").read_text(encoding="utf-8")
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; 1 if a target was missed and --strict was said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("name", nargs="?", choices=names(), help="one of them; default: all")
    parser.add_argument("--accounts", type=int, help="size; default: the full size of each")
    parser.add_argument("--part", action="append", help="only this part (see the module)")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a target was missed")
    chosen = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    folder, missed = home_folder() / "bench", False
    for name in [chosen.name] if chosen.name else names():
        options = Options(chosen.accounts, tuple(chosen.part or ()), console)
        report = importlib.import_module(f"benchmarks.{name}").measure(options)
        report.show(console)
        console.print(f"Written: {report.write(folder)}")
        missed = missed or any(figure.met is False for figure in report.figures)
    return 1 if missed and chosen.strict else 0


if __name__ == "__main__":
    sys.exit(main())
