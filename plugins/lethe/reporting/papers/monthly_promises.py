"""Of the report: what waits for a person, the promises, what we do not know, the clause trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby

from lethe.reporting.mail.first_sections import conditions, said_who, standing
from lethe.reporting.mail.phrases import limit
from lethe.reporting.papers.blocks import (
    Block,
    Cell,
    Column,
    Heading,
    Line,
    Notice,
    Paragraph,
    Section,
    Span,
    Table,
    Tone,
)
from lethe.reporting.papers.trace import TraceLine, clause_trace
from lethe.reporting.summary import ClauseLine, Decision, Silence, Summary
from lethe.reporting.words import Wording, choose, say_reason, wording

CLAUSE_TONES: dict[str, Tone] = {
    "kept": "good",
    "described": "quiet",
    "not_kept": "bad",
    "not_yet_kept": "warn",
    "organisational": "quiet",
    "not_applicable": "quiet",
}


def decisions(summary: Summary, words: Wording) -> Section:
    """What waits for a person; before it what was silent, after it what is out of order."""
    blocks: list[Block] = [_silence(each, summary, words) for each in summary.silences]
    if summary.decisions:
        blocks.append(Paragraph(words.say("decisions.intro")))
        blocks += [_decision(each, summary, words) for each in summary.decisions]
    elif not undated(summary):
        blocks.append(Paragraph(words.say("decisions.none")))
    if count := undated(summary):
        blocks.append(Paragraph(words.count("decisions.undated", count)))
    if summary.alarms:
        blocks += [Heading(words.say("alarms.heading")), _alarms(summary, words)]
    if summary.findings:
        blocks += [Heading(words.say("findings.heading")), _findings(summary, words)]
    return Section("decisions", words.say("section.decisions"), blocks, is_apart=True)


def undated(summary: Summary) -> int:
    """Subjects without a usable date, on whom somebody must decide."""
    return sum(each.count for each in summary.unknowns if each.kind == "refused")


def _alarms(summary: Summary, words: Wording) -> Table:
    """What is out of order, and what to do about it."""
    told = wording(words.language, "report")
    rows: list[tuple[Cell, ...]] = []
    for alarm in summary.alarms:
        what: list[Line] = [Span(told.count(f"alarm.{alarm.code}", alarm.count), "strong")]
        if alarm.since:
            what.append(Span(words.instant(alarm.since, summary.edition.time_zone), "quiet"))
        todo: list[Line] = [choose(line, words.language) for line in alarm.lines]
        rows.append((what, todo or [Span(name, "code") for name in alarm.where]))
    columns = [Column(words.say("alarms.what"), 3), Column(words.say("alarms.todo"), 6)]
    return Table(columns, rows)


def _findings(summary: Summary, words: Wording) -> Table:
    """Checks that failed or could not be made, and what to do about them."""
    told = wording(words.language, "report")
    rows: list[tuple[Cell, ...]] = []
    for each in summary.findings:
        todo: list[Line] = [choose(each.advice, words.language), said_who(each, told)]
        if each.because:
            todo.append(Span(told.say("finding.because", because=each.because), "quiet"))
        found = Span(choose(each.found, words.language), "strong")
        rows.append(([found, Span(_place(each.clause, summary, words), "quiet")], todo))
    columns = [Column(words.say("alarms.what"), 4), Column(words.say("alarms.todo"), 5)]
    return Table(columns, rows)


def _place(name: str | None, summary: Summary, words: Wording) -> str:
    """Where a promise stands in the published text, and the promise."""
    for clause in summary.clauses:
        if clause.clause == name:
            promise = choose(clause.promise, words.language)
            return words.say("clause.place", section=clause.section, promise=promise)
    return ""


def _silence(silence: Silence, summary: Summary, words: Wording) -> Notice:
    zone = summary.edition.time_zone
    last = words.instant(silence.last_heard, zone) if silence.last_heard else None
    pairs: list[tuple[str, Cell]] = [
        (words.say("silence.expected"), words.instant(silence.expected_by, zone)),
        (words.say("silence.last"), last or words.say("silence.never")),
    ]
    if silence.nights > 1:
        pairs.append((words.say("silence.count"), words.count("silence.nights", silence.nights)))
    title = words.say("silence.title", duty=words.code("wing", silence.duty))
    return Notice(title, (), pairs, "bad")


def _decision(decision: Decision, summary: Summary, words: Wording) -> Notice:
    what = choose(decision.title, words.language) or decision.what
    key = f"decision.{decision.kind}"
    key = key if words.has(key) else "decision.other"
    subjects = choose(decision.subjects, words.language) or words.say("decision.items")
    title = words.count(key, decision.count, what=what, subjects=subjects)
    span = ""
    if decision.oldest_on and decision.newest_on:
        span = words.say(
            "decision.span.value",
            oldest=words.day(decision.oldest_on),
            newest=words.day(decision.newest_on),
        )
    known: list[tuple[str, Cell | None]] = [
        ("limit", limit(wording(words.language, "report"), decision.limit)),
        ("since", words.day(decision.since) if decision.since else None),
        (
            "until",
            _until(decision.answer_until, summary.last, words) if decision.answer_until else None,
        ),
        ("span", span),
        ("usual", words.number(decision.usual) if decision.usual is not None else None),
        ("flags", _flags(decision, words)),
        ("clause", _place(decision.clause, summary, words)),
        ("digest", Span(decision.digest, "code") if decision.digest else None),
        ("link", Span(decision.link, "code") if decision.link else None),
    ]
    pairs = [(words.say(f"decision.{name}"), value) for name, value in known if value]
    return Notice(title, (), pairs, "warn")


def _until(day: date, last: date, words: Wording) -> Span:
    if day < last:
        return Span(words.say("decision.past", day=words.day(day)), "strong", "bad")
    return Span(words.day(day), "strong")


def _flags(decision: Decision, words: Wording) -> str:
    said = {
        flag: choose(decision.said.get(flag), words.language) or say_reason(flag, words)
        for flag in decision.flags
    }
    return words.list(
        [
            words.say("pair", name=said[flag], value=words.number(count))
            for flag, count in decision.flags.items()
        ]
    )


def clauses(summary: Summary, words: Wording) -> Section:
    """The table of promises."""
    titles = {name: words.say(f"promises.{name}") for name in _PROMISE_SHARES}
    blocks: list[Block] = [Paragraph(words.say("promises.intro"))]
    if summary.clauses:
        columns = [Column(titles[name], share) for name, share in _PROMISE_SHARES.items()]
        rows = [_promise(clause, summary.edition.time_zone, words) for clause in summary.clauses]
        blocks.append(Table(columns, rows))
    else:
        blocks = [Paragraph(words.say("promises.none"))]
    # A single sentence before it needs no page of its own.
    is_apart = bool(summary.decisions or summary.silences or summary.alarms or summary.findings)
    return Section("promises", words.say("section.promises"), blocks, is_apart=is_apart)


_PROMISE_SHARES = {"section": 0.5, "promise": 3.7, "stands": 2.4, "control": 1.8, "evidence": 2.8}


def _promise(clause: ClauseLine, zone: str, words: Wording) -> tuple[Cell, ...]:
    promise: list[Line] = [choose(clause.promise, words.language)]
    if clause.reason:
        promise.append(Span(choose(clause.reason, words.language), "quiet"))
    by = [words.code("wing", wing) for wing in clause.by] or [words.say("wing.none")]
    said = words.code("clause", standing(clause))
    # A mark is a box that does not break: a long one breaks where the sentence does.
    marks = said.replace(" ", "\u00a0").replace(",\u00a0", ",\n").split("\n")
    tone = CLAUSE_TONES.get(clause.verdict, "quiet")
    stands: list[Line] = [Span(mark, "mark", tone) for mark in marks]
    stands += [Span(each, "quiet") for each in conditions(clause, words.language)]
    return (
        clause.section,
        promise,
        stands,
        by,
        _evidence(clause, zone, words),
    )


def _evidence(clause: ClauseLine, zone: str, words: Wording) -> list[Line]:
    if clause.last_evidence is None:
        return [] if not clause.by else [Span(words.say("promises.never"), "quiet")]
    lines: list[Line] = [words.instant(clause.last_evidence, zone, "medium")]
    figures = (
        ("kept_back", clause.kept),
        ("empty", clause.checks_empty),
        ("failed", clause.checks_failed),
    )
    told = [choose(proof.said, words.language) for proof in clause.proofs]
    told += [words.count(f"clause.{name}", count) for name, count in figures if count]
    return [*lines, *(Span(each, "quiet") for each in told)]


def unknowns(summary: Summary, words: Wording) -> Section:
    """What we do not know, kind by kind."""
    if not summary.unknowns:
        blocks: list[Block] = [Paragraph(words.say("unknowns.none"))]
        return Section("unknowns", words.say("section.unknowns"), blocks)
    blocks = [Paragraph(words.say("unknowns.intro"))]
    order = {kind: place for place, kind in enumerate(dict.fromkeys(_KINDS))}
    known = sorted(summary.unknowns, key=lambda each: order.get(each.kind, len(order)))
    for kind, found in groupby(known, key=lambda each: each.kind):
        rows: list[tuple[Cell, ...]] = []
        for each in found:
            count: list[Line] = [words.number(each.count)] if each.count else []
            if each.since:
                said = words.say("unknowns.since", since=words.day(each.since, "medium"))
                count.append(Span(said, "quiet"))
            rows.append(
                (
                    choose(each.title, words.language) or Span(each.what, "code"),
                    choose(each.why, words.language),
                    choose(each.owner, words.language)
                    or Span(words.say("unknowns.nobody"), "quiet", "bad"),
                    count,
                )
            )
        columns = [
            Column(words.say("unknowns.what"), 2.2),
            Column(words.say("unknowns.why"), 4.4),
            Column(words.say("unknowns.owner"), 2),
            Column(words.say("unknowns.count"), 1.6, is_number=True),
        ]
        blocks += [Heading(words.code("unknown", kind)), Table(columns, rows)]
    return Section("unknowns", words.say("section.unknowns"), blocks)


_KINDS = ("reading", "refused", "undecided", "system", "copy", "processor", "untested")


def trace(summary: Summary, words: Wording) -> Section:
    """From the published sentence to its proof."""
    lines = clause_trace(summary)
    machines = [line for line in lines if line.is_tested is not None]
    blocks: list[Block] = [Paragraph(words.say("trace.intro"))]
    if machines:
        tested = words.number(sum(bool(line.is_tested) for line in machines))
        said = words.say("trace.summary", tested=tested, all=words.number(len(machines)))
        blocks.append(Paragraph(said))
        columns = [Column(words.say(f"trace.{name}"), share) for name, share in _TRACE.items()]
        titles = {rule.rule: choose(rule.title, words.language) for rule in summary.rules}
        rows = [_follow(line, titles, summary.edition.time_zone, words) for line in lines]
        blocks.append(Table(columns, rows))
    return Section("trace", words.say("section.trace"), blocks, is_apart=True)


_TRACE = {"sentence": 1.2, "clause": 3.0, "control": 1.9, "tests": 3.0, "evidence": 1.8}


def _say_test(node: str) -> Iterator[Line]:
    """A test is named in a sentence: show it as one, with its file below."""
    file, _, name = node.partition("::")
    if name:
        yield name.removeprefix("test_").replace("_", " ")
    yield Span(file, "code", "quiet")


def _follow(
    line: TraceLine, titles: Mapping[str, str], zone: str, words: Wording
) -> tuple[Cell, ...]:
    place = words.say("trace.section.value", section=line.section)
    if line.sentence:
        place = words.say("trace.sentence.value", section=line.section, sentence=line.sentence)
    tests: Cell = [part for each in line.tests for part in _say_test(each)]
    if line.is_tested is False:
        tests = Span(words.say("trace.untested"), "mark", "warn")
    elif line.is_tested is None:
        tests = words.say("unit.dash")
    evidence: list[Line] = []
    if line.last_evidence:
        evidence = [
            words.instant(line.last_evidence, zone, "medium"),
            Span(words.code("evidence", line.evidence or ""), "quiet"),
        ]
    evidence += [choose(proof.said, words.language) for proof in line.proofs]
    if line.verdict == "described":
        evidence.append(Span(words.code("clause", line.verdict), "strong"))
    return (
        place,
        [
            choose(line.promise, words.language),
            *(Span(titles.get(rule) or rule, "quiet") for rule in line.rules),
            Span(line.clause, "code", "quiet"),
        ],
        [
            words.code("kind", line.kind),
            *(Span(words.code("wing", wing), "quiet") for wing in line.by),
        ],
        tests,
        evidence or words.say("unit.dash"),
    )
