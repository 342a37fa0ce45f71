"""Named edge cases of a real company, each with its account numbers and what must happen.

A case is present when the warehouse has that many accounts; account number n is account_id n,
shown to the customer as `MS-0000000n`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from demo.warehouse.book import Book, Value, local, noon, years_before


class Expected(StrEnum):
    """What the first sweep must do with an account."""

    STAYS = "stays"
    ERASED = "erased"
    AWAITS_ARCHIVE = "awaits archive"  # due; erased once its issued invoices are archived
    REFUSED = "refused"  # dates contradict each other: stays, reported
    UNDECIDED = "undecided"  # no starting point: stays, counted by age
    HELD = "held"
    RESTRICTED = "restricted"
    BLOCKED = "blocked"  # under 18: reported and blocked, nothing erased


@dataclass(frozen=True, slots=True)
class Case:
    """One edge case."""

    name: str
    expected: dict[int, Expected]
    why: str
    write: Callable[[Book], None]

    @property
    def accounts(self) -> tuple[int, ...]:
        """The account numbers that show it."""
        return tuple(self.expected)


CASES: list[Case] = []


def find_case(name: str) -> Case:
    """The case of that name."""
    return next(case for case in CASES if case.name == name)


def present_cases(accounts: int) -> Iterator[Case]:
    """The cases that a warehouse of that many accounts holds."""
    return (case for case in CASES if max(case.accounts) <= accounts)


def write_cases(book: Book, accounts: int) -> set[int]:
    """Write the rows of all present cases; returns the account numbers used."""
    used: set[int] = set()
    for case in present_cases(accounts):
        case.write(book)
        used.update(case.accounts)
    return used


def _case(**expected: Expected) -> Callable[[Callable[[Book], None]], Callable[[Book], None]]:
    def register(write: Callable[[Book], None]) -> Callable[[Book], None]:
        numbers = {int(name.removeprefix("account_")): what for name, what in expected.items()}
        name = write.__name__.removeprefix("_")
        CASES.append(Case(name, numbers, (write.__doc__ or "").strip(), write))
        return write

    return register


def _ended_account(book: Book, number: int, end: date, **other: Value) -> None:
    book.account(number, **other)
    book.service(number, end)


# Starting points ----------------------------------------------------------------------------


@_case(account_1=Expected.STAYS)
def _active(book: Book) -> None:
    """One running service."""
    book.account(1)
    book.service(1, None)
    book.invoice(1, book.ago(days=20))


@_case(account_2=Expected.ERASED)
def _due_since_yesterday(book: Book) -> None:
    """Yesterday was the first day on which the account was due."""
    _ended_account(book, 2, book.due_for(2))


@_case(account_3=Expected.ERASED)
def _first_due_day_is_today(book: Book) -> None:
    """The two years ended at the end of yesterday."""
    _ended_account(book, 3, book.due_for(1))


@_case(account_4=Expected.STAYS)
def _last_day_is_today(book: Book) -> None:
    """On the last day of the period the data still stay."""
    _ended_account(book, 4, book.last_stay)


@_case(account_5=Expected.ERASED)
def _ended_on_29_february(book: Book) -> None:
    """The period ends on 28 February two years later, not on 1 March."""
    year = book.as_of.year
    while not _is_leap(year) or book.as_of <= date(year + 2, 2, 28):
        year -= 1
    _ended_account(book, 5, date(year, 2, 29))


@_case(account_6=Expected.ERASED)
def _ended_long_ago(book: Book) -> None:
    """A backlog of nine years."""
    _ended_account(book, 6, book.ago(years=11))


@_case(account_7=Expected.STAYS)
def _service_booked_for_the_future(book: Book) -> None:
    """A service that starts next month keeps the account active."""
    _ended_account(book, 7, book.ago(years=4))
    book.service(7, None, start=book.ago(days=-30), state="booked")


@_case(account_8=Expected.STAYS)
def _service_running_without_end(book: Book) -> None:
    """One service ended long ago, another one runs."""
    _ended_account(book, 8, book.ago(years=6))
    book.service(8, None, start=book.ago(years=7))


@_case(account_9=Expected.UNDECIDED)
def _never_any_service(book: Book) -> None:
    """No service, so no starting point."""
    book.account(9, opened_at=noon(book.ago(days=200)))


@_case(account_10=Expected.UNDECIDED)
def _never_any_service_for_six_years(book: Book) -> None:
    """No starting point, and older than any patience: the clause is not kept."""
    book.account(10, opened_at=noon(book.ago(years=6)))


@_case(account_11=Expected.REFUSED)
def _closed_before_opened(book: Book) -> None:
    """Service and account ended years before the account was opened."""
    end = book.ago(years=20)
    book.account(11, state="closed", closed_at=noon(end))
    book.service(11, end, start=book.ago(years=21))


@_case(account_12=Expected.REFUSED)
def _service_ended_before_it_started(book: Book) -> None:
    """The service started with the account and ended a year before."""
    book.account(12, opened_at=noon(book.ago(years=5)))
    book.service(12, book.ago(years=6), start=book.ago(years=5))


@_case(account_13=Expected.REFUSED)
def _end_in_the_year_9999(book: Book) -> None:
    """A sentinel of the old billing system."""
    book.account(13)
    book.service(13, "9999-12-31 23:59:59+00")


@_case(account_14=Expected.REFUSED)
def _end_is_1970(book: Book) -> None:
    """A zero that became a date."""
    book.account(14)
    book.service(14, "1970-01-01 00:00:00+00")


@_case(account_15=Expected.REFUSED)
def _end_is_infinity(book: Book) -> None:
    """PostgreSQL's own sentinel, which many drivers cannot read."""
    book.account(15)
    book.service(15, "infinity")


