"""Facts → Summary: pure. What somebody must decide, what was kept, what nobody heard of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from lethe.policy.labels import label
from lethe.quality.facts import CheckLine as Checked
from lethe.reporting.clause_lines import clause_lines
from lethe.reporting.decisions import decisions
from lethe.reporting.facts import Facts
from lethe.reporting.findings import find_findings
from lethe.reporting.notes import changes, silences, unknowns
from lethe.reporting.out_of_order import alarms
from lethe.reporting.place import kind_title
from lethe.reporting.readings import readings_of
from lethe.reporting.said import in_every_language, said
from lethe.reporting.summary import (
    Alarm,
    ArchiveHead,
    CheckLine,
    ClauseLine,
    Decision,
    Edition,
    Finding,
    HoldLine,
    LogLine,
    NightLine,
    Quality,
    RuleLine,
    Silence,
    Summary,
    TableLine,
    Verdict,
    Words,
)
from lethe.retention.fact_shapes import NightFacts, RuleFacts


def build_summary(facts: Facts) -> Summary:
    """Build the Summary of a period; the same facts give the same Summary."""
    rules = tuple(_rule(facts, each) for each in facts.sweep.rules)
    clauses = clause_lines(facts, rules)
    asked = decisions(facts)
    silent = silences(facts)
    rung = alarms(facts)
    checked = _quality(facts)
    findings = checked.findings if checked else ()
    verdict, needs = judge(clauses, asked, silent, rung, findings)
    return Summary(
        edition=_edition(facts),
        period=facts.period,
        first=facts.first,
        last=facts.last,
        made_at=facts.made_at,
        verdict=verdict,
        needs=needs,
        next_due=next_due(facts),
        is_armed=facts.sweep.armed_at is not None,
        is_rehearsal=facts.sweep.rehearsal,
        decisions=asked,
        clauses=clauses,
        rules=rules,
        nights=tuple(_night(each) for each in facts.sweep.nights),
        tables=_tables(facts),
        quality=checked,
        logs=_logs(facts),
        keys=facts.keys,
        archive=_archive(facts),
        seal=facts.seal,
        holds=_holds(facts),
        changes=changes(facts),
        silences=silent,
        unknowns=unknowns(facts, clauses),
        signer=facts.signer,
        alarms=rung,
        warehouse_id=facts.warehouse_id,
        readings=readings_of(facts.policy),
        since=facts.since,
    )


def judge(
    clauses: tuple[ClauseLine, ...],
    asked: tuple[Decision, ...],
    silent: tuple[Silence, ...],
    rung: tuple[Alarm, ...],
    findings: tuple[Finding, ...] = (),
) -> tuple[Verdict, int]:
    """Give the verdict, and how many points need somebody.

    A point is what the first sections of a report list one by one: a decision, an alarm, a check
    that failed. Promises that are not kept, and silence, are told beside them.
    """
    needs = len(asked) + len(rung) + len(findings)
    if silent:
        return "silent", needs
    if any(clause.verdict == "not_kept" for clause in clauses):
        return "not_kept", needs
    return ("needs_you" if needs else "kept"), needs


def with_alarm(summary: Summary, alarm: Alarm) -> Summary:
    """Add what was found out only while the report was written."""
    rung = (alarm, *summary.alarms)
    verdict, needs = judge(
        summary.clauses, summary.decisions, summary.silences, rung, summary.findings
    )
    return replace(summary, alarms=rung, verdict=verdict, needs=needs)


def next_due(facts: Facts) -> datetime:
    """When the next report of this kind is due, so that its absence is noticed."""
    day = facts.last + timedelta(days=1)
    if facts.period == "month":
        # The report of a month goes out on the first of the next one; one made before its end does
        # not take the place of the whole.
        is_whole = day.day == 1
        first = _first_after(facts.last)
        day = _first_after(first) if is_whole else first
    mail = facts.policy.mail
    at = time.fromisoformat(mail.due_by if mail else "07:00")
    return datetime.combine(day, at, facts.zone).astimezone(UTC)


def _first_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _edition(facts: Facts) -> Edition:
    edition, controller = facts.policy.policy, facts.policy.controller
    return Edition(
        name=edition.name,
        version=edition.version,
        title=_words(edition.title),
        digest=facts.digest,
        effective_from=edition.effective_from,
        time_zone=edition.time_zone,
        published_at=edition.published_at,
        controller=controller.name,
        controller_address=controller.address,
        dpo=controller.dpo.name,
        authority=controller.authority.name if controller.authority else None,
        contact=controller.contact,
        dpo_email=controller.dpo.email,
        dpo_said=label(facts.policy, controller.dpo.name),
    )


def _rule(facts: Facts, rule: RuleFacts) -> RuleLine:
    said = facts.policy.rules[rule.rule]
    sets = [each for each in facts.sweep.sets if each.rule == rule.rule]
    # Who is in an open set is told by it, not once more as a reason.
    stopped = {name: count for name, count in rule.stopped.items() if name != "in an open plan"}
    waiting = sum(each.left for each in sets if each.state == "waiting")
    backlog = sum(each.left for each in sets if each.state in ("waiting", "approved", "rejected"))
    at_plan = {"held": rule.held, "restricted": rule.restricted, **stopped}
    kept = Counter({name: count for name, count in at_plan.items() if count})
    kept.update(rule.skipped)
    kind = facts.policy.clusters[said.cluster].subject
    return RuleLine(
        rule=rule.rule,
        cluster=said.cluster,
        clause=said.clause,
        period=str(said.period),
        state=rule.state or "not_planned",
        due=rule.erased + sum(kept.values()) + sum(rule.quarantined.values()) + backlog,
        erased=rule.erased,
        kept=dict(kept),
        refused=dict(rule.refused),
        set_aside=dict(rule.quarantined),
        waiting=waiting,
        backlog=backlog,
        oldest_overdue_days=rule.overdue_days,
        usual=next((each.usual for each in sets if each.usual is not None), None),
        next_7=int(rule.coming.get("7", 0)),
        next_30=int(rule.coming.get("30", 0)),
        title=_words(said.title),
        subjects=_words(facts.policy.subjects[kind].title),
    )


def _night(night: NightFacts) -> NightLine:
    deleted = sum(counts.get("deleted", 0) for counts in night.tables.values())
    changed = sum(counts.get("changed", 0) for counts in night.tables.values())
    took = (
        (night.finished_at - night.started_at).total_seconds()
        if night.finished_at and night.finished_at >= night.started_at
        else None
    )
    return NightLine(
        as_of=night.as_of,
        run_id=night.run_id,
        state=night.state,
        reason=night.reason,
        erased=sum(night.erased.values()),
        not_erased=sum(night.skipped.values()) + night.undecided,
        set_aside=sum(night.quarantined.values()),
        rows_deleted=deleted,
        rows_changed=changed,
        backlog=night.undecided,
        oldest_overdue_days=night.oldest_overdue_days or 0,
        seconds=took,
        seal_no=night.seal_no,
    )


def _tables(facts: Facts) -> tuple[TableLine, ...]:
    rows: dict[str, Counter[str]] = {}
    for night in facts.sweep.nights:
        for table, counts in night.tables.items():
            rows.setdefault(table, Counter()).update(counts)
    return tuple(
        TableLine(
            table,
            found["planned"] or found["deleted"] + found["changed"],
            found["deleted"],
            found["changed"],
        )
        for table, found in sorted(rows.items())
    )


def _quality(facts: Facts) -> Quality | None:
    found = facts.quality
    if found is None:
        return None
    leaks: Counter[str] = Counter()
    for leak in found.leaks.leaks if found.leaks else ():
        place, _, number = leak.partition(": ")
        leaks[place] += int(number.partition(" ")[0])
    docs = found.docs
    return Quality(
        ran_at=found.asked_at,
        clauses=tuple(_checks(each, _promise(facts, each.name)) for each in found.clauses),
        suites=tuple(_checks(each, _suite(facts, each.name)) for each in found.suites),
        failures=tuple(
            (each["expectation"], each["title"], int(each["failing"]))
            for each in facts.failures
            if each["state"] == "failed"
        ),
        data_docs=str(docs.relative_to(facts.home)) if docs else None,
        leaks=dict(leaks),
        findings=find_findings(facts.policy, facts.failures),
        unkept=len(facts.unkept),
        unkept_critical=sum(each["severity"] == "critical" for each in facts.unkept),
    )


def _promise(facts: Facts, name: str) -> Words:
    clause = facts.policy.clauses.get(name)
    return _words(clause.promise) if clause else {}


def _suite(facts: Facts, name: str) -> Words:
    """A suite bears the name of a cluster, or is one of ours."""
    cluster = facts.policy.clusters.get(name)
    if cluster is not None:
        return _words(cluster.title)
    return said(f"suite.{name}") if name in ("warehouse", "policy") else {}


def _checks(line: Checked, title: Words) -> CheckLine:
    return CheckLine(
        line.name,
        line.passed,
        line.failed,
        line.critical,
        line.not_applicable,
        line.not_asked,
        title,
        line.no_rows,
    )


def _logs(facts: Facts) -> tuple[LogLine, ...]:
    sources = facts.policy.logs.sources if facts.policy.logs else {}
    lines = []
    for line in facts.logs or ():
        source = sources.get(line.source)
        title: Words = {}
        if source is not None and source.table is not None:
            title = said("logs.table", table=str(source.table))
        elif source is not None:
            title = said("logs.files", files=source.files or "")
        lines.append(replace(line, title=title))
    return tuple(lines)


def _archive(facts: Facts) -> ArchiveHead | None:
    found = facts.archive
    if found is None or found.root is None or found.signed_at is None:
        return None
    return ArchiveHead(
        head_no=found.head_no,
        tree_size=found.tree_size,
        root=found.root,
        signed_at=found.signed_at,
        public_key=facts.archive_key or "",
        records=found.living,
        added=sum(each.captured for each in found.documents),
        destroyed=found.destroyed,
        refused=found.refused,
        beyond=found.beyond_the_promise,
        verified_at=found.verified_at,
        is_verified=None if found.verified_at is None else not found.verified_faults,
        line=found.head_line,
    )


def _holds(facts: Facts) -> tuple[HoldLine, ...]:
    return tuple(
        HoldLine(
            kind="restriction" if each.sort == "restriction" else "hold",
            subject_kind=each.subject,
            reason=each.origin,
            owner=each.owner,
            count=each.count,
            review_on=each.next_review_on,
            is_late=bool(each.past_review),
            title=_because(facts, each.origin),
            subjects=kind_title(facts.policy, each.subject),
        )
        for each in facts.sweep.holds
    )


def _because(facts: Facts, origin: str) -> Words:
    """Why a query of the policy holds somebody; else how it was laid: its reason is free text."""
    queries = {**facts.policy.guards.holds, **facts.policy.guards.restrictions}
    if origin in queries:
        return _words(queries[origin].because)
    return in_every_language(lambda words: words.code("origin", origin))


def _words(text: Mapping[Any, str]) -> Words:
    return {str(language): words for language, words in text.items()}


def period_title(period: str, last: date) -> str:
    """A name for files: the day, or the month."""
    return last.isoformat() if period == "day" else f"{last:%Y-%m}"
