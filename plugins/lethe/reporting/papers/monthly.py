"""The report of a period as a paper: cover, decisions, promises, figures, proof, signatures."""

from __future__ import annotations

from lethe.reporting.headline import is_whole, standing, verdict
from lethe.reporting.mail.last_sections import told_lines
from lethe.reporting.papers import monthly_figures as figures
from lethe.reporting.papers import monthly_promises as promises
from lethe.reporting.papers import monthly_proof as proof
from lethe.reporting.papers.blocks import Cover, Paper, Section, Span, Tone
from lethe.reporting.papers.drawing import shorten
from lethe.reporting.summary import Summary
from lethe.reporting.words import Wording, choose, wording

VERDICT_TONES: dict[str, Tone] = {
    "kept": "good",
    "needs_you": "warn",
    "not_kept": "bad",
    "silent": "bad",
}


def report_paper(summary: Summary, language: str) -> Paper:
    """Put a Summary into the words and the order of a report."""
    words = wording(language)
    edition = summary.edition
    title = choose(edition.title, words.language)
    period = say_period(summary, words)
    return Paper(
        language=words.language,
        title=f"{title}: {period}",
        author=edition.controller,
        header=(shorten(words.say("paper.header", title=title, version=edition.version)), period),
        footer=words.say(
            "paper.footer",
            made=words.instant(summary.made_at, edition.time_zone),
            digest=edition.digest[:12],
        ),
        pages=words.say("paper.pages", page="{page}", pages="{pages}"),
        cover=_cover(summary, words, title, period),
        sections=_sections(summary, words),
        # In the file as plain text: the verifier of evidence packs reads them out of the PDF.
        keywords=("GDPR", edition.name, edition.version, *told_lines(summary)),
    )


def _sections(summary: Summary, words: Wording) -> tuple[Section, ...]:
    return (
        promises.decisions(summary, words),
        promises.clauses(summary, words),
        figures.pictures(summary, words),
        figures.nights(summary, words),
        figures.rules(summary, words),
        figures.tables(summary, words),
        proof.holds(summary, words),
        proof.changes(summary, words),
        figures.quality(summary, words),
        figures.logs(summary, words),
        proof.heads(summary, words),
        promises.unknowns(summary, words),
        promises.trace(summary, words),
        proof.signatures(summary, words, say_period(summary, words)),
        proof.glossary(words),
    )


def say_period(summary: Summary, words: Wording) -> str:
    """The period in words: 'May 2026', '1 June 2026'."""
    first, last = summary.first, summary.last
    if first == last:
        return words.day(first)
    is_month = (first.year, first.month) == (last.year, last.month) and is_whole(summary)
    if summary.period == "month" and is_month:
        return words.month(first)
    return words.say("paper.period.range", first=words.day(first), last=words.day(last))


def _cover(summary: Summary, words: Wording, title: str, period: str) -> Cover:
    return Cover(
        kicker=_kicker(summary, words),
        title=title,
        subtitle=period,
        verdict=verdict(summary, words.language),
        detail=_detail(summary, words),
        tone=VERDICT_TONES[summary.verdict],
        tiles=_tiles(summary, words),
        pairs=_particulars(summary, words, title),
        contents=words.say("paper.contents"),
    )


def _detail(summary: Summary, words: Wording) -> str:
    """Below the verdict: how many promises are shown kept, and where to read on."""
    parts = [standing(summary, words.language)]
    # Nobody reads that nothing waits for him where a question is open.
    if summary.verdict != "kept" or not summary.unknowns:
        parts.append(words.say(f"verdict.detail.{summary.verdict}"))
    return " ".join(part for part in parts if part)


def _kicker(summary: Summary, words: Wording) -> str:
    """What the paper is, and first of all that it is about a rehearsal."""
    kind = words.say(f"paper.{'monthly' if summary.period == 'month' else 'daily'}.kicker")
    return words.say("paper.rehearsal.kicker", kind=kind) if summary.is_rehearsal else kind


def _tiles(summary: Summary, words: Wording) -> tuple[tuple[str, str, Tone], ...]:
    erased = sum(rule.erased for rule in summary.rules)
    waiting = sum(rule.waiting for rule in summary.rules) + promises.undated(summary)
    overdue = max((rule.oldest_overdue_days for rule in summary.rules), default=0)
    broken = sum(each.verdict == "not_kept" for each in summary.clauses)
    kept = sum(each.verdict == "kept" for each in summary.clauses)
    return (
        (words.number(erased), words.count("cover.erased", erased), "plain"),
        (words.number(waiting), words.count("cover.waiting", waiting), _tone(waiting)),
        (words.count("count.days", overdue), words.say("cover.overdue"), _tone(overdue)),
        (
            words.say(
                "cover.promises.value",
                kept=words.number(kept),
                all=words.number(len(summary.clauses)),
            ),
            words.say("cover.promises"),
            "bad" if broken else "plain",
        ),
    )


def _tone(count: int) -> Tone:
    return "warn" if count else "good"


def _particulars(
    summary: Summary, words: Wording, title: str
) -> tuple[tuple[str, str | Span | tuple[str | Span, ...]], ...]:
    edition = summary.edition
    state = "armed" if summary.is_armed else "report_only"
    state = "rehearsal" if summary.is_rehearsal else state
    policy = words.say(
        "cover.policy.value",
        title=title,
        version=edition.version,
        since=words.day(edition.effective_from),
    )
    pairs: list[tuple[str, str | Span | tuple[str | Span, ...]]] = [
        ("controller", _lines(edition.controller, edition.controller_address)),
        ("contact", edition.contact or ""),
        ("dpo", _lines(choose(edition.dpo_said, words.language) or edition.dpo, edition.dpo_email)),
        ("authority", edition.authority or ""),
        ("policy", _lines(policy, edition.published_at)),
        ("digest", Span(edition.digest, "code")),
        ("period", _range(summary, words)),
        ("made", words.instant(summary.made_at, edition.time_zone)),
        (
            "next",
            words.say(
                "cover.next.value",
                next=words.instant(summary.next_due, edition.time_zone),
                zone=words.zone(edition.time_zone),
            ),
        ),
        ("state", words.say(f"cover.state.{state}")),
    ]
    return tuple((words.say(f"cover.{name}"), value) for name, value in pairs if value)


def _range(summary: Summary, words: Wording) -> str:
    if summary.first == summary.last:
        return words.day(summary.first)
    return words.say(
        "paper.period.range", first=words.day(summary.first), last=words.day(summary.last)
    )


def _lines(*parts: str | None) -> tuple[str, ...]:
    return tuple(part for part in parts if part)
