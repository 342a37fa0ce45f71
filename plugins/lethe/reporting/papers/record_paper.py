"""The record of processing as a paper, in the order of Art. 30(1)(a) to (g)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from babel.dates import format_skeleton

from lethe.policy.periods import Period
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
from lethe.reporting.papers.durations import spell
from lethe.reporting.papers.processing import DataGroup, Limit, Measure, Processing
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
            _periods(record, words),
            _measures(record, words),
            _systems(record, words),
            _gaps(record, words),
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
        for line in _kept(group, words):
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


def _kept(group: DataGroup, words: Wording) -> list[str]:
    if group.limits:
        return [_say_limit(limit, words) for limit in group.limits]
    return [words.say("record.no_rule", why=choose(group.undecided, words.language) or "–")]


def _say_limit(limit: Limit, words: Wording) -> str:
    event = choose(limit.event, words.language)
    if limit.period == Period():
        return words.say("record.at_once", event=event)
    return words.say("record.after", period=spell(limit.period, words), event=event)


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


def _periods(record: Processing, words: Wording) -> Section:
    columns = [Column(words.say("record.cluster"), 2.6), Column(words.say("record.limit"), 4.4)]
    has_laws = any(limit.at_least for group in record.groups for limit in group.limits)
    if has_laws:
        columns.append(Column(words.say("record.law"), 3))
    rows: list[tuple[Cell, ...]] = []
    for group in record.groups:
        limits: list[Line] = []
        laws: list[Line] = []
        for limit in group.limits:
            limits += [
                choose(limit.title, words.language),
                Span(_say_limit(limit, words), "quiet"),
            ]
            for country, (period, law) in limit.at_least.items():
                said = spell(period, words)
                laws.append(words.say("record.at_least", country=country, period=said, law=law))
        if group.stays:
            limits.append(Span(words.say("record.kept_rows"), "quiet"))
        if not group.limits:
            limits = list(_kept(group, words))
        row: tuple[Cell, ...] = (choose(group.title, words.language), limits)
        rows.append((*row, laws or words.say("unit.dash")) if has_laws else row)
    blocks: list[Block] = [Table(columns, rows), *_other_periods(record, words)]
    return Section("periods", words.say("record.section.periods"), blocks)


def _other_periods(record: Processing, words: Wording) -> Iterator[Block]:
    archive, logs, evidence = record.policy.archive, record.policy.logs, record.policy.evidence
    if archive:
        documents = [choose(each.title, words.language) for each in archive.documents.values()]
        said = words.say(
            "record.archive.rule",
            documents=words.list(documents),
            period=spell(archive.period, words),
            event=choose(archive.starting_point.event, words.language),
            end=_day_of_year(archive.financial_year_end, words),
        )
        laws = [
            words.say(
                "record.at_least", country=country, period=spell(each.period, words), law=each.law
            )
            for country, each in archive.legal_minimum.items()
        ]
        yield Heading(words.say("record.archive"))
        yield Paragraph(said)
        yield from (Paragraph(law, "quiet") for law in laws)
    if logs:
        yield Heading(words.say("record.logs"))
        for name, source in logs.sources.items():
            yield Paragraph(
                words.say(
                    "record.logs.rule",
                    source=name,
                    keep=spell(source.keep, words),
                    quarantine=spell(source.quarantine, words),
                    window=spell(logs.key_window, words),
                )
            )
    yield Heading(words.say("record.evidence"))
    yield Paragraph(
        words.say(
            "record.evidence.rule",
            subjects=spell(evidence.subject_rows, words),
            backups=spell(evidence.backups, words),
        )
    )


def _day_of_year(month_day: str, words: Wording) -> str:
    month, day = map(int, month_day.split("-"))
    said = format_skeleton("MMMMd", date(2024, month, day), locale=words.locale)
    return str(said)


def _measures(record: Processing, words: Wording) -> Section:
    columns = [Column(words.say("record.measure"), 6), Column(words.say("record.state"), 1)]
    rows: list[tuple[Cell, ...]] = [
        (
            _say_measure(each, words),
            Span(
                words.say("record.built" if each.is_built else "record.planned").replace(
                    " ", "\u00a0"
                ),
                "mark",
                "good" if each.is_built else "warn",
            ),
        )
        for each in record.measures
    ]
    blocks: list[Block] = [Table(columns, rows)]
    clear: list[tuple[Cell, ...]] = [
        (Span(f"{table}.{name}", "code"), choose(column.clear_because, words.language))
        for table, each in record.policy.tables.items()
        for name, column in each.columns.items()
        if column.clear_because
    ]
    if clear:
        titles = [
            Column(words.say("record.clear.column"), 2),
            Column(words.say("record.clear.why"), 4),
        ]
        blocks += [Heading(words.say("record.clear")), Table(titles, clear)]
    by_people: list[tuple[Cell, ...]] = [
        (
            [choose(clause.promise, words.language), Span(f"§ {clause.section}", "quiet")],
            choose(clause.control.because, words.language),
            clause.control.owner or words.say("unit.dash"),
        )
        for clause in record.policy.clauses.values()
        if clause.control.kind == "organisational"
    ]
    if by_people:
        heads = [
            Column(words.say("record.organisational.what"), 3),
            Column(words.say("record.organisational.why"), 4),
            Column(words.say("record.owner"), 1.6),
        ]
        blocks += [Heading(words.say("record.organisational")), Table(heads, by_people)]
    return Section("measures", words.say("record.section.measures"), blocks)


def _say_measure(measure: Measure, words: Wording) -> str:
    values = dict(measure.values or {})
    if measure.code == "approval":
        values = {"who": words.list(list(values["who"]))}
    if measure.code == "protected":
        counts = [words.count(f"record.protection.{kind}", n) for kind, n in values.items()]
        values = {"counts": words.list(counts)}
    key = f"record.measure.{measure.code}"
    return words.count(key, measure.count, **values) if measure.count else words.say(key, **values)


def _systems(record: Processing, words: Wording) -> Section:
    title = words.say("record.section.systems")
    policy = record.policy
    if not policy.systems:
        return Section("systems", title, [Paragraph(words.say("record.systems.none"))])
    columns = [
        Column(words.say("record.system"), 3),
        Column(words.say("record.owner"), 1.5),
        Column(words.say("record.holds"), 3.2),
        Column(words.say("record.retention"), 2.6),
    ]
    rows: list[tuple[Cell, ...]] = []
    for system in policy.systems.values():
        name: list[Line] = [
            choose(system.title, words.language),
            Span(words.say(f"system.{system.kind}"), "quiet"),
        ]
        if system.out_of_scope:
            why = choose(system.out_of_scope, words.language)
            name.append(Span(words.say("record.out_of_scope", why=why), "quiet"))
        holds = [choose(policy.clusters[key].title, words.language) for key in system.holds]
        keeps = spell(system.retention, words) if system.retention else None
        if keeps is None and system.connector:
            keeps = words.say("record.connector")
        if keeps is None and system.out_of_scope:
            keeps = words.say("unit.dash")
        scope = words.list(holds) or words.say(
            "unit.dash" if system.out_of_scope else "record.everything"
        )
        rows.append(
            (
                name,
                system.owner,
                scope,
                keeps or Span(words.say("record.unstated"), "mark", "warn"),
            )
        )
    return Section("systems", title, [Table(columns, rows)])


def _gaps(record: Processing, words: Wording) -> Section:
    blocks: list[Block] = [
        Paragraph(
            words.say(
                f"record.gap.{gap.code}",
                what=choose(gap.what, words.language),
                country=gap.country or "",
            ),
            "bad",
        )
        for gap in record.gaps
    ]
    blocks += [
        Paragraph(
            words.say("record.gap.planned", what=_say_measure(each, words).rstrip(".")), "bad"
        )
        for each in record.measures
        if not each.is_built
    ]
    if not record.gaps:
        blocks.insert(0, Paragraph(words.say("record.gap.none"), "good"))
    blocks.append(Paragraph(words.say("record.gap.always")))
    return Section("gaps", words.say("record.section.gaps"), blocks)
