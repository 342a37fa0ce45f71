"""The verdict in words: the first line of every report, on the page and in the notes on runs."""

from __future__ import annotations

from datetime import timedelta

from babel.dates import format_date

from lethe.reporting.summary import Summary
from lethe.reporting.words import Wording, wording

MOST_NIGHTS = 8


def headline(summary: Summary, language: str) -> str:
    """Say how the period stands: what needs somebody, then how many promises are shown kept."""
    parts = (verdict(summary, language), standing(summary, language))
    return " ".join(part for part in parts if part)


def standing(summary: Summary, language: str) -> str:
    """Say how many promises are shown kept, and how many questions about them are open."""
    parts = [balance(summary, language), coverage(summary, language)]
    if open_questions := _questions(summary):
        words = wording(language, "report")
        parts.append(words.count("balance.questions", open_questions))
    return " ".join(part for part in parts if part)


def coverage(summary: Summary, language: str) -> str:
    """Say which nights of a month are told, and which are missing; of a day nothing."""
    if summary.period == "day":
        return ""
    words = wording(language, "report")
    ran = {night.as_of for night in summary.nights}
    every = (summary.last - summary.first).days + 1
    first = max(summary.first, summary.since or summary.first)
    said = [words.count("nights.covered", len(ran), all=words.number(every))]
    if first > summary.first:
        said.append(words.say("nights.since", day=words.day(first)))
    days = (first + timedelta(days=n) for n in range((summary.last - first).days + 1))
    missing = [words.day(day, "medium") for day in days if day not in ran]
    if missing:
        shown = missing[:MOST_NIGHTS]
        if rest := len(missing) - len(shown):
            shown.append(words.count("more.names", rest))
        said.append(words.count("nights.missing", len(missing), days=words.list(shown)))
    return " ".join(said)


def _questions(summary: Summary) -> int:
    """What somebody must confirm or decide: who cannot be dated is one question a rule."""
    undated = {each.what.partition(": ")[0] for each in summary.unknowns if each.kind == "refused"}
    return len(undated) + sum(each.kind != "refused" for each in summary.unknowns)


def verdict(summary: Summary, language: str) -> str:
    """Say what needs somebody: silence, promises that are not kept, points to look at."""
    words = wording(language, "report")
    broken = _count(summary, "not_kept")
    points = summary.needs
    said = [_silence(summary, words)] if summary.silences else []
    if not summary.is_armed and not said:
        said.append(words.say("verdict.report_only"))
    if broken:
        said.append(words.count("verdict.not_kept", broken))
    if points:
        said.append(words.count("verdict.points", points))
    return " ".join(said or [words.say("verdict.nothing")])


def balance(summary: Summary, language: str) -> str:
    """Say how many promises are shown kept, and of the others why not; the parts add up."""
    words = wording(language, "report")
    every, kept = len(summary.clauses), _count(summary, "kept")
    if not every:
        return ""
    excepted = sum(each.is_reserved for each in summary.clauses)
    if kept == every and not excepted:
        return words.count("balance.all", every)
    built = [each for each in summary.clauses if each.verdict == "not_yet_kept"]
    without = sum(not each.has_control for each in built)
    parts = (
        ("described", _count(summary, "described")),
        ("broken", _count(summary, "not_kept")),
        ("no_evidence", len(built) - without),
        ("no_control", without),
        ("people", _count(summary, "organisational")),
        ("not_applicable", _count(summary, "not_applicable")),
    )
    told = [words.count(f"balance.{name}", count) for name, count in parts if count]
    shown = words.count("balance.shown", kept, all=words.number(every))
    if excepted:
        shown = words.say("balance.with", shown=shown, of=words.count("balance.excepted", excepted))
    return words.say("balance.sentence", parts=words.say("balance.and").join((shown, *told)))


def subject(summary: Summary, language: str) -> str:
    """The verdict short enough for the subject of a mail: points first, then what is shown."""
    words = wording(language, "report")
    said = verdict(summary, language).removesuffix(".")
    every, kept = len(summary.clauses), _count(summary, "kept")
    if not every:
        return said
    shown = words.count("balance.shown", kept, all=words.number(every))
    return words.say("balance.and").join((said, shown))


def _count(summary: Summary, verdict: str) -> int:
    return sum(clause.verdict == verdict for clause in summary.clauses)


def said_month(summary: Summary, words: Wording) -> str:
    """The month of the report: 'May 2026', 'mai 2026'."""
    return format_date(summary.last, "LLLL yyyy", locale=words.locale)


def is_whole(summary: Summary) -> bool:
    """Whether a month is told to its end; a day always is."""
    return summary.period == "day" or (summary.last + timedelta(days=1)).day == 1


def _silence(summary: Summary, words: Wording) -> str:
    # Of a month only its end is silent: what was heard of before is not denied.
    end = summary.period if is_whole(summary) else "part"
    when = words.say(
        f"when.end.{end}", month=said_month(summary, words), day=words.day(summary.last)
    )
    silent = {each.duty: each for each in summary.silences}
    sweep = silent.get("retention_sweep")
    if sweep is not None and sweep.last_heard is None:
        return words.say("verdict.never_swept")
    if len(silent) == 1:
        duty = words.code("duty", next(iter(silent)))
        return words.say("verdict.silent_one", duty=duty, when=when)
    return words.count("verdict.silent", len(silent), when=when)