@_case(account_16=Expected.REFUSED)
def _cancelled_service_without_end(book: Book) -> None:
    """The service was cancelled, its end never written: neither running nor ended."""
    book.account(16)
    book.service(16, None, state="cancelled", cancelled_on=book.ago(years=4))


@_case(account_17=Expected.STAYS)
def _reactivated(book: Book) -> None:
    """Gone five years ago, back last month."""
    _ended_account(book, 17, book.ago(years=5))
    book.service(17, None, start=book.ago(days=30))


@_case(account_18=Expected.ERASED)
def _reactivated_and_ended_again(book: Book) -> None:
    """Left twice, the second time three years ago."""
    _ended_account(book, 18, book.ago(years=7))
    book.service(18, book.ago(years=3), start=book.ago(years=4))


@_case(account_19=Expected.STAYS)
def _reactivated_and_ended_again_last_year(book: Book) -> None:
    """The first end is due, the latest is not."""
    _ended_account(book, 19, book.ago(years=7))
    book.service(19, book.ago(years=1), start=book.ago(years=2))


# Rows that hang on several people -----------------------------------------------------------


@_case(account_20=Expected.ERASED, account_21=Expected.STAYS)
def _shared_contact_one_due(book: Book) -> None:
    """The contact of 20 also works for 21: only the link of 20 goes."""
    _ended_account(book, 20, book.ago(years=3))
    book.account(21)
    book.service(21, None)
    book.add("crm.account_contact", account_id=21, contact_id=book.contacts[20], role="adviser")


@_case(account_22=Expected.ERASED, account_23=Expected.ERASED)
def _shared_contact_both_due(book: Book) -> None:
    """Both accounts of the contact are due: the contact goes too."""
    _ended_account(book, 22, book.ago(years=3))
    _ended_account(book, 23, book.ago(years=4))
    book.add("crm.account_contact", account_id=23, contact_id=book.contacts[22], role="adviser")


# Invoices -----------------------------------------------------------------------------------


@_case(account_24=Expected.AWAITS_ARCHIVE)
def _credit_note(book: Book) -> None:
    """A due account whose invoice was corrected by a credit note."""
    _ended_account(book, 24, book.ago(years=3))
    invoice = book.invoice(24, book.ago(years=3, days=40))
    note = book.key("billing.credit_note")
    day = book.ago(years=3, days=10)
    book.add(
        "billing.credit_note",
        credit_note_id=note,
        number=f"CN-{day.year}-{note:08d}",
        invoice_id=invoice,
        issued_on=day,
        net_cents=1_900,
        vat_cents=323,
        reason="charged twice, said Case Number24",
    )


@_case(account_25=Expected.AWAITS_ARCHIVE)
def _unpaid_invoice(book: Book) -> None:
    """A due account that still owes money: a risk flag for the approver."""
    _ended_account(book, 25, book.ago(years=3))
    book.invoice(25, book.ago(years=3, days=40), paid=False)
    sent = book.ago(years=3, days=1)
    book.add(
        "billing.reminder",
        reminder_id=book.key("billing.reminder"),
        account_number="MS-00000025",
        invoice_number="INV-OLD",
        level=1,
        sent_on=sent,
        addressee="Case Number25",
    )


