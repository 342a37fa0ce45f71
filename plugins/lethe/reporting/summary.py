"""The Summary: what a period looked like, as plain data.

Mail, PDF, CSV, page and pack format it; they query nothing and decide nothing. Words that people
wrote (promises, titles) come in every language of the policy; what Lethe itself says is a code
(`held`, `no_starting_point`), which the catalogues under include/locale put into words. Counts,
days, digests and names of rules and tables only: never a value of a row, never a subject.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

Words = Mapping[str, str]
"""A text by language: {'en': …, 'fr': …}; 'en' at least."""
Counts = Mapping[str, int]
"""Code or name → how many."""
Verdict = Literal["kept", "needs_you", "not_kept", "silent"]
ClauseVerdict = Literal[
    "kept", "described", "not_kept", "not_yet_kept", "organisational", "not_applicable"
]
"""described: its control ran, and nothing put this very promise to the proof."""


@dataclass(frozen=True, slots=True)
class Edition:
    """The policy that ruled the period.

    digest    SHA-256 of the policy file, hex
    dpo_said  the officer in the languages of the policy
    """

    name: str
    version: str
    title: Words
    digest: str
    effective_from: date
    time_zone: str
    published_at: str | None
    controller: str
    controller_address: str | None
    dpo: str
    authority: str | None
    contact: str | None = None
    dpo_email: str | None = None
    dpo_said: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that waits for a person.

    kind    'plan' (a set over a limit), 'expiry', 'key', 'edition', 'refused', 'arm', 'hold_review'
    digest  what an approval would name, hex
    limit   which limit it is over, in words
    said    flag → its words
    link    path on the console, such as '/lethe/plan/RULE'; None before the console knows one
    title, subjects  what it is about, and whom, in words
    """

    kind: str
    what: str
    clause: str | None
    count: int
    since: date | None
    answer_until: date | None
    oldest_on: date | None
    newest_on: date | None
    usual: float | None
    flags: Counts
    digest: str | None
    limit: str | None
    link: str | None
    title: Words = field(default_factory=dict)
    said: Mapping[str, Words] = field(default_factory=dict)
    subjects: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proof:
    """What one control showed of one promise: what was counted, how many, and in words.

    what  'erased', 'judged', 'checks', 'columns', 'records', 'opened', 'ended', 'none_late', 'law',
          'lines', 'cases'
    by    the evidence that it stands in, as `ClauseLine.evidence` names it
    """

    what: str
    count: int
    by: str
    said: Words


