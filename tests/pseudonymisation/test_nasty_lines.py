"""Nasty lines in every format, under the demo's own policy: what is personal goes, the rest stays.

Recall and precision by bytes: of what is marked in `nasty_lines.txt` nothing may be left, and what
looks personal and is not must be left.
"""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest
from lethe.policy.load import load_policy
from lethe.pseudonymisation.batch import Batches
from lethe.pseudonymisation.outcome import NOT_KEPT, Stretch
from lethe.pseudonymisation.plan import plan_source

PROJECT = Path(__file__).resolve().parents[2]
MARKED = re.compile("«([^»]*)»")
STAYS = {
    "combined": ("jquery-3.5.1.min.js", "app-10.0.19041.1", "10:20:30/12:34", "202611220001",
                 "com.google.android.gm", "/customer/{id}/x", "lang=fr", "Firefox"),
    "w3c": ("/a", "page=2", "Chrome", "https://x.example/"),
    "json": ("handled request", "x.example", "lang=fr", "curl"),
    "syslog": ("3.10.0-1160.el7 at 10:20:30 version 1.2.3", "postfix/smtp", "port 4242",
               "SHA256:abc", "COMMAND=/bin/ls"),
    "haproxy": ("page=1", "http-in/HTTP"),
}  # fmt: skip


def sections() -> dict[str, str]:
    text = Path(__file__).with_name("nasty_lines.txt").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("== "):
            name = line[3:]
        elif name:
            found.setdefault(name, []).append(line)
    return {name: "\n".join(lines) + "\n" for name, lines in found.items()}


def output_of(raw: bytes, name: str) -> tuple[str, int, int]:
    """What the engine leaves of some bytes as text; lines read, lines set aside."""
    loaded = load_policy(str(PROJECT / "include" / "policy" / "mentorsig.yaml"))
    logs = loaded.policy.logs
    assert logs is not None
    plan = plan_source(
        logs.sources["web-files"],
        name,
        undated_period="2026-11",
        undated_secret=b"s" * 32,
        quarantine_key=b"q" * 32,
    )
    done = Batches(plan, lambda period: period.encode().ljust(32, b"x")).process(Stretch(raw))
    done.check()
    rows = pa.concat_tables(done.days.values()).to_pylist() if done.days else []
    lost = sum(count for why, count in done.reasons.items() if why not in NOT_KEPT)
    return "\n".join("|".join(map(str, row.values())) for row in rows), done.lines, lost


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("name", sorted(STAYS))
def test_nothing_personal_is_left_and_nothing_else_is_lost(name: str, end: str) -> None:
    marked = sections()[name]
    raw = marked.replace("«", "").replace("»", "").replace("\n", end)
    text, lines, _ = output_of(raw.encode(), name)
    assert lines == marked.count("\n")
    left = [span for span in MARKED.findall(marked) if span in text]
    assert left == []
    assert [word for word in STAYS[name] if word not in text] == []


def test_a_byte_order_mark_nul_bytes_and_foreign_bytes_lose_no_line() -> None:
    marked = sections()["combined"]
    raw = marked.replace("«", "").replace("»", "").encode()
    odd = b"\xef\xbb\xbf" + raw.replace(b"/a HTTP", b"/a\x00z HTTP").replace(
        b"/x HTTP", b"/\xe9 HTTP"
    )
    text, lines, lost = output_of(odd, "combined")
    assert (lines, lost) == (marked.count("\n"), 0)
    assert [span for span in MARKED.findall(marked) if span in text] == []