@_case(account_26=Expected.AWAITS_ARCHIVE)
def _due_with_invoices(book: Book) -> None:
    """Due, with invoices of several years."""
    _ended_account(book, 26, book.ago(years=3))
    for years in (5, 4, 3):
        book.invoice(26, book.ago(years=years, days=40))


@_case(account_27=Expected.ERASED)
def _due_without_invoices(book: Book) -> None:
    """A free trial that ended three years ago."""
    book.account(27, opened_at=noon(book.ago(years=3, days=60)))
    book.service(27, book.ago(years=3), start=book.ago(years=3, days=30), trial=True)


@_case(account_28=Expected.ERASED)
def _due_with_only_a_draft_invoice(book: Book) -> None:
    """A draft was never issued, so nothing has to be archived."""
    _ended_account(book, 28, book.ago(years=3))
    book.invoice(28, None, paid=False)


# Countries and time zones -------------------------------------------------------------------


@_case(account_29=Expected.STAYS)
def _evening_in_utc_is_tomorrow_in_luxembourg(book: Book) -> None:
    """Ended at 23:30 UTC: in Luxembourg that is already the day whose last day is today."""
    book.account(29)
    book.service(29, local(book.last_stay - timedelta(days=1), time(23, 30), ZoneInfo("UTC")))


@_case(account_30=Expected.STAYS)
def _ended_in_honolulu(book: Book) -> None:
    """The day before on the customer's clock; the policy counts in Luxembourg."""
    zone = ZoneInfo("Pacific/Honolulu")
    book.account(30, country_code="US", time_zone="Pacific/Honolulu")
    book.service(30, local(book.last_stay - timedelta(days=1), time(21), zone))


@_case(account_31=Expected.ERASED)
def _ended_in_new_zealand(book: Book) -> None:
    """A day later on the customer's clock; in Luxembourg the account is due."""
    zone = ZoneInfo("Pacific/Chatham")
    book.account(31, country_code="NZ", time_zone="Pacific/Chatham")
    book.service(31, local(book.due_for(1) + timedelta(days=1), time(3), zone))


@_case(account_32=Expected.STAYS)
def _ended_at_midnight_in_luxembourg(book: Book) -> None:
    """The first instant of a day belongs to that day."""
    book.account(32)
    book.service(32, local(book.last_stay, time(0)))


@_case(account_33=Expected.ERASED)
def _ended_in_the_hour_that_happens_twice(book: Book) -> None:
    """02:30 on the last Sunday of October five years ago."""
    day = date(book.as_of.year - 5, 10, 31)
    day -= timedelta(days=(day.weekday() + 1) % 7)
    _ended_account(book, 33, local(day, time(2, 30, fold=1)))


@_case(account_34=Expected.AWAITS_ARCHIVE)
def _moved_country(book: Book) -> None:
    """Invoices at two addresses in two countries, with the history of both."""
    _ended_account(book, 34, book.ago(years=3), country_code="BR", time_zone="America/Sao_Paulo")
    moved = book.ago(years=6)
    book.address(
        34, street="34 Rua do Exemplo", city="Ettelbruck", country_code="BR", valid_from=moved
    )
    book.add(
        "crm.account_history",
        account_id=34,
        version=1,
        holder_name="Former Number34",
        email="former34@cases.example",
        valid_from=noon(book.ago(years=12)),
        valid_to=noon(moved),
    )
    book.invoice(34, book.ago(years=8), bill_to_name="Former Number34")
    book.invoice(34, book.ago(years=4), bill_to_country="BR")


@_case(account_35=Expected.ERASED)
def _country_unknown(book: Book) -> None:
    """No country and no zone."""
    _ended_account(book, 35, book.ago(years=3), country_code=None, time_zone=None)


# Minors -------------------------------------------------------------------------------------


@_case(account_36=Expected.ERASED)
def _under_13(book: Book) -> None:
    """May not use the site at all (§11): erased although active."""
    book.account(36, birth_date=book.ago(years=12), opened_at=noon(book.ago(days=40)))
    book.service(36, None, start=book.ago(days=20), trial=True)


@_case(account_37=Expected.BLOCKED)
def _under_18(book: Book) -> None:
    """Nothing may be sold (§11): blocked and reported."""
    book.account(37, birth_date=book.ago(years=16), opened_at=noon(book.ago(days=40)))
    book.service(37, None, start=book.ago(days=20), trial=True)


