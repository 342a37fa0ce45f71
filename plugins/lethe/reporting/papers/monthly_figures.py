"""Of the report: charts, rules, tables, quality, logs and keys."""

from __future__ import annotations

from collections.abc import Mapping

from lethe.policy.periods import Period
from lethe.reporting.findings import has_rows, say_command
from lethe.reporting.headline import coverage
from lethe.reporting.mail.data_sections import keyless, linkable
from lethe.reporting.mail.phrases import night_reason
from lethe.reporting.papers.blocks import (
    Block,
    Cell,
    Column,
    Heading,
    Line,
    Paragraph,
    Picture,
    Section,
    Span,
    Table,
)
from lethe.reporting.papers.charts import charts
from lethe.reporting.papers.drawing import ONLY_SVG
from lethe.reporting.papers.nights import nights_of
from lethe.reporting.summary import CheckLine, KeyLine, LogLine, NightLine, RuleLine, Summary
from lethe.reporting.words import Wording, choose, say_reason, wording


def pictures(summary: Summary, words: Wording) -> Section:
    """The charts, on light paper."""
    drawn = charts(summary, words.language, "light", ONLY_SVG)
    blocks: list[Block] = [
        Paragraph(words.say("figures.intro", zone=summary.edition.time_zone))
        if drawn
        else Paragraph(words.say("figures.nothing"))
    ]
    blocks += [Picture(chart.title, chart.svg, chart.alt) for chart in drawn]
    return Section("figures", words.say("section.figures"), blocks, is_apart=bool(drawn))


def nights(summary: Summary, words: Wording) -> Section:
    """Night by night, also those without a run."""
    title, calendar = words.say("section.nights"), nights_of(summary)
    if not calendar:
        return Section("nights", title, [Paragraph(words.say("nights.none"))])
    names = ("erased", "stayed", "rows", "overdue", "seal")
    columns = [
        Column(words.say("nights.night"), 1.5),
        Column(words.say("nights.state"), 2.6),
        *(Column(words.say(f"nights.{name}"), 1.5, is_number=True) for name in names),
    ]
    rows: list[tuple[Cell, ...]] = []
    for each in calendar:
        runs = [run for run in summary.nights if run.as_of == each.day]
        rows += [_night(run, words) for run in runs]
        if not runs:
            silent = Span(words.say("nights.silent"), "mark", "bad")
            dash = words.say("unit.dash")
            rows.append((words.day(each.day, "medium"), silent, *([dash] * len(names))))
    told = coverage(summary, words.language)
    intro: list[Block] = [Paragraph(said) for said in (told, words.say("nights.intro")) if said]
    return Section("nights", title, [*intro, Table(columns, rows)])


def _night(run: NightLine, words: Wording) -> tuple[Cell, ...]:
    good = run.state in ("done", "superseded")
    state: list[Line] = [Span(words.code("night", run.state), "plain" if good else "strong")]
    if run.reason:
        state.append(Span(night_reason(wording(words.language, "report"), run.reason), "quiet"))
    return (
        words.day(run.as_of, "medium"),
        state,
        words.number(run.erased),
        words.number(run.not_erased + run.set_aside),
        words.number(run.rows_deleted),
        words.count("count.days", run.oldest_overdue_days),
        words.number(run.seal_no) if run.seal_no is not None else words.say("unit.dash"),
    )


def rules(summary: Summary, words: Wording) -> Section:
    """What was erased, kept and refused, rule by rule."""
    title = words.say("section.rules")
    if not summary.rules:
        return Section("rules", title, [Paragraph(words.say("rules.none"))])
    columns = [
        Column(words.say("rules.rule"), 4.2),
        Column(words.say("rules.due"), 1.2, is_number=True),
        Column(words.say("rules.erased"), 1.4, is_number=True),
        Column(words.say("rules.stayed"), 2.8, is_number=True),
        Column(words.say("rules.refused"), 2.5, is_number=True),
        Column(words.say("rules.next"), 2.1, is_number=True),
    ]
    rows: list[tuple[Cell, ...]] = [_rule(rule, words) for rule in summary.rules]
    rows.append(_all_rules(summary, words))
    blocks: list[Block] = [Paragraph(words.say("rules.intro")), Table(columns, rows)]
    return Section("rules", title, blocks)


