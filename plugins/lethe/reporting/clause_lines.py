"""How every promise stands: kept only where a working control left a proof of this very promise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lethe.policy.periods import end_of
from lethe.quality.facts import CheckLine
from lethe.reporting.facts import Facts
from lethe.reporting.own_proof import Shown, but_for, reading_of, show
from lethe.reporting.said import counted, in_every_language, joined, said
from lethe.reporting.summary import ClauseLine, ClauseVerdict, RuleLine, Words
from lethe.retention.clauses import ClauseState
from lethe.retention.fact_shapes import NightFacts

CLOSED = frozenset({"done", "waiting", "superseded"})
"""States of a night that was worked and whose evidence is sealed."""


@dataclass(slots=True)
class _Stand:
    """What was found out about one promise.

    broken   why it is not kept; lacking: why nobody can say that it is kept; noted: beside that
    heard    when a control last left evidence, and which; checked: when checks beside it did
    shown    what of the evidence is about this very promise
    """

    broken: list[Words] = field(default_factory=list)
    lacking: list[Words] = field(default_factory=list)
    noted: list[Words] = field(default_factory=list)
    heard: list[tuple[datetime, str]] = field(default_factory=list)
    checked: tuple[datetime, str] | None = None
    shown: Shown = field(default_factory=Shown)
    applies: bool = True

    @property
    def verdict(self) -> ClauseVerdict:
        if self.broken:
            return "not_kept"
        if self.lacking or not self.heard:
            return "not_yet_kept"
        if not self.applies:
            return "not_applicable"
        return "described" if self.shown.untried or not self.shown.proofs else "kept"

    @property
    def reason(self) -> Words | None:
        untried = self.shown.untried if self.verdict == "described" else []
        besides = [each for each in self.shown.besides if each not in untried]
        parts = [*self.broken, *self.lacking, *untried, *self.noted, *besides]
        return joined(parts) if parts else None

    @property
    def evidence(self) -> tuple[datetime, str] | None:
        """The newest evidence: of a promise that is shown, that which shows it."""
        proving = {proof.by for proof in self.shown.proofs}
        named = [each for each in self.heard if each[1] in proving]
        if self.verdict != "kept" or named:
            return max(named or self.heard, default=None)
        return self.checked


def closed_nights(facts: Facts) -> list[NightFacts]:
    """The nights of the period that were worked to their end, oldest first."""
    return [each for each in facts.sweep.nights if each.state in CLOSED and each.seal_no]


def clause_lines(facts: Facts, rules: Sequence[RuleLine]) -> tuple[ClauseLine, ...]:
    """Say of every clause how it stands in the period."""
    return tuple(_line(facts, state, rules) for state in facts.clauses)


def _line(facts: Facts, state: ClauseState, rules: Sequence[RuleLine]) -> ClauseLine:
    control = facts.policy.clauses[state.clause].control
    own = [rule for rule in rules if rule.rule in state.rules]
    checks = facts.quality.clause(state.clause) if facts.quality else None
    stand = _stand(facts, state, own, checks)
    verdict, reason = stand.verdict, stand.reason
    if state.state == "organisational":
        verdict, reason = "organisational", {str(k): v for k, v in (control.because or {}).items()}
    last = stand.evidence
    is_open = verdict in ("kept", "described")
    return ClauseLine(
        clause=state.clause,
        section=state.section,
        sentence=facts.policy.clauses[state.clause].sentence,
        promise=dict(state.promise),
        verdict=verdict,
        kind=control.kind,
        by=state.by,
        rules=state.rules,
        tests=control.tests,
        reason=reason,
        last_evidence=last[0] if last else None,
        evidence=last[1] if last else None,
        erased=sum(rule.erased for rule in own),
        kept=sum(sum(rule.kept.values()) for rule in own),
        checks_passed=checks.passed if checks else 0,
        checks_failed=checks.failed if checks else 0,
        has_control=state.state != "not yet kept",
        proofs=tuple(stand.shown.proofs),
        exceptions=but_for(stand.shown.excepted) if is_open else None,
        reading=reading_of(facts.policy, state.clause) if verdict == "kept" else None,
        checks_empty=checks.no_rows if checks else 0,
    )


def _stand(
    facts: Facts, state: ClauseState, rules: Sequence[RuleLine], checks: CheckLine | None
) -> _Stand:
    stand = _Stand()
    if state.state == "organisational":
        return stand
    if state.state == "not yet kept":
        planned = facts.policy.clauses[state.clause].control.planned
        stand.lacking.append(said("clause.planned" if planned else "clause.no_control"))
        stand.lacking.extend(_unkept(facts, state.clause))
        return stand
    asking = {
        "retention_sweep": _ask_sweep,
        "invoice_archive": _ask_archive,
        "policy_check": _ask_policy,
        "log_pseudonymisation": _ask_logs,
        "compliance_report": _ask_report,
        "reidentification": _ask_ledger,
    }
    for wing in state.by:
        if wing == "data_quality":
            _ask_quality(stand, facts, checks)
        elif wing in asking:
            asking[wing](stand, facts, state.clause, rules)
        else:
            stand.lacking.append(said("clause.no_evidence"))
    if "data_quality" not in state.by:
        _note_checks(stand, facts, checks)
    stand.shown = show(facts, state.clause, state.by, rules, checks)
    return stand


def _unkept(facts: Facts, clause: str) -> Iterator[Words]:
    """What the checks say already of a promise that no control keeps yet."""
    found = [each["severity"] == "critical" for each in facts.unkept if each["clause"] == clause]
    if critical := sum(found):
        yield counted("clause.critical_failed", critical)
    if others := len(found) - sum(found):
        yield counted("clause.checks_failed", others)


def _ask_sweep(stand: _Stand, facts: Facts, clause: str, rules: Sequence[RuleLine]) -> None:
    for night in closed_nights(facts):
        if night.finished_at:
            stand.heard.append((night.finished_at, "sweep"))
    earlier = facts.last_heard.get("retention_sweep")
    if not stand.heard:
        if earlier:
            stand.heard.append((earlier, "sweep"))
        key = "clause.no_evidence" if facts.sweep.armed_at else "clause.report_only"
        stand.lacking.append(said(key))
    elif not facts.sweep.armed_at:
        stand.lacking.append(said("clause.report_only"))
    timeout = facts.policy.guards.approval_timeout
    named = {each.rule: each for each in facts.sweep.rules}
    for rule in rules:
        overdue_on = named[rule.rule].overdue_on if rule.rule in named else None
        if overdue_on and end_of(overdue_on, timeout) < facts.last:
            key = "clause.overdue_waiting" if rule.waiting else "clause.overdue"
            stand.broken.append(
                counted(key, rule.oldest_overdue_days, rule=dict(rule.title) or rule.rule)
            )
    _ask_unarchived(stand, facts, rules)
    for refusal in facts.sweep.refusals:
        if refusal.clause == clause and not refusal.is_kept:
            stand.broken.append(_refused(refusal.reason, refusal.subjects))


def _ask_unarchived(stand: _Stand, facts: Facts, rules: Sequence[RuleLine]) -> None:
    """Who is due and waits for a document that the archive refuses would wait for ever."""
    refuses = facts.archive is not None and any(facts.archive.refused.values())
    for rule in rules:
        if stuck := rule.kept.get("not archived", 0):
            words = counted("clause.unarchived", stuck, rule=dict(rule.title) or rule.rule)
            (stand.broken if refuses else stand.noted).append(words)


def _refused(reason: str, subjects: int | None) -> Words:
    why = in_every_language(lambda words: words.code("reason", reason.replace(" ", "_")))
    if subjects is None:
        return said("clause.undecided", why=why)
    return counted("clause.refused", subjects, why=why)


def _ask_archive(stand: _Stand, facts: Facts, clause: str, _: Sequence[RuleLine]) -> None:
    archive = facts.archive
    if archive is None or archive.closed_at is None or archive.night_of is None:
        stand.lacking.append(said("clause.no_evidence"))
        return
    stand.heard.append((archive.closed_at, "archive"))
    if archive.night_of < facts.first:
        stand.lacking.append(said("clause.no_evidence"))
    if archive.verified_faults:
        stand.broken.append(counted("clause.archive_faults", archive.verified_faults))
    if not facts.sweep.armed_at and facts.policy.clauses[clause].control.kind == "enforced":
        stand.noted.append(said("clause.report_only"))


def _ask_policy(stand: _Stand, facts: Facts, _clause: str, _: Sequence[RuleLine]) -> None:
    check = facts.check
    if check is None:
        stand.lacking.append(said("clause.no_evidence"))
        return
    stand.heard.append((check.checked_at, "policy_check"))
    if check.faults:
        stand.lacking.append(counted("clause.policy_faults", check.faults))
    if check.unclassified:
        stand.broken.append(counted("clause.unclassified", len(check.unclassified)))


def _ask_logs(stand: _Stand, facts: Facts, _clause: str, _: Sequence[RuleLine]) -> None:
    if not facts.logs:
        stand.lacking.append(said("clause.no_evidence"))
        return
    if facts.logs_failed:
        stand.broken.append(counted("clause.logs_failed", facts.logs_failed))
    # Lines handed in at a shell have no run of a night: the ledger is their evidence.
    heard = facts.last_heard.get("log_pseudonymisation") or (
        facts.seal.sealed_at if facts.seal else None
    )
    if heard:
        stand.heard.append((heard, "logs"))
    for line in facts.logs:
        if not line.is_within:
            stand.broken.append(said("clause.linkable", source=line.source))
        if line.read != line.written + sum(line.quarantined.values()):
            stand.broken.append(said("clause.lines_missing", source=line.source))


def _ask_report(stand: _Stand, facts: Facts, _clause: str, _: Sequence[RuleLine]) -> None:
    stand.heard.append((facts.made_at, "report"))


def _ask_ledger(stand: _Stand, facts: Facts, _clause: str, _: Sequence[RuleLine]) -> None:
    """A duty done by hand: each case stands on the ledger, and a seal of the period says so."""
    seal = facts.seal
    if seal is None or seal.sealed_at < facts.begins:
        stand.lacking.append(said("clause.no_evidence"))
        return
    stand.heard.append((seal.sealed_at, "ledger"))


def _ask_quality(stand: _Stand, facts: Facts, checks: CheckLine | None) -> None:
    if facts.quality is None:
        earlier = facts.last_heard.get("data_quality")
        if earlier:
            stand.heard.append((earlier, "quality"))
        stand.lacking.append(said("clause.no_evidence"))
        return
    stand.heard.append((facts.quality.asked_at, "quality"))
    if checks is None or not checks.expectations:
        stand.lacking.append(said("clause.nothing_asked"))
        return
    if checks.failed:
        stand.broken.append(counted("clause.checks_failed", checks.failed))
    elif checks.nights_bad:
        stand.broken.append(counted("clause.nights_bad", checks.nights_bad))
    if checks.not_asked:
        stand.lacking.append(counted("clause.not_asked", checks.not_asked))
    if checks.not_yet_kept:
        stand.lacking.append(counted("clause.checks_planned", checks.not_yet_kept))
    stand.applies = bool(checks.passed or checks.no_rows or checks.failed)


def _note_checks(stand: _Stand, facts: Facts, checks: CheckLine | None) -> None:
    """Checks beside another control: a critical one that failed breaks the promise as well."""
    if checks is None or facts.quality is None:
        return
    stand.checked = (facts.quality.asked_at, "quality")
    if checks.critical:
        stand.broken.append(counted("clause.checks_failed", checks.critical))
    elif checks.failed:
        stand.noted.append(counted("clause.checks_failed", checks.failed))
