"""A test that a policy names as proof of a control exists, and would run."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from lethe.policy.load import load_policy

PROJECT = Path(__file__).resolve().parents[2]
POLICIES = sorted(
    [*(PROJECT / "include" / "policy").glob("*.yaml"), *(PROJECT / "examples").rglob("*.yaml")]
)
NAMED = sorted(
    {
        (file.name, clause, node)
        for file in POLICIES
        for clause, each in load_policy(file).policy.clauses.items()
        for node in each.control.tests
    }
)


def missing(node: str) -> str | None:
    """What is missing of a node id: the file, or the function in it."""
    path, _, name = node.partition("::")
    file = PROJECT / path
    if not file.is_file() or not file.name.startswith("test_"):
        return f"there is no test file {path}"
    functions = {
        each.name
        for each in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    }
    if not functions:
        return f"{path} holds no test"
    return None if not name or name in functions else f"{path} has no test {name}"


@pytest.mark.parametrize(("policy", "clause", "node"), NAMED)
def test_every_test_that_a_clause_names_exists(policy: str, clause: str, node: str) -> None:
    assert missing(node) is None, f"{policy}: clauses.{clause}.control.tests: {missing(node)}"


def test_a_test_that_is_not_there_is_noticed() -> None:
    assert (
        missing("tests/laws/test_nothing.py") == "there is no test file tests/laws/test_nothing.py"
    )
    own = "tests/laws/test_named_tests.py"
    assert missing(f"{own}::test_of_dreams") == f"{own} has no test test_of_dreams"
    assert missing("tests/kit.py") == "there is no test file tests/kit.py"


def test_the_policies_name_tests_at_all() -> None:
    assert len(NAMED) > 20
