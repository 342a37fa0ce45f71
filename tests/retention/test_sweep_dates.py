"""When a period ends, whatever the dates are like."""

from __future__ import annotations

from datetime import date

import pytest

from tests.kit import Kit, MakeKit

POLICY = """
subjects: {{person: {{table: public.person, key: id, country: land}}}}
clusters: {{c: {{subject: person}}}}
rules:
  r:
    cluster: c
    starting_point: {point}
    {more}
tables:
  public.person: {{cluster: c}}
  public.service: {{cluster: c}}
"""
TABLES = """
CREATE TABLE person (id int PRIMARY KEY, land text, opened_on date, closed_on date, left_on date,
                     seen_at timestamptz, naive_at timestamp, day date);
CREATE TABLE service (id int PRIMARY KEY, person_id int REFERENCES person, ends_on date,
                      state text);
"""
SERVICES = (
    "{latest: [{table: public.service, column: ends_on, running: {column: state, equals: live}}]}"
)


def people(make_kit: MakeKit, data: str, point: str, more: str = "") -> Kit:
    return make_kit(TABLES + data, POLICY.format(point=point, more=more))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("day", "2024-03-31"),
        ("seen_at", "2024-03-30 23:30+00"),  # 31 March, half past midnight, in Luxembourg
        ("seen_at", "2024-03-31 21:59:59.999999+00"),  # the last moment of that day: summer time
        ("naive_at", "2024-03-30 23:30"),  # read as UTC
        ("naive_at", "2024-03-31 21:59"),
    ],
)
def test_on_its_last_day_a_period_has_not_ended_and_on_the_next_day_it_has(
    make_kit: MakeKit, column: str, value: str
) -> None:
    kit = people(
        make_kit,
        f"INSERT INTO person (id, {column}) VALUES (1, '{value}')",
        f"{{latest: [{{column: {column}}}]}}",
    )
    assert kit.plan(date(2026, 3, 31))["r"] == {"not yet due": 1}
    assert kit.plan(date(2026, 4, 1))["r"] == {"due": 1}
    assert kit.outcome(kit.sweep(date(2026, 3, 31))) == {}
    assert kit.ids("person") == [1]
    assert kit.outcome(kit.sweep(date(2026, 4, 1))) == {"erased": 1}


def test_the_29th_of_february_ends_on_the_28th_of_a_common_year(make_kit: MakeKit) -> None:
    kit = people(
        make_kit,
        "INSERT INTO person (id, day) VALUES (1, '2024-02-29')",
        "{latest: [{column: day}]}",
    )
    assert kit.plan(date(2026, 2, 28))["r"] == {"not yet due": 1}
    assert kit.plan(date(2026, 3, 1))["r"] == {"due": 1}


def test_running_and_future_services_keep_a_person_and_ended_ones_do_not(
    make_kit: MakeKit,
) -> None:
    kit = people(
        make_kit,
        """
        INSERT INTO person (id) VALUES (1), (2), (3), (4), (5), (6), (7);
        INSERT INTO service VALUES
            (10, 1, '2020-01-01', 'off'), (11, 1, '2021-01-01', 'off'),
            (20, 2, '2020-01-01', 'off'), (21, 2, NULL, 'live'),
            (30, 3, '2020-01-01', 'off'), (31, 3, '2027-01-01', 'off'),
            (40, 4, '2020-01-01', 'off'), (41, 4, NULL, 'off'),
            (50, 5, '1970-01-01', 'off'), (60, 6, '9999-12-31', 'off');
        """,
        SERVICES,
    )
    assert kit.plan()["r"] == {
        "due": 1,
        "active": 1,
        "not yet due": 1,
        "refused: no date": 1,
        "refused: implausible date": 2,
        "refused: no starting point": 1,
    }
    run = kit.sweep()
    assert kit.outcome(run)["erased"] == 1
    assert kit.ids("person") == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("choice", "due"), [("latest", [1]), ("earliest", [1, 2, 3]), ("first_known", [1, 2])]
)
def test_the_latest_the_earliest_or_the_first_known_date_counts(
    make_kit: MakeKit, choice: str, due: list[int]
) -> None:
    columns = "{column: closed_on, optional: true}, {column: left_on, optional: true}"
    kit = people(
        make_kit,
        """
        INSERT INTO person (id, closed_on, left_on) VALUES
            (1, '2020-01-01', NULL), (2, '2020-01-01', '2026-01-01'),
            (3, '2026-01-01', '2020-01-01'), (4, NULL, NULL), (5, NULL, '2026-01-01');
        """,
        f"{{{choice}: [{columns}]}}",
    )
    kit.sweep()
    assert [number for number in range(1, 6) if number not in kit.ids("person")] == due