def _rule(rule: RuleLine, words: Wording) -> tuple[Cell, ...]:
    name: list[Line] = [choose(rule.title, words.language) or rule.rule]
    subjects = choose(rule.subjects, words.language)
    if subjects:
        name.append(Span(subjects, "quiet"))
    stayed = [*_reasons(rule.kept, words), *_reasons(rule.set_aside, words)]
    if left := rule.backlog - rule.waiting:
        stayed.append(words.say("pair", name=words.say("rules.left"), value=words.number(left)))
    if rule.waiting:
        waiting = words.say(
            "pair", name=words.say("rules.waiting"), value=words.number(rule.waiting)
        )
        stayed.append(Span(waiting, "strong", "warn"))
    return (
        name,
        words.number(rule.due),
        Span(words.number(rule.erased), "strong"),
        stayed,
        _reasons(rule.refused, words),
        f"{words.number(rule.next_7)} / {words.number(rule.next_30)}",
    )


def _all_rules(summary: Summary, words: Wording) -> tuple[Cell, ...]:
    every = summary.rules
    stayed = sum(rule.stayed for rule in every)
    week, month = sum(rule.next_7 for rule in every), sum(rule.next_30 for rule in every)
    cells = (
        words.say("rules.total"),
        words.number(sum(rule.due for rule in every)),
        words.number(sum(rule.erased for rule in every)),
        words.number(stayed),
        words.number(sum(sum(rule.refused.values()) for rule in every)),
        f"{words.number(week)} / {words.number(month)}",
    )
    return tuple(Span(cell, "strong") for cell in cells)


def _reasons(counts: Mapping[str, int], words: Wording) -> list[Line]:
    return [
        words.say("pair", name=say_reason(reason, words), value=words.number(count))
        for reason, count in counts.items()
        if count
    ]


def say_rule_period(period: str, words: Wording) -> str:
    """An ISO 8601 period as 'after 2 years', 'at once'."""
    found = Period.parse(period)
    if found == Period():
        return words.say("rules.at_once")
    return words.say("rules.period", period=words.period(found))


def tables(summary: Summary, words: Wording) -> Section:
    """Rows by table."""
    title = words.say("section.tables")
    moved = [line for line in summary.tables if line.planned or line.deleted or line.changed]
    if not moved:
        return Section("tables", title, [Paragraph(words.say("tables.none"))])
    columns = [
        Column(words.say("tables.table"), 5),
        *(
            Column(words.say(f"tables.{name}"), 1.5, is_number=True)
            for name in ("planned", "deleted", "changed")
        ),
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            Span(line.table, "code"),
            *map(words.number, (line.planned, line.deleted, line.changed)),
        )
        for line in moved
    ]
    totals = (
        sum(line.planned for line in moved),
        sum(line.deleted for line in moved),
        sum(line.changed for line in moved),
    )
    rows.append(
        (
            Span(words.say("tables.total"), "strong"),
            *(Span(words.number(total), "strong") for total in totals),
        )
    )
    return Section("tables", title, [Paragraph(words.say("tables.intro")), Table(columns, rows)])


def quality(summary: Summary, words: Wording) -> Section:
    """What the checks found."""
    title, found = words.say("section.quality"), summary.quality
    if found is None:
        return Section("quality", title, [Paragraph(words.say("quality.none"))])
    ran = words.instant(found.ran_at, summary.edition.time_zone)
    blocks: list[Block] = [Paragraph(words.say("quality.intro", ran=ran))]
    if found.findings:
        columns = [
            Column(words.say("quality.failure"), 5),
            Column(words.say("quality.rows"), 3),
        ]
        rows: list[tuple[Cell, ...]] = [
            (
                choose(each.found, words.language),
                Span(say_command(each), "code", "quiet") if has_rows(each) else "",
            )
            for each in found.findings
        ]
        blocks += [Heading(words.say("quality.failures")), Table(columns, rows)]
    elif not found.unkept:
        blocks.append(Paragraph(words.say("quality.no_failures"), "good"))
    if found.unkept:
        critical = words.number(found.unkept_critical)
        said = words.count("quality.unkept", found.unkept, critical=critical)
        blocks.append(Paragraph(said, "bad"))
    if found.leaks:
        where = words.list([f"{name} ({words.number(n)})" for name, n in found.leaks.items()])
        blocks.append(Paragraph(words.say("quality.leaks", where=where), "bad"))
    else:
        blocks.append(Paragraph(words.say("quality.no_leaks"), "good"))
    for name, lines in (("clauses", found.clauses), ("suites", found.suites)):
        if lines:
            blocks += [Heading(words.say(f"quality.{name}")), _checks(lines, summary, words)]
    if found.data_docs:
        blocks.append(Paragraph(words.say("quality.docs", path=found.data_docs)))
    return Section("quality", title, blocks)