@dataclass(frozen=True, slots=True)
class ClauseLine:
    """One promise and how it stands.

    reason         sentences: why it is not kept, or what stands beside that
    proofs         what was counted of this very promise; none: nothing put it to the proof
    exceptions     'but for …': for whom or what nobody can say that it is kept
    reading        'by our reading, which …': what somebody has yet to confirm
    checks_empty   checks that found no row to ask about
    last_evidence  when its control last left evidence; None: never
    evidence       what that was: 'sweep', 'quality', 'archive', 'logs', 'policy_check'
    tests          node ids of the tests that prove the control; none: untested
    sentence       which sentence of its section, counted from 1, such as '3' or '2-4'
    has_control    False: nothing that works keeps it yet, so that nothing can be shown
    """

    clause: str
    section: str
    promise: Words
    verdict: ClauseVerdict
    kind: str
    by: tuple[str, ...]
    rules: tuple[str, ...]
    tests: tuple[str, ...]
    reason: Words | None
    last_evidence: datetime | None
    evidence: str | None
    erased: int
    kept: int
    checks_passed: int
    checks_failed: int
    sentence: str | None = None
    has_control: bool = True
    proofs: tuple[Proof, ...] = ()
    exceptions: Words | None = None
    reading: Words | None = None
    checks_empty: int = 0

    @property
    def is_reserved(self) -> bool:
        """Kept with reservations: but for somebody, or by a reading that is yet to be confirmed."""
        return self.verdict == "kept" and bool(self.exceptions or self.reading)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One deletion rule over the period: subjects.

    due                  whose period had ended: erased + stayed
    kept                 of these: reason code → not erased (held, restricted, newer_row, locked …)
    set_aside            of these: reason → not erased, something was wrong with them
    waiting              of these: in a set that waits for an approval
    backlog              of these: left in sets that wait, were approved or were refused
    refused              reason → without a usable starting point; nobody knows whether they are due
    oldest_overdue_days  0: nothing is overdue
    next_7, next_30      what will come due
    title, subjects      the rule in words; whom it is about, in the plural
    """

    rule: str
    cluster: str
    clause: str
    period: str
    state: str
    due: int
    erased: int
    kept: Counts
    refused: Counts
    set_aside: Counts
    waiting: int
    backlog: int
    oldest_overdue_days: int
    usual: float | None
    next_7: int
    next_30: int
    title: Words = field(default_factory=dict)
    subjects: Words = field(default_factory=dict)

    @property
    def kept_back(self) -> int:
        """Due, and not erased for a reason."""
        return sum(self.kept.values()) + sum(self.set_aside.values())

    @property
    def stayed(self) -> int:
        """Due and still there: kept for a reason, or left in a set over a limit."""
        return self.kept_back + self.backlog


@dataclass(frozen=True, slots=True)
class NightLine:
    """One night of the sweep, oldest first."""

    as_of: date
    run_id: str
    state: str
    reason: str | None
    erased: int
    not_erased: int
    set_aside: int
    rows_deleted: int
    rows_changed: int
    backlog: int
    oldest_overdue_days: int
    seconds: float | None
    seal_no: int | None


@dataclass(frozen=True, slots=True)
class TableLine:
    """Rows of one table over the period."""

    table: str
    planned: int
    deleted: int
    changed: int


@dataclass(frozen=True, slots=True)
class CheckLine:
    """Data quality by clause or by suite.

    passed  on one row at least; no_rows: there was nothing to ask about
    title   what it is about, in words
    """

    name: str
    passed: int
    failed: int
    critical: int
    not_applicable: int
    not_asked: int
    title: Words = field(default_factory=dict)
    no_rows: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that failed or could not be made, told as what was found.

    key        names it at a shell: `lethe quality rows KEY`
    advice     what to do about it
    owner      who mends it, in the policy's words
    is_urgent  the policy calls it critical
    is_asked   False: it could not be made; `because` says why, to an engineer
    """

    key: str
    found: Words
    advice: Words
    clause: str | None
    owner: Words | None
    is_urgent: bool
    is_asked: bool
    failing: int
    concerned: int
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """The last run of the checks in the period.

    failures   expectation → title and how many rows, of those that failed
    findings   what failed and what could not be asked, in words, the urgent first
    data_docs  where the Data Docs stand, relative to LETHE_HOME
    leaks      our own files that held a personal value: names of places → findings
    unkept     checks that failed under a promise that has no control yet, in no other count
    unkept_critical  of these: the policy calls them critical
    """

    ran_at: datetime
    clauses: tuple[CheckLine, ...]
    suites: tuple[CheckLine, ...]
    failures: tuple[tuple[str, str, int], ...]
    data_docs: str | None
    leaks: Counts
    findings: tuple[Finding, ...] = ()
    unkept: int = 0
    unkept_critical: int = 0


