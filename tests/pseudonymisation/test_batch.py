"""A stretch of raw log becomes rows and set-aside lines, and every line is one of them."""

from __future__ import annotations

import datetime as dt
import re

import pyarrow as pa
import pytest
from lethe.errors import UsageError
from lethe.pseudonymisation.batch import Batches
from lethe.pseudonymisation.logplan import Kind, Method
from lethe.pseudonymisation.outcome import Stretch
from lethe.pseudonymisation.quarantine import unseal
from lethe.pseudonymisation.spark import map_in_arrow

from tests.pseudonymisation.kit import (
    QUARANTINE_KEY,
    SECRETS,
    combined_line,
    plan_for,
    process,
    rows_of,
)


def test_a_combined_line_is_pseudonymised_field_by_field() -> None:
    line = combined_line(
        user="ann",
        url="/customer/1234/orders?page=2&email=ann%40example.com#top",
        referrer="https://shop.example/find?q=ann&page=3#frag",
        agent="Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML,"
        " like Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
    )
    done = process(
        line.encode(),
        "combined",
        query_allow=frozenset({"page"}),
        path_templates=("/customer/{id}",),
        truncate_time="hour",
    )
    (row,) = rows_of(done)
    assert row["line"] == 1
    assert row["path"] == "/customer/{id}/orders"
    assert row["query"] == "page=2"
    assert row["referrer"] == "https://shop.example/find?page=3"
    assert row["time"] == dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
    assert (row["method"], row["protocol"], row["status"], row["bytes"]) == (
        "GET", "HTTP/1.1", 200, 5,
    )  # fmt: skip
    assert (row["agent_family"], row["agent_major"], row["os_family"], row["device"]) == (
        "Mobile Safari", "17", "iOS", "mobile",
    )  # fmt: skip
    assert row["bot"] is False
    assert row["user"].startswith("user_")
    assert ":" in row["ip"]
    assert list(done.days) == ["2026-11-22"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('2001:db8::5 - - [22/Nov/2026:10:00:00 +0100] "GET /a HTTP/2.0" 304 - "-" "-"', {}),
        (
            'www.shop.lu:443 192.0.2.7 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-"'
            ' "x"',
            {"vhost": "www.shop.lu:443"},
        ),
        (
            '192.0.2.1 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "x"'
            ' "203.0.113.9, 10.0.0.1"',
            {"chain": 2},
        ),
        (
            '203.0.113.9, 10.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "x"',
            {"chain": 2},
        ),
        (
            '"203.0.113.9, unknown" 10.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200'
            ' 5 "-" "x"',
            {"chain": 2},
        ),
        (
            r'192.0.2.1 - john doe [22/Nov/2026:10:00:00 +0000] "GET /\"q\" HTTP/1.1" 200 5 "-"'
            r' "a \"b\" c"',
            {},
        ),
        ('192.0.2.1 - - [22/Nov/2026:10:00:00 +0000] "-" 408 - "-" "-"', {"path": "-"}),
        (r'192.0.2.1 - - [22/Nov/2026:10:00:00 +0000] "\x16\x03\x01" 400 0 "-" "-"', {}),
        ('host.example.com - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"', {}),
        (
            '192.0.2.1 - - [22/Nov/2026:10:00:00 +0000] "GET /a b c HTTP/1.1" 200 5 "-" "-"',
            {"path": "/a b c"},
        ),
        (
            '192.0.2.1 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "x" 0.12'
            " upstream=10.0.0.9:80",
            {"message": True},
        ),
    ],
)
def test_variations_of_the_combined_format_are_read(line: str, expected: dict[str, object]) -> None:
    done = process(line.encode() + b"\n", "combined")
    (row,) = rows_of(done)
    assert done.reasons == {}
    for value in ("192.0.2.", "203.0.113.", "10.0.0.", "host.example", "2001:db8", "john", "doe"):
        assert value not in str(row)
    if "chain" in expected:
        assert len(row["forwarded"].split(", ")) == expected["chain"]
    if "vhost" in expected:
        assert row["vhost"] == expected["vhost"]
    if "path" in expected:
        assert row["path"] == expected["path"]
    if "message" in expected:
        assert "upstream=ip_" in row["message"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\n", "empty"),
        (b"\r\n", "empty"),
        (b"garbage of a kind\n", "format-mismatch"),
        (combined_line().encode()[:30] + b"\n", "truncated"),
        (combined_line().encode()[:-4] + b"\n", "truncated"),
        (combined_line(time="31/Feb/2026:10:00:00 +0000").encode(), "truncated"),
        (combined_line(time="22/Nov/2026 10:00").encode(), "time-unreadable"),
        (combined_line(time="22/Nov/2016:10:00:00 +0000").encode(), "no-key-for-period"),
    ],
)
def test_a_line_that_cannot_be_read_is_set_aside_with_its_reason(line: bytes, reason: str) -> None:
    good = combined_line().encode()
    done = process(good + line + good, "combined")
    assert (done.lines, done.rows, done.reasons) == (3, 2, {reason: 1})
    assert done.reason_octets == {reason: len(line)}
    kept = [] if reason == "empty" else [(2, len(good), reason, line)]
    assert [(q.line, q.offset, q.reason, q.raw) for q in done.quarantined] == kept


