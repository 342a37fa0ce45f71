"""What each page shows, gathered from the Summary and a few of Lethe's own tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from lethe.catalogue.site import Site
from lethe.console import charts
from lethe.console.listing import Asked, Listing, make_listing
from lethe.console.rendering import Paper
from lethe.console.warehouse import HoldLine, Night, OpenSet, RunLine
from lethe.guards.editions import Edition
from lethe.policy.periods import end_of
from lethe.reporting.summary import CheckLine, ClauseLine, KeyLine, RuleLine, Summary
from lethe.retention.health import Health

VERDICTS = ("not_kept", "not_yet_kept", "described", "kept", "organisational", "not_applicable")


@dataclass(frozen=True, slots=True)
class Tile:
    """One sign of life at a glance.

    state  good, warn, bad or quiet
    """

    name: str
    value: str
    state: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Other:
    """Something beside a set that is answered on a page of its own."""

    title: str
    lines: tuple[str, ...]
    path: str


def others(editions: Sequence[Edition], keys: int, returned: int, p: Paper) -> list[Other]:
    """Editions that wait, newest first, keys that are due, and who came back."""
    found = [
        Other(
            p.say("edition.title", version=each.version),
            (
                p.say("edition.since", day=p.day(each.first_seen_at.date())),
                p.count("edition.changes", len((each.diff or {}).get("changes", ()))),
            ),
            f"/waiting/edition/{each.digest.hex()}",
        )
        for each in editions
    ]
    if keys:
        found.append(Other(p.count("ending.title", keys), (), "/waiting/keys"))
    if returned:
        found.append(Other(p.count("returned.title", returned), (), "/waiting/returned"))
    return found


def tiles(health: Health, site: Site, p: Paper) -> list[Tile]:
    """Health as tiles, in the order in which one would ask."""
    facts = health.facts
    age = facts.get("last_sweep_age_days")
    overdue = facts.get("oldest_overdue_days", 0)
    late = facts.get("holds_past_review", 0)
    witness_bad = any("witness" in problem for problem in health.problems)
    last = facts.get("last_sweep")
    zero = facts.get("zero_nights", 0)
    return [
        Tile(
            "last_sweep",
            p.day(date.fromisoformat(last)) if last else p.say("health.never"),
            "bad" if age is None or age > 1 else "good",
            "/runs",
        ),
        Tile(
            "overdue",
            p.count("health.days", overdue),
            "good" if not overdue else "bad" if _is_too_old(overdue, site, health) else "warn",
            "/rules?sort=overdue:desc",
        ),
        Tile(
            "waiting",
            p.number(facts.get("waiting", 0)),
            "warn" if facts.get("waiting") else "good",
            "/waiting",
        ),
        Tile(
            "holds",
            p.count("health.late", late, all=p.number(facts.get("holds", 0)))
            if late
            else p.number(facts.get("holds", 0)),
            "warn" if late else "quiet",
            "/holds",
        ),
        Tile(
            "evidence",
            p.count("health.unsealed", facts["unsealed_batches"])
            if facts.get("unsealed_batches")
            else p.say("health.sealed"),
            "warn" if facts.get("unsealed_hours", 0) > 24 else "good",
            "/evidence",
        ),
        Tile(
            "witness",
            p.say("health.witness_bad")
            if witness_bad
            else p.say("health.none")
            if facts.get("witness") is None
            else p.say("health.witness_at", number=p.number(facts["witness"])),
            "bad" if witness_bad else "quiet" if facts.get("witness") is None else "good",
            "/evidence",
        ),
        Tile(
            "zero_nights",
            p.number(zero),
            "warn" if zero >= site.loaded.policy.guards.zero_nights else "quiet",
            "/runs",
        ),
    ]


def _is_too_old(days: int, site: Site, health: Health) -> bool:
    """Overdue for longer than an approval may take."""
    due = health.as_of - timedelta(days=days)
    return end_of(due, site.loaded.policy.guards.approval_timeout) < health.as_of


def is_silent(summary: Summary, now: datetime | None = None) -> bool:
    """The next report should have been there."""
    return (now or datetime.now(UTC)) > summary.next_due


def nights_chart(nights: Sequence[Night], p: Paper) -> Any:
    """Erased subjects a night, oldest first."""
    bars = [
        charts.Bar(
            p.words.day(night.as_of, "short")[:5],
            night.erased,
            p.count(
                "chart.nights.told",
                night.erased,
                day=p.day(night.as_of),
                state=p.code("state", night.state),
            ),
            kind="bad" if night.state in ("failed", "stopped") else "",
        )
        for night in reversed(nights)
    ]
    most = max([bar.value for bar in bars] + [1])
    ticks = [p.number(round(most * step / 2)) for step in ((0, 1, 2) if most > 3 else (0, 2))]
    return charts.columns(bars, p.say("chart.nights.title"), "nights", ticks)


def due_chart(rules: Sequence[RuleLine], p: Paper) -> Any:
    """What falls due within 7 and within 30 days, by rule, most first."""
    busy = sorted((r for r in rules if r.next_30), key=lambda r: (-r.next_30, r.rule))[:10]
    names = _names(busy, p)
    bars = [
        charts.Bar(
            _cut(names[rule.rule]),
            rule.next_7,
            p.say(
                "chart.due.told",
                rule=names[rule.rule],
                week=p.number(rule.next_7),
                month=p.number(rule.next_30),
            ),
            rule.next_30,
        )
        for rule in busy
    ]
    return charts.rows(bars, p.say("chart.due.title"), "due") if bars else None


def backlog_chart(rules: Sequence[RuleLine], p: Paper) -> Any:
    """What is overdue, by rule, most first."""
    late = sorted((r for r in rules if r.backlog), key=lambda r: (-r.backlog, r.rule))[:10]
    names = _names(late, p)
    bars = [
        charts.Bar(
            _cut(names[rule.rule]),
            rule.backlog,
            p.say(
                "chart.backlog.told",
                rule=names[rule.rule],
                count=p.number(rule.backlog),
                days=p.number(rule.oldest_overdue_days),
            ),
            kind="bad" if rule.oldest_overdue_days > 7 else "warn",
        )
        for rule in late
    ]
    return charts.rows(bars, p.say("chart.backlog.title"), "backlog") if bars else None


def verdict_chart(clauses: Sequence[ClauseLine], p: Paper) -> tuple[Any, Counter[str]]:
    """How the clauses stand, as one bar in parts, and the counts."""
    found: Counter[str] = Counter(clause.verdict for clause in clauses)
    parts = [
        (verdict, found[verdict], f"{p.code('verdict', verdict)}: {p.number(found[verdict])}")
        for verdict in VERDICTS
    ]
    return charts.share(parts, p.say("chart.verdicts.title"), "verdicts"), found


def clause_list(clauses: Sequence[ClauseLine], asked: Asked, p: Paper) -> Listing[ClauseLine]:
    """The clause trace, by section unless asked otherwise."""
    return make_listing(
        clauses,
        {
            "section": lambda c: (_section(c.section), c.clause),
            "clause": lambda c: c.clause,
            "verdict": lambda c: VERDICTS.index(c.verdict),
            "control": lambda c: (c.kind, c.by),
            "tests": lambda c: len(c.tests),
            "evidence": lambda c: c.last_evidence,
        },
        asked,
        default="section",
        text=lambda c: " ".join([c.clause, c.section, p.text(c.promise), *c.rules, *c.tests]),
        only=lambda c: (c.verdict, "untested" if is_untested(c) else ""),
        size=200,
    )


def is_untested(clause: ClauseLine) -> bool:
    """A control that somebody claims, and no test proves."""
    return clause.kind in ("enforced", "checked") and not clause.tests


def _section(text: str) -> tuple[float, ...]:
    parts = [part for part in text.split(".") if part.isdigit()]
    return tuple(float(part) for part in parts) or (99.0,)


def rule_list(rules: Sequence[RuleLine], asked: Asked, p: Paper) -> Listing[RuleLine]:
    """Every rule, those with the oldest overdue first."""
    return make_listing(
        rules,
        {
            "rule": lambda r: r.rule,
            "state": lambda r: r.state,
            "due": lambda r: r.due,
            "erased": lambda r: r.erased,
            "kept": lambda r: sum(r.kept.values()),
            "refused": lambda r: sum(r.refused.values()),
            "backlog": lambda r: r.backlog,
            "overdue": lambda r: r.oldest_overdue_days,
            "week": lambda r: r.next_7,
            "month": lambda r: r.next_30,
        },
        asked,
        default="overdue:desc" if any(rule.backlog for rule in rules) else "rule",
        text=lambda r: " ".join([r.rule, r.cluster, r.clause, p.text(r.title)]),
        only=lambda r: r.state,
        size=200,
    )


def set_list(sets: Sequence[OpenSet], asked: Asked) -> Listing[OpenSet]:
    """What waits, oldest first."""
    return make_listing(
        sets,
        {
            "rule": lambda s: s.rule,
            "status": lambda s: ("waiting", "rejected", "approved", "working").index(s.status),
            "due": lambda s: s.due,
            "usual": lambda s: s.usual,
            "oldest": lambda s: s.oldest_on,
            "since": lambda s: s.started_at,
        },
        asked,
        default="status",
        text=lambda s: f"{s.rule} {s.clause} {s.digest.hex()}",
        only=lambda s: s.status,
        size=200,
    )


def run_list(runs: Sequence[RunLine], asked: Asked) -> Listing[RunLine]:
    """The history of runs, newest first."""
    return make_listing(
        runs,
        {
            "kind": lambda r: r.kind,
            "day": lambda r: r.as_of,
            "state": lambda r: r.state,
            "started": lambda r: r.started_at,
            "took": lambda r: r.seconds,
            "by": lambda r: r.requested_by,
        },
        asked,
        default="started:desc",
        text=lambda r: f"{r.kind} {r.as_of} {r.state} {r.run_id} {r.name or ''}",
        only=lambda r: (r.kind, r.state),
    )


def hold_list(holds: Sequence[HoldLine], asked: Asked) -> Listing[HoldLine]:
    """Holds and restrictions, those to review first."""
    return make_listing(
        holds,
        {
            "kind": lambda h: h.kind,
            "subject": lambda h: (h.subject, h.query or ""),
            "owner": lambda h: h.owner,
            "review": lambda h: h.review_on,
            "since": lambda h: h.created_at,
        },
        asked,
        default="review",
        text=lambda h: f"{h.subject} {h.query or ''} {h.owner} {h.id}",
        only=lambda h: h.kind,
    )


def key_list(keys: Sequence[KeyLine], asked: Asked) -> Listing[KeyLine]:
    """The key ring: what is due first."""
    return make_listing(
        keys,
        {
            "purpose": lambda k: (k.purpose, k.period),
            "state": lambda k: ("due", "in_use", "destroyed").index(k.state),
            "after": lambda k: k.destroy_after,
            "destroyed": lambda k: k.destroyed_at,
            "final": lambda k: k.final_at,
        },
        asked,
        default="state",
        text=lambda k: f"{k.purpose} {k.period}",
        only=lambda k: k.state,
        size=100,
    )


def check_list(lines: Sequence[CheckLine], asked: Asked) -> Listing[CheckLine]:
    """Checks, what failed first."""
    return make_listing(
        lines,
        {
            "name": lambda c: c.name,
            "passed": lambda c: c.passed,
            "failed": lambda c: (c.failed, c.critical),
            "not_asked": lambda c: c.not_asked,
            "not_applicable": lambda c: c.not_applicable,
        },
        asked,
        default="failed:desc",
        text=lambda c: c.name,
        only=lambda c: "failed" if c.failed or c.not_asked else "passed",
        size=200,
    )


def kept_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Of a rule's counts those that say why somebody was not erased."""
    said = ("due", "done", "erased", "active", "not yet due")
    return {name: count for name, count in counts.items() if name not in said and count}


def _names(rules: Sequence[RuleLine], p: Paper) -> dict[str, str]:
    """Rules by whom they are about; where two are about the same, by their own name."""
    about = {rule.rule: p.text(rule.subjects) or rule.rule for rule in rules}
    often = Counter(about.values())
    return {rule: name if often[name] == 1 else rule for rule, name in about.items()}


def _cut(name: str, most: int = 26) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
