"""What stands beside the verdict: who was silent, what rang, what changed, what nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from lethe.policy.periods import Period
from lethe.reporting.clause_lines import closed_nights
from lethe.reporting.facts import Facts
from lethe.reporting.readings import open_readings
from lethe.reporting.said import in_every_language, said
from lethe.reporting.summary import Alarm, Change, ClauseLine, Silence, Unknown, Words
from lethe.retention.clauses import built_wings

_EVENTS = {
    "warehouse_armed": ("arming", "armed"),
    "warehouse_disarmed": ("arming", "disarmed"),
    "warehouse_replayed": ("replay", "replayed"),
    "witness_opened": ("replay", "witness_opened"),
    "undecided_decided": ("decision", "decided"),
}


def silences(facts: Facts) -> tuple[Silence, ...]:
    """Name the duties that should have been heard of and were not."""
    return tuple(_sweep_silence(facts)) + tuple(_other_silences(facts))


def _sweep_silence(facts: Facts) -> Iterator[Silence]:
    """No night was worked to its end: a night that a later one made up for is an alarm only."""
    worked = {night.as_of for night in closed_nights(facts)}
    # A report-only night stops by itself after it has said what it would do.
    worked |= {night.as_of for night in facts.sweep.nights if night.state == "stopped"}
    if facts.last in worked:
        return
    by = facts.done_by(facts.last)
    if worked and by > facts.made_at:
        return
    yield Silence(
        "retention_sweep",
        by,
        facts.last_heard.get("retention_sweep"),
        max(1, len(missed_nights(facts))),
    )


def missed_nights(facts: Facts) -> list[datetime]:
    """The nights of the period on which the sweep should have been heard of and was not."""
    worked = {night.as_of for night in facts.sweep.nights}
    missed = []
    day = max(facts.first, facts.since)
    while day <= facts.last:
        if day not in worked and facts.done_by(day) <= facts.made_at:
            missed.append(facts.done_by(day))
        day += timedelta(days=1)
    return missed


def _other_silences(facts: Facts) -> Iterator[Silence]:
    built = built_wings()
    by = facts.done_by(facts.last)
    if by > facts.made_at:
        return
    archive = facts.archive
    if (
        facts.policy.archive is not None
        and "invoice_archive" in built
        and (archive is None or archive.night_of is None or archive.night_of < facts.last)
    ):
        yield Silence("invoice_archive", by, facts.last_heard.get("invoice_archive"))
    quality = facts.quality
    relied_on = {wing for clause in facts.clauses for wing in clause.by}
    wanted = "data_quality" in built & relied_on
    if wanted and (quality is None or quality.as_of < facts.last):
        yield Silence("data_quality", by, facts.last_heard.get("data_quality"))
    if facts.policy.logs is not None and "log_pseudonymisation" in built and facts.logs == ():
        yield Silence("log_pseudonymisation", by, facts.last_heard.get("log_pseudonymisation"))


def alarms(facts: Facts) -> tuple[Alarm, ...]:
    """Name what is out of order, the worst first."""
    return (*_night_alarms(facts), *_evidence_alarms(facts), *_data_alarms(facts))


def _night_alarms(facts: Facts) -> Iterator[Alarm]:
    wrong = sorted(
        {event.payload.get("canary", "") for event in facts.sweep.events if _unproven(event.kind)}
    )
    unproven = [event.at for event in facts.sweep.events if _unproven(event.kind)]
    if unproven:
        yield Alarm(
            "canary", len(unproven), tuple(str(name) for name in wrong if name), unproven[0]
        )
    failed = [night for night in facts.sweep.nights if night.state == "failed"]
    if failed:
        days = tuple(night.as_of.isoformat() for night in failed)
        yield Alarm("failed", len(failed), days, failed[0].started_at)
    late = [event.at for event in facts.sweep.events if event.kind == "sweep_late"]
    if late:
        yield Alarm("late", len(late), (), late[0])
    missed = missed_nights(facts)
    if facts.period == "month" and missed:
        days = tuple(each.astimezone(facts.zone).date().isoformat() for each in missed)
        yield Alarm("missed", len(missed), days, missed[0])
    zero = facts.sweep.nights[-1].zero_nights if facts.sweep.nights else None
    if zero is not None and zero >= facts.policy.guards.zero_nights:
        yield Alarm("zero_nights", zero, ())
    aside = {rule.rule: rule.set_aside for rule in facts.sweep.rules if rule.set_aside}
    if aside:
        yield Alarm("set_aside", sum(aside.values()), tuple(sorted(aside)))


def _unproven(kind: str) -> bool:
    return kind == "sweep_unproven"


def _evidence_alarms(facts: Facts) -> Iterator[Alarm]:
    replayed = [event.at for event in facts.sweep.events if event.kind == "warehouse_replayed"]
    if replayed:
        yield Alarm("restored", len(replayed), (), replayed[0])
    back = {
        kind: sum(count for name, count in found.items() if isinstance(count, int))
        for night in facts.sweep.nights[-1:]
        for kind, found in night.returned.items()
        if isinstance(found, dict)
    }
    if any(back.values()):
        kinds = tuple(sorted(kind for kind, count in back.items() if count))
        yield Alarm("returned", sum(back.values()), kinds)
    batches, hours = facts.unsealed
    if batches and hours > 24:
        yield Alarm("unsealed", batches, ())
    if facts.unsent:
        yield Alarm("unsent", facts.unsent, ())
    stuck = [each for each in facts.sweep.outbox if each.open or each.set_aside]
    if stuck:
        yield Alarm(
            "outbox",
            sum(each.open + each.set_aside for each in stuck),
            tuple(each.system for each in stuck),
            min((each.oldest_open_at for each in stuck if each.oldest_open_at), default=None),
        )


def _data_alarms(facts: Facts) -> Iterator[Alarm]:
    archive = facts.archive
    if archive is not None and archive.verified_faults:
        yield Alarm("archive_fault", archive.verified_faults, (), archive.verified_at)
    if archive is not None and archive.tree_size and not archive.recovery_copies:
        yield Alarm("no_recovery_key", 1, ())
    leaks = facts.quality.leaks if facts.quality else None
    if leaks is not None and not leaks.is_clean:
        yield Alarm("leak", len(leaks.leaks), (), leaks.scanned_at)
    if facts.check is not None and facts.check.unclassified:
        yield Alarm("unclassified", len(facts.check.unclassified), facts.check.unclassified)
    due = tuple(f"{key.purpose} {key.period}" for key in facts.keys if key.state == "due")
    if due:
        yield Alarm("key_due", len(due), due)


def changes(facts: Facts) -> tuple[Change, ...]:
    """What people changed, approved or read in the period, oldest first."""
    found = list(facts.changes)
    for each in facts.sweep.approvals:
        what = each.rule or each.digest[:12]
        found.append(Change(each.decided_at, "approval", each.decision, what, each.decided_by, 1))
    for event in facts.sweep.events:
        if event.kind in _EVENTS:
            kind, action = _EVENTS[event.kind]
            by = event.payload.get("by")
            what = str(event.payload.get("rule", ""))
            found.append(Change(event.at, kind, action, what, str(by) if by else None, 1))
    for edition in facts.sweep.editions:
        day = edition.first_seen_at.astimezone(facts.zone).date()
        if facts.first <= day <= facts.last:
            found.append(Change(edition.first_seen_at, "policy", "seen", edition.version, None, 1))
    for key in facts.keys:
        destroyed = key.destroyed_at
        if destroyed and facts.first <= destroyed.astimezone(facts.zone).date() <= facts.last:
            what = f"{key.purpose} {key.period}"
            found.append(Change(destroyed, "key", "destroyed", what, None, 1))
    return tuple(sorted(dict.fromkeys(found), key=lambda each: (each.at, each.kind, each.what)))


def unknowns(facts: Facts, clauses: tuple[ClauseLine, ...]) -> tuple[Unknown, ...]:
    """What somebody must confirm, decide or connect before a report may say more."""
    return (
        *_readings(facts),
        *_refused(facts),
        *_places(facts),
        *_untested(clauses),
    )


def _readings(facts: Facts) -> Iterator[Unknown]:
    policy = facts.policy
    if policy.readings:
        yield from open_readings(policy)
        return
    dpo = policy.controller.dpo.name
    archive = policy.archive
    if archive is not None:
        event = _words(archive.starting_point.event)
        yield Unknown(
            "reading", "archive.starting_point", said("unknown.starting_point", event=event), dpo,
            0, None,
        )  # fmt: skip
        for country, minimum in archive.legal_minimum.items():
            words = said(
                "unknown.legal_minimum",
                country=country,
                law=minimum.law,
                period=_period(minimum.period),
            )
            yield Unknown("reading", f"archive.legal_minimum.{country}", words, dpo, 0, None)
    for name, rule in policy.rules.items():
        if rule.starting_point.although:
            why = _words(rule.starting_point.although)
            yield Unknown("reading", f"rules.{name}.starting_point", why, dpo, 0, None)
        for country, minimum in rule.at_least.items():
            words = said(
                "unknown.legal_minimum",
                country=country,
                law=minimum.law,
                period=_period(minimum.period),
            )
            yield Unknown("reading", f"rules.{name}.at_least.{country}", words, dpo, 0, None)


def _refused(facts: Facts) -> Iterator[Unknown]:
    for each in facts.sweep.refusals:
        kind = "undecided" if each.subjects is None else "refused"
        reason = said("unknown.undecided") if each.subjects is None else _reason(each.reason)
        decided = each.decided_by if each.is_kept else None
        yield Unknown(
            kind, f"{each.rule}: {each.reason}", reason, decided, each.subjects or 0, each.since
        )


def _places(facts: Facts) -> Iterator[Unknown]:
    policy = facts.policy
    for name in facts.sweep.unreached:
        system = policy.systems[name]
        title = _words(system.title)
        if system.retention is not None:
            words = said("unknown.system_keeps", title=title, period=_period(system.retention))
        else:
            words = said("unknown.system", title=title)
        yield Unknown("system", name, words, system.owner, 0, None)
    for copy in facts.sweep.copies:
        if copy.answer == "copy":
            yield Unknown("copy", copy.name, _words(copy.because), None, 0, None)
    if "subject_requests" not in built_wings():
        for name, processor in policy.processors.items():
            if processor.notify_erasure:
                words = said("unknown.processor", name=processor.name)
                yield Unknown("processor", name, words, None, 0, None)


def _untested(clauses: tuple[ClauseLine, ...]) -> Iterator[Unknown]:
    for clause in clauses:
        if clause.kind != "organisational" and not clause.tests:
            if clause.verdict == "not_yet_kept" and clause.evidence is None:
                continue
            yield Unknown("untested", clause.clause, said("unknown.untested"), None, 0, None)


def _reason(reason: str) -> Words:
    return in_every_language(lambda words: words.code("reason", reason.replace(" ", "_")))


def _period(period: Period) -> Words:
    return in_every_language(lambda words: words.period(period))


def _words(text: Mapping[Any, str]) -> Words:
    return {str(language): words for language, words in text.items()}