def test_a_line_whose_key_is_destroyed_is_destroyed_and_counted() -> None:
    secrets = {period: secret for period, secret in SECRETS.items() if period != "2015-05"}
    late = combined_line(time="17/May/2015:10:00:00 +0000")
    done = process(
        (late + combined_line()).encode(),
        "combined",
        secrets=secrets,
        destroyed=frozenset({"2015-05"}),
    )
    assert (done.rows, done.reasons, done.quarantined) == (1, {"key-destroyed": 1}, [])


def test_lines_of_two_months_get_the_pseudonyms_of_their_own_month() -> None:
    may = combined_line(time="17/May/2015:10:00:00 +0000", user="ann")
    november = combined_line(user="ann")
    first, second, third = rows_of(process((may + november + may).encode(), "combined"))
    assert first["ip"] == third["ip"] != second["ip"]
    assert first["user"] == third["user"] != second["user"]
    assert [first["line"], second["line"], third["line"]] == [1, 2, 3]


def test_bytes_that_are_no_text_are_escaped_and_never_lost() -> None:
    line = combined_line(url="/a{}").encode().replace(b"{}", b"\x00\xff\x1b\x7f\xe9\xc3\xa9")
    (row,) = rows_of(process(line.replace(b"\n", b"\r\n"), "combined"))
    assert row["path"] == r"/a\x00\xff\x1b\x7f\xe9é"


def test_what_the_parser_fails_on_is_set_aside_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = Batches(plan_for("combined"))
    usual = batches._fields.apply

    def fails(period, secret, columns):  # type: ignore[no-untyped-def]
        if (columns["url"] == "/poison").any():
            raise ZeroDivisionError
        return usual(period, secret, columns)

    monkeypatch.setattr(batches._fields, "apply", fails)
    lines = [combined_line(url=f"/{n}") for n in range(50)]
    lines[33] = combined_line(url="/poison")
    done = batches.process(Stretch("".join(lines).encode(), first_line=100, offset=1000))
    done.check()
    assert (done.lines, done.rows, done.reasons) == (50, 49, {"failed-ZeroDivisionError": 1})
    assert done.quarantined[0].line == 133
    assert done.quarantined[0].offset == 1000 + sum(map(len, lines[:33]))
    assert [row["line"] for row in rows_of(done)] == [n for n in range(100, 150) if n != 133]


