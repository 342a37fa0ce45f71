"""The tables of keys in docs/policy.md, drawn from the model between marks in the page."""

from __future__ import annotations

import json
import re
from typing import Final

from lethe.policy.model import Policy
from lethe.policy.periods import PATTERN as PERIOD
from lethe.policy.shapes import Schema, draw_model

_MARKS = re.compile(r"(<!-- keys of (\w+) -->\n).*?(<!-- /keys -->)", re.DOTALL)
_FORMATS: Final = {
    PERIOD: "period",
    r"^[a-z][a-z0-9_-]{0,62}$": "key",
    r"^[A-Z]{2}$": "country",
    r"^([01]\d|2[0-3]):[0-5]\d$": "time of day",
    r"^\d\d-\d\d$": "month-day",
}
_PLAIN: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "nothing",
}


def draw_key_tables(page: str) -> str:
    """Fill every pair of marks `<!-- keys of Name -->` and `<!-- /keys -->` of a page.

    Raises  KeyError if the model has no part of that name
    """
    definitions = definitions_of_policy()
    return _MARKS.sub(lambda m: f"{m[1]}{_table(m[2], definitions[m[2]])}{m[3]}", page)


def definitions_of_policy() -> dict[str, Schema]:
    """Give the schema of every part of a policy file by the name of its model."""
    schema = draw_model(Policy)
    parts = {name: part for name, part in schema["$defs"].items() if "properties" in part}
    return {"Policy": schema, **parts}


def _table(name: str, definition: Schema) -> str:
    meaning = " ".join(str(definition["description"]).split())
    lines = [
        f"#### {name.rstrip('_')}",
        "",
        meaning,
        "",
        "| key | what it says | value | if left out |",
    ]
    lines.append("|---|---|---|---|")
    needed = definition.get("required", [])
    for key, described in definition["properties"].items():
        says = " ".join(str(described.get("description", "")).split()).replace("|", "\\|")
        default = "*needed*" if key in needed else _default(described)
        lines.append(f"| `{key}` | {says} | {_kind(described)} | {default} |")
    return "\n".join([*lines, ""])


def _default(described: Schema) -> str:
    default = described.get("default")
    if isinstance(default, dict) and default:
        return "its own defaults"
    if default in (None, [], {}, ""):
        return ""
    values = default if isinstance(default, list) else [default]
    return ", ".join(f"`{v if isinstance(v, str) else json.dumps(v)}`" for v in values)


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        return _linked(schema["$ref"].rsplit("/", 1)[1])
    branches = schema.get("anyOf", schema.get("oneOf"))
    if branches is not None:
        kinds = [_kind(branch) for branch in branches if branch.get("type") != "null"]
        return "words" if any(map(_is_words, branches)) else _one_of(kinds)
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list: {_kind(schema['items'])}"
    if schema.get("type") == "object":
        return _mapping(schema)
    named = _FORMATS.get(schema.get("pattern", "")) or schema.get("format")
    return named or _PLAIN[schema["type"]]


def _linked(name: str) -> str:
    return f"[{name.rstrip('_')}](#{name.lower().rstrip('_')})"


def _mapping(schema: Schema) -> str:
    for pattern, value in schema.get("patternProperties", {}).items():
        return f"mapping: {_FORMATS[pattern]} → {_kind(value)}"
    return f"mapping: text → {_kind(schema.get('additionalProperties', {'type': 'string'}))}"


def _is_words(schema: Schema) -> bool:
    if "anyOf" in schema:
        return any(_is_words(branch) for branch in schema["anyOf"])
    return bool(schema.get("propertyNames", {}).get("enum") == ["en", "fr"])


def _one_of(kinds: list[str]) -> str:
    if set(_PLAIN.values()) <= {*kinds, "nothing"}:
        return "text, number, true or false"
    short = ["one word" if "`, `" in kind and len(kinds) > 1 else kind for kind in kinds]
    return " or ".join(dict.fromkeys(short))
