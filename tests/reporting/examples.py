"""Summaries of every state a period may be in: for tests, and for whoever formats a Summary.

kept       nothing needs anybody, every promise has a control
planned    nothing needs anybody, and some promises have no control yet
needs_you  one set waits for an approval
not_kept   an old backlog, a failed check, refused dates
silent     the sweep was not heard of
first      a fresh warehouse, report-only, no night yet
month      thirty nights
huge       a company with two hundred clauses and a thousand changes
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from lethe.reporting.findings import find_findings
from lethe.reporting.out_of_order import alarm
from lethe.reporting.said import counted, said
from lethe.reporting.summary import (
    ArchiveHead,
    Change,
    CheckLine,
    ClauseLine,
    Decision,
    Edition,
    HoldLine,
    KeyLine,
    LogLine,
    NightLine,
    Proof,
    Quality,
    RuleLine,
    Seal,
    Silence,
    Summary,
    TableLine,
    Unknown,
)

from tests.small_policy import small_policy

DAY = date(2026, 6, 1)
MADE = datetime(2026, 6, 1, 4, 32, 10, tzinfo=UTC)
SWEPT = datetime(2026, 6, 1, 1, 41, 7, tzinfo=UTC)

EDITION = Edition(
    name="mentorsig",
    version="2024-01",
    title={
        "en": "Privacy policy of MentorSiG",
        "fr": "Politique de confidentialité de MentorSiG",
    },
    digest="9f1c" * 16,
    effective_from=date(2024, 1, 1),
    time_zone="Europe/Luxembourg",
    published_at="https://mentorsig.com",
    controller="Mentor Sarl-S",
    controller_address="3, rue de la Gare, L-9044 Ettelbruck, Luxembourg",
    dpo="Data-protection officer of MentorSiG",
    authority="Commission nationale pour la protection des données (CNPD)",
)


def _clause(name: str, section: str, en: str, fr: str, **more: object) -> ClauseLine:
    line = ClauseLine(
        clause=name,
        section=section,
        promise={"en": en, "fr": fr},
        verdict="kept",
        kind="enforced",
        by=("retention_sweep",),
        rules=(),
        tests=("tests/simulation/test_decade.py",),
        reason=None,
        last_evidence=SWEPT,
        evidence="sweep",
        erased=0,
        kept=0,
        checks_passed=0,
        checks_failed=0,
    )
    return replace(line, **more)  # type: ignore[arg-type]


def _proof(what: str, count: int, by: str, **values: object) -> Proof:
    return Proof(what, count, by, counted(f"proof.{what}", count, **values))


HOLDERS = {"en": "account holders", "fr": "titulaires d'un compte"}
CHECKED = """
clauses:
  s1: {section: "1", promise: x, control: {kind: organisational, because: x, owner: x}}
subjects:
  ticket: {table: support.ticket, key: id, title: {en: tickets, fr: tickets}}
  session: {table: web.session, key: id, title: {en: sessions, fr: sessions}}
clusters:
  tickets: {subject: ticket, title: {en: Tickets, fr: Tickets}}
  sessions: {subject: session, title: {en: Sessions, fr: Sessions}}
tables:
  support.ticket: {cluster: tickets, columns: {body: content}}
  web.session: {cluster: sessions, columns: {ip: automatic}}
quality:
  freshness: {web.session: P2D}
