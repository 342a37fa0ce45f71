"""What each control showed of one promise itself: never that it ran, but what it had to do with.

A control that ran and found nobody to judge, no row to ask about and no record to open says nothing
about the promise. Each function here counts, and says why where there is nothing to count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lethe.policy.labels import label
from lethe.policy.model import Policy
from lethe.policy.model.clauses import ARCHIVE_PARTS
from lethe.quality.facts import CheckLine
from lethe.reporting.facts import Facts
from lethe.reporting.said import counted, in_every_language, listed, said
from lethe.reporting.summary import Proof, RuleLine, Words
from lethe.reporting.words import choose
from lethe.retention.fact_shapes import RuleFacts

_PATIENT = frozenset({"policy_check", "reidentification", "compliance_report"})
"""Controls that may have nothing to show themselves: checks of the promise may show it instead."""


@dataclass(slots=True)
class Shown:
    """What was found of one promise.

    proofs    what was counted
    untried   why a control could count nothing
    excepted  for whom or what the promise is not shown
    besides   what else to say
    """

    proofs: list[Proof] = field(default_factory=list)
    untried: list[Words] = field(default_factory=list)
    excepted: list[Words] = field(default_factory=list)
    besides: list[Words] = field(default_factory=list)

    def prove(self, what: str, count: int, by: str, **values: object) -> None:
        """Take a count for a proof; of none there is none."""
        self.prove_as(what, what, count, by, **values)

    def prove_as(self, key: str, what: str, count: int, by: str, **values: object) -> None:
        """Take a count for a proof, in words of its own."""
        if count:
            self.proofs.append(Proof(what, count, by, counted(f"proof.{key}", count, **values)))


def show(
    facts: Facts,
    clause: str,
    by: Sequence[str],
    rules: Sequence[RuleLine],
    checks: CheckLine | None,
) -> Shown:
    """Count what the controls of a promise showed of it."""
    shown = Shown()
    for wing in by:
        before = len(shown.untried)
        if wing == "retention_sweep":
            _of_sweep(shown, facts, rules)
        elif wing == "invoice_archive":
            _of_archive(shown, facts, clause)
        elif wing == "policy_check":
            _of_policy(shown, facts, clause)
        elif wing == "log_pseudonymisation":
            _of_logs(shown, facts)
        elif wing == "reidentification":
            _of_cases(shown, facts)
        elif wing == "compliance_report":
            shown.untried.append(said("untried.report", digest=facts.digest[:12]))
        elif wing == "data_quality" and checks is not None and not checks.passed:
            shown.untried.append(said("untried.quality"))
        if wing in _PATIENT and checks is not None and checks.passed:
            del shown.untried[before:]
    if checks is not None:
        shown.prove("checks", checks.passed, "quality")
    return shown


def reading_of(policy: Policy, clause: str) -> Words | None:
    """Say that a promise is shown by a reading of ours that somebody has yet to confirm."""
    waiting = [
        each
        for each in policy.readings.values()
        if each.clause == clause and each.confirmed_by is None
    ]
    if not waiting:
        return None
    owners = list(dict.fromkeys(each.owner for each in waiting if each.owner))
    if not owners:
        return counted("reading.nobody", len(waiting))
    who = listed([label(policy, owner) for owner in owners])
    return counted("reading.by", len(owners), who=who)


def but_for(excepted: Sequence[Words]) -> Words | None:
    """'but for 16 without a usable date and 2 that are set aside'."""
    return said("except", parts=listed(list(excepted))) if excepted else None


def judged(facts: Facts, rule: RuleFacts) -> int:
    """Subjects that a rule could date and judged in the period, whatever it said of them."""
    if rule.planned_on is None or rule.planned_on < facts.first:
        return 0
    ended = rule.due + rule.held + rule.restricted + sum(rule.stopped.values())
    return ended + rule.active + rule.not_yet_due


def _of_sweep(shown: Shown, facts: Facts, rules: Sequence[RuleLine]) -> None:
    named = {each.rule: each for each in facts.sweep.rules}
    counts = {rule.rule: judged(facts, named[rule.rule]) for rule in rules if rule.rule in named}
    erased = sum(rule.erased for rule in rules)
    on_time = sum(counts.get(rule.rule, 0) for rule in rules if not _is_behind(rule))
    shown.prove("erased", erased, "sweep")
    if facts.sweep.armed_at is not None:
        shown.prove("judged", on_time, "sweep")
    for rule in rules:
        shown.excepted.extend(_exceptions(rule))
    shown.excepted.extend(_late([named[rule.rule] for rule in rules if rule.rule in named]))
    if not erased and not on_time:
        waiting = sum(rule.waiting for rule in rules)
        shown.untried.append(
            counted("untried.waiting", waiting) if waiting else said("untried.sweep")
        )
    elif quiet := [rule for rule in rules if not rule.erased and not counts.get(rule.rule)]:
        titles = listed([_quoted(rule) for rule in quiet])
        shown.besides.append(counted("besides.nobody", len(quiet), rules=titles))


def _is_behind(rule: RuleLine) -> bool:
    return bool(rule.oldest_overdue_days or rule.backlog)


def _exceptions(rule: RuleLine) -> Iterator[Words]:
    subjects = dict(rule.subjects) or rule.rule
    if undated := sum(rule.refused.values()):
        yield counted("except.undated", undated, subjects=subjects)
    if aside := sum(rule.set_aside.values()):
        yield counted("except.set_aside", aside, subjects=subjects)
    if rule.waiting:
        yield counted("except.waiting", rule.waiting, subjects=subjects)
    if left := rule.backlog - rule.waiting:
        yield counted("except.backlog", left, subjects=subjects)
    if rule.oldest_overdue_days and not rule.backlog:
        yield counted("except.overdue", rule.oldest_overdue_days, rule=_quoted(rule))


def _late(rules: Sequence[RuleFacts]) -> Iterator[Words]:
    """Who was erased later than the night after he was due: never kept without a word about it."""
    late = [rule.late_since for rule in rules if rule.late_since]
    if late:
        since = in_every_language(lambda words: words.day(min(late)))
        yield counted("except.late", len(late), since=since)


def _quoted(rule: RuleLine) -> Words:
    return in_every_language(
        lambda words: words.say("quoted", what=choose(rule.title, words.language) or rule.rule)
    )


def _of_archive(shown: Shown, facts: Facts, clause: str) -> None:
    archive, of_archive = facts.archive, facts.policy.archive
    if archive is None or archive.night_of is None or archive.night_of < facts.first:
        return
    named = facts.policy.clauses[clause].control.shown_by
    part = next((name for name in named if name in ARCHIVE_PARTS), None)
    if part is None and of_archive is not None and of_archive.clause == clause:
        part = "capture"
    expiry = archive.expiry
    seen = sum(each.judged for each in expiry)
    late = sum(max(0, each.due - each.documents_destroyed) for each in expiry)
    undated = sum(sum(each.refused.values()) for each in expiry)
    if part == "capture":
        _of_capture(shown, facts)
    elif part == "encryption":
        shown.prove_as("unsealed", "opened", archive.opened, "archive")
        if not archive.opened:
            shown.untried.append(said("untried.opened"))
    elif part == "end":
        shown.prove("ended", archive.destroyed, "archive")
        if seen and not late and archive.destroyed:
            shown.prove("none_late", seen, "archive")
        if late:
            shown.excepted.append(counted("except.archive_late", late))
        if undated:
            shown.excepted.append(counted("except.archive_undated", undated))
        if not archive.destroyed:
            # That none is late says nothing of an end that none has come to.
            is_early = seen and not late
            shown.untried.append(
                counted("untried.not_ended", seen) if is_early else said("untried.end")
            )
    elif part == "law":
        beyond = archive.beyond_the_promise
        laws = listed([label(facts.policy, law) for law in sorted(beyond)])
        shown.prove("law", sum(beyond.values()), "archive", laws=laws)
        if not sum(beyond.values()):
            shown.untried.append(counted("untried.law", seen) if seen else said("untried.end"))
    else:
        shown.untried.append(said("untried.archive"))


def _of_capture(shown: Shown, facts: Facts) -> None:
    """A record is a proof once somebody could open it, or computed it again."""
    archive = facts.archive
    if archive is None:
        return
    verified = archive.verified_at if archive.verified_at and not archive.verified_faults else None
    if archive.living and (archive.opened or verified):
        shown.prove("records", archive.living, "archive")
        shown.prove("opened", archive.opened, "archive")
    else:
        shown.untried.append(said("untried.unopened" if archive.living else "untried.empty"))
    if refused := sum(archive.refused.values()):
        shown.excepted.append(counted("except.not_archived", refused))


def _of_policy(shown: Shown, facts: Facts, clause: str) -> None:
    covered = facts.check.covered.get(clause, {}) if facts.check else {}
    tables = in_every_language(lambda words: words.count("proof.tables", len(covered)))
    shown.prove("columns", sum(covered.values()), "policy_check", tables=tables)
    if not covered:
        asked = bool(facts.policy.clauses[clause].control.covers)
        shown.untried.append(said("untried.columns" if asked else "untried.file"))


def _of_logs(shown: Shown, facts: Facts) -> None:
    shown.prove("lines", sum(each.written for each in facts.logs or ()), "logs")
    if not shown.proofs:
        shown.untried.append(said("untried.logs"))
    if aside := sum(sum(each.quarantined.values()) for each in facts.logs or ()):
        shown.excepted.append(counted("except.lines", aside))


def _of_cases(shown: Shown, facts: Facts) -> None:
    cases = sum(each.kind == "reidentification" for each in facts.changes)
    shown.prove("cases", cases, "ledger")
    if not cases:
        shown.untried.append(said("untried.cases"))
        shown.besides.append(said("untried.cases"))