def _checks(lines: tuple[CheckLine, ...], summary: Summary, words: Wording) -> Table:
    sections = {clause.clause: f"§ {clause.section}" for clause in summary.clauses}
    names = ("passed", "no_rows", "failed", "critical", "not_applicable", "not_asked")
    columns = [
        Column(words.say("quality.name"), 4.5),
        *(Column(words.say(f"quality.{name}"), 1.2, is_number=True) for name in names),
    ]
    rows: list[tuple[Cell, ...]] = []
    for line in lines:
        title = choose(line.title, words.language) or line.name
        place = [Span(sections[line.name], "quiet")] if line.name in sections else []
        cells: list[Cell] = [[*place, title]]
        for name in names:
            count = int(getattr(line, name))
            is_bad = bool(count) and name in ("failed", "critical")
            cells.append(
                Span(
                    words.number(count),
                    "strong" if is_bad else "plain",
                    "bad" if is_bad else "plain",
                )
            )
        rows.append(tuple(cells))
    return Table(columns, rows)


def logs(summary: Summary, words: Wording) -> Section:
    """Lines of logs, what could still be linked, and the keys."""
    blocks: list[Block] = []
    if summary.logs:
        titles = ("read", "written", "apart", "late", "unique", "group")
        columns = [
            Column(words.say("logs.source"), 2.2),
            *(Column(words.say(f"logs.{name}"), 1.5, is_number=True) for name in titles),
        ]
        rows = [_log(line, words) for line in summary.logs]
        blocks += [Paragraph(words.say("logs.intro")), Table(columns, rows)]
        told = wording(words.language, "report")
        for line in summary.logs:
            name = choose(line.title, words.language) or line.source
            said = " ".join(linkable(line, told))
            if said:
                blocks.append(Paragraph(words.say("pair", name=name, value=said)))
    else:
        blocks.append(Paragraph(words.say("logs.none")))
    blocks.append(Heading(words.say("logs.keys")))
    if summary.keys:
        names = ("purpose", "period", "state", "destroy", "destroyed", "final")
        columns = [Column(words.say(f"keys.{name}"), 1.3) for name in names]
        zone = summary.edition.time_zone
        blocks.append(Table(columns, [_key(key, zone, words) for key in summary.keys]))
        if gaps := keyless(summary, wording(words.language, "report")):
            blocks.append(Paragraph(gaps))
    else:
        blocks.append(Paragraph(words.say("keys.none")))
    return Section("logs", words.say("section.logs"), blocks)


def _log(line: LogLine, words: Wording) -> tuple[Cell, ...]:
    apart: list[Line] = [words.number(sum(line.quarantined.values()))]
    apart += [Span(str(each), "quiet") for each in _reasons(line.quarantined, words)]
    unique: list[Line] = []
    if line.unique_share is not None:
        share = words.percent(line.unique_share, "0.0 %" if words.language == "fr" else "0.0%")
        tone = "plain" if line.is_within else "bad"
        unique.append(Span(share, "plain" if line.is_within else "strong", tone))  # type: ignore[arg-type]
    if line.limit is not None:
        limit = words.say("logs.limit", limit=words.percent(line.limit))
        unique.append(Span(limit, "quiet"))
    group = words.number(line.smallest_group) if line.smallest_group is not None else ""
    return (
        choose(line.title, words.language) or Span(line.source, "code"),
        words.number(line.read),
        words.number(line.written),
        apart,
        words.number(line.late),
        unique,
        group,
    )


def _key(key: KeyLine, zone: str, words: Wording) -> tuple[Cell, ...]:
    dash = words.say("unit.dash")
    return (
        wording(words.language, "report").code("key_use", key.purpose.replace(" ", "_")),
        words.key_period(key.period),
        Span(words.code("key", key.state), "mark", "warn" if key.state == "due" else "quiet"),
        words.day(key.destroy_after, "medium") if key.destroy_after else dash,
        words.instant(key.destroyed_at, zone, "medium") if key.destroyed_at else dash,
        words.day(key.final_at, "medium") if key.final_at else dash,
    )
