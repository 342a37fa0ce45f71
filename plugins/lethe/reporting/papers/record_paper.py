"""The record of processing as a paper, in the order of Art. 30(1)(a) to (g)."""

from __future__ import annotations

from collections.abc import Iterator

from lethe.reporting.papers.blocks import (
    Block,
    Cell,
    Column,
    Cover,
    Facts,
    Heading,
    Line,
    Paper,
    Paragraph,
    Section,
    Span,
    Table,
)
from lethe.reporting.papers.drawing import shorten
from lethe.reporting.papers.processing import DataGroup, Processing
from lethe.reporting.papers.record_limits import gaps, measures, periods, say_kept, systems
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
            _recipients(record, words),
            periods(record, words),
            measures(record, words),
            systems(record, words),
            gaps(record, words),
        ),
        keywords=("GDPR Art. 30", edition.name, edition.version),
    )


def _parties(record: Processing, words: Wording) -> Iterator[tuple[str, Cell]]:
    controller, edition = record.policy.controller, record.policy.policy
    known: list[tuple[str, list[str | None]]] = [
        ("controller", [controller.name, controller.address]),
        ("registration", [controller.registration]),
        ("contact", [controller.contact]),
        ("dpo", [controller.dpo.name, controller.dpo.email, controller.dpo.address]),
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
        basis += [each for each in (purpose.law, choose(purpose.interest, words.language)) if each]
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
    receivers = dict.fromkeys(
        record.policy.processors[name].name for group in groups for name in group.recipients
    )
    kept: list[Line] = []
    for group in groups:
        for line in say_kept(group, words):
            alone = len(groups) == 1
            title = choose(group.title, words.language)
            kept.append(line if alone else words.say("pair", name=title, value=line))
    return [
        (words.say("record.people"), words.list(list(people))),
        (words.say("record.data"), words.list(titles)),
        (
            words.say("record.kinds"),
            words.list([words.say(f"record.class.{kind}") for kind in kinds]),
        ),
        (words.say("record.kept"), kept),
        (
            words.say("record.recipients"),
            words.list(list(receivers)) or words.say("record.recipients.none"),
        ),
    ]


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
                [Span(table, "code") for table in group.tables],
            )
        )
    table = Table(columns, rows)
    return Section("data", words.say("record.section.data"), [table])


def _recipients(record: Processing, words: Wording) -> Section:
    blocks: list[Block] = []
    policy = record.policy
    if policy.processors:
        names = ("processor", "service", "country", "receives", "told")
        shares = (1.6, 3.2, 1.3, 3, 1.6)
        columns = [
            Column(words.say(f"record.{name}"), share)
            for name, share in zip(names, shares, strict=True)
        ]
        rows: list[tuple[Cell, ...]] = []
        for each in policy.processors.values():
            gets = [_say_received(record, name, words) for name in each.receives]
            rows.append(
                (
                    each.name,
                    choose(each.service, words.language),
                    str(words.locale.territories.get(each.country, each.country)),
                    words.list(gets) or words.say("record.receives.none"),
                    words.say("record.yes" if each.notify_erasure else "record.no"),
                )
            )
        blocks.append(Table(columns, rows))
    else:
        blocks.append(Paragraph(words.say("record.transfer.nobody")))
    names_of = words.list([f"{each.name} ({each.country})" for each in record.transfers])
    if record.transfers:
        blocks.append(Paragraph(words.say("record.transfer.third", names=names_of), "bad"))
    elif policy.processors:
        blocks.append(Paragraph(words.say("record.transfer.none")))
    if policy.disclosures:
        grounds = words.list(list(policy.disclosures.grounds))
        blocks.append(Paragraph(words.say("record.grounds", grounds=grounds)))
    return Section("recipients", words.say("record.section.recipients"), blocks)


def _say_received(record: Processing, name: str, words: Wording) -> str:
    if words.has(f"record.class.{name}"):
        return words.say(f"record.class.{name}")
    cluster = record.policy.clusters.get(name)
    return choose(cluster.title, words.language) if cluster else name
