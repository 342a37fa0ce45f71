"""Which reports a run owes: once each, none for a time when Lethe was not there."""

from __future__ import annotations

from datetime import date

from lethe.reporting.due import due_reports

FIRST, TENTH = date(2026, 6, 1), date(2026, 6, 10)


def test_each_day_has_a_report_and_the_first_of_a_month_two() -> None:
    assert due_reports(TENTH) == [("day", TENTH)]
    assert due_reports(FIRST) == [("day", FIRST), ("month", date(2026, 5, 31))]


def test_a_person_gets_what_she_asks_for_up_to_that_day() -> None:
    assert due_reports(TENTH, asked=["month", "day"]) == [("month", TENTH), ("day", TENTH)]


def test_by_the_clock_nothing_is_owed_twice() -> None:
    sent = {("day", FIRST)}
    owed = due_reports(FIRST, by_clock=True, was_sent=lambda *report: report in sent)
    assert owed == [("month", date(2026, 5, 31))]


def test_by_the_clock_nothing_is_owed_for_days_before_lethe_came() -> None:
    assert due_reports(FIRST, by_clock=True, since=FIRST) == [("day", FIRST)]
    assert due_reports(TENTH, by_clock=True, since=date(2026, 6, 11)) == []