@dataclass(frozen=True, slots=True)
class LogLine:
    """One source of logs over the period: lines. read = written + quarantined.

    unique_share    share of unique combinations of what remains, 0 to 1
    smallest_group  smallest group k
    title           the source in words
    """

    source: str
    files: int
    read: int
    written: int
    quarantined: Counts
    late: int
    unique_share: float | None
    smallest_group: int | None
    limit: float | None
    is_within: bool
    title: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key of the ring."""

    purpose: str
    period: str
    state: Literal["in_use", "due", "destroyed"]
    destroy_after: date | None
    destroyed_at: datetime | None
    final_at: date | None


@dataclass(frozen=True, slots=True)
class ArchiveHead:
    """The archive: its head goes into the mail, so that the mailbox is the witness.

    beyond  'beyond the promise, because …': reason → records
    line    the head as `lethe archive verify --heads` finds it in an old mail
    """

    head_no: int
    tree_size: int
    root: str
    signed_at: datetime
    public_key: str
    records: int
    added: int
    destroyed: int
    refused: Counts
    beyond: Counts
    verified_at: datetime | None
    is_verified: bool | None
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """The newest seal of the ledger, hex."""

    seal_no: int
    seal_hash: str
    merkle_root: str
    sealed_at: datetime
    rows: int
    line: str | None = None


@dataclass(frozen=True, slots=True)
class HoldLine:
    """Holds or restrictions in force, without their subjects.

    title, subjects  the reason, and whom it is about, in words
    """

    kind: Literal["hold", "restriction"]
    subject_kind: str
    reason: str
    owner: str
    count: int
    review_on: date
    is_late: bool
    title: Words = field(default_factory=dict)
    subjects: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that somebody changed or was told.

    kind  'policy', 'approval', 'hold', 'restriction', 'key', 'access', 'reidentification',
          'arming', 'replay', 'decision', 'files'
    what  names only: a version, a rule, a purpose and period
    by    who did it; None: nobody did, Lethe recorded it
    title what it is about, in words; none: `what` speaks for itself
    role  who `by` is, by the function that the policy gives him
    """

    at: datetime
    kind: str
    action: str
    what: str
    by: str | None
    count: int
    title: Words = field(default_factory=dict)
    role: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Silence:
    """A duty that was not heard of when it should have been.

    expected_by  the first time that it was missed; `nights` times in the period
    """

    duty: str
    expected_by: datetime
    last_heard: datetime | None
    nights: int = 1


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something out of order that no clause tells.

    code    'canary', 'late', 'unsealed', 'outbox', 'set_aside', 'restored', 'returned', 'leak',
            'zero_nights', 'archive_fault', 'no_recovery_key', 'unclassified', 'failed', 'unsent',
            'missed', 'key_due', 'tampered', 'no_pack', 'came_back', 'key_reused',
            'not_archived', 'logs_failed'
    where   names of rules, tables, systems or canaries
    lines   the same in words, and what to do
    """

    code: str
    count: int
    where: tuple[str, ...]
    since: datetime | None = None
    lines: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """What we do not know, and somebody must confirm.

    kind  'reading' (of the policy), 'refused', 'undecided', 'system', 'copy', 'processor',
          'untested'
    title what it is about, in words
    """

    kind: str
    what: str
    why: Words
    owner: Words | None
    count: int
    since: date | None
    title: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """How the policy file reads a sentence that can be read in more than one way.

    key      stable name of the reading
    section  where the sentence stands in the published text
    why      what depends on it
    """

    key: str
    section: str | None
    question: Words
    reading: Words
    why: Words
    owner: Words | None
    confirmed_by: str | None
    confirmed_on: date | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What the DPO and the data engineer both see.

    verdict     the first line of every report
    needs       how many points need somebody: decisions, alarms, failed checks
    next_due    when the next report of this kind is due, so that silence is noticed
    signer      fingerprint of the key that signs evidence packs, hex
    alarms      what is out of order beside decisions, clauses and silences
    since       the day on which Lethe was set up here: before it no night could run
    """

    edition: Edition
    period: Literal["day", "month"]
    first: date
    last: date
    made_at: datetime
    verdict: Verdict
    needs: int
    next_due: datetime
    is_armed: bool
    is_rehearsal: bool
    decisions: tuple[Decision, ...]
    clauses: tuple[ClauseLine, ...]
    rules: tuple[RuleLine, ...]
    nights: tuple[NightLine, ...]
    tables: tuple[TableLine, ...]
    quality: Quality | None
    logs: tuple[LogLine, ...]
    keys: tuple[KeyLine, ...]
    archive: ArchiveHead | None
    seal: Seal | None
    holds: tuple[HoldLine, ...]
    changes: tuple[Change, ...]
    silences: tuple[Silence, ...]
    unknowns: tuple[Unknown, ...]
    signer: str | None
    alarms: tuple[Alarm, ...] = ()
    warehouse_id: str | None = None
    readings: tuple[Reading, ...] = ()
    since: date | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the checks found, or could not ask."""
        return self.quality.findings if self.quality else ()
