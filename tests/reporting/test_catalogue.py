"""The messages of reports: every one that is said exists in both languages, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from lethe.reporting.words import LANGUAGES, wording

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = (PROJECT / "plugins/lethe/reporting", PROJECT / "plugins/lethe/tasks")
SAYING = {"say", "count", "said", "counted", "has"}
SAYING_NAMES = {"key", "message", "review", "LOG_KEYS"}
PLACE = re.compile(r"\{(\w+)\}")


def catalogue(language: str) -> Catalog:
    file = PROJECT / f"include/locale/{language}/LC_MESSAGES/report.po"
    with file.open("rb") as source:
        return read_po(source, locale=language, abort_invalid=True)


def messages(language: str) -> dict[str, Message]:
    found = {}
    for message in catalogue(language):
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            assert key not in found, f"{key} stands twice"
            found[key] = message
    return found


def asked() -> Iterator[tuple[str, bool]]:
    """Keys that the code says, and beginnings of keys that it puts together."""
    for room in ROOMS:
        for file in room.rglob("*.py"):
            # These have catalogues of their own.
            if {"papers", "__pycache__", "policy_changes.py"} & set(file.parts):
                continue
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args:
                    yield from _keys(node)
                elif isinstance(node, ast.Assign) and _names(node) & SAYING_NAMES:
                    yield from _said(node.value)


def _names(node: ast.Assign) -> set[str]:
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def _keys(node: ast.Call) -> Iterator[tuple[str, bool]]:
    function, first = node.func, node.args[0]
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name == "code":
        yield from ((f"{text}.", False) for text in _texts(first))
    elif name in SAYING:
        yield from _said(first)


def _said(node: ast.AST) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.JoinedStr):
        start = node.values[0]
        if isinstance(start, ast.Constant):
            yield str(start.value), False
    else:
        yield from ((text, True) for text in _texts(node))


def _texts(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr):
            return
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


KEYS = sorted({key for key, is_whole in asked() if is_whole and re.fullmatch(r"[a-z_.]+", key)})
BEGINNINGS = tuple(sorted({key for key, is_whole in asked() if not is_whole}))


def test_the_code_was_read() -> None:
    assert len(KEYS) > 80
    assert "figure." in BEGINNINGS


@pytest.mark.parametrize("key", [key for key in KEYS if "." in key and key[-1] != "."])
def test_every_message_that_is_said_exists(key: str) -> None:
    for language in LANGUAGES:
        assert key in messages(language), f"{key} is missing in {language}"


def test_both_languages_say_the_same_with_the_same_places() -> None:
    english, french = messages("en"), messages("fr")
    assert english.keys() == french.keys()
    for key in english:
        places = [
            {place for text in _all(message) for place in PLACE.findall(text)}
            for message in (english[key], french[key])
        ]
        assert places[0] == places[1], key


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing_fuzzy_or_obsolete(language: str) -> None:
    found = catalogue(language)
    assert not found.obsolete
    for key, message in messages(language).items():
        assert not message.fuzzy, key
        assert all(text.strip() for text in _all(message)), f"{key} says nothing in {language}"
        if message.pluralizable:
            assert len(_all(message)) == found.num_plurals == 2, key


def test_no_message_is_left_that_nobody_says() -> None:
    known = set(KEYS)
    left = [key for key in messages("en") if key not in known and not key.startswith(BEGINNINGS)]
    assert left == []


def test_french_writes_its_own_signs() -> None:
    for key, message in messages("fr").items():
        for text in _all(message):
            assert "'" not in text.replace("`", ""), f"{key}: the apostrophe is ’"
            assert not re.search(r"\w[:;!?](\s|$)", text), f"{key}: a space stands before {text}"


def _all(message: Message) -> list[str]:
    said = message.string
    return [said] if isinstance(said, str) else list(said)


@pytest.mark.parametrize(
    ("number", "english", "french"),
    [
        (0, "0 points need a look.", "0 point est à regarder."),
        (1, "1 point needs a look.", "1 point est à regarder."),
        (2, "2 points need a look.", "2 points sont à regarder."),
        (1204, "1,204 points need a look.", "1\u202f204 points sont à regarder."),
    ],
)
def test_plurals_and_numbers_follow_the_language(number: int, english: str, french: str) -> None:
    assert wording("en", "report").count("verdict.points", number) == english
    assert wording("fr", "report").count("verdict.points", number) == french