@_case(account_38=Expected.STAYS)
def _turns_18_today(book: Book) -> None:
    """Of age since midnight."""
    book.account(38, birth_date=years_before(book.as_of, 18), opened_at=noon(book.ago(days=40)))
    book.service(38, None, start=book.ago(days=20), trial=True)


# Holds, restrictions, activity --------------------------------------------------------------


@_case(account_39=Expected.HELD)
def _litigation(book: Book) -> None:
    """Due, but a case is open."""
    _ended_account(book, 39, book.ago(years=3))
    _legal_case(book, 39, None)


@_case(account_40=Expected.ERASED)
def _litigation_is_over(book: Book) -> None:
    """The case was closed; nothing holds the account any longer."""
    _ended_account(book, 40, book.ago(years=3))
    _legal_case(book, 40, book.ago(years=2, days=200))


@_case(account_41=Expected.RESTRICTED)
def _restricted(book: Book) -> None:
    """Due, but the person asked to restrict the processing (Art. 18)."""
    _ended_account(
        book,
        41,
        book.ago(years=3),
        restricted_since=noon(book.ago(years=3)),
        restriction_reason="needed for a claim",
    )


@_case(account_42=Expected.ERASED)
def _open_ticket(book: Book) -> None:
    """An old ticket that nobody closed: a risk flag, not a reason to keep."""
    _ended_account(book, 42, book.ago(years=3))
    book.ticket(42, book.ago(years=3, days=10), closed=None)


@_case(account_43=Expected.STAYS)
def _child_newer_than_the_cut_off(book: Book) -> None:
    """A ticket of last month stops the account."""
    _ended_account(book, 43, book.ago(years=3))
    book.ticket(43, book.ago(days=25), closed=book.ago(days=20))


# Consent and identifiers --------------------------------------------------------------------


@_case(account_44=Expected.STAYS)
def _withdrawn_consent_with_marketing_row(book: Book) -> None:
    """Still a customer, but the newsletter row must go with the consent."""
    book.account(44)
    book.service(44, None)
    withdrawn = noon(book.ago(days=3))
    reader = "00000000-0000-4000-a000-00000000002c"
    book.add(
        "marketing.consent",
        consent_id=book.key("marketing.consent"),
        account_id=44,
        purpose="newsletter",
        channel="email",
        given_at=noon(book.ago(years=2)),
        withdrawn_at=withdrawn,
    )
    book.add(
        "marketing.newsletter_reader",
        reader_id=reader,
        email="case44@cases.example",
        language="fr",
        source="order",
        subscribed_at=noon(book.ago(years=2)),
        unsubscribed_at=withdrawn,
    )
    book.add(
        "marketing.consent",
        consent_id=book.key("marketing.consent"),
        reader_id=reader,
        purpose="newsletter",
        channel="email",
        given_at=noon(book.ago(years=2)),
        withdrawn_at=withdrawn,
    )
    book.add(
        "marketing.mail_event",
        email="case44@cases.example",
        campaign="webinar",
        kind="sent",
        happened_at=noon(book.ago(days=9)),
    )


@_case(account_45=Expected.ERASED, account_46=Expected.STAYS)
def _duplicated_email(book: Book) -> None:
    """Two accounts, one e-mail address: 45 is due, 46 is active."""
    _ended_account(book, 45, book.ago(years=3), email="twice@cases.example")
    book.account(46, email="twice@cases.example")
    book.service(46, None)


@_case(account_47=Expected.ERASED)
def _no_email(book: Book) -> None:
    """No natural identifier but the account number."""
    _ended_account(book, 47, book.ago(years=3), email=None)


@_case(account_48=Expected.ERASED)
def _unicode_name(book: Book) -> None:
    """Combining letters, right-to-left text, quotes, a backslash and a line break."""
    _ended_account(
        book,
        48,
        book.ago(years=3),
        holder_name='Zoë "Ñ" O\'Łąka \\ 山田 شمس 👩‍💻',
        company_name="Müller & Søn\nZweite Zeile, 100 %",
    )


@_case(account_49=Expected.ERASED, account_50=Expected.STAYS)
def _referrer_is_due(book: Book) -> None:
    """50 was referred by 49: only the reference goes."""
    _ended_account(book, 49, book.ago(years=3))
    book.account(50, referred_by=49)
    book.service(50, None)


# Contracts and papers -----------------------------------------------------------------------


@_case(account_51=Expected.STAYS)
def _cancelled_to_the_end_of_the_term(book: Book) -> None:
    """Cancelled, but paid and running until next month."""
    book.account(51)
    book.service(51, book.ago(days=-30), state="running", cancelled_on=book.ago(days=10))


