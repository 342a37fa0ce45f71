"""The calendar: periods, boundaries, days in zones, deadlines."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lethe.policy.periods import (
    PATTERN,
    Period,
    age_at,
    boundary,
    day_of,
    due_from,
    end_of,
    financial_year_end,
    instant_boundary,
    later_of,
    latest_birth,
    naive_boundary,
    notice_elapsed,
    notice_ends,
    response_deadline,
    start_of_day,
)
from pydantic import BaseModel, TypeAdapter, ValidationError

DAY = timedelta(days=1)
LUXEMBOURG = ZoneInfo("Europe/Luxembourg")
UTC_ZONE = ZoneInfo("UTC")
AGREED = [
    *("P0D", "P1D", "P7D", "P13D", "P30D", "P31D", "P90D", "P365D", "P366D", "P1000D"),
    *("P1W", "P2W", "P52W", "P1M", "P2M", "P3M", "P6M", "P11M", "P13M", "P18M", "P25M"),
    *("P1Y", "P2Y", "P3Y", "P4Y", "P5Y", "P10Y", "P30Y", "P100Y"),
    *("P1Y1D", "P1M1D", "P1M30D", "P1Y6M", "P2Y11M29D", "P1Y2M3D", "P4Y1D", "P6M15D"),
]

years_span = st.dates(date(1890, 1, 1), date(2150, 12, 31))
periods = st.one_of(
    st.builds(
        Period,
        years=st.integers(0, 30),
        months=st.integers(0, 40),
        days=st.integers(0, 800),
    ),
    st.builds(Period, weeks=st.integers(1, 200)),
)


# Reading


@pytest.mark.parametrize("text", AGREED)
def test_a_period_reads_and_writes_itself(text):
    assert str(Period.parse(text)) == text


@given(periods)
def test_every_period_survives_writing_and_reading(period):
    assert Period.parse(str(period)) == period


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("2 years", "write P2Y"),
        ("2 ans", "write P2Y"),
        ("18 Monate", "write P18M"),
        ("30 days", "write P30D"),
        ("2 semaines", "write P2W"),
        ("24m", "write P24M"),
        ("730", "write P730D for days, P730M for months"),
        ("p2y", "write P2Y"),
        ("P 2 Y", "write P2Y"),
        ("1Y6M", "write P1Y6M"),
        ("P2Y0M", "write P2Y"),
        ("P02Y", "write P2Y"),
        ("P0Y", "write P0D for no time at all"),
        ("PT24H", "it has no time of day; write days, such as P1D"),
        ("P1DT12H", "it has no time of day; write days, such as P1D"),
        ("P", "such as P2Y, P18M, P1Y6M, P2W or P30D"),
        ("", "such as P2Y, P18M, P1Y6M, P2W or P30D"),
        ("P6M1Y", "such as P2Y, P18M, P1Y6M, P2W or P30D"),
        ("-P2Y", "such as P2Y, P18M, P1Y6M, P2W or P30D"),
        ("P1.5Y", "such as P2Y, P18M, P1Y6M, P2W or P30D"),
        ("P2Y\n", "write P2Y"),
        ("P٢Y", "such as P2Y, P18M, P1Y6M, P2W or P30D"),
        ("forever", "such as P2Y, P18M, P1Y6M, P2W or P30D"),
    ],
)
def test_what_is_not_a_period_is_refused_with_the_way_out(text, way_out):
    with pytest.raises(ValueError, match="is not an ISO 8601 period; ") as caught:
        Period.parse(text)
    assert str(caught.value).endswith(way_out)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("P1Y2W", "weeks stand alone in a period; count them as days"),
        ("P201Y", "a period is at most 200 years"),
        ("P99999D", "a period is at most 200 years"),
    ],
)
def test_a_period_that_we_do_not_use_is_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        Period.parse(text)


@given(st.text(alphabet="P0123456789YMWDT ", max_size=9))
@example("P0D")
@example("P1W")
def test_the_pattern_for_editors_takes_what_the_reader_takes(text):
    import re

    try:
        Period.parse(text)
    except ValueError as error:
        readable = "is not a period here" in str(error)
        if not readable:
            assert not re.search(PATTERN, text, re.ASCII) or text.endswith("\n")
    else:
        assert re.search(PATTERN, text, re.ASCII)


def test_a_model_takes_a_period_as_text_and_gives_it_back_as_text():
    class Rule(BaseModel):
        period: Period

    rule = Rule.model_validate_json('{"period": "P1Y6M"}', strict=True)
    assert rule.period == Period(years=1, months=6)
    assert rule.model_dump(mode="json") == {"period": "P1Y6M"}
    assert TypeAdapter(Period).json_schema()["pattern"] == PATTERN
    with pytest.raises(ValidationError) as caught:
        Rule.model_validate({"period": "2 years"})
    assert caught.value.errors()[0]["msg"] == "'2 years' is not an ISO 8601 period; write P2Y"


def test_periods_have_no_order_without_a_date():
    with pytest.raises(TypeError):
        Period.parse("P1M") < Period.parse("P30D")  # noqa: B015


# Ends


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        ("2024-02-29", "P1Y", "2025-02-28"),
        ("2024-02-29", "P4Y", "2028-02-29"),
        ("2023-02-28", "P1Y", "2024-02-28"),
        ("2024-01-31", "P1M", "2024-02-29"),
        ("2023-01-31", "P1M", "2023-02-28"),
        ("2023-08-31", "P1M", "2023-09-30"),
        ("2023-12-31", "P2M", "2024-02-29"),
        ("2023-01-30", "P1M1D", "2023-03-01"),
        ("2024-05-15", "P30D", "2024-06-14"),
        ("2024-05-15", "P2W", "2024-05-29"),
        ("2024-05-15", "P0D", "2024-05-15"),
        ("1896-02-29", "P4Y", "1900-02-28"),
        ("1996-02-29", "P4Y", "2000-02-29"),
        ("2096-02-29", "P4Y", "2100-02-28"),
        ("1899-12-31", "P1D", "1900-01-01"),
        ("1999-12-31", "P1D", "2000-01-01"),
        ("2099-12-31", "P2M", "2100-02-28"),
        ("9999-06-01", "P2Y", "9999-12-31"),
    ],
)
def test_a_period_ends_on_the_same_calendar_day_or_the_last_of_its_month(start, period, end):
    assert end_of(date.fromisoformat(start), Period.parse(period)) == date.fromisoformat(end)


def test_on_its_last_day_the_data_stay_and_from_the_next_day_they_are_due():
    start, two_years = date(2022, 3, 10), Period(years=2)
    assert end_of(start, two_years) == date(2024, 3, 10)
    assert due_from(start, two_years) == date(2024, 3, 11)
    assert start > boundary(date(2024, 3, 10), two_years)
    assert start <= boundary(date(2024, 3, 11), two_years)


def test_an_instant_is_not_taken_for_a_day():
    with pytest.raises(TypeError, match="day_of"):
        end_of(datetime(2024, 1, 1, tzinfo=UTC), Period(years=1))


@given(years_span, years_span, periods)
def test_an_earlier_start_never_ends_later(one, other, period):
    early, late = sorted((one, other))
    assert end_of(early, period) <= end_of(late, period)


@given(years_span, periods)
@example(date(2024, 2, 29), Period(months=1))
@example(date(2025, 3, 1), Period(years=1))
@example(date(2025, 2, 28), Period(years=1))
@example(date(2023, 3, 31), Period(months=1, days=1))
def test_the_boundary_is_the_greatest_start_that_is_due(as_of, period):
    last = boundary(as_of, period)
    assert end_of(last, period) < as_of
    assert end_of(last + DAY, period) >= as_of


@given(years_span, years_span, periods)
def test_due_is_the_plain_comparison_of_the_start_with_the_boundary(start, as_of, period):
    assert (start <= boundary(as_of, period)) == (due_from(start, period) <= as_of)


def test_python_and_postgresql_agree_on_every_day_of_forty_years(postgres):
    """Also forty years around each turn of a century, leap or not; one query a period."""
    spans = [
        (date(1880, 1, 1), date(1919, 12, 31)),
        (date(1990, 1, 1), date(2029, 12, 31)),
        (date(2080, 1, 1), date(2119, 12, 31)),
    ]
    ends = """
        SELECT array_agg(((d::date + %(period)s::interval)::date - date '1970-01-01') ORDER BY d)
        FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS d
    """
    unix_epoch = date(1970, 1, 1).toordinal()
    with psycopg2.connect(postgres) as connection, connection.cursor() as cursor:
        for text in AGREED:
            period = Period.parse(text)
            for first, last in spans:
                values = {"first": first, "last": last}
                cursor.execute(ends, {**values, "period": period.interval})
                (theirs,) = cursor.fetchone()
                days = range(first.toordinal(), last.toordinal() + 1)
                ours = [end_of(date.fromordinal(day), period).toordinal() for day in days]
                assert [end - unix_epoch for end in ours] == theirs, text
            cursor.execute("SELECT %s::interval = %s::interval", (period.interval, text))
            assert cursor.fetchone() == (True,), text
    connection.close()


def test_the_comparison_selects_in_postgresql_what_its_own_addition_would(postgres):
    """For each period and some hundred awkward as-of days: same rows by index as by arithmetic."""
    disagreeing = """
        SELECT count(*)
        FROM unnest(%(as_of)s::date[], %(boundary)s::date[]) AS asked(as_of, boundary)
        CROSS JOIN LATERAL generate_series(
            boundary - interval '70 days', boundary + interval '70 days', interval '1 day'
        ) AS start
        WHERE (start::date <= boundary)
            <> ((start::date + %(period)s::interval)::date < as_of)
    """
    as_ofs = [
        date(year, month, 1) + timedelta(days=offset)
        for year in (2000, 2023, 2024, 2025, 2100)
        for month in (1, 2, 3, 4, 12)
        for offset in range(-4, 5)
    ]
    with psycopg2.connect(postgres) as connection, connection.cursor() as cursor:
        for text in AGREED:
            period = Period.parse(text)
            bounds = [boundary(as_of, period) for as_of in as_ofs]
            values = {"as_of": as_ofs, "boundary": bounds, "period": text}
            cursor.execute(disagreeing, values)
            assert cursor.fetchone() == (0,), text
    connection.close()


# Days in zones

instants = st.datetimes(
    datetime(1905, 1, 1),  # noqa: DTZ001
    datetime(2037, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)
ZONES = [
    "Europe/Luxembourg",
    "UTC",
    "America/Sao_Paulo",
    "America/Havana",
    "America/St_Johns",
    "America/Toronto",
    "Asia/Tehran",
    "Asia/Beirut",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
]


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Europe/Luxembourg", "2024-03-31", "2024-03-30T23:00"),
        ("Europe/Luxembourg", "2024-04-01", "2024-03-31T22:00"),
        ("Europe/Luxembourg", "2024-10-28", "2024-10-27T23:00"),
        # Midnight does not exist: the clock jumps from 00:00 to 01:00.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00"),
        ("America/Havana", "2024-03-10", "2024-03-10T05:00"),
        ("Asia/Beirut", "2022-03-27", "2022-03-26T22:00"),
        # The clock jumps over midnight from 23:30 to 00:30.
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30"),
        # Midnight happens twice: 01:00 becomes 00:00.
        ("America/Havana", "2024-11-03", "2024-11-03T04:00"),
        ("Atlantic/Azores", "2024-10-27", "2024-10-27T00:00"),
        # One minute after midnight the clock goes back into the day before.
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30"),
        # A day that never was begins with the next one.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00"),
    ],
)
def test_a_day_begins_at_its_first_instant(zone, day, begins):
    began = start_of_day(date.fromisoformat(day), ZoneInfo(zone))
    assert began == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert began.tzinfo is UTC


@given(st.sampled_from(ZONES), instants)
def test_an_instant_lies_between_the_beginnings_of_its_day_and_the_next(key, instant):
    zone = ZoneInfo(key)
    day = day_of(instant, zone)
    assert start_of_day(day, zone) <= instant < start_of_day(day + DAY, zone)


def test_after_a_clock_went_back_over_midnight_the_new_day_goes_on():
    newfoundland = ZoneInfo("America/St_Johns")
    back_in_the_evening = datetime(2010, 11, 7, 2, 40, tzinfo=UTC)
    assert back_in_the_evening.astimezone(newfoundland).date() == date(2010, 11, 6)
    assert day_of(back_in_the_evening, newfoundland) == date(2010, 11, 7)


def test_a_bound_in_a_repeated_hour_takes_the_later_reading_of_the_columns_clock():
    zone, column_zone = ZoneInfo("Atlantic/South_Georgia"), ZoneInfo("America/St_Johns")
    as_of, day = date(2010, 11, 8), Period(days=1)
    assert instant_boundary(as_of, day, zone) == datetime(2010, 11, 7, 2, 0, tzinfo=UTC)
    bound = naive_boundary(as_of, day, zone, column_zone)
    assert bound.isoformat() == "2010-11-06T22:30:00"


@given(
    st.sampled_from(ZONES),
    instants,
    st.dates(date(1990, 1, 1), date(2037, 12, 31)),
    periods,
)
def test_an_instant_is_due_by_comparison_when_its_day_is(key, instant, as_of, period):
    zone = ZoneInfo(key)
    by_day = end_of(day_of(instant, zone), period) < as_of
    assert (instant < instant_boundary(as_of, period, zone)) == by_day


@pytest.mark.parametrize("key", [zone for zone in ZONES if zone != "America/St_Johns"])
def test_the_bound_selects_in_postgresql_the_instants_of_the_due_days(postgres, key):
    """Every half hour around each change of the clock in three years, and around new year."""
    zone = ZoneInfo(key)
    disagreeing = """
        SELECT count(*)
        FROM generate_series(%(first)s::timestamptz, %(last)s, interval '30 minutes') AS started_at
        WHERE (started_at < %(bound)s)
            <> ((((started_at AT TIME ZONE %(zone)s)::date + interval '1 year')::date < %(as_of)s))
    """
    year = Period(years=1)
    changes = {
        day
        for offset in range(3 * 366)
        if (day := date(2010, 1, 1) + offset * DAY)
        and (start_of_day(day + DAY, zone) - start_of_day(day, zone)) != DAY
    }
    with psycopg2.connect(postgres) as connection, connection.cursor() as cursor:
        for change in {*changes, date(2012, 1, 1), date(2012, 2, 29)}:
            for as_of in (change + timedelta(days=days) for days in (365, 366, 367, 368)):
                bound = instant_boundary(as_of, year, zone)
                values = {"bound": bound, "zone": key, "as_of": as_of}
                values |= {"first": bound - 3 * DAY, "last": bound + 3 * DAY}
                cursor.execute(disagreeing, values)
                assert cursor.fetchone() == (0,), (key, as_of)
    connection.close()


@pytest.mark.parametrize(
    ("as_of", "column_zone", "bound"),
    [
        ("2026-03-11", "UTC", "2024-03-10T23:00"),
        ("2026-07-11", "UTC", "2024-07-10T22:00"),
        ("2026-03-11", "Europe/Luxembourg", "2024-03-11T00:00"),
        ("2026-03-11", "America/New_York", "2024-03-10T19:00"),
    ],
)
def test_a_column_without_a_zone_is_compared_in_the_zone_that_it_was_written_in(
    as_of, column_zone, bound
):
    found = naive_boundary(
        date.fromisoformat(as_of), Period(years=2), LUXEMBOURG, ZoneInfo(column_zone)
    )
    assert found == datetime.fromisoformat(bound)
    assert found.tzinfo is None


@given(
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
    st.dates(date(1990, 1, 1), date(2030, 12, 31)),
    st.timedeltas(timedelta(hours=-30), timedelta(hours=30)),
)
@example("Atlantic/South_Georgia", "America/St_Johns", date(2010, 11, 8), timedelta(minutes=45))
def test_a_clock_without_a_zone_is_never_due_too_early_and_at_most_hours_late(
    key, column_key, as_of, distance
):
    zone, column_zone = ZoneInfo(key), ZoneInfo(column_key)
    day = Period(days=1)
    bound = naive_boundary(as_of, day, zone, column_zone)
    written = bound + distance
    readings = [written.replace(tzinfo=column_zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    if any(r.astimezone(column_zone).replace(tzinfo=None) != written for r in readings):
        return  # a time that the column's clock never showed
    limit = instant_boundary(as_of, day, zone)
    if key == column_key:
        assert (written < bound) == (end_of(written.date(), day) < as_of)
    elif written < bound:
        assert max(readings) < limit
    else:
        assert min(readings) >= limit - timedelta(hours=1, minutes=30)


# Ages, financial years, requests, notices


def test_the_later_of_two_laws_wins_whichever_comes_first():
    assert later_of(date(2030, 1, 1), date(2031, 1, 1)) == date(2031, 1, 1)
    assert later_of(date(2031, 1, 1), date(2030, 1, 1)) == date(2031, 1, 1)


@pytest.mark.parametrize(
    ("birth", "as_of", "age"),
    [
        ("2008-06-15", "2026-06-14", 17),
        ("2008-06-15", "2026-06-15", 18),
        ("2008-02-29", "2026-02-28", 17),
        ("2008-02-29", "2026-03-01", 18),
        ("2008-02-29", "2024-02-29", 16),
        ("2026-06-15", "2026-06-15", 0),
    ],
)
def test_an_age_counts_full_years(birth, as_of, age):
    assert age_at(date.fromisoformat(birth), date.fromisoformat(as_of)) == age


@given(years_span, years_span, st.integers(0, 130))
def test_being_younger_is_a_comparison_of_the_date_of_birth(birth, as_of, age):
    assert (age_at(birth, as_of) < age) == (birth > latest_birth(as_of, age))


def test_python_and_postgresql_count_the_same_ages(postgres):
    birth = date(2008, 2, 29)
    counted = """
        SELECT array_agg(extract(year FROM age(d, %(birth)s))::integer ORDER BY d)
        FROM generate_series(date '2008-03-01', date '2047-12-31', interval '1 day') AS d
    """
    with psycopg2.connect(postgres) as connection, connection.cursor() as cursor:
        for day in (birth, birth - DAY, birth + DAY, date(2008, 1, 31), date(2007, 12, 31)):
            cursor.execute(counted, {"birth": day})
            (theirs,) = cursor.fetchone()
            first = date(2008, 3, 1)
            assert [age_at(day, first + n * DAY) for n in range(len(theirs))] == theirs
    connection.close()


@pytest.mark.parametrize(
    ("day", "ends", "expected"),
    [
        ("2024-05-01", (12, 31), "2024-12-31"),
        ("2024-12-31", (12, 31), "2024-12-31"),
        ("2024-03-31", (3, 31), "2024-03-31"),
        ("2024-04-01", (3, 31), "2025-03-31"),
        ("2023-01-10", (2, 29), "2023-02-28"),
        ("2023-03-01", (2, 29), "2024-02-29"),
        ("2023-03-01", (2, 28), "2024-02-28"),
    ],
)
def test_a_financial_year_ends_on_the_day_that_the_company_names(day, ends, expected):
    assert financial_year_end(date.fromisoformat(day), *ends) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("received", "extended", "deadline"),
    [
        # The examples of EDPB Guidelines 01/2022, no. 159 ff. (2024: neither falls on a weekend).
        ("2024-03-05", False, "2024-04-05"),
        ("2023-08-31", False, "2023-10-02"),  # 30 September 2023 is a Saturday
        ("2024-01-31", False, "2024-02-29"),
        ("2024-01-31", True, "2024-04-30"),
        ("2024-11-25", False, "2024-12-27"),  # Christmas, then St Stephen's Day
    ],
)
def test_a_request_is_answered_within_a_month_or_three(received, extended, deadline):
    holidays = {date(2024, 12, 25), date(2024, 12, 26)}
    found = response_deadline(date.fromisoformat(received), extended=extended, holidays=holidays)
    assert found == date.fromisoformat(deadline)


def test_a_notice_has_elapsed_when_ten_full_days_lie_between():
    announced = date(2024, 2, 20)
    assert not notice_elapsed(announced, date(2024, 3, 1))
    assert notice_elapsed(announced, date(2024, 3, 2))
    assert notice_ends(announced) == date(2024, 3, 2)
