"""Of the record of processing: time limits, measures, other places, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from babel.dates import format_skeleton

from lethe.policy.labels import label
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
from lethe.reporting.papers.record_data import DataGroup, Limit, Measure, Processing, Stay
from lethe.reporting.words import Wording, choose


def say_kept(group: DataGroup, record: Processing, words: Wording) -> list[str]:
    """How long data are kept, a line a rule."""
    if group.limits:
        return [say_limit(limit, record, words) for limit in group.limits]
    return [words.say("record.no_rule", why=choose(group.undecided, words.language) or "–")]


def say_limit(limit: Limit, record: Processing, words: Wording) -> str:
    """One time limit read aloud: 'two years after: end of the last service'."""
    event = choose(limit.event, words.language)
    if limit.year_end is not None:
        key = "record.archive.later" if limit.at_least else "record.after"
        laws = words.list(
            [say_minimum(limit, country, record, words) for country in limit.at_least]
        )
        return words.say(
            key,
            period=spell(limit.period, words),
            event=event,
            end=_day_of_year(limit.year_end, words),
            laws=laws,
        )
    if limit.period == Period():
        return words.say("record.at_once", event=event)
    return words.say("record.after", period=spell(limit.period, words), event=event)


def say_minimum(limit: Limit, country: str, record: Processing, words: Wording) -> str:
    """The least that a law asks for, by country."""
    period, law = limit.at_least[country]
    name = str(words.locale.territories.get(country, country))
    return words.say(
        "record.at_least",
        country=name,
        period=spell(period, words),
        law=_say_law(record, law, words),
    )


def _say_law(record: Processing, law: str, words: Wording) -> str:
    return choose(label(record.policy, law), words.language)


def periods(record: Processing, words: Wording) -> Section:
    """Time limits for erasure (f)."""
    columns = [
        Column(words.say("record.cluster"), 2.4),
        Column(words.say("record.limit"), 4.6),
        Column(words.say("record.by_rule"), 2.6),
    ]
    rows: list[tuple[Cell, ...]] = []
    for group in record.groups:
        limits: list[Line] = []
        rules: list[Line] = []
        for limit in group.limits:
            if not group.copy_of:
                limits.append(choose(limit.title, words.language))
            limits.append(Span(say_limit(limit, record, words), "quiet"))
            if limit.year_end is None:
                limits += [
                    Span(say_minimum(limit, country, record, words), "quiet")
                    for country in limit.at_least
                ]
            rules += _by(limit, words)
        limits += [Span(say_stay(stay, record, words), "quiet") for stay in group.stays]
        if not group.limits:
            limits = list(say_kept(group, record, words))
        rows.append((choose(group.title, words.language), limits, rules or words.say("unit.dash")))
    blocks: list[Block] = [
        Paragraph(words.say("record.periods.intro")),
        Table(columns, rows),
        *_other_periods(record, words),
    ]
    return Section("periods", words.say("record.section.periods"), blocks)


def _by(limit: Limit, words: Wording) -> list[Line]:
    """The rule and what applies it."""
    wings = words.list([words.code("wing", each) for each in limit.kept_by])
    state = wings if limit.is_built else words.say("record.by.planned", wing=wings)
    return [Span(limit.rule, "code"), Span(state, "quiet")]


def say_stay(stay: Stay, record: Processing, words: Wording) -> str:
    """Which rows stay when the rest goes, what they still hold, and why."""
    tables = ", ".join(stay.tables)
    if stay.because is None:
        return words.say("record.stays.key", tables=tables)
    why = choose(stay.because, words.language).rstrip(".")
    if stay.law:
        why = f"{why} ({_say_law(record, stay.law, words)})"
    left = words.list([words.say(f"record.class.{kind}") for kind in stay.classes])
    return words.say("record.stays", tables=tables, left=left or words.say("unit.dash"), why=why)


def _other_periods(record: Processing, words: Wording) -> Iterator[Block]:
    logs, evidence = record.policy.logs, record.policy.evidence
    if logs:
        yield Heading(words.say("record.logs"))
        for name, source in logs.sources.items():
            yield Paragraph(
                words.say(
                    "record.logs.rule",
                    source=say_source(record, name, words),
                    keep=spell(source.keep, words),
                    quarantine=spell(source.quarantine, words),
                    window=spell(logs.key_window, words),
                )
            )
        for each in logs.in_place.values():
            yield Paragraph(
                words.say(
                    "record.logs.in_place",
                    columns=words.list([f"{each.table}.{column}" for column in each.columns]),
                    after=spell(each.after, words),
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


def say_source(record: Processing, name: str, words: Wording) -> str:
    """A source of logs by its label, else by where it is read."""
    if name in record.policy.labels:
        return choose(label(record.policy, name), words.language)
    source = record.policy.logs.sources[name] if record.policy.logs else None
    if source is None:
        return name
    if source.table is not None:
        return words.say("record.logs.table", table=str(source.table))
    return words.say("record.logs.files", files=source.files or "")


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
            _say_owner(record, clause.control.owner, words),
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


def _say_owner(record: Processing, owner: str | None, words: Wording) -> str:
    return choose(label(record.policy, owner), words.language) if owner else words.say("unit.dash")


def _say_measure(measure: Measure, words: Wording) -> str:
    values = dict(measure.values or {})
    if measure.code == "approval":
        values = {"who": words.list([choose(each, words.language) for each in values["who"]])}
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
                _say_owner(record, system.owner, words),
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
