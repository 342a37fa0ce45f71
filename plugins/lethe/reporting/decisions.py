"""What waits for a person: sets over a limit, expiries, refused dates, editions, arming, holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lethe.reporting.facts import Facts
from lethe.reporting.place import kind_title
from lethe.reporting.said import said
from lethe.reporting.summary import Decision, Words


def decisions(facts: Facts) -> tuple[Decision, ...]:
    """List the decisions, those that waited longest first."""
    found = [
        *_sets(facts),
        *_expiries(facts),
        *_refusals(facts),
        *_editions(facts),
        *_arming(facts),
        *_reviews(facts),
    ]
    return tuple(sorted(found, key=lambda each: (each.since is None, each.since, each.what)))


def _sets(facts: Facts) -> Iterator[Decision]:
    for each in facts.sweep.waiting:
        rule = facts.policy.rules.get(each.rule)
        yield Decision(
            kind="plan",
            what=each.rule,
            clause=each.clause,
            count=each.left or each.due,
            since=each.since,
            answer_until=each.expires_on,
            oldest_on=each.oldest_on,
            newest_on=each.newest_on,
            usual=each.usual,
            flags=dict(each.risk),
            digest=each.digest,
            limit=each.over_limit or None,
            link=f"/lethe/waiting/{each.run_id}/{each.rule}",
            title=_title(rule.title) if rule else {},
            subjects=_subjects(facts, each.rule),
            said={
                name: _title(flag.title)
                for name, flag in facts.policy.guards.risk_flags.items()
                if name in each.risk
            },
        )


def _expiries(facts: Facts) -> Iterator[Decision]:
    archive = facts.archive
    for each in archive.expiry if archive else ():
        if each.state == "waiting":
            yield Decision(
                kind="expiry",
                what=each.rule,
                clause=facts.policy.archive.clause if facts.policy.archive else None,
                count=each.due,
                since=archive.night_of if archive else None,
                answer_until=None,
                oldest_on=None,
                newest_on=None,
                usual=None,
                flags={},
                digest=each.digest,
                limit=each.over_limit,
                link="/lethe/waiting",
                title=said("decision.expiry"),
            )


def _refusals(facts: Facts) -> Iterator[Decision]:
    for each in facts.sweep.refusals:
        if each.is_kept:
            continue
        rule = facts.policy.rules.get(each.rule)
        yield Decision(
            kind="refused",
            what=each.rule,
            clause=each.clause,
            count=each.subjects or 0,
            since=each.since,
            answer_until=None,
            oldest_on=None,
            newest_on=None,
            usual=None,
            flags={each.reason: each.subjects or 0},
            digest=None,
            limit=None,
            link="/lethe/unknowns",
            title=_title(rule.title) if rule else {},
            subjects=_subjects(facts, each.rule),
        )


def _editions(facts: Facts) -> Iterator[Decision]:
    for each in facts.sweep.editions:
        if each.decision is None and not each.is_first and not each.is_in_force:
            begins = each.effective_from
            yield Decision(
                kind="edition",
                what=each.version,
                clause=None,
                count=1,
                since=each.first_seen_at.astimezone(facts.zone).date(),
                # An edition in force by its date already waits for nothing but the answer.
                answer_until=begins if begins and begins > facts.last else None,
                oldest_on=None,
                newest_on=None,
                usual=None,
                flags={},
                digest=each.digest,
                limit=None,
                link=f"/lethe/waiting/edition/{each.digest}",
            )


def _arming(facts: Facts) -> Iterator[Decision]:
    if facts.sweep.armed_at is None:
        yield Decision(
            "arm", facts.sweep.policy, None, 1, None, None, None, None, None, {}, None, None, None
        )


def _reviews(facts: Facts) -> Iterator[Decision]:
    for each in facts.sweep.holds:
        if each.past_review:
            yield Decision(
                kind="hold_review",
                what=each.origin,
                clause=None,
                count=each.past_review,
                since=each.next_review_on,
                answer_until=None,
                oldest_on=None,
                newest_on=None,
                usual=None,
                flags={},
                digest=None,
                limit=None,
                link="/lethe/holds",
                title=kind_title(facts.policy, each.subject),
            )


def _subjects(facts: Facts, name: str) -> Words:
    rule = facts.policy.rules.get(name)
    return kind_title(facts.policy, facts.policy.clusters[rule.cluster].subject) if rule else {}


def _title(text: Mapping[Any, str]) -> Words:
    return {str(language): words for language, words in text.items()}
