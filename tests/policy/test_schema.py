"""The schema for editors says what the loader says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from lethe.errors import PolicyError
from lethe.policy.load import load_policy
from lethe.policy.schema import draw_schema, main, schema_file
from lethe.policy.wording import PATTERNS
from lethe.policy.yaml_document import parse_document

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
POLICIES = [
    HERE / "smallest.yaml",
    *sorted((PROJECT / "include" / "policy").glob("*.yaml")),
    *sorted((PROJECT / "examples").glob("*/policy.yaml")),
]
UNSEEN = {  # what a JSON schema cannot see: other keys of the file, calendars, spellings
    "approver_named_twice",
    "clause_kept_by_an_unknown_rule",
    "cluster_and_rows",
    "cluster_without_period",
    "column_named_twice",
    "country_unknown",
    "label_of_a_word_that_is_nowhere",
    "condition_with_two_shapes",
    "condition_without_a_test",
    "key_names_a_column_twice",
    "key_twice",
    "legitimate_interest_without_words",
    "merge_of_something_else",
    "organisational_without_reason",
    "pattern_ends_in_its_escape",
    "plausible_days_reversed",
    "reading_confirmed_without_a_day",
    "rule_of_an_unknown_cluster",
    "starting_point_without_an_event",
    "subject_without_table",
    "table_key_without_schema",
    "table_twice_under_two_spellings",
    "table_without_schema",
    "tag",
    "two_kinds_of_starting_point",
    "zone_unknown",
}


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft202012Validator(
        draw_schema(), format_checker=jsonschema.FormatChecker(["date"])
    )


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(draw_schema())


@pytest.mark.parametrize("file", POLICIES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_an_editor_finds_no_fault_in_a_policy_that_loads(validator, file):
    load_policy(file)
    data = parse_document(file.read_text(encoding="utf-8"), file.name).data
    assert [error.message for error in validator.iter_errors(data)] == []


@pytest.mark.parametrize(
    "file", sorted((HERE / "faults").glob("*.yaml")), ids=lambda file: file.stem
)
def test_an_editor_finds_the_faults_that_a_schema_can_see(validator, file):
    try:
        data = parse_document(file.read_text(encoding="utf-8"), file.name).data
    except PolicyError:
        return  # no YAML: every editor says so
    assert bool(list(validator.iter_errors(data))) is (file.stem not in UNSEEN)


def test_the_schema_in_include_is_what_the_model_says():
    assert main(["--check"]) == 0, "run: python -m lethe.policy.schema"


def test_a_stale_schema_is_found_and_written_anew(tmp_path, monkeypatch, capsys):
    page = tmp_path / "policy.md"
    page.write_text("<!-- keys of Cap -->\n<!-- /keys -->\n")
    monkeypatch.setenv("LETHE_INCLUDE", str(tmp_path))
    monkeypatch.setattr("lethe.policy.schema.handbook_file", lambda: page)
    assert main(["--check"]) == 1
    assert capsys.readouterr().err.count("is stale") == 2
    assert main([]) == 0
    assert "| `share` |" in page.read_text()
    assert main(["--check"]) == 0
    schema_file().write_text("{}")
    assert main(["--check"]) == 1


def test_every_pattern_of_the_model_is_put_into_words():
    patterns = set(re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(draw_schema())))
    keys = {
        pattern
        for definition in draw_schema()["$defs"].values()
        for described in definition.get("properties", {}).values()
        for pattern in described.get("patternProperties", {})
    }
    own = {pattern for pattern in map(json.loads, patterns) if not pattern.startswith("^P(")}
    assert own | keys <= set(PATTERNS)


def test_every_key_has_a_description():
    bare = [
        f"{name}.{key}"
        for name, definition in draw_schema()["$defs"].items()
        for key, described in definition.get("properties", {}).items()
        if not described.get("description")
    ]
    assert bare == []