@_case(account_52=Expected.STAYS)
def _closed_with_a_service_running(book: Book) -> None:
    """The account was closed, its service was forgotten: running wins, and is reported."""
    book.account(52, state="closed", closed_at=noon(book.ago(years=4)))
    book.service(52, None)


@_case(account_53=Expected.STAYS)
def _identity_proof_kept_after_use(book: Book) -> None:
    """The account stays; the proof, checked forty days ago, goes with its file."""
    book.account(53)
    book.service(53, None)
    book.add(
        "compliance.identity_proof",
        proof_id=book.key("compliance.identity_proof"),
        account_id=53,
        kind="passport",
        file_reference="proofs/case53.jpg.enc",
        received_at=noon(book.ago(days=41)),
        checked_at=noon(book.ago(days=40)),
    )


@_case(account_54=Expected.ERASED)
def _due_with_mandate_and_certificate(book: Book) -> None:
    """Never invoiced, but critical papers and a file are there."""
    _ended_account(book, 54, book.ago(years=3))
    book.mandate(54, book.ago(years=4))
    book.add(
        "billing.tax_document",
        tax_document_id=book.key("billing.tax_document"),
        account_id=54,
        kind="exemption certificate",
        value_encrypted="enc:v1:casebcdfgh",
        file_reference="tax/case54.pdf.enc",
        issued_on=book.ago(years=5),
    )


@_case(account_55=Expected.ERASED)
def _disclosed_to_an_authority(book: Book) -> None:
    """The account goes; the register of disclosures keeps its row without the link."""
    _ended_account(book, 55, book.ago(years=3))
    book.add(
        "compliance.disclosure",
        disclosure_id=book.key("compliance.disclosure"),
        account_id=55,
        recipient="Tribunal d'arrondissement de Diekirch",
        ground="law",
        data_categories="{contact,payment}",
        disclosed_at=noon(book.ago(years=3, days=30)),
        told_on=book.ago(years=3, days=29),
    )


@_case(account_56=Expected.AWAITS_ARCHIVE)
def _due_with_everything(book: Book) -> None:
    """Rows in every room: order, mandate, payment by SEPA, chat, call, complaint, survey, log."""
    end = book.ago(years=3)
    before = end - timedelta(days=30)
    _ended_account(book, 56, end)
    book.mandate(56, book.ago(years=5))
    order = book.key("commerce.order")
    book.add(
        "commerce.order",
        order_id=order,
        account_id=56,
        ordered_by=book.contacts[56],
        ordered_at=noon(before),
        state="done",
        ip="2001:db8::38",
    )
    invoice = book.invoice(56, before, order_id=order)
    book.add(
        "billing.payment",
        payment_id=book.key("billing.payment"),
        invoice_id=invoice,
        account_id=56,
        kind="sepa",
        paid_at=noon(end),
        amount_cents=0,
        mandate_no=1,
    )
    book.ticket(56, before, closed=end)
    book.add(
        "support.chat",
        chat_id=book.key("support.chat"),
        account_id=56,
        nickname="Case",
        transcript='[{"text": "hello"}]',
        started_at=noon(before),
    )
    call: dict[str, Value] = {
        "Call ID": book.key("support.Call Record"),
        "account_id": 56,
        "Caller's number": "+352 5000056",
        "Started (UTC)": noon(before),
        "Length, s": 61,
        "Recording": "calls/case56.ogg",
    }
    book.add("support.Call Record", **call)
    book.add(
        "support.complaint",
        complaint_id=book.key("support.complaint"),
        account_id=56,
        complainant_name="Case Number56",
        body="Too expensive.",
        received_on=before,
        settled_on=end,
        outcome="apology",
    )
    book.add(
        "marketing.survey_answer",
        answer_id=book.key("marketing.survey_answer"),
        survey_id=1,
        account_id=56,
        score=7,
        answers='{"remark": "fine"}',
        answered_at=noon(before),
    )
    book.add(
        "compliance.processor_link",
        account_id=56,
        processor="stripe",
        external_token="cus_casebcdf",  # noqa: S106
        created_at=noon(before),
    )


def _legal_case(book: Book, number: int, closed: date | None) -> None:
    case = book.key("compliance.legal_case")
    book.add(
        "compliance.legal_case",
        case_id=case,
        account_id=number,
        reference=f"CASE-{case}",
        kind="litigation",
        owner_id=1,
        opened_on=book.ago(years=3, days=60),
        closed_on=closed,
        review_on=book.ago(days=-60),
    )


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
