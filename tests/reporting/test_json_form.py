"""A Summary survives its way through JSON; what is no summary is refused without a word of it."""

from __future__ import annotations

import json

import pytest
from lethe.errors import UsageError
from lethe.reporting.json_form import as_json, summary_from_json

from tests.reporting.examples import EXAMPLES, KEPT


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_summary_comes_back_as_it_was(name: str) -> None:
    text = json.dumps(as_json(EXAMPLES[name]))
    assert summary_from_json(json.loads(text)) == EXAMPLES[name]


def test_what_a_newer_lethe_added_is_passed_over() -> None:
    document = as_json(KEPT)
    document["tomorrow"] = 1
    document["clauses"][0]["tomorrow"] = 1
    assert summary_from_json(document) == KEPT


def test_what_an_older_lethe_did_not_say_takes_its_default() -> None:
    document = as_json(KEPT)
    del document["alarms"]
    for rule in document["rules"]:
        del rule["title"]
    read = summary_from_json(document)
    assert read.alarms == ()
    assert read.rules[0].title == {}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("format", "something else"),
        ("verdict", "perfect"),
        ("needs", "anna.schmit@example.org"),
        ("first", "yesterday"),
        ("clauses", [1]),
    ],
)
def test_a_damaged_summary_is_refused_and_not_quoted(part: str, value: object) -> None:
    document = {**as_json(KEPT), part: value}
    with pytest.raises(UsageError) as refused:
        summary_from_json(document)
    assert "anna" not in str(refused.value)
