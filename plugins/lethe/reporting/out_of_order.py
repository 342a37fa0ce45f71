"""Alarms: what is out of order, in words, with what to do about it, by whom and by when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from lethe.policy.periods import end_of
from lethe.reporting.facts import Facts
from lethe.reporting.notes import key_in_words, missed_nights
from lethe.reporting.place import as_words, deciders, kind_title, place, rule_title
from lethe.reporting.said import in_every_language, listed, said
from lethe.reporting.summary import Alarm, Words

MOST_NAMED = 8
_RETURNED = {"restored": "returned", "same_identifier": "came_back", "same_key": "key_reused"}
"""What the restore guard counts, and the alarm that tells it."""


def alarms(facts: Facts) -> tuple[Alarm, ...]:
    """Name what is out of order, the worst first."""
    found = (*_night_alarms(facts), *_evidence_alarms(facts), *_data_alarms(facts))
    if not facts.sweep.rehearsal:
        return found
    nothing = said("alarm_who.rehearsal")
    return tuple(replace(each, lines=(*each.lines, nothing)) for each in found)


def alarm(
    code: str,
    count: int,
    where: Iterable[str] = (),
    since: datetime | None = None,
    *,
    named: Iterable[Words] = (),
    **values: object,
) -> Alarm:
    """Make an alarm with its words.

    named   the places of `where` in words
    values  for the sentence that says what to do
    """
    about = list(named)
    lines = [_some(about)] if about else []
    lines.append(said(f"alarm_how.{code}", **values))
    return Alarm(code, count, tuple(where), since, tuple(lines))


def _some(names: list[Words]) -> Words:
    """As many names as can be read."""
    shown, left = names[:MOST_NAMED], len(names) - MOST_NAMED
    if left <= 0:
        return listed(shown)
    return listed([*shown, in_every_language(lambda words: words.count("more.names", left))])


def _days(days: Iterable[date]) -> list[Words]:
    return [in_every_language(lambda words, day=day: words.day(day)) for day in days]  # type: ignore[misc]


def _night_alarms(facts: Facts) -> Iterator[Alarm]:
    unproven = [event for event in facts.sweep.events if event.kind == "sweep_unproven"]
    if unproven:
        wrong = sorted({str(event.payload.get("canary", "")) for event in unproven} - {""})
        named = [_canary(facts, name) for name in wrong]
        yield alarm("canary", len(unproven), wrong, unproven[0].at, named=named)
    failed = [night for night in facts.sweep.nights if night.state == "failed"]
    if failed:
        days = [night.as_of for night in failed]
        texts = [day.isoformat() for day in days]
        yield alarm("failed", len(failed), texts, failed[0].started_at, named=_days(days))
    late = [event.at for event in facts.sweep.events if event.kind == "sweep_late"]
    if late:
        yield alarm("late", len(late), (), late[0], by=facts.policy.guards.done_by)
    missed = missed_nights(facts)
    if facts.period == "month" and missed:
        days = [each.astimezone(facts.zone).date() for each in missed]
        texts = [day.isoformat() for day in days]
        yield alarm("missed", len(missed), texts, missed[0], named=_days(days))
    zero = facts.sweep.nights[-1].zero_nights if facts.sweep.nights else None
    if zero is not None and zero >= facts.policy.guards.zero_nights:
        yield alarm("zero_nights", zero)
    aside = {rule.rule: rule.set_aside for rule in facts.sweep.rules if rule.set_aside}
    if aside:
        rules = sorted(aside)
        titles = [rule_title(facts.policy, name) for name in rules]
        yield alarm("set_aside", sum(aside.values()), rules, named=titles)


def _canary(facts: Facts, name: str) -> Words:
    """A planted person by what was to become of him."""
    canary = facts.policy.guards.canaries.get(name)
    if canary is None:
        return {"en": name, "fr": name}
    return said(f"canary.{canary.outcome}", kind=kind_title(facts.policy, canary.subject))


def _evidence_alarms(facts: Facts) -> Iterator[Alarm]:
    replayed = [event.at for event in facts.sweep.events if event.kind == "warehouse_replayed"]
    if replayed:
        yield alarm("restored", len(replayed), (), replayed[0])
    yield from _returned(facts)
    batches, hours = facts.unsealed
    if batches and hours > 24:
        yield alarm("unsealed", batches)
    if facts.unsent:
        yield alarm("unsent", facts.unsent)
    stuck = [each for each in facts.sweep.outbox if each.open or each.set_aside]
    if stuck:
        systems = facts.policy.systems
        yield alarm(
            "outbox",
            sum(each.open + each.set_aside for each in stuck),
            [each.system for each in stuck],
            min((each.oldest_open_at for each in stuck if each.oldest_open_at), default=None),
            named=[
                as_words(systems[each.system].title)
                if each.system in systems
                else {"en": each.system, "fr": each.system}
                for each in stuck
            ],
        )


def _returned(facts: Facts) -> Iterator[Alarm]:
    """Who was erased and is there again: three findings, of which each asks for something else."""
    last = facts.sweep.nights[-1].returned if facts.sweep.nights else {}
    for sort, code in _RETURNED.items():
        # What an approver has marked as seen rings no more; another one does.
        found = {
            kind: number
            for kind, counts in last.items()
            if isinstance(counts, Mapping)
            and (number := _number(counts.get(sort)) - counts.get("seen", {}).get(sort, 0)) > 0
        }
        if found:
            rung = alarm(
                code,
                sum(found.values()),
                sorted(found),
                named=[_of_kind(facts, kind, found[kind]) for kind in sorted(found)],
            )
            yield rung if facts.sweep.rehearsal else _asked(facts, sort, rung)


def _asked(facts: Facts, sort: str, rung: Alarm) -> Alarm:
    """Say who answers, and by which day: it counts from the night that found it first."""
    found = facts.found_since.get(sort, facts.sweep.nights[-1].as_of)
    until = end_of(found, facts.policy.guards.approval_timeout)
    day = in_every_language(lambda words: words.day(until))
    who = said("alarm_who.by", who=deciders(facts.policy), day=day)
    return replace(rung, lines=(*rung.lines, who))


def _why(reason: str, number: int) -> Words:
    why = in_every_language(lambda words: words.code("reason", reason.replace(" ", "_")))
    return said("reason.counted", why=why, n=number)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _of_kind(facts: Facts, kind: str, number: int) -> Words:
    title = kind_title(facts.policy, kind)
    return said("reason.counted", why=title, n=number)


def _data_alarms(facts: Facts) -> Iterator[Alarm]:
    if facts.logs_failed:
        yield alarm("logs_failed", facts.logs_failed)
    archive = facts.archive
    if archive is not None and archive.verified_faults:
        yield alarm("archive_fault", archive.verified_faults, (), archive.verified_at)
    refused = archive.refused if archive is not None else {}
    if any(refused.values()):
        named = [_why(reason, count) for reason, count in sorted(refused.items()) if count]
        yield alarm("not_archived", sum(refused.values()), sorted(refused), named=named)
    if archive is not None and archive.tree_size and not archive.recovery_copies:
        yield alarm("no_recovery_key", 1)
    leaks = facts.quality.leaks if facts.quality else None
    told = any(each["kind"] == "leak" for each in facts.failures)
    if leaks is not None and not leaks.is_clean and not told:
        files = [each.partition(": ")[0] for each in leaks.leaks]
        named = [as_words({"en": name, "fr": name}) for name in files]
        yield alarm("leak", len(leaks.leaks), (), leaks.scanned_at, named=named)
    told = any(each["kind"] == "classified" for each in facts.failures)
    if facts.check is not None and facts.check.unclassified and not told:
        columns = facts.check.unclassified
        named = [place(facts.policy, name) for name in columns]
        yield alarm("unclassified", len(columns), columns, named=named)
    due = [key for key in facts.keys if key.state == "due"]
    if due:
        texts = [f"{key.purpose} {key.period}" for key in due]
        named = [key_in_words(key.purpose, key.period) for key in due]
        yield alarm("key_due", len(due), texts, named=named)
