"""Periods in words: P2Y is 'two years', 'deux ans'."""

from __future__ import annotations

from lethe.policy.periods import Period
from lethe.reporting.words import Wording


def spell(period: Period, words: Wording) -> str:
    """Spell a period: 'thirteen months', 'un an et six mois'; large counts stay figures."""
    counts = (
        ("years", period.years),
        ("months", period.months),
        ("weeks", period.weeks),
        ("days", period.days),
    )
    parts = [
        words.count(f"period.{unit}", count, word=_number(count, words))
        for unit, count in counts
        if count
    ]
    return words.list(parts) if parts else words.period(period)


def _number(count: int, words: Wording) -> str:
    names = words.say("numbers").split()
    return names[count] if count < len(names) else words.number(count)