@pytest.mark.parametrize("every", [1, 300])
def test_where_the_parser_fails_on_very_many_lines_it_is_not_asked_once_a_line(
    monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    batches = Batches(plan_for("combined"))
    usual, asked = batches._process, []

    def fails(stretch, lines):  # type: ignore[no-untyped-def]
        asked.append(len(lines))
        if b"/poison" in bytes(stretch.raw):
            raise ZeroDivisionError
        return usual(stretch, lines)

    monkeypatch.setattr(batches, "_process", fails)
    lines = [combined_line(url=f"/{n}" if n % every else "/poison") for n in range(30_000)]
    done = batches.process(Stretch("".join(lines).encode(), first_line=7))
    done.check()
    assert len(asked) <= 1024
    assert done.lines == done.rows + done.reasons["failed-ZeroDivisionError"] == 30_000
    assert len(done.quarantined) == done.reasons["failed-ZeroDivisionError"]
    # Of a hundred that fail each takes few others along.
    assert done.rows >= (every > 1) * 20_000
    numbers = [row["line"] for row in rows_of(done)] + [q.line for q in done.quarantined]
    assert sorted(numbers) == list(range(7, 30_007))


@pytest.mark.parametrize(
    ("method", "distinct"), [(Method.DETERMINISTIC, 1), (Method.PREFIX, 1), (Method.ND, 5)]
)
def test_each_method_for_addresses_links_as_much_as_it_says(method: Method, distinct: int) -> None:
    raw = (combined_line() * 5).encode()
    rows = rows_of(process(raw, "combined", methods={"ip": method}))
    assert len({row["ip"] for row in rows}) == distinct


def test_the_same_value_in_two_fields_cannot_be_linked() -> None:
    raw = combined_line(
        user="ann", url="/of/192.0.2.1/user/ann@example.com", referrer="http://192.0.2.1/x"
    )
    raw = raw.rstrip("\n") + ' "192.0.2.1"\n' + combined_line(user="ann@example.com")
    first, second = rows_of(process(raw.encode(), "combined"))
    written = [first["ip"], first["forwarded"], first["path"], first["referrer"]]
    addresses = [re.findall(r"(?:[0-9a-f]+:){7}[0-9a-f]+", text) for text in written]
    assert [len(found) for found in addresses] == [1] * 4
    assert len({found[0] for found in addresses}) == 4
    assert second["ip"] == first["ip"]
    assert second["user"].startswith("email_")
    assert second["user"] not in first["path"]


def test_fields_of_one_domain_can_be_linked() -> None:
    raw = combined_line().rstrip("\n").encode() + b' "192.0.2.1"\n'
    (row,) = rows_of(process(raw, "combined", domains={"forwarded": "ip"}))
    assert row["ip"] == row["forwarded"]


def test_an_address_of_mail_has_one_pseudonym_in_a_field_however_it_is_written() -> None:
    lines = combined_line(user="ann%40example.com") + combined_line(user="Ann@Example.com")
    one, other = rows_of(process(lines.encode(), "combined"))
    assert one["user"] == other["user"]
    assert one["user"].startswith("email_")


def test_spark_and_the_local_engine_make_the_same_of_a_line() -> None:
    lines = [combined_line(ip=f"192.0.2.{n}", user="ann") for n in range(20)] + ["rubbish\n"]
    plan = plan_for("combined")
    batch = pa.record_batch({"value": [line.rstrip("\n") for line in lines]})
    made = pa.Table.from_batches(list(map_in_arrow(plan)(iter([batch]))))
    written = made.filter(pa.compute.is_null(made["reason"]))
    here = rows_of(process("".join(lines).encode(), "combined"))
    assert [{k: row[k] for k in here[0]} for row in written.to_pylist()] == here
    (aside,) = made.filter(pa.compute.is_valid(made["reason"])).to_pylist()
    assert unseal(QUARANTINE_KEY, aside["sealed"]) == b"rubbish\n"


def test_a_plan_that_cannot_work_says_everything_that_is_wrong_with_it() -> None:
    faults = plan_for(
        "combined",
        methods={"status": Method.PREFIX},
        truncate_time="week",
        query_others="guess",
        quarantine_key=b"short",
        pattern="x",
        undated_period="1999-01",
    ).faults()
    assert len(faults) == 6


def test_two_user_agents_of_a_line_have_columns_of_their_own() -> None:
    lines = b'{"agent": "curl/8.5.0", "app": "Lynx/2.8.9"}\n{"app": "curl/7.1"}\n'
    done = process(
        lines,
        "json",
        field_map={"agent": "agent", "app": "app"},
        kinds={"app": Kind.AGENT},
        methods={"app": Method.REDUCE, "agent": Method.REDUCE},
    )
    first, second = rows_of(done)
    assert (first["agent_family"], first["app_family"]) == ("curl", "Lynx")
    assert {"os_family", "device", "bot", "app_os_family", "app_device", "app_bot"} <= set(first)
    assert (second["agent_family"], second["app_family"]) == (None, "curl")


def test_a_field_named_like_a_column_of_ours_is_refused() -> None:
    with pytest.raises(UsageError, match="two fields would be the column line of the output"):
        process(b"a 1\n", "pattern", pattern="^(?P<line>.*)$")
