"""The verdict in words: the first line of every report, on the page and in the notes on runs."""

from __future__ import annotations

from babel.dates import format_date

from lethe.reporting.summary import Summary
from lethe.reporting.words import Wording, wording


def headline(summary: Summary, language: str) -> str:
    """Say in one sentence how the period stands; never more than the clauses say."""
    words = wording(language, "report")
    when = said_when(summary, words)
    broken = sum(clause.verdict == "not_kept" for clause in summary.clauses)
    if summary.verdict == "silent":
        return _silence(summary, words)
    if not summary.is_armed:
        return words.say("verdict.report_only")
    if summary.verdict == "not_kept":
        return words.count("verdict.not_kept", max(1, broken))
    if summary.verdict == "needs_you":
        return words.count("verdict.needs_you", max(1, summary.needs))
    without = sum(clause.verdict == "not_yet_kept" for clause in summary.clauses)
    if without:
        return words.count("verdict.kept_but", without, when=when)
    return words.say("verdict.kept", when=when)


def said_when(summary: Summary, words: Wording) -> str:
    """'last night', or 'in May 2026'."""
    if summary.period == "day":
        return words.say("when.day")
    return words.say("when.month", month=said_month(summary, words))


def said_month(summary: Summary, words: Wording) -> str:
    """The month of the report: 'May 2026', 'mai 2026'."""
    return format_date(summary.last, "LLLL yyyy", locale=words.locale)


def _silence(summary: Summary, words: Wording) -> str:
    # Of a month only its end is silent: what was heard of before is not denied.
    when = words.say(f"when.end.{summary.period}", month=said_month(summary, words))
    silent = {each.duty: each for each in summary.silences}
    sweep = silent.get("retention_sweep")
    if sweep is not None and sweep.last_heard is None:
        return words.say("verdict.never_swept")
    if len(silent) == 1:
        duty = words.code("duty", next(iter(silent)))
        return words.say("verdict.silent_one", duty=duty, when=when)
    return words.count("verdict.silent", len(silent), when=when)
