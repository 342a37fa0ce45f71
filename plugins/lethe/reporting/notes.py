"""What stands beside the verdict: who was silent, what changed, what nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from lethe.policy.labels import label
from lethe.policy.periods import Period
from lethe.reporting.clause_lines import closed_nights
from lethe.reporting.facts import Facts
from lethe.reporting.place import as_words, deciders, kind_title, role_of, rule_title
from lethe.reporting.readings import open_readings
from lethe.reporting.said import in_every_language, said
from lethe.reporting.summary import Change, ClauseLine, Silence, Unknown, Words
from lethe.retention.clauses import built_wings

_EVENTS = {
    "warehouse_armed": ("arming", "armed"),
    "warehouse_disarmed": ("arming", "disarmed"),
    "warehouse_replayed": ("replay", "replayed"),
    "witness_opened": ("replay", "witness_opened"),
    "undecided_decided": ("decision", "decided"),
    "files_retried": ("files", "retried"),
    "files_removed": ("files", "removed"),
    "files_given_up": ("files", "given_up"),
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


def changes(facts: Facts) -> tuple[Change, ...]:
    """What people did and what Lethe recorded itself in the period, oldest first."""
    found = [replace(each, title=_of_ledger(facts, each)) for each in facts.changes]
    for each in facts.sweep.approvals:
        what = each.rule or each.digest[:12]
        title = rule_title(facts.policy, each.rule) if each.rule else said("change.edition")
        found.append(
            Change(each.decided_at, "approval", each.decision, what, each.decided_by, 1, title)
        )
    for event in facts.sweep.events:
        if event.kind in _EVENTS:
            kind, action = _EVENTS[event.kind]
            by = event.payload.get("by")
            who, count = str(by) if by else None, int(event.payload.get("files", 1))
            what = str(event.payload.get("rule") or event.payload.get("system") or "")
            found.append(Change(event.at, kind, action, what, who, count, _titled(facts, what)))
    for edition in facts.sweep.editions:
        day = edition.first_seen_at.astimezone(facts.zone).date()
        if facts.first <= day <= facts.last:
            found.append(Change(edition.first_seen_at, "policy", "seen", edition.version, None, 1))
    for key in facts.keys:
        destroyed = key.destroyed_at
        if destroyed and facts.first <= destroyed.astimezone(facts.zone).date() <= facts.last:
            what = f"{key.purpose} {key.period}"
            title = key_in_words(key.purpose, key.period)
            found.append(Change(destroyed, "key", "destroyed", what, None, 1, title))
    once = {(each.at, each.kind, each.action, each.what, each.by): each for each in found}
    named = (
        replace(each, role=role_of(facts.policy, each.by)) if each.by else each
        for each in once.values()
    )
    return tuple(sorted(named, key=lambda each: (each.at, each.kind, each.what)))


def _titled(facts: Facts, what: str) -> Words:
    """A system or a rule by its title."""
    if what in facts.policy.systems:
        return as_words(facts.policy.systems[what].title)
    return rule_title(facts.policy, what) if what else {}


def _of_ledger(facts: Facts, change: Change) -> Words:
    """What a row of the ledger is about: kinds, queries, keys and rules by their titles."""
    first, _, rest = change.what.partition(" ")
    if change.kind == "key" and rest:
        return key_in_words(first, rest)
    if change.kind in ("hold", "restriction") and first in facts.policy.subjects:
        queries = {**facts.policy.guards.holds, **facts.policy.guards.restrictions}
        title = kind_title(facts.policy, first)
        if rest in queries:
            because = as_words(queries[rest].because)
            return said("change.about", what=title, why=because)
        return title
    if change.what in facts.policy.rules:
        return rule_title(facts.policy, change.what)
    return kind_title(facts.policy, change.what) if change.what else {}


def key_in_words(purpose: str, period: str) -> Words:
    """A key by what it is for, and its period."""
    use = in_every_language(lambda words: words.code("key_use", purpose.replace(" ", "_")))
    return said("change.key", use=use, period=_key_period(period))


def _key_period(period: str) -> Words:
    return in_every_language(lambda words: words.key_period(period))


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
    dpo = label(policy, policy.controller.dpo.name)
    archive = policy.archive
    if archive is not None:
        event = as_words(archive.starting_point.event)
        yield Unknown(
            "reading", "archive.starting_point", said("unknown.starting_point", event=event), dpo,
            0, None, said("unknown.of_archive"),
        )  # fmt: skip
        for country, minimum in archive.legal_minimum.items():
            words = said(
                "unknown.legal_minimum",
                country=country,
                law=minimum.law,
                period=_period(minimum.period),
            )
            yield Unknown(
                "reading", f"archive.legal_minimum.{country}", words, dpo, 0, None,
                said("unknown.of_archive"),
            )  # fmt: skip
    for name, rule in policy.rules.items():
        if rule.starting_point.although:
            why = as_words(rule.starting_point.although)
            yield Unknown(
                "reading", f"rules.{name}.starting_point", why, dpo, 0, None, as_words(rule.title)
            )
        for country, minimum in rule.at_least.items():
            words = said(
                "unknown.legal_minimum",
                country=country,
                law=minimum.law,
                period=_period(minimum.period),
            )
            yield Unknown(
                "reading", f"rules.{name}.at_least.{country}", words, dpo, 0, None,
                as_words(rule.title),
            )  # fmt: skip


def _refused(facts: Facts) -> Iterator[Unknown]:
    for each in facts.sweep.refusals:
        kind = "undecided" if each.subjects is None else "refused"
        reason = said("unknown.undecided") if each.subjects is None else _reason(each.reason)
        by = each.decided_by if each.is_kept else None
        decided = label(facts.policy, by) if by else deciders(facts.policy)
        yield Unknown(
            kind, f"{each.rule}: {each.reason}", reason, decided, each.subjects or 0, each.since,
            rule_title(facts.policy, each.rule),
        )  # fmt: skip


def _places(facts: Facts) -> Iterator[Unknown]:
    policy = facts.policy
    for name in facts.sweep.unreached:
        system = policy.systems[name]
        title = as_words(system.title)
        if system.retention is not None:
            words = said("unknown.system_keeps", title=title, period=_period(system.retention))
        else:
            words = said("unknown.system", title=title)
        yield Unknown("system", name, words, label(policy, system.owner), 0, None, title)
    for copy in facts.sweep.copies:
        if copy.answer == "copy":
            yield Unknown("copy", copy.name, as_words(copy.because), None, 0, None)
    if "subject_requests" not in built_wings():
        for name, processor in policy.processors.items():
            if processor.notify_erasure:
                words = said("unknown.processor", name=processor.name)
                title = {"en": processor.name, "fr": processor.name}
                yield Unknown("processor", name, words, None, 0, None, title)


def _untested(clauses: tuple[ClauseLine, ...]) -> Iterator[Unknown]:
    for clause in clauses:
        if clause.kind != "organisational" and not clause.tests:
            if clause.verdict == "not_yet_kept" and clause.evidence is None:
                continue
            yield Unknown(
                "untested", clause.clause, said("unknown.untested"), None, 0, None, clause.promise
            )


def _reason(reason: str) -> Words:
    return in_every_language(lambda words: words.code("reason", reason.replace(" ", "_")))


def _period(period: Period) -> Words:
    return in_every_language(lambda words: words.period(period))
