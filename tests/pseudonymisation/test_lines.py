"""Lines of a stretch are found and cut alike, whichever way is taken for them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lethe.pseudonymisation.formats import clf
from lethe.pseudonymisation.formats.clf import CommonLog
from lethe.pseudonymisation.formats.ordinary import read_ordinary
from lethe.pseudonymisation.formats.parsed import Parsed
from lethe.pseudonymisation.lines import Lines, split_lines, string_column

_WORDS = st.sampled_from(
    ["192.0.2.1", "2001:db8::1", "-", "anna", "a-name-that-is-longer-than-eight-bytes", "é", " ",
     "", '"', "\\", "[", "]", "GET", "/a b?c=d", "HTTP/1.1", "HTTP/2", "200", "5", "x" * 80, "\t",
     "\r", "[22/Nov/2026:10:00:00 +0000]", "22/Nov/2026:10:00:00 +0000", "-  -", " - "]
)  # fmt: skip
_REQUESTS = st.sampled_from(
    ["GET / HTTP/1.1", "GET /a b c HTTP/1.1", "-", "", "OPTIONS * HTTP/1.0", " GET / HTTP/1.1",
     "PROPFIND-LONG /x HTTP/1.1", "GET /x", "GET  HTTP/1.1", "HEAD /é HTTP/2.0", "GET / HTTP/2",
     "GET /\\\" HTTP/1.1", "A B C D EFGHIJKL", "GET /HTTP/1.1"]
)  # fmt: skip


@st.composite
def _lines(draw: st.DrawFn) -> bytes:
    ip, ident, user = draw(_WORDS), draw(st.sampled_from(["-", "-", "x", "", "- "])), draw(_WORDS)
    time = draw(st.sampled_from(["22/Nov/2026:10:00:00 +0000", "31/Feb/2026:10:00:00 +0000", ""]))
    status, size = (
        draw(st.sampled_from(["200", "999", "2x0", "2:0", "/00", "-", "20", "2001"])),
        draw(st.sampled_from(["5", "-", ""])),
    )
    line = f'{ip} {ident} {user} [{time}] "{draw(_REQUESTS)}" {status} {size}'
    if draw(st.booleans()):
        line += f' "{draw(_WORDS)}" "{draw(_WORDS)}"' + draw(st.sampled_from(["", ' "x, y"', " z"]))
    cut = draw(st.integers(0, 400))
    return line.encode()[:cut] + draw(st.sampled_from([b"\n", b"\n", b"\r\n", b"\n\n"]))


def _read(raw: bytes, *, combined: bool) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for answer in CommonLog(combined=combined).read(split_lines(raw)):
        rows = [{} for _ in answer.rows]
        for name, values in answer.columns.items():
            for row, value in zip(rows, values.to_list(), strict=True):
                # A column that is not there, and one without a value, say the same.
                if value is not None and not (name == "ident" and value == "-"):
                    row[name] = value
        found |= dict(zip(answer.rows.tolist(), rows, strict=True))
        for reason, lost in answer.rejected.items():
            found |= {row: {"rejected": reason} for row in lost.tolist()}
    return found


@settings(deadline=None, max_examples=300)
@given(st.lists(_lines(), min_size=1, max_size=8), st.booleans())
@example([b'1.1.1.1 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'], True)
@example([b'1.1.1.1 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "x\\" "-"\n'], True)
@example([b'1.1.1.1 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "a\\"\n'], True)
@example([b'1.1.1.1 - a b [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n'], True)
@example([b'1.1.1.1 - " [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5\n'], False)
def test_an_ordinary_line_reads_as_if_its_quotes_and_spaces_had_been_searched_for(
    lines: list[bytes], combined: bool
) -> None:
    raw = b"".join(lines)
    quick = _read(raw, combined=combined)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clf, "read_ordinary", lambda *_, **__: Parsed(np.empty(0, np.int64), {}))
        assert _read(raw, combined=combined) == quick
    assert sorted(quick) == list(range(len(split_lines(raw))))


def test_most_lines_of_a_log_are_ordinary() -> None:
    lines = split_lines(
        b'192.0.2.1 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "a b c"\n'
        b"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff - anna@example.org"
        b' [22/Nov/2026:10:00:00 +0000] "DELETE /a b HTTP/2.0" 200 5 "https://x/?q=a b" ""\n'
        b'192.0.2.1 - a b [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "a b c"\n'
    )
    found = read_ordinary(lines, np.arange(3), combined=True)
    assert found.rows.tolist() == [0, 1]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=12), st.sampled_from([3, 8, 1 << 17]))
def test_lines_are_found_whatever_bytes_they_hold_and_in_whatever_pieces(
    parts: list[bytes], piece: int
) -> None:
    raw = b"\n".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lethe.pseudonymisation.lines._PIECE", piece)
        lines = split_lines(raw)
        quotes = lines.places(34)[:-8].tolist()
    wanted = raw.split(b"\n")
    if wanted[-1] == b"":
        wanted.pop()
    assert [raw[a:b] for a, b in zip(lines.raw_starts, lines.raw_ends, strict=True)] == [
        raw[: sum(map(len, wanted[:n])) + n + len(w) + 1][sum(map(len, wanted[:n])) + n :]
        for n, w in enumerate(wanted)
    ]
    assert lines.whole(np.arange(len(lines))).to_list() == [_clean(each) for each in wanted]
    assert quotes == [at for at, octet in enumerate(lines.buffer.tobytes()) if octet == 34]
    rows = np.arange(len(lines))[::3]
    assert (
        lines.places(34, rows)[:-8].tolist()
        == [at for at in _inside(lines, rows.tolist()) if lines.buffer[at] == 34]
        or len(lines.places(34, rows)) == len(quotes) + 8
    )


def _clean(line: bytes) -> str:
    line = line.removesuffix(b"\r")
    text = line.decode("utf-8", "backslashreplace").encode()
    return re.sub(
        rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", lambda m: b"\\x%02x" % m[0][0], text
    ).decode()


def _inside(lines: Lines, rows: list[int]) -> list[int]:
    return [at for row in rows for at in range(lines.starts[row], lines.ends[row])]


@given(st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=20))
def test_a_column_holds_its_values_nothing_and_all(values: list[str | None]) -> None:
    octets = "".join(value or "" for value in values).encode()
    buffer = np.frombuffer(octets + b"\n" * 32, dtype=np.uint8)
    starts, ends, at = [], [], 0
    for value in values:
        if value is None:
            starts.append(1)
            ends.append(0)
            continue
        starts.append(at)
        at += len(value.encode())
        ends.append(at)
    made = string_column(buffer, np.array(starts, np.int64), np.array(ends, np.int64))
    assert made.to_list() == values
    assert made.dtype == pl.String
