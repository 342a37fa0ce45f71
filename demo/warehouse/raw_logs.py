"""Invented raw logs of one day: a web server, a proxy that writes JSON, a door knocked at."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

LINES = 6_000
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)
_PAGES = ("/", "/fr/", "/en/pricing", "/support", "/blog/backup", "/static/app.css", "/login")
_STATUSES = (200, 200, 200, 200, 302, 304, 404, 500)


def write_raw_logs(folder: Path, day: date) -> list[Path]:
    """Write the raw logs of a day; the same day gives the same lines.

    Returns  the files
    """
    folder.mkdir(parents=True, exist_ok=True)
    choose = random.Random(day.toordinal())
    stem = f"{day:%Y%m%d}"
    web, proxy, door = (
        folder / f"access.log-{stem}.gz",
        folder / f"proxy.log-{stem}",
        folder / f"auth.log-{stem}",
    )
    with gzip.open(web, "wt", encoding="utf-8") as file:
        file.writelines(_combined(choose, day))
    proxy.write_text("".join(_json(choose, day)), encoding="utf-8")
    door.write_text("".join(_syslog(choose, day)), encoding="utf-8")
    return [web, proxy, door]


def _moments(day: date, count: int) -> Iterator[datetime]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for number in range(count):
        yield midnight + timedelta(seconds=number * 86_400 / count)


def _address(choose: random.Random) -> str:
    number = int(choose.paretovariate(0.8)) % 900
    if number % 5 == 0:
        return f"2001:db8:{number:x}::{number % 7 + 1:x}"
    return f"198.51.{number % 250}.{number * 7 % 250 + 1}"


def _target(choose: random.Random) -> str:
    kind = choose.random()
    if kind < 0.1:
        return f"/customer/{choose.randint(1, 400)}?page=2&lang=fr"
    if kind < 0.16:
        return f"/login?mail=visitor{choose.randint(1, 300)}%40mail.example&lang=fr"
    if kind < 0.2:
        return f"/reset?token={choose.getrandbits(128):032x}"
    return choose.choice(_PAGES)


def _combined(choose: random.Random, day: date) -> Iterator[str]:
    for moment in _moments(day, LINES):
        user = f"visitor{choose.randint(1, 300)}" if choose.random() < 0.1 else "-"
        line = (
            f'{_address(choose)} - {user} [{moment:%d/%b/%Y:%H:%M:%S +0000}] "GET'
            f' {_target(choose)} HTTP/1.1" {choose.choice(_STATUSES)} {choose.randint(100, 9_000)}'
            f' "https://www.company.example/" "{choose.choice(_AGENTS)}"\n'
        )
        yield line[: choose.randint(5, 60)] + "\n" if choose.random() < 0.002 else line


def _json(choose: random.Random, day: date) -> Iterator[str]:
    for moment in _moments(day, LINES // 4):
        request = {
            "remote_ip": _address(choose),
            "method": "GET",
            "host": "www.company.example",
            "uri": _target(choose),
            "headers": {"User-Agent": [choose.choice(_AGENTS)]},
        }
        entry = {
            "level": "info",
            "ts": moment.timestamp(),
            "logger": "http.log.access",
            "msg": "handled request",
            "request": request,
            "status": choose.choice(_STATUSES),
            "size": choose.randint(100, 9_000),
        }
        yield json.dumps(entry) + "\n"


def _syslog(choose: random.Random, day: date) -> Iterator[str]:
    for moment in _moments(day, LINES // 10):
        visitor, address = f"visitor{choose.randint(1, 300)}", _address(choose)
        knocks = (
            f"Invalid user {visitor} from {address} port 40221",
            f"Failed password for {visitor} from {address} port 50222 ssh2",
            f"Connection closed by {address} port 50222 [preauth]",
        )
        number = choose.randint(1000, 1020)
        yield f"{moment:%b %d %H:%M:%S} gate sshd[{number}]: {choose.choice(knocks)}\n"
