"""Say in plain words why a text is no YAML."""

from __future__ import annotations

from typing import Any, Final

import yaml

from lethe.errors import Fault, PolicyError

Place = tuple[str | int, ...]
"""The keys and list positions that lead to a value."""

_PROBLEMS: Final = {
    "mapping values are not allowed": "a ': ' too many: put a value that holds ': ' in quotes, or "
    "mend the indentation",
    "could not find expected ':'": "a ':' is missing after a key, here or in the line above",
    "expected ',' or ']'": "a list opened with '[' is not closed, or a ',' is missing",
    "expected ',' or '}'": "a mapping opened with '{' is not closed, or a ',' is missing; put text "
    "that begins with '{' in quotes",
    "expected key": "the indentation does not fit the lines above",
    "expected '-' indicator": "the indentation does not fit the list above",
    "expected <block end>": "the indentation does not fit the lines above",
    "unexpected end of stream": "a quote that is opened here is never closed",
    "unexpected document indicator": "a quote that is opened here is never closed",
    "unknown escape": "an unknown escape after '\\': use single quotes around text with '\\'",
    "tag handle": "tags ('!') are not read; put text that begins with '!' in quotes",
    "indentation": "the indentation is broken",
}


def dotted(place: Place) -> str:
    """Write a place as people do: `rules.account.starting_point.latest[0]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return "".join(parts).removeprefix(".")


def broken(file: str, line: int, message: str) -> PolicyError:
    """Make the error of a file of which nothing more can be read."""
    return PolicyError([Fault(file, line, "", message)])


def explain_broken(error: yaml.YAMLError, file: str, text: str, quoted: Any) -> PolicyError:
    """Put an error of the YAML parser into words.

    quoted  the last value in quotes that was read, an event of PyYAML; None if there was none
    """
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return broken(file, 0, f"this is not YAML: {problem}")
    line = mark.line + 1
    before = "".join(text.splitlines()[mark.line : line])[: mark.column + 1]
    if "cannot start any token" in problem:
        if "\t" in before and not before.strip():
            return broken(file, line, "a tab cannot indent YAML; use spaces")
        return broken(file, line, f"a value cannot start with {before[-1:]}; put it in quotes")
    if quoted is not None and quoted.start_mark.line < quoted.end_mark.line == mark.line:
        first = quoted.start_mark.line + 1
        return broken(file, first, f"a quote that is opened here runs to line {line}; close it")
    opened = getattr(error, "context_mark", None)
    for sign, message in _PROBLEMS.items():
        if sign in problem:
            return broken(
                file, opened.line + 1 if opened and "opened" in message else line, message
            )
    return broken(file, line, f"this is not YAML: {problem}")
