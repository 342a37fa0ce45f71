"""Sentences that the Summary itself carries, in every language of the reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lethe.policy.periods import Period
from lethe.reporting.summary import Words
from lethe.reporting.words import LANGUAGES, Wording, choose, wording


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


def listed(parts: Sequence[Words]) -> Words:
    """Several names: 'a, b and c'."""
    return in_every_language(
        lambda words: words.list([choose(part, words.language) for part in parts])
    )


def _in(words: Wording, values: dict[str, object]) -> dict[str, object]:
    """Values as a language writes them: words chosen, numbers, shares and periods put into it."""
    return {name: _written(words, value) for name, value in values.items()}


def _written(words: Wording, value: object) -> object:
    if isinstance(value, dict):
        return choose(value, words.language)
    if isinstance(value, Period):
        return words.period(value)
    if isinstance(value, float):
        return words.percent(value)
    return words.number(value) if isinstance(value, int) else value