def test_a_country_with_a_longer_minimum_keeps_its_people_longer_however_it_is_written(
    make_kit: MakeKit,
) -> None:
    kit = people(
        make_kit,
        """
        INSERT INTO person (id, land, day) VALUES (1, 'LU', '2020-01-01'), (2, 'FR', '2020-01-01'),
            (3, 'fr ', '2020-01-01'), (4, NULL, '2020-01-01'), (5, 'BE', '2020-01-01'),
            (6, 'FR', '2010-01-01');
        """,
        "{latest: [{column: day}]}",
        "at_least: {FR: {period: P10Y, law: Code 1}, BE: {period: P1Y, law: Code 2}}",
    )
    assert kit.plan()["r"] == {"due": 4, "not yet due": 2}
    kit.sweep()
    assert kit.ids("person") == [2, 3]


def test_a_country_that_cannot_be_read_is_refused_where_countries_differ_and_none_is_none(
    make_kit: MakeKit,
) -> None:
    rows = """INSERT INTO person (id, land, day) VALUES (1, 'Germany', '2020-01-01'),
        (2, 'DEU', '2020-01-01'), (3, ' ', '2020-01-01'), (4, NULL, '2020-01-01'),
        (5, 'Germany', '2026-05-01');"""
    latest = "{latest: [{column: day}]}"
    kit = people(make_kit, rows, latest, "at_least: {DE: {period: P10Y, law: Code 1}}")
    assert kit.plan()["r"] == {"due": 2, "refused: unknown country": 2, "not yet due": 1}
    kit.sweep()
    assert kit.ids("person") == [1, 2, 5]
    kit = people(make_kit, rows, latest)
    assert kit.plan()["r"] == {"due": 4, "not yet due": 1}, "no country has a minimum of its own"


@pytest.mark.parametrize(
    ("countries", "outcome"),
    [
        (("DE", "LU"), "not yet due"),
        (("LU", "DE", "FR"), "not yet due"),
        (("FR", "ZZ"), "due"),
        ((None, "DE"), "not yet due"),
        (("DE", "Austria"), "refused: unknown country"),
        ((None, "LU"), "due"),
    ],
)
def test_of_several_countries_of_one_subject_the_one_that_keeps_it_longest_counts(
    make_kit: MakeKit, countries: tuple[str | None, ...], outcome: str
) -> None:
    kit = make_kit(
        "CREATE TABLE visit (id serial PRIMARY KEY, cookie text, land text, day date)",
        """
        subjects: {visitor: {table: public.visit, key: cookie, country: land}}
        clusters: {c: {subject: visitor}}
        rules:
          r:
            cluster: c
            period: P1Y
            starting_point: {latest: [{column: day}]}
            at_least: {FR: {period: P1Y, law: Code 1}, DE: {period: P5Y, law: Code 2}}
        tables: {public.visit: {cluster: c}}
        """,
    )
    for country in countries:
        values = {"land": country}
        kit.execute("INSERT INTO visit VALUES (DEFAULT, 'x', %(land)s, '2023-06-01')", values)
    assert kit.plan()["r"] == {outcome: 1}
    erased = {"due": {"erased": 1}, "not yet due": {}}.get(outcome, {outcome: 1})
    assert kit.outcome(kit.sweep()) == erased


def test_contradictory_dates_are_refused(make_kit: MakeKit) -> None:
    kit = people(
        make_kit,
        "INSERT INTO person (id, opened_on, closed_on) VALUES (1, '2021-01-01', '2020-01-01'),"
        " (2, '2019-01-01', '2020-01-01'), (3, NULL, '2020-01-01')",
        "{latest: [{column: closed_on}], not_before: {column: opened_on, optional: true}}",
    )
    assert kit.plan()["r"] == {"due": 2, "refused: contradictory dates": 1}
    kit.sweep()
    assert kit.ids("person") == [1]


