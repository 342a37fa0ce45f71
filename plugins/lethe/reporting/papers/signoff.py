"""The sign-off sheet: readings of the policy that a person must confirm, with room to do so."""

from __future__ import annotations

from lethe.reporting.papers.blocks import (
    Block,
    Cell,
    Column,
    Paper,
    Paragraph,
    Section,
    Signature,
    Span,
    Table,
)
from lethe.reporting.summary import Reading, Summary
from lethe.reporting.words import Wording, choose, wording


def signoff_paper(summary: Summary, language: str) -> Paper:
    """Ask for every reading that is open; list those that are confirmed, and what else is open."""
    words = wording(language)
    edition = summary.edition
    title = words.say("signoff.title")
    if summary.is_rehearsal:
        title = words.say("paper.rehearsal.kicker", kind=title)
    sections = [_open(summary, words)]
    if any(each.confirmed_by for each in summary.readings):
        sections.append(_confirmed(summary, words))
    if any(each.kind != "reading" for each in summary.unknowns):
        sections.append(_computed(summary, words))
    return Paper(
        language=words.language,
        title=title,
        author=edition.controller,
        header=(
            words.say(
                "paper.header",
                title=choose(edition.title, words.language),
                version=edition.version,
            ),
            title,
        ),
        footer=words.say(
            "paper.footer",
            made=words.instant(summary.made_at, edition.time_zone),
            digest=edition.digest[:12],
        ),
        pages=words.say("paper.pages", page="{page}", pages="{pages}"),
        sections=sections,
        keywords=("GDPR", edition.name, edition.version),
    )


def _open(summary: Summary, words: Wording) -> Section:
    waiting = [each for each in summary.readings if not each.confirmed_by]
    if not waiting:
        none: list[Block] = [Paragraph(words.say("signoff.none"), "good")]
        return Section("open", words.say("signoff.open"), none)
    columns = [
        Column(words.say("promises.section"), 0.5),
        Column(words.say("signoff.reading"), 6),
        Column(words.say("signoff.owner"), 1.5),
        Column(words.say("signoff.answer"), 1.5),
    ]
    answer = [Span(words.say(f"signoff.{each}"), "tick") for each in ("yes", "no")]
    rows = [(*_asked(each, words), answer) for each in waiting]
    labels = [words.say(f"signatures.{name}") for name in ("name", "place", "signature")]
    who = words.say("signoff.signed", controller=summary.edition.controller)
    blocks: list[Block] = [
        Paragraph(words.say("signoff.intro")),
        Table(columns, rows),
        Signature(who, words.say("signoff.signed.says"), labels),
    ]
    return Section("open", words.say("signoff.open"), blocks)


def _asked(reading: Reading, words: Wording) -> tuple[Cell, Cell, Cell]:
    why = words.say("signoff.why", why=choose(reading.why, words.language))
    lines = (
        Span(choose(reading.question, words.language), "strong"),
        choose(reading.reading, words.language),
        Span(why, "quiet"),
    )
    owner = choose(reading.owner, words.language)
    return reading.section or "", lines, owner or words.say("unknowns.nobody")


def _confirmed(summary: Summary, words: Wording) -> Section:
    columns = [
        Column(words.say("signoff.reading"), 5),
        Column(words.say("signoff.confirmed_by"), 2),
        Column(words.say("signoff.confirmed_on"), 1.6),
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            [
                Span(choose(each.question, words.language), "strong"),
                choose(each.reading, words.language),
            ],
            each.confirmed_by,
            words.day(each.confirmed_on, "medium") if each.confirmed_on else "",
        )
        for each in summary.readings
        if each.confirmed_by
    ]
    return Section("confirmed", words.say("signoff.confirmed"), [Table(columns, rows)])


def _computed(summary: Summary, words: Wording) -> Section:
    columns = [
        Column(words.say("unknowns.what"), 2.4),
        Column(words.say("unknowns.why"), 4),
        Column(words.say("unknowns.owner"), 2),
        Column(words.say("signoff.decision"), 2.6),
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            [
                Span(words.code("unknown", each.kind), "quiet"),
                choose(each.title, words.language) or Span(each.what, "code"),
            ],
            choose(each.why, words.language)
            + (f" ({words.number(each.count)})" if each.count else ""),
            choose(each.owner, words.language)
            or Span(words.say("unknowns.nobody"), "quiet", "bad"),
            "",
        )
        for each in summary.unknowns
        if each.kind not in ("reading", "untested")
    ]
    blocks: list[Block] = [Paragraph(words.say("signoff.computed.intro")), Table(columns, rows)]
    return Section("computed", words.say("signoff.computed"), blocks, is_apart=True)
