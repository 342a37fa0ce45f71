"""The readings of the policy, as the Summary and the sign-off sheet know them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lethe.policy.labels import label
from lethe.policy.model import Policy
from lethe.reporting.said import said
from lethe.reporting.summary import Reading, Unknown, Words


def readings_of(policy: Policy) -> tuple[Reading, ...]:
    """List every reading of the policy, in its order."""
    return tuple(
        Reading(
            key=key,
            section=policy.clauses[each.clause].section if each.clause else None,
            question=_words(each.question),
            reading=_words(each.reading),
            why=_words(each.why),
            owner=label(policy, each.owner) if each.owner else None,
            confirmed_by=each.confirmed_by,
            confirmed_on=each.confirmed_on,
        )
        for key, each in policy.readings.items()
    )


def open_readings(policy: Policy) -> Iterator[Unknown]:
    """Name the readings that nobody confirmed: what we assume, and who would know."""
    for each in readings_of(policy):
        if each.confirmed_by is None:
            why = {
                language: f"{question} {each.reading.get(language) or each.reading['en']}"
                for language, question in each.question.items()
            }
            title = said("unknown.section", section=each.section) if each.section else {}
            yield Unknown("reading", f"readings.{each.key}", why, each.owner, 0, None, title)


def _words(text: Any) -> Words:
    """Words by language; 'en' is always there."""
    said = {str(language): str(words) for language, words in text.items()}
    return {"en": next(iter(said.values())), **said}