@pytest.mark.parametrize("value", ["infinity", "-infinity", "0044-03-15 BC", "1800-01-01"])
def test_dates_that_cannot_be_true_are_refused_and_break_nothing(
    make_kit: MakeKit, value: str
) -> None:
    kit = people(
        make_kit,
        f"INSERT INTO person (id, day) VALUES (1, '{value}'), (2, '2020-01-01')",
        "{latest: [{column: day}]}",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1, "refused: implausible date": 1}
    assert kit.ids("person") == [1]


@pytest.mark.parametrize("column", ["seen_at", "naive_at"])
@pytest.mark.parametrize(
    "value",
    [
        "294276-12-31 23:59:59.999999+00",
        "4714-11-24 00:00:00+00 BC",
        "9999-12-31 12:00+00",
        "infinity",
        "-infinity",
    ],
)
def test_an_instant_at_the_end_of_its_type_is_refused_and_stops_nobody_else(
    make_kit: MakeKit, column: str, value: str
) -> None:
    kit = people(
        make_kit,
        f"INSERT INTO person (id, {column}) VALUES (1, '{value}'), (2, '2020-01-01'), (3, NULL)",
        f"{{latest: [{{column: {column}, optional: true}}]}}",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {
        "erased": 1,
        "refused: implausible date": 1,
        "refused: no starting point": 1,
    }
    assert kit.ids("person") == [1, 3]


def test_the_first_known_date_is_that_of_a_row_and_of_several_rows_the_latest(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        "CREATE TABLE visit (id int PRIMARY KEY, cookie text, began date, ended date);"
        "INSERT INTO visit VALUES (1, 'v', '2020-01-05', '2020-01-06'),"
        " (2, 'v', '2026-05-30', NULL), (3, 'w', '2020-01-05', '2020-01-06'),"
        " (4, 'x', NULL, NULL), (5, 'y', '1970-01-01', '2020-01-06'), (6, 'z', '2020-01-05', NULL)",
        """
        subjects: {visitor: {table: public.visit, key: cookie}}
        clusters: {c: {subject: visitor}}
        rules:
          r:
            cluster: c
            period: P13M
            starting_point: {first_known: [{column: ended}, {column: began}]}
        tables: {public.visit: {cluster: c}}
        """,
    )
    assert kit.plan()["r"] == {
        "due": 2,
        "not yet due": 1,
        "refused: no starting point": 1,
        "refused: implausible date": 1,
    }
    kit.sweep()
    assert kit.ids("visit") == [1, 2, 4, 5]


def test_a_row_without_any_date_beside_others_is_refused_and_other_events_hide_no_newer_one(
    make_kit: MakeKit,
) -> None:
    ddl = "CREATE TABLE s (id int PRIMARY KEY, c text, kind text, a date, b date);"
    policy = """
        subjects: {visitor: {table: public.s, key: c}}
        clusters: {c: {subject: visitor}}
        rules: {r: {cluster: c, period: P13M, starting_point: {first_known: [FIRST, {column: a}]}}}
        tables: {public.s: {cluster: c}}
    """
    kit = make_kit(
        ddl + "INSERT INTO s VALUES (1, 'n', 'w', '2020-01-05', '2020-01-06'),"
        " (2, 'n', 'w', NULL, NULL), (3, 'o', 'w', '2020-01-05', NULL)",
        policy.replace("FIRST", "{column: b}"),
    )
    assert kit.plan()["r"] == {"due": 1, "refused: no date": 1}
    kit.sweep()
    assert kit.ids("s") == [1, 2]
    kit = make_kit(
        ddl + "INSERT INTO s VALUES (1, 'v', 'w', '2020-01-05', '2020-01-06'),"
        " (2, 'v', 'z', '2026-05-30', NULL), (3, 'o', 'w', '2020-01-05', '2020-01-06')",
        policy.replace("FIRST", "{column: b, where: {column: kind, equals: w}}"),
    )
    assert kit.plan()["r"] == {"due": 1, "not yet due": 1}
    kit.sweep()
    assert kit.ids("s") == [1, 2]
