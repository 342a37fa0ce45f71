"""What the mail says of the same Summary, in the same words: one catalogue for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lethe.reporting.headline import balance, verdict
from lethe.reporting.mail import data_sections, first_sections
from lethe.reporting.mail.letter import Item, Section
from lethe.reporting.mail.phrases import limit
from lethe.reporting.summary import Decision, Summary
from lethe.reporting.words import wording

ELSEWHERE = ("refused", "arm", "hold_review")
"""Decisions that are taken at a shell; the others are answered on a page, and shown as they are."""


@dataclass(frozen=True, slots=True)
class Told:
    """The words of a report for the overview.

    verdict    what needs somebody; balance: how many promises are shown kept
    points     what is out of order, and what to do about it
    decisions  what is decided at a shell, with the path of the page that shows it
    changes    what people changed, the newest first
    """

    verdict: str
    balance: str
    points: Sequence[Item]
    decisions: Sequence[tuple[Item, str | None]]
    changes: Sequence[Item]


def tell(summary: Summary, language: str) -> Told:
    """Say a Summary as its mail does."""
    words = wording(language, "report")
    return Told(
        verdict(summary, language),
        balance(summary, language),
        _items(first_sections.points(summary, words, None)),
        tell_decisions(summary, language),
        _items(data_sections.changes(summary, words)),
    )


def tell_decisions(summary: Summary, language: str) -> list[tuple[Item, str | None]]:
    """Say what is decided at a shell, each with the path of the page that shows it."""
    asked: tuple[Decision, ...] = tuple(d for d in summary.decisions if d.kind in ELSEWHERE)
    words = wording(language, "report")
    section = first_sections.decisions(replace(summary, decisions=asked), words, None)
    links = (each.link.removeprefix("/lethe") if each.link else None for each in asked)
    return list(zip(_items(section), links, strict=False))


def tell_limit(text: str | None, language: str) -> str | None:
    """Say which limit a set is over."""
    return limit(wording(language, "report"), text)


def _items(section: Section | None) -> tuple[Item, ...]:
    return section.items if section is not None else ()