"""
CLAUSES = (
    _clause(
        "s1-contact", "1",
        "Contact details are collected from the forms of the site.",
        "Les coordonnées proviennent des formulaires du site.",
        kind="checked", by=("policy_check",), evidence="policy_check", last_evidence=MADE,
        tests=(), checks_passed=2,
        proofs=(_proof("columns", 14, "policy_check", tables=counted("proof.tables", 6)),
                _proof("checks", 2, "quality")),
    ),
    _clause(
        "s2-unlinked", "2",
        "Automatic data are not linked to identifiable people.",
        "Les informations automatisées ne sont pas liées à des personnes identifiables.",
        by=("log_pseudonymisation",), evidence="logs",
        tests=("tests/pseudonymisation/test_hostile.py",),
        proofs=(_proof("lines", 1_292_539, "logs"),),
        exceptions=said("except", parts=counted("except.lines", 2)),
    ),
    _clause(
        "s3-withdrawal", "3",
        "Whoever leaves the newsletter is erased from it the night after.",
        "Qui se désabonne est effacé de la liste la nuit suivante.",
        rules=("newsletter-left",), erased=37, kept=1, checks_passed=1,
        proofs=(_proof("erased", 37, "sweep"), _proof("judged", 5_120, "sweep"),
                _proof("checks", 1, "quality")),
    ),
    _clause(
        "s5-not-sold", "5",
        "Data are never sold or rented.",
        "Les données ne sont jamais vendues ni louées.",
        verdict="organisational", kind="organisational", by=(), tests=(),
        reason={
            "en": "A sale would leave no row; the register of disclosures shows what was given.",
            "fr": "Une vente ne laisserait aucune ligne; le registre montre ce qui a été transmis.",
        },
        last_evidence=None, evidence=None,
    ),
    _clause(
        "s7-last-four", "7",
        "Of a card nothing is kept but the last four digits.",
        "D'une carte, seuls les quatre derniers chiffres sont conservés.",
        kind="checked", by=("data_quality",), evidence="quality", checks_passed=41,
        tests=("tests/quality/test_planted.py",),
        proofs=(_proof("checks", 41, "quality"),),
    ),
    _clause(
        "s9-account", "9",
        "Account data are deleted automatically two years after the last active service.",
        "Les informations du compte sont supprimées automatiquement deux ans après le dernier "
        "service actif.",
        rules=("account-inactive",), erased=12, kept=5, checks_passed=3,
        proofs=(_proof("erased", 12, "sweep"), _proof("judged", 48_211, "sweep"),
                _proof("checks", 3, "quality")),
        exceptions=said("except", parts=counted("except.undated", 220, subjects=HOLDERS)),
        reading=counted("reading.by", 1, who={"en": "Product", "fr": "Produit"}),
    ),
    _clause(
        "s9-archive", "9",
        "A versioned copy of the data of past invoices is kept ten years after the deactivation "
        "of the account.",
        "Une copie versionnée des données des factures passées est conservée dix ans après la "
        "désactivation du compte.",
        by=("invoice_archive",), evidence="archive", tests=("tests/archive/test_tampering.py",),
        checks_passed=1,
        proofs=(_proof("records", 119_877, "archive"), _proof("opened", 4, "archive"),
                _proof("checks", 1, "quality")),
    ),
    _clause(
        "s9-local-law", "9",
        "Customers are everywhere; the law that applies to documents is respected.",
        "Les clients sont partout; le droit applicable aux documents est respecté.",
        verdict="described", by=("invoice_archive",), evidence="archive",
        tests=("tests/archive/test_law.py",),
        reason=counted("untried.law", 119_877),
    ),
)  # fmt: skip

PLANNED = _clause(
    "s10-copy", "10",
    "We give a copy of everything that we hold.",
    "Nous donnons une copie de tout ce que nous détenons.",
    has_control=False, verdict="not_yet_kept", by=("subject_requests",), tests=(),
    last_evidence=None, evidence=None,
    reason={"en": "Its control is not built yet.", "fr": "Son contrôle n'existe pas encore."},
)  # fmt: skip


def _rule(name: str, cluster: str, clause: str, period: str, **more: object) -> RuleLine:
    line = RuleLine(
        rule=name, cluster=cluster, clause=clause, period=period, state="done", due=0, erased=0,
        kept={}, refused={}, set_aside={}, waiting=0, backlog=0, oldest_overdue_days=0, usual=None,
        next_7=0, next_30=0,
    )  # fmt: skip
    return replace(line, **more)  # type: ignore[arg-type]


RULES = (
    _rule(
        "account-inactive", "account", "s9-account", "P2Y",
        due=17, erased=12, kept={"held": 1, "not archived": 3, "newer rows": 1},
        refused={"no starting point": 214, "implausible date": 6}, usual=11.0,
        next_7=71, next_30=312,
        title={
            "en": "Two years after the last active service",
            "fr": "Deux ans après le dernier service actif",
        },
        subjects=HOLDERS,
    ),
    _rule(
        "newsletter-left", "newsletter", "s3-withdrawal", "P0D",
        due=38, erased=37, kept={"locked by somebody else": 1}, usual=40.0, next_7=3, next_30=3,
        title={
            "en": "The night after leaving the newsletter",
            "fr": "La nuit suivant le désabonnement",
        },
        subjects={"en": "newsletter readers", "fr": "abonnés à la lettre"},
    ),
    _rule(
        "cookie-life", "cookies", "s4-cookies", "P13M",
        next_7=1204, next_30=5310,
        title={"en": "Thirteen months after the first visit",
               "fr": "Treize mois après la première visite"},
        subjects={"en": "visitors", "fr": "visiteurs"},
    ),
)  # fmt: skip


def night(as_of: date, **more: object) -> NightLine:
    """One good night of the sweep."""
    line = NightLine(
        as_of=as_of,
        run_id=f"0197a1b2-0000-7000-8000-{as_of:%Y%m%d}0000",
        state="done",
        reason=None,
        erased=49,
        not_erased=6,
        set_aside=0,
        rows_deleted=1832,
        rows_changed=96,
        backlog=0,
        oldest_overdue_days=0,
        seconds=71.4,
        seal_no=412,
    )
    return replace(line, **more)  # type: ignore[arg-type]


QUALITY = Quality(
    ran_at=datetime(2026, 6, 1, 2, 3, tzinfo=UTC),
    clauses=(
        CheckLine("s7-last-four", 41, 0, 0, 0, 0),
        CheckLine("s9-account", 3, 0, 0, 0, 0),
        CheckLine("s11-use", 0, 0, 0, 2, 0),
    ),
    suites=(CheckLine("account", 88, 0, 0, 2, 0), CheckLine("newsletter", 31, 0, 0, 0, 0)),
    failures=(),
    data_docs="quality/docs/index.html",
    leaks={},
)

KEPT = Summary(
    edition=EDITION,
    period="day",
    first=DAY,
    last=DAY,
    made_at=MADE,
    verdict="kept",
    needs=0,
    next_due=datetime(2026, 6, 2, 5, 0, tzinfo=UTC),
    is_armed=True,
    is_rehearsal=False,
    decisions=(),
    clauses=CLAUSES,
    rules=RULES,
    nights=(night(DAY),),
    tables=(
        TableLine("crm.account", 12, 5, 7),
        TableLine("marketing.newsletter_reader", 37, 37, 0),
        TableLine("web.session", 1790, 1790, 0),
    ),
    quality=QUALITY,
    logs=(
        LogLine("web-files", 4, 1_204_331, 1_204_329, {"malformed": 2}, 0, 0.081, 6, 0.2, True),
        LogLine("web-table", 1, 88_210, 88_210, {}, 0, 0.114, 3, 0.2, True),
    ),
    keys=(
        KeyLine("log", "2026-06", "in_use", date(2027, 6, 1), None, None),
        KeyLine(
            "log",
            "2025-05",
            "destroyed",
            date(2026, 5, 31),
            datetime(2026, 6, 1, 0, 30, tzinfo=UTC),
            date(2026, 8, 30),
        ),
    ),
    archive=ArchiveHead(
        head_no=88,
        tree_size=120_411,
        root="5ac0" * 16,
        signed_at=datetime(2026, 5, 31, 23, 31, 4, tzinfo=UTC),
        public_key="77be" * 16,
        records=119_877,
        added=63,
        destroyed=534,
        refused={"implausible date": 2},
        beyond={"Code de commerce, art. 16": 118},
        verified_at=datetime(2026, 5, 31, 23, 59, tzinfo=UTC),
        is_verified=True,
        line=f"lethe-archive-head 1 0197a1b2-0000-4000-8000-000000000001 88 120411 {'5ac0' * 16} "
        f"2026-05-31T23:31:04.000000Z {'A' * 86}==",
    ),
    seal=Seal(
        412,
        "c0de" * 16,
        "beef" * 16,
        SWEPT,
        221,
        f"lethe-ledger-seal 1 0197a1b2-0000-4000-8000-000000000001 412 {'c0de' * 16}",
    ),
    holds=(
        HoldLine(
            "hold",
            "account_holder",
            "legal-case",
            "Legal",
            3,
            date(2026, 9, 1),
            False,
            {"en": "a lawsuit is open", "fr": "un procès est en cours"},
            HOLDERS,
        ),
        HoldLine(
            "restriction",
            "account_holder",
            "art-18",
            "DPO",
            2,
            date(2026, 7, 1),
            False,
            {"en": "the person asked for it", "fr": "la personne l'a demandée"},
            HOLDERS,
        ),
    ),
    changes=(
        Change(
            datetime(2026, 6, 1, 0, 30, tzinfo=UTC),
            "key",
            "destroyed",
            "log 2025-05",
            None,
            1,
            {"en": "log key 2025-05", "fr": "clé des journaux 2025-05"},
        ),
    ),
    silences=(),
    unknowns=(
        Unknown(
            "reading",
            "archive.starting_point",
            {
                "en": "Deactivation is read as the day on which the customer closed the account, "
                "else the end of its last service.",
                "fr": "La désactivation est lue comme le jour de clôture du compte par le client, "
                "sinon la fin de son dernier service.",
            },
            {"en": "Data-protection officer", "fr": "Délégué à la protection des données"},
            0,
            None,
        ),
        Unknown(
            "refused",
            "account-inactive: no starting point",
            {"en": "Accounts that never had a service.", "fr": "Comptes sans aucun service."},
            None,
            214,
            date(2026, 3, 3),
            RULES[0].title,
        ),
        Unknown(
            "system",
            "accounting",
            {
                "en": "Accounting system: no connector, so nothing is confirmed.",
                "fr": "Logiciel comptable: sans connecteur, rien n'est confirmé.",
            },
            {"en": "Accounting", "fr": "Comptabilité"},
            0,
            None,
        ),
    ),
    signer="3f2a" * 16,
    warehouse_id="0197a1b2-0000-4000-8000-000000000001",
)

FINDINGS = find_findings(
    small_policy(CHECKED).policy,
    [
        {
            "expectation": key, "kind": kind, "title": key, "state": state, "severity": severity,
            "clause": "s7-last-four", "owner": "Data", "failing": failing, "concerned": 4120,
            "mostly": 1.0, "because": because,
        }
        for key, kind, state, severity, failing, because in (
            ("freshness.web.session", "freshness", "failed", "warning", 0, None),
            ("card.support.ticket", "card", "failed", "critical", 3, None),
            (
                "iban.support.ticket", "iban", "not checked", "critical", 0,
                "the role lethe_planner may not read support.ticket; grant SELECT",
            ),
        )
    ],
)  # fmt: skip

WITH_PLANNED = replace(KEPT, clauses=(*CLAUSES, PLANNED))

WAITING = Decision(
    kind="plan",
    what="account-inactive",
    clause="s9-account",
    count=1412,
    since=DAY,
    answer_until=date(2026, 6, 8),
    oldest_on=date(2026, 5, 29),
    newest_on=DAY,
    usual=11.0,
    flags={"open-ticket": 14, "unpaid-invoice": 3},
    said={
        "open-ticket": {"en": "a ticket is open", "fr": "un ticket est ouvert"},
        "unpaid-invoice": {"en": "an invoice is unpaid", "fr": "une facture est impayée"},
    },
    subjects=HOLDERS,
    digest="d19e" * 16,
    limit="1412 subjects are due, the cap is 1000 a night",
    link="/lethe/plan/account-inactive",
    title=RULES[0].title,
)

NEEDS_YOU = replace(
    KEPT,
    verdict="needs_you",
    needs=1,
    decisions=(WAITING,),
    rules=(
        replace(RULES[0], state="waiting", due=1412, erased=0, waiting=1412, backlog=1412, kept={}),
        *RULES[1:],
    ),
    nights=(night(DAY, state="waiting", erased=37, not_erased=1413, backlog=1412),),
)

_OVERDUE = replace(
    CLAUSES[5],
    exceptions=None,
    reading=None,
    verdict="not_kept",
    erased=0,
    kept=8914,
    reason={
        "en": "The oldest is 2,311 days overdue and waits for an approval.",
        "fr": "Le plus ancien a 2 311 jours de retard et attend une approbation.",
    },
)
_FAILED = replace(
    CLAUSES[4],
    verdict="not_kept",
    checks_passed=39,
    checks_failed=2,
    reason={"en": "2 checks failed.", "fr": "2 contrôles ont échoué."},
)

NOT_KEPT = replace(
    KEPT,
    verdict="not_kept",
    needs=7,
    clauses=(*CLAUSES[:4], _FAILED, _OVERDUE, *CLAUSES[6:], PLANNED),
    decisions=(
        replace(
            WAITING,
            count=8914,
            oldest_on=date(2020, 2, 2),
            since=date(2026, 5, 20),
            answer_until=date(2026, 5, 27),
            limit="8914 subjects are due, the cap is 1000 a night",
        ),
        Decision(
            "refused", "account-inactive", "s9-account", 214, date(2024, 3, 3), None, None, None,
            None, {"no starting point": 214}, None, None, "/lethe/rules/account-inactive",
            RULES[0].title, subjects=HOLDERS,
        ),
    ),
    rules=(
        replace(
            RULES[0], state="waiting", due=8914, erased=0, waiting=8914, backlog=8914,
            oldest_overdue_days=2311, kept={},
        ),
        replace(RULES[1], set_aside={"SQLSTATE 23503 on crm.order": 2}),
        RULES[2],
    ),
    nights=(night(DAY, state="waiting", erased=37, not_erased=8917, set_aside=2, backlog=8914,
                  oldest_overdue_days=2311),),
    quality=replace(
        QUALITY,
        clauses=(CheckLine("s7-last-four", 39, 2, 2, 0, 0), *QUALITY.clauses[1:]),
        suites=(CheckLine("account", 86, 2, 2, 2, 0), QUALITY.suites[1]),
        failures=(
            ("card.payment_method.note", "No card number in billing.payment_method.note", 3),
            ("card.support.ticket.body", "No card number in support.ticket.body", 1),
        ),
        leaks={"reports/old.csv": 2},
        findings=FINDINGS,
    ),
    logs=(replace(KEPT.logs[0], unique_share=0.31, smallest_group=1, is_within=False),),
    changes=(
        Change(MADE, "policy", "seen", "2026-06", None, 1),
        Change(MADE, "approval", "reject", "cookie-life", "dpo", 1, RULES[2].title),
        Change(MADE, "access", "archive_shown", "invoice", "ada", 2),
    ),
    alarms=(
        alarm("set_aside", 2, ("newsletter-left",), named=[RULES[1].title]),
        alarm(
            "canary", 1, ("left-long-ago",), SWEPT,
            named=[said("canary.erased", kind=HOLDERS)],
        ),
    ),
)  # fmt: skip

SILENT = replace(
    KEPT,
    verdict="silent",
    needs=0,
    clauses=tuple(
        replace(
            clause,
            verdict="not_yet_kept",
            erased=0,
            kept=0,
            proofs=(),
            exceptions=None,
            reading=None,
            last_evidence=SWEPT - timedelta(days=1),
            reason={
                "en": "Its control left no evidence in this period.",
                "fr": "Son contrôle n'a laissé aucune trace dans cette période.",
            },
        )
        if clause.by == ("retention_sweep",)
        else clause
        for clause in CLAUSES
    ),
    rules=tuple(replace(rule, due=0, erased=0, kept={}) for rule in RULES),
    nights=(),
    tables=(),
    silences=(
        Silence(
            "retention_sweep",
            datetime(2026, 6, 1, 4, 0, tzinfo=UTC),
            SWEPT - timedelta(days=1),
        ),
    ),
)

FIRST = replace(
    KEPT,
    verdict="silent",
    needs=1,
    is_armed=False,
    decisions=(
        Decision("arm", "mentorsig", None, 1, None, None, None, None, None, {}, None, None, None),
    ),
    clauses=tuple(
        clause
        if clause.kind == "organisational"
        else replace(
            clause,
            verdict="not_yet_kept",
            erased=0,
            kept=0,
            checks_passed=0,
            proofs=(),
            exceptions=None,
            reading=None,
            last_evidence=None,
            evidence=None,
            reason={
                "en": "Its control left no evidence in this period.",
                "fr": "Son contrôle n'a laissé aucune trace dans cette période.",
            },
        )
        for clause in CLAUSES
    ),
    rules=tuple(
        replace(rule, due=0, erased=0, kept={}, refused={}, next_7=0, next_30=0, usual=None)
        for rule in RULES
    ),
    nights=(),
    tables=(),
    quality=None,
    logs=(),
    keys=(),
    archive=None,
    seal=None,
    holds=(),
    changes=(),
    silences=(Silence("retention_sweep", datetime(2026, 6, 1, 4, 0, tzinfo=UTC), None),),
    unknowns=(),
    signer=None,
)

_MONTH_NIGHTS = tuple(
    night(
        date(2026, 5, 1) + timedelta(days=n),
        erased=(37 * n) % 113,
        not_erased=n % 7,
        backlog=max(0, 9000 - 450 * n),
        oldest_overdue_days=max(0, 2300 - 110 * n),
        rows_deleted=((37 * n) % 113) * 31,
        seal_no=380 + n,
    )
    for n in range(31)
)

MONTH = replace(
    KEPT,
    period="month",
    first=date(2026, 5, 1),
    last=date(2026, 5, 31),
    next_due=datetime(2026, 7, 1, 5, 0, tzinfo=UTC),
    nights=_MONTH_NIGHTS,
    clauses=(*CLAUSES, PLANNED),
)

HUGE = replace(
    MONTH,
    verdict="not_kept",
    needs=40,
    clauses=tuple(
        replace(
            NOT_KEPT.clauses[n % len(NOT_KEPT.clauses)],
            clause=f"c{n}-{NOT_KEPT.clauses[n % len(NOT_KEPT.clauses)].clause}",
            section=f"{n // 10 + 1}.{n % 10 + 1}",
        )
        for n in range(200)
    ),
    decisions=tuple(replace(WAITING, what=f"rule-{n}", count=1000 + n) for n in range(40)),
    rules=tuple(
        replace(RULES[n % 3], rule=f"rule-{n}", erased=1_000_000 + n, refused={"no date": n})
        for n in range(120)
    ),
    tables=tuple(
        TableLine(f"schema_{n}.a_rather_long_table_name_{n}", n, n, 0) for n in range(300)
    ),
    changes=tuple(
        Change(MADE - timedelta(minutes=n), "access", "archive_shown", "invoice", "ada", 1)
        for n in range(1000)
    ),
    unknowns=tuple(replace(KEPT.unknowns[n % 3], what=f"unknown {n}") for n in range(80)),
)

EXAMPLES: dict[str, Summary] = {
    "kept": KEPT,
    "planned": WITH_PLANNED,
    "needs_you": NEEDS_YOU,
    "not_kept": NOT_KEPT,
    "silent": SILENT,
    "first": FIRST,
    "month": MONTH,
    "huge": HUGE,
}
