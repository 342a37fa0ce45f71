"""Put what pydantic finds into sentences that an engineer can act on."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from lethe.policy.shapes import Shapes
from lethe.policy.yaml_document import Document
from lethe.policy.yaml_problems import Place

Finding = tuple[Place, str]

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_WRONG_TYPE: Final = ("_type", "_parsing", "_from_float", "_inexact", "none_required")
_WRONG_CHOICE: Final = ("literal_error", "enum")
PATTERNS: Final = {
    r"^[a-z][a-z0-9_-]{0,62}$": "a key: small letters, digits, - and _, beginning with a letter",
    r"^[A-Z]{2}$": "a country: two capital letters (ISO 3166-1), such as LU",
    r"^([01]\d|2[0-3]):[0-5]\d$": 'a time of day in quotes, such as "06:00"',
    r"^[1-9][0-9]*(-[1-9][0-9]*)?$": 'a sentence in quotes, counted from 1, such as "3" or "2-4"',
    r"^\d\d-\d\d$": 'month and day in quotes, such as "12-31"',
}


@dataclass(frozen=True, slots=True)
class _Found:
    """One error of pydantic, with the part of its location that is in the file.

    asked     the same place in the model, which may be deeper: `class` of a column written short
    branches  names of the union branches that led to it, each with the place of the union
    """

    place: Place
    asked: Place
    branches: tuple[tuple[Place, str], ...]
    error: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.error["type"])


def explain(error: ValidationError, document: Document, shapes: Shapes) -> list[Finding]:
    """Say what is wrong, one sentence a fault; of a union only the branch that was meant.

    Returns  pairs of place and message; a place may end with a key that is not in the file
    """
    errors = error.errors(include_url=False)
    found = _keep_meant([_locate(each, document, shapes) for each in errors])
    suggested: set[tuple[Place, str]] = set()
    findings = [
        finding
        for each in found
        if each.kind == "extra_forbidden"
        for finding in _unknown(each, document, shapes, suggested)
    ]
    for each in found:
        if each.kind == "missing":
            name = str(each.error["loc"][-1])
            if (each.place, name) not in suggested:
                findings.append((each.place, _missing(name, shapes.keys(each.place))))
        elif each.kind != "extra_forbidden":
            findings.append((each.place, _sentence(each, document, shapes)))
    return findings


def say(value: object, written: str | None = None) -> str:
    """Show a value of the file in a message."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "nothing"
    text = written if written is not None else str(value)
    short = text if len(text) <= 40 else text[:39] + "…"
    return f"'{short}'" if isinstance(value, str) else short


def _locate(error: Mapping[str, Any], document: Document, shapes: Shapes) -> _Found:
    """Split a location into keys of the file and names of union branches."""
    location = error["loc"][:-1] if error["type"] == "missing" else error["loc"]
    place: Place = ()
    asked: Place = ()
    branches: list[tuple[Place, str]] = []
    for part in location:
        if (*place, part) in document.lines:
            place, asked = (*place, part), (*asked, part)
        elif part in shapes.keys(asked):
            asked = (*asked, part)
        elif part != "[key]":
            branches.append((asked, str(part)))
    return _Found(place, asked, tuple(branches), error)


def _keep_meant(found: list[_Found], depth: int = 0) -> list[_Found]:
    """Where several branches of a union complain, keep the one that the author meant."""
    kept: list[_Found] = []
    unions: dict[Place, dict[str, list[_Found]]] = {}
    for each in found:
        if len(each.branches) <= depth:
            kept.append(each)
        else:
            union, branch = each.branches[depth]
            unions.setdefault(union, {}).setdefault(branch, []).append(each)
    for union, branches in unions.items():
        fitting = {
            branch: errors
            for branch, errors in branches.items()
            if not any(error.asked == union and _is_wrong_type(error) for error in errors)
        }
        if fitting:
            kept += _keep_meant(min(fitting.values(), key=len), depth + 1)
        else:
            kept.append(next(iter(branches.values()))[0])
    return kept


