"""What stands first: figures, what needs a person or a look, what is broken, every promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from lethe.reporting.mail.letter import Item, Link, Row, Section, Table, Tone
from lethe.reporting.mail.phrases import limit, reasons
from lethe.reporting.summary import Alarm, ClauseLine, Decision, Finding, Summary
from lethe.reporting.words import Wording, choose, say_reason

MOST_DECISIONS = 10
MOST_CLAUSES = 90
MOST_KINDS = 12
MOST_FINDINGS = 20
MOST_NAMES = 8
FEW = 4
STANDINGS = (
    "kept",
    "described",
    "not_kept",
    "no_evidence",
    "no_control",
    "organisational",
    "not_applicable",
)

_TONES: dict[str, Tone] = {"kept": "good", "not_yet_kept": "ask", "described": "silent"}
"""The bar beside a promise: what nothing holds yet is no neighbour of what is only untried."""


def figures(summary: Summary, words: Wording) -> tuple[tuple[str, str], ...]:
    """The four numbers of the period."""
    erased = sum(rule.erased for rule in summary.rules)
    stayed = sum(rule.kept_back for rule in summary.rules)
    waiting = sum(rule.waiting for rule in summary.rules)
    week = sum(rule.next_7 for rule in summary.rules)
    return tuple(
        (words.number(number), words.count(f"figure.{name}", number))
        for name, number in (
            ("erased", erased),
            ("stayed", stayed),
            ("waiting", waiting),
            ("week", week),
        )
    )


def kinds(summary: Summary, words: Wording) -> str | None:
    """What was erased, in the words that the policy has for it, most first."""
    erased: Counter[str] = Counter()
    for rule in summary.rules:
        name = choose(rule.subjects, words.language) or choose(rule.title, words.language)
        erased[name or rule.rule] += rule.erased
    found = [(name, count) for name, count in erased.most_common() if count]
    if not found:
        return None
    told = [
        words.say("reason.counted", why=name, n=words.number(count))
        for name, count in found[:MOST_KINDS]
    ]
    rest = len(found) - MOST_KINDS
    if rest > 0:
        told.append(words.count("more.kinds", rest))
    return words.say("figure.kinds", kinds=words.list(told))


def decisions(summary: Summary, words: Wording, base_url: str | None) -> Section | None:
    """What waits for a person, with the way to it."""
    if not summary.decisions:
        return None
    shown = summary.decisions[:MOST_DECISIONS]
    return Section(
        "decisions",
        words.say("section.decisions"),
        words.say("decisions.intro"),
        items=tuple(_decision(each, summary, words, base_url) for each in shown),
        more=_more(words, len(summary.decisions) - len(shown)),
    )


def _decision(each: Decision, summary: Summary, words: Wording, base_url: str | None) -> Item:
    title = words.count(
        f"decision.{each.kind}.title",
        each.count,
        what=each.what,
        subjects=choose(each.subjects, words.language) or words.say("place.items"),
    )
    lines = [choose(each.title, words.language)] if each.title else []
    if each.kind == "refused":
        lines.append(reasons(words, each.flags))
    if said := limit(words, each.limit):
        lines.append(f"{said}.")
    if each.oldest_on and each.newest_on:
        lines.append(
            words.say(
                "decision.due_between",
                oldest=words.day(each.oldest_on),
                newest=words.day(each.newest_on),
            )
        )
    if each.kind == "plan" and each.flags:
        lines.append(words.say("decision.flags", flags=_flags(each, words)))
    if each.since:
        lines.append(words.say("decision.since", day=words.day(each.since)))
    if each.answer_until and each.answer_until < summary.last:
        lines.append(words.say("decision.expired", day=words.day(each.answer_until)))
    elif each.answer_until:
        lines.append(words.say("decision.until", day=words.day(each.answer_until)))
    if words.has(f"decision.{each.kind}.how"):
        lines.append(words.say(f"decision.{each.kind}.how"))
    link = None
    if base_url and each.link:
        link = Link(f"{base_url}{each.link}", words.say(f"decision.{each.kind}.link"))
    mark = _section_of(each.clause, summary)
    return Item(title, tuple(lines), mark, "ask", link)


def _flags(each: Decision, words: Wording) -> str:
    return ", ".join(
        words.say(
            "reason.counted",
            n=words.number(count),
            why=choose(each.said.get(flag), words.language) or say_reason(flag, words),
        )
        for flag, count in each.flags.items()
    )


def silences(summary: Summary, words: Wording) -> Section | None:
    """Duties that were not heard of."""
    if not summary.silences:
        return None
    zone = summary.edition.time_zone
    items = []
    for each in summary.silences:
        heard = (
            words.say("silence.last", at=words.instant(each.last_heard, zone))
            if each.last_heard
            else words.say("silence.never")
        )
        lines = [words.say("silence.expected", at=words.instant(each.expected_by, zone)), heard]
        if each.nights > 1:
            lines.append(words.count("silence.nights", each.nights))
        items.append(Item(words.code("duty", each.duty), tuple(lines), tone="silent"))
    return Section(
        "silences", words.say("section.silences"), words.say("silences.intro"), tuple(items)
    )


def broken(summary: Summary, words: Wording, base_url: str | None) -> Section | None:
    """Promises that are not kept, with the reason."""
    found = [clause for clause in summary.clauses if clause.verdict == "not_kept"]
    if not found:
        return None
    link = Link(f"{base_url}/lethe/clauses", words.say("broken.link")) if base_url else None
    shown = found[:MOST_CLAUSES]
    items = [item for group in _alike(shown, words) for item in _broken(group, summary, words)]
    more = _more(words, len(found) - len(shown))
    title = words.say("section.broken")
    return Section("broken", title, items=tuple(items), more=more, link=link)


def _alike(clauses: Sequence[ClauseLine], words: Wording) -> list[list[ClauseLine]]:
    """The promises that are not kept for the same reason, in the order of the first of them."""
    groups: dict[str, list[ClauseLine]] = {}
    for clause in clauses:
        why = choose(clause.reason, words.language) if not clause.checks_failed else ""
        groups.setdefault(why or clause.clause, []).append(clause)
    return list(groups.values())


def _broken(group: list[ClauseLine], summary: Summary, words: Wording) -> Iterator[Item]:
    """A promise with its reason and what the checks found; many with one reason in one line."""
    if len(group) > FEW:
        why = choose(group[0].reason, words.language)
        yield Item(why, (_places(group, words),), tone="bad")
        return
    for clause in group:
        lines = [choose(clause.reason, words.language)] if clause.reason else []
        lines += [
            choose(each.found, words.language)
            for each in summary.findings
            if each.clause == clause.clause and each.is_asked
        ]
        title = choose(clause.promise, words.language)
        yield Item(title, tuple(lines), f"§{clause.section}", "bad")


def _places(clauses: Sequence[ClauseLine], words: Wording) -> str:
    places = dict.fromkeys(f"§{each.section}" for each in clauses)
    return words.count("promises.places", len(clauses), places=", ".join(places))


def points(summary: Summary, words: Wording, base_url: str | None) -> Section | None:
    """What is out of order beside decisions and promises, and every check that failed."""
    if not summary.alarms and not summary.findings:
        return None
    items = [Item(_alarm(each, words), _where(each, words), tone="ask") for each in summary.alarms]
    shown = summary.findings[:MOST_FINDINGS]
    items += [_finding(each, summary, words, base_url) for each in shown]
    more = _more(words, len(summary.findings) - len(shown))
    return Section("alarms", words.say("section.alarms"), items=tuple(items), more=more)


def _finding(each: Finding, summary: Summary, words: Wording, base_url: str | None) -> Item:
    lines = [choose(each.advice, words.language), said_who(each, words)]
    if each.because:
        lines.append(words.say("finding.because", because=each.because))
    link = Link(f"{base_url}/lethe/quality", words.say("finding.link")) if base_url else None
    tone: Tone = "bad" if each.is_urgent else "ask"
    title = choose(each.found, words.language)
    return Item(title, tuple(lines), _section_of(each.clause, summary), tone, link)


def said_who(each: Finding, words: Wording) -> str:
    """Who mends what a check found, and by when."""
    owner = choose(each.owner, words.language) or words.say("finding.engineer")
    return words.say("finding.urgent" if each.is_urgent else "finding.warning", owner=owner)


def _alarm(each: Alarm, words: Wording) -> str:
    return words.count(f"alarm.{each.code}", each.count)


def _where(each: Alarm, words: Wording) -> tuple[str, ...]:
    if each.lines:
        return tuple(choose(line, words.language) for line in each.lines)
    if not each.where:
        return ()
    names = list(each.where[:MOST_NAMES])
    rest = len(each.where) - len(names)
    if rest:
        names.append(words.count("more.names", rest))
    return (words.list(names),)


def promises(summary: Summary, words: Wording) -> Section:
    """How the promises stand: in numbers each day, one by one each month."""
    tally: Counter[str] = Counter(map(standing, summary.clauses))
    rows = tuple(
        Row(words.code("standing", verdict), (words.number(tally[verdict]),))
        for verdict in STANDINGS
        if tally[verdict]
    )
    if summary.period == "month":
        # What is not kept stands in a section of its own.
        listed = [each for each in summary.clauses if each.verdict != "not_kept"]
        items = [_promise(clause, summary, words) for clause in listed[:MOST_CLAUSES]]
    else:
        listed, items = [], _lacking(summary, words)
    return Section(
        "promises",
        words.say("section.promises"),
        words.say("promises.intro"),
        tuple(items),
        Table((words.say("head.standing"), words.say("head.promises")), rows),
        more=_more(words, len(listed) - MOST_CLAUSES),
    )


def standing(clause: ClauseLine) -> str:
    """How a promise stands: its verdict, and of what is not shown what is missing."""
    if clause.verdict != "not_yet_kept":
        return clause.verdict
    return "no_evidence" if clause.has_control else "no_control"


def _lacking(summary: Summary, words: Wording) -> list[Item]:
    """The promises that are not shown, by what they lack: every day the same need one line."""
    found: dict[str, list[ClauseLine]] = {}
    for clause in summary.clauses:
        if clause.verdict in ("not_yet_kept", "described"):
            why = choose(clause.reason, words.language) or words.code("standing", standing(clause))
            found.setdefault(why, []).append(clause)
    items = []
    for why, clauses in sorted(found.items(), key=lambda pair: len(pair[1])):
        if len(clauses) <= FEW:
            promises = tuple(
                f"§{each.section} {choose(each.promise, words.language)}" for each in clauses
            )
        else:
            promises = (_places(clauses, words),)
        items.append(Item(why, promises, tone=_TONES.get(clauses[0].verdict, "quiet")))
    return items


def _promise(clause: ClauseLine, summary: Summary, words: Wording) -> Item:
    lines = [words.code("standing", standing(clause))]
    if clause.verdict == "kept" and clause.last_evidence and clause.evidence:
        said = words.say(
            "promise.evidence",
            what=words.code("evidence", clause.evidence),
            at=words.instant(clause.last_evidence, summary.edition.time_zone, "medium"),
        )
        lines = [", ".join((said, *conditions(clause, words.language)))]
        if not clause.tests:
            lines.append(words.say("promise.untested"))
    if clause.proofs:
        shown = [choose(each.said, words.language) for each in clause.proofs]
        lines.append(words.say("balance.and").join(shown))
    if clause.reason:
        lines.append(choose(clause.reason, words.language))
    title = choose(clause.promise, words.language)
    mark = f"§{clause.section}"
    return Item(title, (" · ".join(lines),), mark, _TONES.get(clause.verdict, "quiet"))


def conditions(clause: ClauseLine, language: str) -> tuple[str, ...]:
    """What a verdict never stands without: for whom it is not shown, by whose open reading."""
    found = (clause.exceptions, clause.reading)
    return tuple(choose(each, language) for each in found if each)


def _section_of(clause: str | None, summary: Summary) -> str | None:
    found = [each.section for each in summary.clauses if each.clause == clause]
    return f"§{found[0]}" if found else None


def _more(words: Wording, left: int) -> str | None:
    return words.count("more.rows", left) if left > 0 else None
