"""Sentences that the Summary itself carries, in every language of the reports."""

from __future__ import annotations

from collections.abc import Callable

from lethe.reporting.summary import Words
from lethe.reporting.words import LANGUAGES, Wording, wording


def in_every_language(say: Callable[[Wording], str]) -> Words:
    """Say something in each language."""
    return {language: say(wording(language, "report")) for language in LANGUAGES}


def said(key: str, **values: object) -> Words:
    """A message of the catalogue; what differs by language is given as words by language."""
    return in_every_language(lambda words: words.say(key, **_in(words, values)))


def counted(key: str, number: int, **values: object) -> Words:
    """A message of the catalogue in the right plural."""
    return in_every_language(lambda words: words.count(key, number, **_in(words, values)))


def joined(parts: list[Words]) -> Words:
    """Several sentences after one another."""
    return in_every_language(lambda words: " ".join(part[words.language] for part in parts))


def _in(words: Wording, values: dict[str, object]) -> dict[str, object]:
    from lethe.reporting.words import choose

    return {
        name: choose(value, words.language) if isinstance(value, dict) else value
        for name, value in values.items()
    }