def _is_wrong_type(found: _Found) -> bool:
    return found.kind.endswith(_WRONG_TYPE)


def _unknown(
    found: _Found, document: Document, shapes: Shapes, suggested: set[tuple[Place, str]]
) -> Iterator[Finding]:
    parent = found.place[:-1]
    free = [key for key in shapes.keys(parent) if (*parent, key) not in document.lines]
    near = nearest(str(found.place[-1]), free)
    if near is not None:
        suggested.add((parent, near))
        yield found.place, f"unknown key; did you mean '{near}'?"
    else:
        yield found.place, f"unknown key; there could be: {', '.join(free) or 'none'}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Name what was probably meant."""
    names = list(known)
    plain = {each.lower().replace("-", "_"): each for each in names}
    wanted = name.lower().replace("-", "_").replace(" ", "_")
    near = difflib.get_close_matches(wanted, plain, n=1, cutoff=0.65)
    if near:
        return plain[near[0]]
    around = [each for each in names if wanted and (wanted in each or each in wanted)]
    return around[0] if len(around) == 1 else None


def _missing(name: str, keys: Mapping[str, str]) -> str:
    meaning = keys.get(name, "").split("\n")[0].rstrip(".")
    return f"key '{name}' is missing" + (f": {meaning}" if meaning else "")


def _sentence(found: _Found, document: Document, shapes: Shapes) -> str:
    value = found.error["input"]
    is_key = found.error["loc"][-1:] == ("[key]",)
    written = None if is_key else document.texts.get(found.place)
    if found.kind in _WRONG_CHOICE:
        return _wrong_choice(found, shapes, say(value, written), is_key)
    if found.kind == "string_pattern_mismatch":
        pattern = str(found.error["ctx"]["pattern"])
        return f"{say(value, written)} is not {PATTERNS.get(pattern, f'of the form {pattern}')}"
    if found.kind in ("too_short", "string_too_short"):
        least = found.error["ctx"]["min_length"]
        unit = "characters" if found.kind == "string_too_short" else "entries"
        return f"is too short; it needs {least} {unit}" if value else "is empty; fill it in"
    if _is_wrong_type(found):
        wanted = shapes.wanted(found.asked)
        if value is None:
            return f"is empty; it needs {wanted}"
        return wrong_type(wanted, value, written)
    if found.kind in ("value_error", "assertion_error"):
        return str(found.error["ctx"]["error"])
    if found.kind.startswith("union_tag_"):
        return _wrong_tag(found, shapes)
    if found.kind == "period":
        return str(found.error["msg"])
    message = str(found.error["msg"]).replace("Input should", "should").replace("Value", "value")
    return f"{message}, not {say(value, written)}"


def wrong_type(wanted: str, value: object, written: str | None) -> str:
    """Say that a value is of the wrong type, and how to write it if it is nearly right."""
    if wanted == "text" and isinstance(value, (bool, int, float)):
        return f'should be text; write it in quotes: "{say(value, written)}"'
    if isinstance(value, str) and _NUMBER.fullmatch(value) and "number" in wanted:
        return f"should be {wanted}; write it without quotes: {value}"
    return f"should be {wanted}, not {say(value, written)}"


def _wrong_choice(found: _Found, shapes: Shapes, shown: str, is_key: bool) -> str:
    choices = [] if is_key else shapes.choices(found.asked)
    if not choices:
        choices = re.findall(r"'([^']*)'", str(found.error["ctx"]["expected"]))
        return f"{shown} is not one of: {', '.join(choices)}"
    near = nearest(str(found.error["input"]), choices)
    hint = f"; did you mean '{near}'?" if near else ""
    return f"{shown} is not one of: {', '.join(choices)}{hint}"


def _wrong_tag(found: _Found, shapes: Shapes) -> str:
    context = found.error["ctx"]
    key = str(context["discriminator"]).strip("'")
    tags = ", ".join(dict.fromkeys(shapes.choices((*found.asked, key))))
    if "tag" in context:
        return f"{key} '{context['tag']}' is not one of: {tags}"
    return f"key '{key}' is missing; it is one of: {tags}"
