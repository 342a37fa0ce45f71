"""What every command works with: the common options, and where output goes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from psycopg2 import extensions
from rich.console import Console

from lethe.catalogue.graph import Graph
from lethe.catalogue.site import Site
from lethe.connections import Role
from lethe.errors import UsageError
from lethe.include import include_folder
from lethe.policy.load import LoadedPolicy

COMMON = (
    "Common options, anywhere: --policy FILE (default include/policy/mentorsig.yaml) · "
    "--dsn DSN (default: the connection lethe_warehouse) · --as-of YYYY-MM-DD (default: today in "
    "the policy's time zone) · --json (one JSON document on standard output). "
    "Exit codes: 0 done · 1 the answer is no · 2 usage or policy fault · 3 unreachable or failed · "
    "130 stopped by Ctrl-C."
)


@dataclass
class Desk:
    """The common options of a call, and what follows from them."""

    policy_file: str
    dsn: str | None
    as_of_text: str | None
    json: bool
    console: Console = field(default_factory=lambda: Console(highlight=False))
    progress: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))
    answered: bool = False

    @cached_property
    def site(self) -> Site:
        """The site: warehouse and policy."""
        return Site.at(self.dsn, self.policy_file)

    @property
    def loaded(self) -> LoadedPolicy:
        """The policy, with the lines of its file."""
        return self.site.loaded

    @cached_property
    def as_of(self) -> date:
        """The day of the run."""
        if self.as_of_text is None:
            return self.site.today()
        try:
            return date.fromisoformat(self.as_of_text)
        except ValueError:
            raise UsageError(
                f"--as-of '{self.as_of_text}' is no calendar day; write YYYY-MM-DD"
            ) from None

    def connect(self, role: Role) -> extensions.connection:
        """Open the warehouse for a role."""
        return self.site.connect(role)

    def graph(self) -> Graph:
        """The policy bound to the warehouse's catalogue."""
        with self.site.connected("planner") as connection:
            return self.site.graph(connection)

    def answer(self, document: Any) -> bool:
        """Print the JSON document if it was asked for, and say whether it was."""
        if self.json:
            self.answered = True
            print(json.dumps(document, ensure_ascii=False, indent=2, default=str))
        return self.json

    def tell(self, line: str) -> None:
        """Show progress, on standard error."""
        self.progress.print(f"[dim]{line} …[/dim]")


def split_common(arguments: Sequence[str]) -> tuple[Desk, list[str]]:
    """Take the common options out of a call, wherever they stand.

    Raises  UsageError for an option without its value
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--policy")
    parser.add_argument("--dsn")
    parser.add_argument("--as-of")
    parser.add_argument("--json", action="store_true")
    known, rest = parser.parse_known_args(list(arguments))
    policy = known.policy or str(include_folder() / "policy" / "mentorsig.yaml")
    return Desk(policy, known.dsn, known.as_of, known.json), rest


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UsageError(message)


def stderr(text: str) -> None:
    """Write a line for people, beside the answer."""
    print(text, file=sys.stderr)
