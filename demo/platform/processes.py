"""Start and end the services of one installation, and nobody else's.

Every service, and with it every process it ever starts, carries the mark
`LETHE_PLATFORM=<home>` in its environment. What runs is read from `/proc` each time: there is
no pid file that a crash could leave behind, and a reused pid is never taken for ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.platform.home import Home

MARK = "LETHE_PLATFORM"
SERVICE = "LETHE_SERVICE"
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One running process of this installation."""

    pid: int
    service: str


def start(
    home: Home, service: str, command: Sequence[str], environment: Mapping[str, str], cwd: Path
) -> int:
    """Start a service in a session of its own; its words go to `logs/<service>.log`."""
    log = home.logs / f"{service}.log"
    if log.exists():
        log.replace(log.with_suffix(".log.old"))
    marked = {**environment, MARK: str(home.root), SERVICE: service}
    # setproctitle would overwrite the environment that the mark is read from.
    marked["SPT_NOENV"] = "1"
    with log.open("wb") as words:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env=marked,
            cwd=cwd,
            start_new_session=True,
            umask=0o077,
        ).pid


def running(home: Home) -> list[Process]:
    """Name every process that carries the mark of this home, whatever started it."""
    mark = f"{MARK}={home.root}".encode()
    own = _self_and_ancestors()
    found = []
    for folder in PROC.iterdir():
        if not folder.name.isdigit() or int(folder.name) in own:
            continue
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in variables:
            service = next((v for v in variables if v.startswith(f"{SERVICE}=".encode())), b"=?")
            found.append(Process(int(folder.name), service.decode().partition("=")[2]))
    return found


def services(home: Home) -> set[str]:
    """Name the services whose own process lives; orphans of a killed one do not count."""
    return {process.service for process in running(home) if _is_leader(process.pid)}


def stop(
    home: Home,
    only: Iterable[str] | None = None,
    grace_s: float = 15,
    hurry: Container[str] = frozenset(),
) -> list[str]:
    """End services (all by default): ask, wait, then kill; returns the names of those ended.

    The leaders are asked first, so that a scheduler can see its tasks off; whatever is left of
    the mark after the grace time is killed. Services to hurry lose nothing and get 2 s.
    """
    chosen = None if only is None else set(only)

    def ours() -> list[Process]:
        return [p for p in running(home) if chosen is None or p.service in chosen]

    first = ours()
    ended = sorted({process.service for process in first})
    seen = birth_marks(process.pid for process in first)
    _signal(_first_to_ask(ours()), signal.SIGTERM)
    asked_all = False
    begun = time.monotonic()
    deadline = begun + grace_s
    while left := ours():
        seen |= birth_marks(process.pid for process in left)
        now = time.monotonic()
        if now > begun + 2:
            _signal((p.pid for p in left if p.service in hurry), signal.SIGKILL)
        if now > deadline:
            _signal((p.pid for p in left), signal.SIGKILL)
        elif not asked_all and now > deadline - grace_s * 2 / 3:
            _signal((p.pid for p in left), signal.SIGTERM)
            asked_all = True
        time.sleep(0.1)
    wait_until_over(seen)
    return ended


def birth_marks(pids: Iterable[int]) -> set[tuple[int, str]]:
    """Pair each living process with the moment of its birth, which no later one can share."""
    marks = set()
    for pid in pids:
        try:
            facts = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if facts[0] not in "ZX":
            marks.add((pid, facts[19]))
    return marks


def wait_until_over(marks: set[tuple[int, str]], within_s: float = 10) -> None:
    """Wait for processes that are being taken apart: they have no environment left to show."""
    deadline = time.monotonic() + within_s
    while marks & birth_marks(pid for pid, _ in marks) and time.monotonic() < deadline:
        time.sleep(0.02)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _first_to_ask(found: list[Process]) -> list[int]:
    """Choose the leaders of sessions, and the orphans of leaders that are gone."""
    pids = {process.pid for process in found}
    return [pid for pid in pids if _is_leader(pid) or _session(pid) not in pids]


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def _is_leader(pid: int) -> bool:
    return _session(pid) == pid


def _self_and_ancestors() -> set[int]:
    own = set()
    pid = os.getpid()
    while pid > 1 and pid not in own:
        own.add(pid)
        try:
            status = (PROC / str(pid) / "stat").read_text()
        except OSError:
            break
        pid = int(status.rpartition(")")[2].split()[1])
    return own
