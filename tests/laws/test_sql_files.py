"""Laws of `include/sql/`: a new statement is judged by arriving."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "include" / "sql"
STATEMENTS = sorted(
    file for file in FOLDER.rglob("*.sql") if "control" not in file.relative_to(FOLDER).parts
)
_VALUE = re.compile(r"%\((\w+)\)s")
_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


def _name(file: Path) -> str:
    return str(file.relative_to(FOLDER).with_suffix(""))


@pytest.mark.parametrize("file", STATEMENTS, ids=_name)
def test_a_statement_says_what_it_does_takes_and_locks(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    head = [line for line in text.splitlines() if line.startswith("--")]
    body = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    told = "\n".join(head)
    assert head and not re.match(r"-- (identifiers|values|locks):", head[0]), "first: what it does"
    for part in ("identifiers", "values", "locks"):
        assert f"-- {part}:" in told, f"the head does not say its {part}"
    for value in set(_VALUE.findall(body)):
        assert re.search(rf"\b{value}\b", told), f"value {value} is not in the head"
    for place in set(_PLACE.findall(body)):
        assert re.search(rf"\b{place}\b", told), f"identifier {place} is not in the head"


@pytest.mark.parametrize("file", STATEMENTS, ids=_name)
def test_a_file_holds_one_statement_and_its_name_begins_with_a_verb(file: Path) -> None:
    body = "\n".join(
        line
        for line in file.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith("--")
    )
    assert body.strip().rstrip(";").count(";\n") == 0
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", file.stem)


def test_every_statement_is_used() -> None:
    code = "\n".join(
        file.read_text(encoding="utf-8") for file in (PROJECT / "plugins").rglob("*.py")
    )
    composed = [
        re.compile(re.sub(r"\\{[^}]*\\}", "[a-z_]+", re.escape(name)))
        for name in re.findall(r'f"([a-z]+/[a-z_{}]*{[a-z_]+}[a-z_]*)"', code)
    ]
    unused = [
        _name(file)
        for file in STATEMENTS
        if f'"{_name(file)}"' not in code
        and f'"{file.stem}"' not in code
        and not any(pattern.fullmatch(_name(file)) for pattern in composed)
    ]
    assert not unused
