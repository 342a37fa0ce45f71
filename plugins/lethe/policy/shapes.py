"""What a model wants at a place of its file, read from its JSON schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from lethe.policy.periods import Period
from lethe.policy.yaml_problems import Place

Schema = dict[str, Any]

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping (key: value)",
    "array": "a list (- item)",
}


class _Drawer(GenerateJsonSchema):
    """Draws JSON schemas with a period as default written as text."""

    def encode_default(self, dft: Any) -> Any:
        return str(dft) if isinstance(dft, Period) else super().encode_default(dft)


def draw_model(model: type[BaseModel]) -> Schema:
    """Draw the JSON schema of what a file of this model may say."""
    return model.model_json_schema(mode="validation", by_alias=True, schema_generator=_Drawer)


class Shapes:
    """The JSON schema of a model, walked along places of a file."""

    def __init__(self, model: type[BaseModel]) -> None:
        schema = draw_model(model)
        self._definitions: dict[str, Schema] = schema.get("$defs", {})
        self._root = schema

    def at(self, place: Place) -> list[Schema]:
        """Give the schemas that a value at this place may follow; none if the place is unknown."""
        found = self._alternatives(self._root)
        for part in place:
            found = self._below(found, part)
        return found

    def keys(self, place: Place) -> dict[str, str]:
        """Give the keys that a mapping at this place may have, with what each one means."""
        return {
            key: str(described.get("description", ""))
            for schema in self.at(place)
            for key, described in schema.get("properties", {}).items()
        }

    def choices(self, place: Place) -> list[str]:
        """Give the fixed values that may stand at this place."""
        return [
            str(value)
            for schema in self.at(place)
            for value in schema.get("enum", [schema["const"]] if "const" in schema else [])
        ]

    def wanted(self, place: Place) -> str:
        """Say in words what should stand at this place."""
        return words_of(self.at(place))

    def mistyped(self, data: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
        """Find values of another type than the schema's that pydantic would convert in silence.

        Such as `optional: 'no'`, `days: '12'`, or a date written 20260101 (seconds since 1970).
        """
        yield from self._mistyped(data, place, self.at(place))

    def _mistyped(
        self, data: Any, place: Place, schemas: list[Schema]
    ) -> Iterator[tuple[Place, str]]:
        if isinstance(data, dict):
            for key, value in data.items():
                yield from self._mistyped(value, (*place, key), self._below(schemas, key))
        elif isinstance(data, list):
            for at, value in enumerate(data):
                yield from self._mistyped(value, (*place, at), self._below(schemas, at))
        elif data is not None:
            scalars = [schema for schema in schemas if not _types(schema) & {"object", "array"}]
            if scalars and not any(_takes(schema, data) for schema in scalars):
                yield place, words_of(schemas)

    def _below(self, schemas: list[Schema], part: str | int) -> list[Schema]:
        return [
            found
            for schema in schemas
            for step in _steps(schema, part)
            for found in self._alternatives(step)
        ]

    def _alternatives(self, schema: Schema) -> list[Schema]:
        if "$ref" in schema:
            return self._alternatives(self._definitions[schema["$ref"].rsplit("/", 1)[1]])
        branches = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if branches is None:
            return [schema]
        return [found for branch in branches for found in self._alternatives(branch)]


def words_of(schemas: list[Schema]) -> str:
    """Say in words what these schemas want."""
    words = list(dict.fromkeys(word for schema in schemas for word in _words(schema)))
    if "a number" in words and "a whole number" in words:
        words.remove("a whole number")
    return ", or ".join(filter(None, (", ".join(words[:-1]), *words[-1:]))) or "something else"


def _words(schema: Schema) -> Iterator[str]:
    if "enum" in schema or "const" in schema:
        yield "one of: " + ", ".join(map(str, schema.get("enum", [schema.get("const")])))
    elif schema.get("format") == "date":
        yield "a date such as 2026-05-31"
    elif schema.get("examples") and schema.get("type") == "string":
        yield f"text such as {schema['examples'][0]}"
    else:
        yield from (_WORDS[name] for name in sorted(_types(schema)) if name in _WORDS)


def _types(schema: Schema) -> set[str]:
    if "enum" in schema or "const" in schema:
        return {_type_of(value) for value in schema.get("enum", [schema.get("const")])}
    named = schema.get("type")
    return {named} if isinstance(named, str) else set(named or ())


def _takes(schema: Schema, value: object) -> bool:
    types = _types(schema)
    if schema.get("format") == "date" and isinstance(value, str):
        return _ISO_DATE.fullmatch(value) is not None
    return (
        not types
        or _type_of(value) in types
        or (_type_of(value), "number")
        == (
            "integer",
            next(iter(types & {"number"}), ""),
        )
    )


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "integer" if isinstance(value, int) else "number"


def _steps(schema: Schema, part: str | int) -> Iterator[Schema]:
    if isinstance(part, int):
        fixed = schema.get("prefixItems", [])
        step = fixed[part] if part < len(fixed) else schema.get("items")
        if isinstance(step, dict):
            yield step
        return
    if part in schema.get("properties", {}):
        yield schema["properties"][part]
        return
    for pattern, step in schema.get("patternProperties", {}).items():
        if re.search(pattern, part):
            yield step
    if isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"]
