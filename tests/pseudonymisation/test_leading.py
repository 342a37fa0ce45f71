"""Lines of free text go to their day, wherever their time stands."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from lethe.pseudonymisation.formats.leading import find_times

from tests.pseudonymisation.kit import process, rows_of

READ_ON = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("2026/11/22 17:30:01 [error] 811#811: x", "[error] 811#811: x"),
        ("[2026/11/22 17:30:01.123456,  2] Auth: x", "Auth: x"),
        ("[2026-11-22T18:30:01.123456+01:00] security.INFO: x", "security.INFO: x"),
        ("2026-11-22 17:30:01,123 fail2ban.filter: x", "fail2ban.filter: x"),
        ("2026-11-22 17:30:01 CEST [5001] LOG:  x", "[5001] LOG:  x"),
        ("2026-11-22.17:30:01\t8002\tssh", "8002\tssh"),
        ("[Sun Nov 22 17:30:01.123456 2026] [ssl:error] x", "[ssl:error] x"),
        ("Sun Nov 22 17:30:01 2026 : Auth: x", ": Auth: x"),
        ("[22-Nov-2026 17:30:01 UTC] PHP Warning:  x", "PHP Warning:  x"),
        ("[22-Nov-2026 17:30:01 Europe/Luxembourg] PHP x", "PHP x"),
        ("22-Nov-2026 17:30:01.123 client x", "client x"),
        ("1406:M 22 Nov 2026 17:30:01.123 * Saving", "* Saving"),
        ("1795368601.456      0 x TCP_DENIED/407", "     0 x TCP_DENIED/407"),
        ("[Nov 22 17:30:01] NOTICE[6102]: x", "NOTICE[6102]: x"),
    ],
)
def test_a_time_at_the_beginning_is_read_and_cut(text: str, rest: str) -> None:
    times, rests = find_times(pl.Series([text]), READ_ON)
    assert times[0].replace(microsecond=0) == datetime(2026, 11, 22, 17, 30, 1, tzinfo=UTC)
    assert rests[0] == rest


@pytest.mark.parametrize(
    "text",
    [
        'x - - [22/Nov/2026:18:30:01 +0100] "GET / HTTP/1.1" 200 5',
        "level=info time=2026-11-22T17:30:01Z msg=x",
        "type=USER_LOGIN msg=audit(1795368601.123:4567): x",
    ],
)
def test_a_time_soon_behind_is_read_and_stays(text: str) -> None:
    times, rests = find_times(pl.Series([text]), READ_ON)
    assert times[0].replace(microsecond=0) == datetime(2026, 11, 22, 17, 30, 1, tzinfo=UTC)
    assert rests[0] == text


@pytest.mark.parametrize(
    "text",
    ["no time at all", "certificate expires 2031-01-01 00:00:00", "4711 1795368601 widgets", ""],
)
def test_what_is_no_time_of_the_line_is_none(text: str) -> None:
    times, rests = find_times(pl.Series([text]), READ_ON)
    assert (times[0], rests[0]) == (None, text)


def test_words_behind_a_time_of_an_application_are_no_host() -> None:
    raw = (
        "2026-11-22 17:30:01 anna.mueller/203.0.113.8:51820 MULTI_sva: pool returned\n"
        "2026-11-22 17:30:02 user bquintus logged in\n"
        "2026-11-22T17:30:03Z srv1 sshd[5]: Invalid user cfaber from 203.0.113.9 port 1\n"
    )
    first, second, third = rows_of(process(raw.encode(), "syslog"))
    assert (first["host"], second["host"], third["host"]) == (None, None, "srv1")
    for name in ("anna.mueller", "bquintus", "cfaber", "203.0.113"):
        assert name not in str([first, second, third])
    assert {row["time"].day for row in (first, second, third)} == {22}


def test_lines_of_w3c_without_a_date_take_that_of_the_directive_over_stretches_too() -> None:
    from lethe.pseudonymisation.batch import Batches
    from lethe.pseudonymisation.outcome import Stretch

    from tests.pseudonymisation.kit import plan_for

    head = b"#Date: 2026-11-22 06:00:00\n#Fields: time c-ip sc-status\n"
    batches = Batches(plan_for("w3c"))
    carried = batches.format.carry(head, b"")
    (row,) = rows_of(batches.process(Stretch(b"06:00:09 203.0.113.9 200\n", carried=carried)))
    assert row["time"] == datetime(2026, 11, 22, 6, 0, 9, tzinfo=UTC)
