"""Of the record of processing: time limits, measures, other places, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from babel.dates import format_skeleton

from lethe.policy.periods import Period
from lethe.reporting.papers.blocks import (
    Block,
    Cell,
    Column,
    Heading,
    Line,
    Paragraph,
    Section,
    Span,
    Table,
)
from lethe.reporting.papers.durations import spell
from lethe.reporting.papers.processing import DataGroup, Limit, Measure, Processing
from lethe.reporting.words import Wording, choose


def say_kept(group: DataGroup, words: Wording) -> list[str]:
    """How long data are kept, a line a rule."""
    if group.limits:
        return [say_limit(limit, words) for limit in group.limits]
    return [words.say("record.no_rule", why=choose(group.undecided, words.language) or "–")]


def say_limit(limit: Limit, words: Wording) -> str:
    """One time limit read aloud: 'two years after: end of the last service'."""
    event = choose(limit.event, words.language)
    if limit.period == Period():
        return words.say("record.at_once", event=event)
    return words.say("record.after", period=spell(limit.period, words), event=event)


def periods(record: Processing, words: Wording) -> Section:
    """Time limits for erasure (f)."""
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
                Span(say_limit(limit, words), "quiet"),
            ]
            for country, (period, law) in limit.at_least.items():
                said = spell(period, words)
                laws.append(words.say("record.at_least", country=country, period=said, law=law))
        if group.stays:
            limits.append(Span(words.say("record.kept_rows"), "quiet"))
        if not group.limits:
            limits = list(say_kept(group, words))
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


def measures(record: Processing, words: Wording) -> Section:
    """Technical and organisational measures (g)."""
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


def systems(record: Processing, words: Wording) -> Section:
    """Every other place."""
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


def gaps(record: Processing, words: Wording) -> Section:
    """What the record does not say."""
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
