"""The record of processing as a paper, in the order of Art. 30(1)(a) to (g)."""

from __future__ import annotations

from collections.abc import Iterator

from lethe.policy.labels import label
from lethe.reporting.papers.blocks import (
    Block,
    Cell,
    Column,
    Cover,
    Facts,
    Heading,
    Line,
    Paper,
    Section,
    Span,
    Table,
)
from lethe.reporting.papers.drawing import shorten
from lethe.reporting.papers.record_data import DataGroup, Processing
from lethe.reporting.papers.record_limits import gaps, measures, periods, say_kept, systems
from lethe.reporting.papers.record_reach import reach, recipients
from lethe.reporting.words import Wording, choose, wording


def record_paper(record: Processing, language: str) -> Paper:
    """Put the record into words; nothing in it depends on the day on which it is made."""
    words = wording(language)
    edition = record.policy.policy
    title = words.say("record.title")
    policy_title = choose(edition.title, words.language)
    return Paper(
        language=words.language,
        title=title,
        author=record.policy.controller.name,
        header=(
            shorten(record.policy.controller.name),
            words.say("record.header", version=edition.version),
        ),
        footer=words.say("record.footer", digest=record.digest[:12]),
        pages=words.say("paper.pages", page="{page}", pages="{pages}"),
        cover=Cover(
            kicker=words.say("record.kicker"),
            title=title,
            subtitle=record.policy.controller.name,
            verdict=words.say("record.subtitle", policy=policy_title, version=edition.version),
            detail=words.say("record.intro"),
            tone="quiet",
            tiles=(),
            pairs=list(_parties(record, words)),
            contents=words.say("paper.contents"),
        ),
        sections=(
            _activities(record, words),
            _data(record, words),
            recipients(record, words),
            periods(record, words),
            measures(record, words),
            systems(record, words),
            reach(record, words),
            gaps(record, words),
        ),
        keywords=("GDPR Art. 30", edition.name, edition.version),
    )


def _parties(record: Processing, words: Wording) -> Iterator[tuple[str, Cell]]:
    controller, edition = record.policy.controller, record.policy.policy
    dpo = choose(label(record.policy, controller.dpo.name), words.language)
    known: list[tuple[str, list[str | None]]] = [
        ("controller", [controller.name, controller.address]),
        ("registration", [controller.registration]),
        ("contact", [controller.contact]),
        ("dpo", [dpo, controller.dpo.email, controller.dpo.address]),
        ("authority", [controller.authority.name if controller.authority else None]),
        ("joint", [words.say("record.joint.none")]),
        ("policy", [choose(edition.title, words.language), edition.published_at]),
        ("in_force", [words.day(edition.effective_from)]),
    ]
    for name, lines in known:
        told = [line for line in lines if line]
        if told:
            yield words.say(f"record.{name}"), told
    yield words.say("record.digest"), Span(record.digest, "code")


def _activities(record: Processing, words: Wording) -> Section:
    blocks: list[Block] = []
    for key, purpose in record.policy.purposes.items():
        basis = [words.say(f"record.basis.{purpose.basis}")]
        law = label(record.policy, purpose.law) if purpose.law else None
        told = (choose(law, words.language), choose(purpose.interest, words.language))
        basis += [each for each in told if each]
        pairs: list[tuple[str, Cell]] = [(words.say("record.basis"), basis)]
        groups = record.groups_of(key)
        if groups:
            pairs += _held(record, groups, words)
        else:
            pairs.append((words.say("record.data"), words.say("record.unused")))
        blocks += [Heading(choose(purpose.title, words.language)), Facts(pairs)]
    return Section("activities", words.say("record.section.activities"), blocks, is_apart=True)


def _held(
    record: Processing, groups: tuple[DataGroup, ...], words: Wording
) -> list[tuple[str, Cell]]:
    people = dict.fromkeys(choose(group.people, words.language) for group in groups)
    kinds = dict.fromkeys(kind for group in groups for kind in group.classes)
    titles = [choose(group.title, words.language) for group in groups]
    kept: list[Line] = []
    for group in groups:
        for line in say_kept(group, record, words):
            alone = len(groups) == 1
            title = choose(group.title, words.language)
            kept.append(line if alone else words.say("record.kept.pair", name=title, value=line))
    return [
        (words.say("record.people"), words.list(list(people))),
        (words.say("record.data"), words.list(titles)),
        (
            words.say("record.kinds"),
            words.list([words.say(f"record.class.{kind}") for kind in kinds]),
        ),
        (words.say("record.kept"), kept),
        (words.say("record.recipients"), _say_recipients(record, groups, words)),
    ]


def _say_recipients(
    record: Processing, groups: tuple[DataGroup, ...], words: Wording
) -> list[Line]:
    """Who gets which of the data; the policy names recipients by data, never by purpose."""
    policy = record.policy
    told: list[Line] = []
    is_shared = False
    for group in groups:
        names = [policy.processors[name].name for name in group.recipients]
        names += [choose(policy.systems[name].title, words.language) for name in group.systems]
        if names:
            title = choose(group.title, words.language)
            told.append(words.say("record.kept.pair", name=title, value=words.list(names)))
            is_shared |= len(group.purposes) > 1
    if is_shared:
        told.append(Span(words.say("record.recipients.by_data"), "quiet"))
    return told or [words.say("record.recipients.none")]


def _data(record: Processing, words: Wording) -> Section:
    columns = [
        Column(words.say("record.cluster"), 2.4),
        Column(words.say("record.people"), 2),
        Column(words.say("record.kinds"), 3.6),
        Column(words.say("record.where"), 2.6),
    ]
    rows: list[tuple[Cell, ...]] = []
    for group in record.groups:
        kinds = words.list([words.say(f"record.class.{kind}") for kind in group.classes])
        counted = words.count("record.columns", sum(group.classes.values()))
        rows.append(
            (
                choose(group.title, words.language),
                choose(group.people, words.language),
                [kinds, Span(counted, "quiet")],
                _where(group, words),
            )
        )
    table = Table(columns, rows)
    return Section("data", words.say("record.section.data"), [table])


def _where(group: DataGroup, words: Wording) -> list[Line]:
    tables: list[Line] = [Span(table, "code") for table in group.tables]
    return [words.say("record.archive.from"), *tables] if group.copy_of else tables
