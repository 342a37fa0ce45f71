"""Invented lines of a web server's log, and the plan under which they are pseudonymised."""

from __future__ import annotations

import gzip
import ipaddress
import random
from collections.abc import Iterator
from pathlib import Path

from lethe.pseudonymisation.logplan import LogPlan, Method

ADDRESSES = 40_000
DAYS = ("21/Nov/2026", "22/Nov/2026")
ALLOWED = frozenset({"page", "lang", "sort"})
TEMPLATES = ("/customer/{id}", "/customer/{id}/orders/{order}")
_AGENTS = [
    f"Mozilla/5.0 ({platform}) {engine}"
    for platform in (
        "Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Macintosh; Intel Mac OS X 10_15_7",
        "Linux; Android 14; SM-S918B", "iPhone; CPU iPhone OS 17_1 like Mac OS X",
        "X11; Ubuntu; Linux x86_64", "Windows NT 6.1; WOW64",
    )
    for version in range(90, 131)
    for engine in (
        f"AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36",
        f"Gecko/20100101 Firefox/{version}.0",
    )
] + [f"Mozilla/5.0 (compatible; Googlebot/2.{n}; +http://www.google.com/bot.html)"
     for n in range(9)]  # fmt: skip
_PAGES = [f"/{room}/{page}" for room in ("blog", "docs", "shop", "static/img", "help")
          for page in ("index.html", "about", "install-guide.html", "logo.png", "style.css",
                       "how-to-begin", "contact", "app.js", "faq", "terms")]  # fmt: skip
_STATUSES = [200] * 12 + [304, 304, 301, 404, 500]


def plan(method: Method = Method.DETERMINISTIC) -> LogPlan:
    """All field methods on."""
    return LogPlan(
        format="combined",
        secrets={"2026-11": bytes(range(32))},
        undated_period="2026-11",
        quarantine_key=bytes(32),
        methods={"ip": method},
        text_address=method,
        query_allow=ALLOWED,
        path_templates=TEMPLATES,
        truncate_time="minute",
    )


def write_log(path: Path, lines: int, seed: int = 7) -> Path:
    """Write lines of the combined format, gzipped; every thousandth is malformed."""
    with gzip.open(path, "wt", compresslevel=6, encoding="ascii", newline="\n") as file:
        file.writelines(make_lines(random.Random(seed), lines))
    return path


def make_lines(choose: random.Random, lines: int) -> Iterator[str]:
    """Invent lines, one after the other."""
    addresses = [_address(choose) for _ in range(ADDRESSES)]
    weights = [1 / (rank + 1) ** 0.9 for rank in range(ADDRESSES)]
    for start in range(0, lines, 50_000):
        count = min(50_000, lines - start)
        visitors = choose.choices(addresses, weights, k=count)
        for number, visitor in enumerate(visitors):
            yield _line(choose, visitor, (start + number) / lines)


def _address(choose: random.Random) -> str:
    if choose.random() < 0.2:
        return str(ipaddress.IPv6Address(0x2001 << 112 | choose.getrandbits(100)))
    return ".".join(str(choose.randint(1, 254)) for _ in range(4))


def _line(choose: random.Random, address: str, share: float) -> str:
    second = int(share * 2 * 86_400)
    day = DAYS[second // 86_400]
    clock = f"{second % 86_400 // 3600:02d}:{second % 3600 // 60:02d}:{second % 60:02d}"
    user = f"user{choose.randint(1, 5000)}" if choose.random() < 0.1 else "-"
    referrer = "-" if choose.random() < 0.5 else f"https://www.example.com{_target(choose)}"
    line = (
        f'{address} - {user} [{day}:{clock} +0000] "GET {_target(choose)} HTTP/1.1"'
        f" {choose.choice(_STATUSES)} {choose.randint(100, 90_000)}"
        f' "{referrer}" "{choose.choice(_AGENTS)}"\n'
    )
    return line[: choose.randint(5, 90)] + "\n" if choose.random() < 0.001 else line


def _target(choose: random.Random) -> str:
    kind = choose.random()
    if kind < 0.12:
        return f"/customer/{choose.randint(1, 99_999)}/orders/{choose.randint(1, 999_999)}?page=2"
    page = choose.choice(_PAGES)
    if kind < 0.20:
        return f"{page}?email=user{choose.randint(1, 50_000)}%40example{choose.randint(1, 9)}.com"
    if kind < 0.28:
        return f"{page}?page={choose.randint(1, 9)}&token={choose.getrandbits(128):032x}"
    if kind < 0.31:
        return f"/profile/user{choose.randint(1, 50_000)}@example.org/edit"
    return f"{page}?lang=fr&sort=asc" if kind < 0.5 else page
