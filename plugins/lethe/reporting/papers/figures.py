"""The figures of a Summary as one tidy CSV: one figure a line, the same in every language."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Final

from lethe.reporting.summary import ClauseLine, Summary, Words
from lethe.reporting.words import choose, wording

COLUMNS: Final = ("first", "last", "section", "name", "figure", "value", "unit", "note")
"""Period, section of the report, what it is about, which figure, its value and unit, a remark."""

Value = int | float | str | bool | date | datetime | None
Row = tuple[str, str, str, Value, str, str]
_UNITS: Final = {
    "erased": "items",
    "judged": "items",
    "checks": "checks",
    "columns": "columns",
    "lines": "lines",
    "cases": "cases",
}
"""What a proof counts; the others are records of the archive."""
# A spreadsheet would take a text that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_figures(summary: Summary) -> bytes:
    """Write the figures as RFC 4180 says: UTF-8, CRLF, quotes where needed, a header."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    span = (summary.first.isoformat(), summary.last.isoformat())
    for section, name, figure, value, unit, note in figure_rows(summary):
        writer.writerow(
            (*span, section, harmless(name), harmless(figure), _plain(value), unit, harmless(note))
        )
    return target.getvalue().encode("utf-8")


def harmless(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would reckon with."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _plain(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return harmless(value) if isinstance(value, str) else str(value)


def figure_rows(summary: Summary, language: str = "en") -> Iterator[Row]:
    """Every figure: section, name, figure, value, unit, note; in codes, remarks in a language."""
    yield from _report(summary)
    yield from _decisions(summary)
    for clause in summary.clauses:
        yield from _clause(clause, language)
    yield from _rules(summary)
    yield from _nights(summary)
    for table in summary.tables:
        for figure in ("planned", "deleted", "changed"):
            yield "tables", table.table, figure, getattr(table, figure), "rows", ""
    yield from _quality(summary, language)
    yield from _logs(summary)
    yield from _keys(summary)
    yield from _proof(summary)
    yield from _lists(summary, language)


def _report(summary: Summary) -> Iterator[Row]:
    edition = summary.edition
    known: Mapping[str, Value] = {
        "verdict": summary.verdict,
        "needs": summary.needs,
        "made_at": summary.made_at,
        "next_due": summary.next_due,
        "is_armed": summary.is_armed,
        "is_rehearsal": summary.is_rehearsal,
        "policy_version": edition.version,
        "policy_digest": edition.digest,
        "time_zone": edition.time_zone,
        "nights_with_a_run": len({night.as_of for night in summary.nights}),
        "nights_of_the_period": (summary.last - summary.first).days + 1,
        "set_up_on": summary.since,
    }
    for figure, value in known.items():
        yield "report", edition.name, figure, value, "", ""


def _decisions(summary: Summary) -> Iterator[Row]:
    for each in summary.decisions:
        for figure, value, unit in (
            ("count", each.count, "items"),
            ("since", each.since, "day"),
            ("answer_until", each.answer_until, "day"),
            ("oldest_on", each.oldest_on, "day"),
            ("newest_on", each.newest_on, "day"),
            ("usual", each.usual, "items"),
            ("digest", each.digest, ""),
        ):
            if value is not None:
                yield f"decisions.{each.kind}", each.what, figure, value, unit, ""
        yield from _counts(f"decisions.{each.kind}", each.what, "flag", each.flags, "items")


def _clause(clause: ClauseLine, language: str) -> Iterator[Row]:
    name, section = clause.clause, f"§ {clause.section}"
    yield from _said("clauses", name, "promise", clause.promise)
    yield "clauses", name, "verdict", clause.verdict, "", section
    yield "clauses", name, "control", clause.kind, "", ", ".join(clause.by)
    yield "clauses", name, "tests", len(clause.tests), "tests", ", ".join(clause.tests)
    yield "clauses", name, "last_evidence", clause.last_evidence, "instant", clause.evidence or ""
    yield "clauses", name, "erased", clause.erased, "items", ""
    yield "clauses", name, "kept", clause.kept, "items", ""
    yield "clauses", name, "checks_passed", clause.checks_passed, "checks", ""
    yield "clauses", name, "checks_empty", clause.checks_empty, "checks", ""
    yield "clauses", name, "checks_failed", clause.checks_failed, "checks", ""
    for proof in clause.proofs:
        said = choose(proof.said, language)
        yield (
            "clauses",
            name,
            f"proof: {proof.what}",
            proof.count,
            _UNITS.get(proof.what, "records"),
            said,
        )
    for figure, words in (("exceptions", clause.exceptions), ("reading", clause.reading)):
        if words:
            yield from _said("clauses", name, figure, words)
    if clause.reason:
        yield from _said("clauses", name, "reason", clause.reason)


def _rules(summary: Summary) -> Iterator[Row]:
    for rule in summary.rules:
        yield from _said("rules", rule.rule, "title", rule.title)
        unit = rule.subjects.get("en", "items")
        for figure in (
            "due",
            "erased",
            "stayed",
            "waiting",
            "backlog",
            "next_7",
            "next_30",
            "usual",
        ):
            value = getattr(rule, figure)
            if value is not None:
                yield "rules", rule.rule, figure, value, unit, ""
        yield "rules", rule.rule, "oldest_overdue", rule.oldest_overdue_days, "days", ""
        yield "rules", rule.rule, "state", rule.state, "", ""
        yield "rules", rule.rule, "period", rule.period, "ISO 8601", ""
        for figure in ("kept", "refused", "set_aside"):
            yield from _counts("rules", rule.rule, figure, getattr(rule, figure), unit)


def _nights(summary: Summary) -> Iterator[Row]:
    for night in summary.nights:
        name = night.as_of.isoformat()
        yield "nights", name, "state", night.state, "", night.reason or ""
        for figure, unit in (
            ("erased", "items"),
            ("not_erased", "items"),
            ("set_aside", "items"),
            ("rows_deleted", "rows"),
            ("rows_changed", "rows"),
            ("backlog", "items"),
            ("oldest_overdue_days", "days"),
            ("seconds", "seconds"),
            ("seal_no", ""),
        ):
            value = getattr(night, figure)
            if value is not None:
                yield "nights", name, figure, value, unit, night.run_id


def _quality(summary: Summary, language: str) -> Iterator[Row]:
    if summary.quality is None:
        return
    yield "quality", "run", "ran_at", summary.quality.ran_at, "instant", ""
    for kind, lines in (("clauses", summary.quality.clauses), ("suites", summary.quality.suites)):
        for line in lines:
            for figure in (
                "passed",
                "failed",
                "critical",
                "not_applicable",
                "not_asked",
                "no_rows",
            ):
                yield f"quality.{kind}", line.name, figure, getattr(line, figure), "checks", ""
    for each in summary.findings:
        figure = "rows" if each.is_asked else "not_asked"
        yield (
            "quality.failures",
            each.key,
            figure,
            each.failing,
            "rows",
            choose(each.owner, language),
        )
        yield from _said("quality.failures", each.key, "found", each.found)
    yield from _counts("quality", "run", "leak", summary.quality.leaks, "findings")


def _logs(summary: Summary) -> Iterator[Row]:
    for line in summary.logs:
        for figure in ("read", "written", "late"):
            yield "logs", line.source, figure, getattr(line, figure), "lines", ""
        yield "logs", line.source, "files", line.files, "files", ""
        yield from _counts("logs", line.source, "quarantined", line.quarantined, "lines")
        yield "logs", line.source, "unique_share", line.unique_share, "share", ""
        yield "logs", line.source, "limit", line.limit, "share", ""
        yield "logs", line.source, "smallest_group", line.smallest_group, "lines", ""
        yield "logs", line.source, "is_within", line.is_within, "", ""


def _keys(summary: Summary) -> Iterator[Row]:
    for key in summary.keys:
        name = f"{key.purpose} {key.period}"
        yield "keys", name, "state", key.state, "", ""
        for figure in ("destroy_after", "destroyed_at", "final_at"):
            if (value := getattr(key, figure)) is not None:
                yield "keys", name, figure, value, "day", ""


def _proof(summary: Summary) -> Iterator[Row]:
    for section, found, left_out in (
        ("archive", summary.archive, ("refused", "beyond")),
        ("seal", summary.seal, ()),
    ):
        if found is None:
            continue
        for figure in found.__slots__:
            if figure not in left_out and (value := getattr(found, figure)) is not None:
                yield section, "newest", figure, value, "", ""
    if summary.archive:
        yield from _counts("archive", "newest", "refused", summary.archive.refused, "records")
        yield from _counts("archive", "newest", "beyond", summary.archive.beyond, "records")


def _lists(summary: Summary, language: str) -> Iterator[Row]:
    for hold in summary.holds:
        note = wording(language, "figures").say("review", day=hold.review_on.isoformat())
        yield f"holds.{hold.kind}", hold.subject_kind, hold.reason, hold.count, "items", note
    for change in summary.changes:
        moment = change.at.isoformat()
        yield f"changes.{change.kind}", change.what, change.action, change.count, "times", moment
    for silence in summary.silences:
        yield "silences", silence.duty, "nights", silence.nights, "times", ""
    for alarm in summary.alarms:
        yield "alarms", alarm.code, "count", alarm.count, "times", ", ".join(alarm.where)
        for line in alarm.lines:
            yield from _said("alarms", alarm.code, "what to do", line)
    for unknown in summary.unknowns:
        note = choose(unknown.owner, language)
        yield f"unknowns.{unknown.kind}", unknown.what, "count", unknown.count, "", note


def _said(section: str, name: str, figure: str, words: Words) -> Iterator[Row]:
    """A text in each of its languages."""
    for language, text in words.items():
        yield section, name, figure, text, language, ""


def _counts(
    section: str, name: str, figure: str, counts: Mapping[str, int], unit: str
) -> Iterable[Row]:
    """Counts by reason: the reason follows the figure after a colon."""
    return [(section, name, f"{figure}: {why}", count, unit, "") for why, count in counts.items()]
