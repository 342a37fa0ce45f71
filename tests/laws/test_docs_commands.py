"""Every command line of the documentation exists, with its options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from lethe.cli.app import app
from lethe.cli.desk import split_common

PROJECT = Path(__file__).resolve().parents[2]
DOCS = sorted([*(PROJECT / "docs").rglob("*.md"), PROJECT / "README.md"])
_SHELL = re.compile(r"\s(?:[|>&;]|2>).*$")
_LINE = re.compile(r"^\s*(?:\$ )?(?:bin/)?lethe (?!\[)(.+)$")
_INLINE = re.compile(r"`(?:bin/)?lethe ([a-z][^`\n]*)`")


def commands(text: str) -> Iterator[str]:
    """Command lines in fenced shell blocks, and whole ones in inline code."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M):
        for line in block.replace("\\\n", " ").splitlines():
            if match := _LINE.match(_SHELL.sub("", line)):
                yield match[1]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    for found in _INLINE.findall(prose):
        if "…" not in found and "..." not in found:
            yield found


def parse(line: str) -> str | None:
    """Parse a command as the shell would hand it over; nothing is run.

    Returns  what is wrong with it, as the class of the fault and its message
    """
    command: Any = typer.main.get_command(app)
    context = None
    try:
        desk, rest = split_common(shlex.split(line, comments=True))
        while hasattr(command, "resolve_command") and rest:
            context = command.context_class(
                command, parent=context, info_name=command.name, obj=desk
            )
            _, command, rest = command.resolve_command(context, rest)
        if not hasattr(command, "resolve_command"):
            command.make_context(command.name, rest, parent=context)
    except Exception as fault:
        return f"{type(fault).__name__}: {fault}"
    return None


LINES = [(file, line) for file in DOCS for line in dict.fromkeys(commands(file.read_text("utf-8")))]


@pytest.mark.parametrize(
    ("file", "line"), LINES, ids=[f"{file.stem}: {line}" for file, line in LINES]
)
def test_a_command_in_the_documentation_parses(file: Path, line: str) -> None:
    fault = parse(line)
    if fault is not None and (
        fault.startswith("MissingParameter") or fault.endswith("expected one argument")
    ):
        # Prose may name a command without its arguments; a line to be typed may not.
        assert f"lethe {line}`" in file.read_text("utf-8"), "the command is incomplete"
    else:
        assert fault is None


@pytest.mark.parametrize("line", ["sweep fly", "sweep run --fly", "init --arm --by"])
def test_what_there_is_not_is_told(line: str) -> None:
    assert parse(line) is not None


def test_going_live_names_its_commands() -> None:
    ours = [line for file, line in LINES if file.name == "go-live.md"]
    assert len(ours) > 12
