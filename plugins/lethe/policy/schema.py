"""The JSON schema of the policy file, for editors, and the tables of keys in docs/policy.md.

python -m lethe.policy.schema           write both from the model
python -m lethe.policy.schema --check   say whether both are what the model says
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from lethe.include import PROJECT, include_folder
from lethe.policy.key_tables import draw_key_tables
from lethe.policy.model import Policy
from lethe.policy.shapes import draw_model

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_file() -> Path:
    """Say where the schema is written down."""
    return include_folder() / "policy" / "schema.json"


def draw_schema() -> dict[str, Any]:
    """Draw the schema of a policy file from the model."""
    schema = draw_model(Policy)
    _refine(schema)
    return {"$schema": DIALECT, **schema, "title": "Lethe policy"}


def write_schema() -> str:
    """Write the schema as the text of its file."""
    return json.dumps(draw_schema(), indent=2, ensure_ascii=False) + "\n"


def handbook_file() -> Path:
    """Say where the page is that explains the policy file."""
    return PROJECT / "docs" / "policy.md"


def main(arguments: list[str] | None = None) -> int:
    """Write what is drawn from the model, or check that it is current."""
    parser = argparse.ArgumentParser(prog="python -m lethe.policy.schema")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if one is stale"
    )
    check = parser.parse_args(arguments).check
    wanted = {schema_file(): write_schema()}
    if handbook_file().is_file():
        wanted[handbook_file()] = draw_key_tables(handbook_file().read_text(encoding="utf-8"))
    stale = [file for file, text in wanted.items() if not _holds(file, text)]
    for file in stale:
        if check:
            sys.stderr.write(f"{file}: is stale; run python -m lethe.policy.schema\n")
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(wanted[file], encoding="utf-8")
        sys.stdout.write(f"wrote {file}\n")
    return 1 if check and stale else 0


def _holds(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text


def _refine(part: Any) -> None:
    """Say what pydantic leaves unsaid, so that an editor sees what the loader will refuse."""
    if isinstance(part, list):
        for item in part:
            _refine(item)
    elif isinstance(part, dict):
        _let_words_stand_plain(part)
        _spread_least_length(part)
        if "patternProperties" in part:
            part.setdefault("additionalProperties", False)
        for value in part.values():
            _refine(value)


def _let_words_stand_plain(part: dict[str, Any]) -> None:
    """Where 'true' is one of the words, an unquoted true is one too; the loader reads both."""
    words = part.get("enum")
    if isinstance(words, list) and "true" in words:
        part["enum"] = [*words, True, False]
        part.pop("type", None)


def _spread_least_length(part: dict[str, Any]) -> None:
    least = part.get("minLength")
    names = {"array": "minItems", "object": "minProperties", "string": "minLength"}
    if least is not None and "anyOf" in part:
        del part["minLength"]
        for branch in part["anyOf"]:
            branch[names[branch["type"]]] = least


if __name__ == "__main__":
    sys.exit(main())
