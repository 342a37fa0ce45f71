"""Readings of the policy: what nobody confirmed is told, what somebody confirmed is not."""

from __future__ import annotations

from pathlib import Path

from lethe.policy.load import parse_policy
from lethe.reporting.readings import open_readings, readings_of

SMALLEST = Path(__file__).parents[1] / "policy" / "smallest.yaml"
READINGS = """
labels: {Accounting: {fr: Comptabilité}}
readings:
  deactivation-day:
    clause: retention
    question: {en: When is it closed?, fr: Quand est-il clos ?}
    reading: {en: On the day of the letter., fr: Le jour de la lettre.}
    why: Ten years run from it.
    owner: Accounting
  settled:
    question: Who counts?
    reading: Everybody.
    why: Nobody is left out.
    confirmed_by: Officer
    confirmed_on: 2026-02-01
"""


def policy():
    return parse_policy(SMALLEST.read_text(encoding="utf-8") + READINGS).policy


def test_every_reading_is_listed_with_the_section_of_its_clause() -> None:
    first, second = readings_of(policy())
    assert (first.key, first.section) == ("deactivation-day", "9")
    assert first.owner == {"en": "Accounting", "fr": "Comptabilité"}
    assert second.section is None
    assert second.confirmed_by == "Officer"


def test_only_what_nobody_confirmed_is_unknown() -> None:
    (unknown,) = open_readings(policy())
    assert unknown.what == "readings.deactivation-day"
    assert unknown.why["fr"] == "Quand est-il clos ? Le jour de la lettre."
    assert unknown.owner == {"en": "Accounting", "fr": "Comptabilité"}
