"""What the night did, in figures: erasures, what is coming, quality, logs, archive, holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise

from lethe.reporting.findings import has_rows, say_command
from lethe.reporting.mail.letter import Item, Link, Pair, Picture, Row, Section, Table
from lethe.reporting.mail.phrases import reasons, share
from lethe.reporting.summary import (
    Change,
    Finding,
    KeyLine,
    LogLine,
    Quality,
    RuleLine,
    Summary,
)
from lethe.reporting.words import Wording, choose

MOST_RULES = 25
MOST_CHANGES = 20
MOST_FAILURES = 12
LOG_KEYS = {"log": "logs.key", "log_quarantine": "logs.quarantine_key"}
_SOON = 31
_MONTH = re.compile(r"\d{4}-\d{2}")
Pictures = Mapping[str, Picture]


def erased(summary: Summary, words: Wording, pictures: Pictures) -> Section:
    """What was erased, what stayed and why, by clause."""
    busy = [rule for rule in summary.rules if _is_busy(rule)]
    busy.sort(key=lambda rule: (-rule.erased, -rule.kept_back, rule.rule))
    shown = busy[:MOST_RULES]
    rows = tuple(_erased_row(rule, summary, words) for rule in shown)
    head = tuple(words.say(f"head.{name}") for name in ("rule", "erased", "stayed", "undated"))
    quiet = len(summary.rules) - len(busy)
    intro = [_rows_sentence(summary, words)] if summary.nights else [words.say("erased.none")]
    if quiet and summary.nights:
        intro.append(words.count("erased.quiet" if busy else "erased.all_quiet", quiet))
    left = len(busy) - len(shown)
    return Section(
        "erased",
        words.say("section.erased"),
        " ".join(intro),
        table=Table(head, rows) if rows else None,
        pictures=_pick(pictures, "erasures", "overdue", "backlog"),
        more=words.count("more.rows", left) if left else None,
    )


def _is_busy(rule: RuleLine) -> bool:
    return bool(rule.due or rule.erased or rule.kept or rule.refused or rule.set_aside)


def _erased_row(rule: RuleLine, summary: Summary, words: Wording) -> Row:
    section = next((c.section for c in summary.clauses if c.clause == rule.clause), None)
    notes = []
    if rule.subjects:
        notes.append(choose(rule.subjects, words.language))
    if rule.waiting:
        notes.append(words.count("erased.waiting", rule.waiting))
    if left := rule.backlog - rule.waiting:
        notes.append(words.count("erased.left", left))
    if rule.kept:
        notes.append(reasons(words, rule.kept))
    if rule.set_aside:
        notes.append(words.say("erased.set_aside", reasons=reasons(words, rule.set_aside)))
    if rule.refused:
        notes.append(words.say("erased.undated", reasons=reasons(words, rule.refused)))
    return Row(
        choose(rule.title, words.language) or rule.rule,
        (
            words.number(rule.erased),
            words.number(rule.stayed),
            words.number(sum(rule.refused.values())),
        ),
        tuple(notes),
        f"§{section}" if section else None,
    )


def _rows_sentence(summary: Summary, words: Wording) -> str:
    deleted = sum(table.deleted for table in summary.tables)
    changed = sum(table.changed for table in summary.tables)
    if not deleted and not changed:
        return words.say("erased.nothing")
    return words.say(
        "erased.rows",
        deleted=words.count("rows.deleted", deleted),
        changed=words.count("rows.changed", changed),
        tables=words.count("rows.tables", len(summary.tables)),
    )


def coming(summary: Summary, words: Wording, pictures: Pictures) -> Section | None:
    """What falls due within 7 and 30 days."""
    rules = [rule for rule in summary.rules if rule.next_30 or rule.next_7]
    if not rules:
        return None
    rules.sort(key=lambda rule: (-rule.next_30, rule.rule))
    shown = rules[:MOST_RULES]
    rows = tuple(
        Row(
            choose(rule.title, words.language) or rule.rule,
            (words.number(rule.next_7), words.number(rule.next_30)),
            (choose(rule.subjects, words.language),) if rule.subjects else (),
        )
        for rule in shown
    )
    head = tuple(words.say(f"head.{name}") for name in ("rule", "week", "month"))
    left = len(rules) - len(shown)
    return Section(
        "coming",
        words.say("section.coming"),
        table=Table(head, rows),
        pictures=_pick(pictures, "due"),
        more=words.count("more.rows", left) if left else None,
    )


def quality(summary: Summary, words: Wording, base_url: str | None = None) -> Section | None:
    """What was checked, by clause; what failed, one by one."""
    found = summary.quality
    if found is None:
        return None
    sections = {clause.clause: clause for clause in summary.clauses}
    bad = [line for line in found.clauses if line.failed or line.not_asked]
    rows = []
    for line in bad[:MOST_RULES]:
        clause = sections.get(line.name)
        name = choose(line.title, words.language) or line.name
        name = choose(clause.promise, words.language) if clause else name
        mark = f"§{clause.section}" if clause else None
        cells = (words.number(line.passed), words.number(line.failed))
        notes = (words.count("quality.not_asked", line.not_asked),) if line.not_asked else ()
        rows.append(Row(name, cells, notes, mark))
    at = words.instant(found.ran_at, summary.edition.time_zone)
    intro = words.say("quality.intro", at=at, parts=", ".join(_states(found, words)))
    items = [
        Item(choose(each.found, words.language), _rows_of(each, words), tone="bad")
        for each in found.findings[:MOST_FAILURES]
    ]
    if found.leaks:
        names = words.list(sorted(found.leaks)[:MOST_FAILURES])
        count = words.count("quality.leaks", sum(found.leaks.values()))
        items.append(Item(count, (names,), tone="bad"))
    left = len(found.findings) - MOST_FAILURES
    pairs: tuple[Pair, ...] = ()
    link = None
    if found.data_docs:
        pairs = (Pair(words.say("quality.docs"), found.data_docs),)
        if base_url:
            link = Link(f"{base_url}/lethe/{found.data_docs}", words.say("quality.docs.link"))
    head = tuple(words.say(f"head.{name}") for name in ("clause", "passed", "failed"))
    return Section(
        "quality",
        words.say("section.quality"),
        intro,
        tuple(items),
        Table(head, tuple(rows)) if rows else None,
        pairs=pairs,
        more=words.count("more.rows", left) if left > 0 else None,
        link=link,
    )


def _states(found: Quality, words: Wording) -> Iterator[str]:
    """How the checks came out; the parts add up to all that were to be made."""
    for state in ("passed", "failed", "no_rows", "not_applicable", "not_asked"):
        count = sum(getattr(line, state) for line in found.suites)
        if count or state in ("passed", "failed"):
            yield words.count(f"quality.{state}", count)
        if state == "failed" and found.unkept:
            yield said_unkept(found, words)


def said_unkept(found: Quality, words: Wording) -> str:
    """What failed under promises without a control: counted apart, and never passed over."""
    said = words.count("quality.unkept", found.unkept)
    if not found.unkept_critical:
        return said
    critical = words.count("quality.unkept_critical", found.unkept_critical)
    return words.say("quality.unkept_of", said=said, critical=critical)


def _rows_of(each: Finding, words: Wording) -> tuple[str, ...]:
    """How an engineer sees the rows of a check that failed."""
    if not has_rows(each):
        return ()
    return (words.say("finding.rows", command=say_command(each)),)


def logs(summary: Summary, words: Wording, pictures: Pictures) -> Section | None:
    """Lines read, written, set aside; how far people could be told apart; the keys."""
    if not summary.logs:
        return None
    rows = tuple(_log_row(line, words) for line in summary.logs)
    head = tuple(words.say(f"head.{name}") for name in ("source", "read", "written", "aside"))
    pairs = tuple(
        Pair(
            words.say(LOG_KEYS[key.purpose], period=words.key_period(key.period)), _key(key, words)
        )
        for key in summary.keys
        if key.purpose in LOG_KEYS and (summary.period == "month" or _is_news(key, summary.last))
    )
    intro = [words.say("logs.intro")]
    if summary.period == "month" and (gaps := keyless(summary, words)):
        intro.append(gaps)
    return Section(
        "logs",
        words.say("section.logs"),
        " ".join(intro),
        table=Table(head, rows),
        pairs=pairs,
        pictures=_pick(pictures, "logs"),
    )


def keyless(summary: Summary, words: Wording) -> str:
    """Name the months between the first and the last log key that have none, and why."""
    found = {key.period for key in summary.keys if key.purpose == "log"}
    months = sorted(date.fromisoformat(f"{each}-01") for each in found if _MONTH.fullmatch(each))
    if not months:
        return ""
    spans, missing = [], 0
    for before, after in pairwise(months):
        first = (before + timedelta(days=_SOON)).replace(day=1)
        last = (after - timedelta(days=1)).replace(day=1)
        if first > last:
            continue
        missing += 1 if first == last else 2
        one, two = words.month(first), words.month(last)
        spans.append(one if one == two else words.say("logs.span", first=one, last=two))
    return words.count("logs.keyless", missing, months=words.list(spans)) if spans else ""


def _log_row(line: LogLine, words: Wording) -> Row:
    notes = []
    if line.quarantined:
        notes.append(reasons(words, line.quarantined))
    if line.late:
        notes.append(words.count("logs.late", line.late))
    notes += linkable(line, words)
    aside = sum(line.quarantined.values())
    cells = (words.number(line.read), words.number(line.written), words.number(aside))
    return Row(choose(line.title, words.language) or line.source, cells, tuple(notes))


def linkable(line: LogLine, words: Wording) -> list[str]:
    """How far visitors could still be told apart, what that means, and who set which limit."""
    if line.unique_share is None:
        return [] if line.is_within else [words.say("logs.beyond_any")]
    if line.unique_share:
        said = [words.say("logs.unique", share=share(words, line.unique_share))]
    else:
        said = [words.count("logs.no_unique", line.smallest_group or 0)]
    if line.limit is not None:
        key = "logs.within" if line.is_within else "logs.beyond"
        said.append(words.say(key, limit=words.percent(line.limit)))
    return said


def _is_news(key: KeyLine, day: date) -> bool:
    """Whether a key is worth a line every day: it ends within a month, is late, or just ended."""
    if key.destroyed_at is not None:
        return abs((key.destroyed_at.date() - day).days) <= 1
    return key.destroy_after is not None and (key.destroy_after - day).days <= _SOON


def _key(key: KeyLine, words: Wording) -> str:
    if key.state == "destroyed" and key.final_at:
        return words.say("key.destroyed_final", day=words.day(key.final_at))
    if key.state == "in_use" and key.destroy_after:
        return words.say("key.in_use_until", day=words.day(key.destroy_after))
    return words.code("key", key.state)


def archive(summary: Summary, words: Wording) -> Section | None:
    """Documents archived, destroyed, kept beyond the promise and why."""
    found = summary.archive
    if found is None:
        return None
    zone = summary.edition.time_zone
    verified = words.say("archive.never")
    if found.verified_at:
        key = "archive.verified" if found.is_verified else "archive.faults"
        verified = words.say(key, at=words.instant(found.verified_at, zone))
    pairs = [
        Pair(words.say("archive.records"), words.number(found.records)),
        Pair(words.say("archive.added"), words.number(found.added)),
        Pair(words.say("archive.destroyed"), words.number(found.destroyed)),
        Pair(words.say("archive.check"), verified),
    ]
    if found.refused:
        pairs.append(Pair(words.say("archive.refused"), reasons(words, found.refused)))
    items = tuple(
        Item(words.count("archive.beyond", count), (law,)) for law, count in found.beyond.items()
    )
    return Section("archive", words.say("section.archive"), items=items, pairs=tuple(pairs))


def holds(summary: Summary, words: Wording) -> Section | None:
    """Legal holds and restrictions in force, without whom they are about."""
    if not summary.holds:
        return None
    items = []
    for each in summary.holds:
        title = words.count(f"hold.{each.kind}", each.count)
        review = "hold.late" if each.is_late else "hold.review"
        lines: tuple[str, ...] = (
            words.say(
                "hold.by",
                reason=choose(each.title, words.language) or each.reason,
                owner=each.owner,
            ),
            words.say(review, day=words.day(each.review_on)),
        )
        if each.subjects:
            lines = (choose(each.subjects, words.language), *lines)
        items.append(Item(title, lines, tone="ask" if each.is_late else "quiet"))
    return Section("holds", words.say("section.holds"), items=tuple(items))


def changes(summary: Summary, words: Wording) -> Section | None:
    """What people changed, approved or read, the newest first."""
    return _changes("changes", [each for each in summary.changes if each.by], summary, words)


def recorded(summary: Summary, words: Wording) -> Section | None:
    """What nobody did: Lethe recorded it itself, the newest first."""
    return _changes("recorded", [each for each in summary.changes if not each.by], summary, words)


def _changes(key: str, found: list[Change], summary: Summary, words: Wording) -> Section | None:
    if not found:
        return None
    newest = sorted(found, key=lambda each: each.at, reverse=True)[:MOST_CHANGES]
    left = len(found) - len(newest)
    return Section(
        key,
        words.say(f"section.{key}"),
        items=tuple(_change(each, summary, words) for each in newest),
        more=words.count("more.rows", left) if left else None,
    )


def _change(each: Change, summary: Summary, words: Wording) -> Item:
    key = f"change.{each.kind}.{each.action}"
    said = words.say(key) if words.has(key) else f"{each.kind}: {each.action}"
    what = choose(each.title, words.language) or each.what
    title = words.say("pair", label=said, value=what) if what else said
    at = words.instant(each.at, summary.edition.time_zone, "medium")
    lines = [words.say("change.by", at=at, by=said_by(each, words)) if each.by else at]
    message = f"change_means.{each.kind}.{each.action}"
    if words.has(message):
        lines.insert(0, words.say(message))
    return Item(title, tuple(lines))


def said_by(each: Change, words: Wording) -> str:
    """Who did it: by his function where the policy gives him one, and by the name he used."""
    role = choose(each.role, words.language)
    return words.say("change.role", role=role, by=each.by) if role else each.by or ""


def _pick(pictures: Pictures, *names: str) -> tuple[Picture, ...]:
    return tuple(pictures[name] for name in names if name in pictures)
