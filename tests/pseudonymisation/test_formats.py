"""Every format is read, and an unknown one is detected or refused, never guessed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lethe.errors import UsageError
from lethe.pseudonymisation.batch import Batches
from lethe.pseudonymisation.formats import detect_format
from lethe.pseudonymisation.formats.times import read_times
from lethe.pseudonymisation.logplan import Kind
from lethe.pseudonymisation.outcome import Stretch

from tests.pseudonymisation.kit import combined_line, plan_for, process, rows_of


@pytest.mark.parametrize(
    ("file", "name", "quarantined"),
    [
        ("apache_combined_elastic.log", "combined", 1),
        ("lnav_caddy_json.log", "json", 0),
        ("lnav_haproxy.log", "haproxy", 0),
        ("lnav_w3c_iis_big.log", "w3c", 0),
    ],
)
def test_each_real_log_is_detected_and_read(
    shared_data: Path, file: str, name: str, quarantined: int
) -> None:
    raw = (shared_data / "logs" / file).read_bytes()
    assert detect_format(raw[: raw.rfind(b"\n", 0, 300_000) + 1], plan_for("syslog")).chosen == name
    done = process(raw, name, read_on=date(2019, 3, 1))
    assert done.lines == len(raw.splitlines())
    assert sum(done.reasons.values()) == quarantined


def test_of_an_unknown_format_none_is_chosen_and_the_report_says_what_each_read() -> None:
    found = detect_format(b"a,b,c\n1,2,3\n", plan_for("syslog"))
    assert found.chosen is None
    assert str(found).startswith("none (of 2 lines: json 0.0%")


CADDY = {
    "level": "info", "ts": 1795341600.25, "logger": "http.log.access", "msg": "handled request",
    "request": {
        "remote_ip": "192.0.2.1", "client_ip": "203.0.113.9", "proto": "HTTP/2.0", "method": "GET",
        "host": "shop.example", "uri": "/a?email=ann%40example.com&page=2",
        "headers": {"User-Agent": ["curl/8.1"], "Referer": ["https://x.example/?q=ann"],
                    "Cookie": ["sid=1"]},
    },
    "user_id": "ann", "status": 200, "size": 188, "duration": 0.0125,
}  # fmt: skip
TRAEFIK = {
    "ClientAddr": "203.0.113.9:51000", "ClientHost": "203.0.113.9", "ClientUsername": "ann",
    "DownstreamStatus": 200, "DownstreamContentSize": 188, "RequestMethod": "GET",
    "RequestPath": "/a?email=ann%40example.com&page=2", "RequestProtocol": "HTTP/2.0",
    "StartUTC": "2026-11-22T10:00:00.25Z", "request_User-Agent": "curl/8.1", "level": "info",
}  # fmt: skip
CLOUDFLARE = {
    "ClientIP": "203.0.113.9", "ClientRequestHost": "shop.example", "ClientRequestMethod": "GET",
    "ClientRequestURI": "/a?email=ann%40example.com&page=2", "EdgeResponseStatus": 200,
    "EdgeResponseBytes": 188, "EdgeStartTimestamp": "2026-11-22T10:00:00Z", "RayID": "abc",
    "ClientRequestUserAgent": "curl/8.1",
}  # fmt: skip
GCP = {
    "timestamp": "2026-11-22T10:00:00.250000000Z", "severity": "INFO", "logName": "x",
    "httpRequest": {
        "requestMethod": "GET", "status": 200, "responseSize": "188", "userAgent": "curl/8.1",
        "requestUrl": "https://shop.example/a?email=ann%40example.com&page=2",
        "remoteIp": "203.0.113.9", "protocol": "HTTP/2.0",
    },
}  # fmt: skip
NGINX = {
    "time_iso8601": "2026-11-22T11:00:00+01:00", "remote_addr": "203.0.113.9",
    "remote_user": "ann", "request": "GET /a?email=ann%40example.com&page=2 HTTP/2.0",
    "status": "200", "body_bytes_sent": "188", "http_user_agent": "curl/8.1",
}  # fmt: skip


@pytest.mark.parametrize(
    "entry", [CADDY, TRAEFIK, CLOUDFLARE, GCP, NGINX],
    ids=["caddy", "traefik", "cloudflare", "gcp", "nginx"],
)  # fmt: skip
def test_json_of_the_usual_servers_is_read_without_a_map(entry: dict[str, Any]) -> None:
    done = process((json.dumps(entry) + "\n").encode(), "json", query_allow=frozenset({"page"}))
    (row,) = rows_of(done)
    assert row["path"].endswith("/a")
    assert (row["query"], row["status"], row["bytes"], row["method"]) == ("page=2", 200, 188, "GET")
    assert row["agent_family"] == "curl"
    assert row["time"].isoformat()[:19] == "2026-11-22T10:00:00"
    assert row["ip"]
    for value in ("ann", "203.0.113", "192.0.2"):
        assert value not in str(row)


def test_json_follows_the_map_of_the_policy_and_leaves_out_what_it_does_not_name() -> None:
    entry = {"at": 1795341600, "who": {"ips": ["192.0.2.1", "x"]}, "secret": "ann", "n": 5}
    done = process(
        (json.dumps(entry) + "\n").encode(),
        "json",
        field_map={"time": "at", "ip": "who.ips.0", "count": "n"},
        kinds={"count": Kind.TEXT},
    )
    (row,) = rows_of(done)
    assert set(row) == {"line", "time", "ip", "count"}
    assert row["count"] == "5"


def test_json_of_unexpected_types_and_broken_lines_is_read_line_by_line() -> None:
    entries = [
        CADDY,
        {**CADDY, "request": "odd"},
        {**CADDY, "status": "200"},
        {**CADDY, "size": {}},
    ]
    raw = "".join(json.dumps(entry) + "\n" for entry in entries)
    raw += '{"ts": 17953\n{"ts": "x"]}\nno json\n\n{"ts": "never", "status": 1, "msg": "m"}\n'
    done = process(raw.encode(), "json")
    assert done.rows == 4
    assert done.reasons == {
        "empty": 1, "truncated": 1, "malformed-json": 1, "format-mismatch": 1, "time-unreadable": 1,
    }  # fmt: skip
    assert [row["status"] for row in rows_of(done)] == [200] * 4


IIS = """#Software: Microsoft Internet Information Services 10.0
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query cs-username c-ip cs(User-Agent) sc-status
2026-11-22 10:00:00 10.0.0.1 GET /a page=2&u=ann ann 203.0.113.9 Mozilla/5.0+(Windows+NT+10.0) 200
2026-11-22 10:00:01 10.0.0.1 GET /a - - 203.0.113.9 - 200 extra
#Fields: date time c-ip cs-method cs-uri-stem sc-status X-Forwarded-For
2026-11-22 10:00:02 203.0.113.9 GET /b 404 198.51.100.1
"""


def test_w3c_follows_fields_that_change_in_the_middle_of_a_file() -> None:
    done = process(IIS.encode(), "w3c", query_allow=frozenset({"page"}))
    rows = rows_of(done)
    assert done.reasons == {"field-count": 1}
    assert [row["line"] for row in rows] == [1, 2, 3, 5, 6]
    assert rows[0]["message"].startswith("#Software")
    first, second = rows[2], rows[4]
    assert (first["path"], first["query"], first["status"]) == ("/a", "page=2", 200)
    assert (second["path"], second["status"]) == ("/b", 404)
    assert first["ip"] == second["ip"] != second["forwarded"]
    for value in ("203.0.113", "198.51.100", "ann", "10.0.0.1"):
        assert value not in str(rows)


BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("name", ["combined", "json", "w3c", "syslog"])
def test_a_byte_order_mark_before_the_first_line_is_no_part_of_it(name: str) -> None:
    raw = {
        "combined": (combined_line() + "\n") * 2,
        "json": (json.dumps(CLOUDFLARE) + "\n") * 2,
        "w3c": IIS[IIS.index("#Fields") :],
        "syslog": "Nov 22 10:00:00 web sshd[1]: Failed password for ann from 203.0.113.9\n" * 2,
    }[name].encode()
    plain, marked = process(raw, name), process(BYTE_ORDER_MARK + raw, name)
    assert rows_of(marked) == rows_of(plain)
    assert marked.reasons == plain.reasons
    assert sum(marked.reasons.values()) + len(rows_of(marked)) == raw.count(b"\n")
    plan = plan_for("syslog")
    assert detect_format(BYTE_ORDER_MARK + raw, plan) == detect_format(raw, plan)
    batches = Batches(plan_for(name))
    assert batches.format.carry(BYTE_ORDER_MARK + raw, b"") == batches.format.carry(raw, b"")


def test_the_fields_in_force_are_carried_from_one_stretch_to_the_next() -> None:
    batches = Batches(plan_for("w3c"))
    head, tail = IIS.encode()[:300], IIS.encode()[300:]
    cut = head.rfind(b"\n") + 1
    head, tail = IIS.encode()[:cut], IIS.encode()[cut:]
    carried = batches.format.carry(head, b"")
    assert carried.startswith(b"#Fields: date time s-ip")
    assert batches.process(Stretch(tail, carried=carried)).reasons == {"field-count": 1}
    assert batches.process(Stretch(tail)).reasons == {"no-fields-header": 1}
    assert batches.format.carry(b"no header here\n", carried) == carried


def test_fields_divided_by_tabs_are_read_as_cloudfront_writes_them() -> None:
    raw = (
        "#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)\n"
        "2026-11-22\t10:00:00\t203.0.113.9\tGET\t/a\t200\tMozilla/5.0%20(Windows%20NT%2010.0)\n"
    )
    row = rows_of(process(raw.encode(), "w3c"))[-1]
    assert (row["path"], row["status"], row["device"]) == ("/a", 200, "desktop")


def w3c_rows(raw: bytes) -> tuple[list[dict], dict[str, int]]:
    done = process(raw, "w3c")
    return [row for row in rows_of(done) if row["message"] is None], done.reasons


def test_a_tab_that_a_visitor_sends_sets_no_other_line_aside() -> None:
    head = "#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)\n"
    line = "2026-11-22 10:00:00 203.0.113.9 GET /a 200 Mozilla/5.0+(Windows+NT+10.0)\n"
    evil = line.replace("Mozilla", "evil\tagent")
    odd = line.replace("Mozilla", "\t\t\t\t\t\tMozilla")
    for raw in (line * 9 + evil + line * 9, evil + line * 9 + odd * 2, evil, odd):
        rows, reasons = w3c_rows((head + raw).encode())
        assert (len(rows), reasons) == (raw.count("\n"), {})
        assert {(row["path"], row["status"]) for row in rows} == {("/a", 200)}
    tabs = line.replace(" ", "\t")
    mixed = head + tabs * 5 + tabs.replace("Mozilla", "a b") + line + "one two\tthree\n"
    rows, reasons = w3c_rows(mixed.encode())
    assert (len(rows), reasons) == (7, {"field-count": 1})
    assert {(row["path"], row["status"]) for row in rows} == {("/a", 200)}


@pytest.mark.parametrize("odd", [b"caf\xe9", b"a\0b", b"\x7f", "é\u00a0".encode(), b"\xff\xfe"])
def test_fields_with_odd_bytes_in_their_names_rule_the_next_stretch_as_they_do_their_own(
    odd: bytes,
) -> None:
    batches = Batches(plan_for("w3c"))
    head = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status " + odd + b"\n"
    lines = b"2026-11-22 10:00:00 203.0.113.9 GET /a 200 x\n" * 3
    carried = batches.format.carry(head + lines, b"")
    together, apart = batches.process(Stretch(head + lines)), Stretch(lines, 5, 99, carried)
    assert (together.rows, together.reasons) == (4, {})
    done = batches.process(apart)
    assert (done.rows, done.reasons) == (3, {})


HAPROXY = (
    "Nov 22 10:00:00 lb1 haproxy[7]: 203.0.113.9:53332 [22/Nov/2026:10:00:00.143] http_in~ app/web1"
    ' 0/0/7/1457/1487 200 11394 - - ---- 2/1/0/0/0 0/0 {Mozilla/5.0 (Windows NT 10.0)|ann} {} "GET'
    ' /a?page=2&u=ann HTTP/1.1"\n'
    "Nov 22 10:00:01 lb1 haproxy[7]: 203.0.113.9:56224 [22/Nov/2026:10:00:01.111] http_in/tls: SSL"
    " handshake failure\n"
    "Nov 22 10:00:02 lb1 haproxy[7]: Proxy http_in started.\n"
    "what is this\n"
)


def test_haproxy_requests_and_messages_are_read() -> None:
    done = process(HAPROXY.encode(), "haproxy", query_allow=frozenset({"page"}))
    request, failure, started = rows_of(done)
    assert done.reasons == {"format-mismatch": 1}
    assert (request["path"], request["query"], request["status"], request["bytes"]) == (
        "/a", "page=2", 200, 11394,
    )  # fmt: skip
    assert request["device"] == "desktop"
    assert "SSL handshake failure" in failure["message"]
    assert started["message"] == "haproxy[7]: Proxy http_in started."
    assert "203.0.113" not in str([request, failure])


def test_syslog_takes_any_text_and_dates_it_where_it_can() -> None:
    raw = (
        "<38>Nov 22 10:00:00 web1 sshd[8]: Accepted password for ann from 203.0.113.9 port 5 ssh2\n"
        "2026-11-22T11:00:00.5+01:00 web1 sshd[8]: Disconnected from user ann 203.0.113.9 port 5\n"
        "a stray line of ann@example.com\n"
    )
    first, second, third = rows_of(process(raw.encode(), "syslog"))
    assert first["time"].isoformat() == "2026-11-22T10:00:00+00:00"
    assert second["time"].isoformat() == "2026-11-22T10:00:00.500000+00:00"
    assert third["time"] is None
    assert third["message"].startswith("a stray line of email_")
    assert first["program"] == "sshd"
    assert "ann" not in str([first["message"], second["message"]])


def test_a_pattern_of_the_policy_is_read_by_its_named_groups() -> None:
    pattern = r"^(?P<time>\S+) (?P<ip>\S+) (?P<user>\S+) \"(?P<request>[^\"]*)\" (?P<note>.*)$"
    raw = '2026-11-22T10:00:00Z 203.0.113.9 ann "GET /a HTTP/1.1" for ann@example.com\nodd\n'
    done = process(raw.encode(), "pattern", pattern=pattern)
    (row,) = rows_of(done)
    assert done.reasons == {"format-mismatch": 1}
    assert row["path"] == "/a"
    assert row["note"].startswith("for email_")


@pytest.mark.parametrize(
    ("pattern", "words"), [(r"(?P<a>x", "pattern"), (r"(\S+)", "named groups"), (r"(?=x)", "look")]
)
def test_a_pattern_that_cannot_work_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Batches(plan_for("pattern", pattern=pattern))


def test_an_unknown_format_is_refused_with_the_names_of_the_known_ones() -> None:
    with pytest.raises(UsageError, match="common, combined, json, w3c, haproxy, syslog, pattern"):
        Batches(plan_for("csv"))


def test_the_common_format_is_read_and_a_combined_line_is_none() -> None:
    common = combined_line().rsplit(' "-"', 1)[0] + "\n"
    done = process((common + combined_line()).encode(), "common")
    assert (done.rows, done.reasons) == (1, {"truncated": 1})


@pytest.mark.parametrize(
    ("text", "read_on", "expected"),
    [
        ("Nov 22 10:00:00", date(2026, 11, 23), "2026-11-22"),
        ("Nov 24 10:00:00", date(2026, 11, 23), "2026-11-24"),
        ("Dec 31 23:59:59", date(2027, 1, 1), "2026-12-31"),
        ("Jan  1 00:00:01", date(2026, 12, 30), "2026-01-01"),
        ("Feb 29 12:00:00", date(2027, 3, 1), "2024-02-29"),
    ],
)
def test_a_time_without_a_year_is_the_latest_that_has_happened(
    text: str, read_on: date, expected: str
) -> None:
    (time,) = read_times(pl.Series([text]), read_on)
    assert time.date().isoformat() == expected
