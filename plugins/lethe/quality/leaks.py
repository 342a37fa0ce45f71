"""Look for personal values in our own outputs: task logs, Data Docs, reports, mails, evidence.

Two ways, so that one sees what the other misses: patterns (e-mail, card, IBAN), and the values that
stand in the warehouse at this moment. What is found is told by file, kind and number, never by
its value; what cannot be read is told by file and reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg2

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.include import home_folder
from lethe.policy.model import Policy
from lethe.quality.finding import Phrases, find_leaks
from lethe.quality.history import add_outcomes, quality_folder, write_document
from lethe.quality.leakreport import Leak, LeakReport, Unread, outcomes_of
from lethe.quality.metadata import read_metadata
from lethe.quality.sought import own_words, read_values
from lethe.quality.unpacking import Unpacking

OUTPUTS = ("quality", "reports", "evidence", "mail", "logs/tasks", "logs", "run", "airflow/logs")
"""Folders of LETHE_HOME that nothing personal may reach."""
SERVER_LOG = "postgres/server.log"
_NOT_OUTPUTS = ("logs/raw", "logs/pseudonymised", "logs/quarantine")
_ASSETS = frozenset(
    {".otf", ".eot", ".css", ".js", ".png", ".svg", ".woff", ".woff2", ".ttf", ".ico", ".map"}
)
_CLOSED = "may not be read"


def scan_outputs(site: Site, roots: Iterable[Path] | None = None) -> LeakReport:
    """Scan our own outputs for what stands in the warehouse.

    roots  files and folders; None: those of LETHE_HOME, and the result is kept for the reports
    """
    with site.connected("planner") as connection:
        try:
            acting_as(connection, "planner")
            sought = read_values(connection, site)
        except psycopg2.Error as error:
            raise WarehouseRefused(
                f"the values to look for could not be read: {describe_database_error(error)}",
                error.pgcode,
            ) from None
    policy = site.loaded.policy
    allowed = own_words(policy)
    wanted = Phrases(sought.values - allowed)
    report = replace(
        _scan(roots or output_roots(), wanted, allowed),
        in_part=sought.in_part,
        closed=sought.closed,
    )
    if roots is None:
        report = _with_metadata(report, wanted, allowed)
        _keep(report, policy)
    return report


def _keep(report: LeakReport, policy: Policy) -> None:
    """For the reports: the scan by itself, and its outcomes beside those of the suites."""
    now = datetime.now(UTC)
    write_document(
        quality_folder() / "leaks.json", {"scanned_at": now.isoformat(), **report.as_json()}
    )
    add_outcomes(policy, outcomes_of(report, policy), now)


def _with_metadata(report: LeakReport, wanted: Phrases, allowed: Collection[str]) -> LeakReport:
    """The same report, with what Airflow keeps of its tasks."""
    texts = read_metadata()
    if texts is None:
        return report
    found: Counter[tuple[str, str]] = Counter()
    cells = 0
    for place, text in texts:
        cells += 1
        for kind, number in find_leaks(text, wanted, allowed).items():
            found[place, kind] += number
    leaks = (Leak(place, kind, number) for (place, kind), number in found.items())
    return replace(report, leaks=tuple(sorted([*report.leaks, *leaks])), cells=cells)


def output_roots() -> list[Path]:
    """Every place below LETHE_HOME that we write to and nobody's data belong in."""
    home = home_folder()
    return [path for name in (*OUTPUTS, SERVER_LOG) if (path := home / name).exists()]


def scan_files(
    roots: Iterable[Path], values: Collection[str], allowed: Collection[str] = ()
) -> LeakReport:
    """Scan files byte by byte, in folders at any depth.

    values   normalised as by `read_values`
    allowed  texts that are no leak: contact addresses of the policy, for instance
    """
    return _scan(roots, Phrases(frozenset(values) - frozenset(allowed)), allowed)


def _scan(roots: Iterable[Path], wanted: Phrases, allowed: Collection[str]) -> LeakReport:
    leaks: list[Leak] = []
    unread: list[Unread] = []
    number = size = 0
    for path in _files(roots):
        number += 1
        name = _shown(path)
        in_name = find_leaks(_words_of(name), wanted, allowed)
        if in_name:
            name = str(Path(name).parent / "(a file whose name is personal)")
            leaks += (Leak(name, kind, count) for kind, count in sorted(in_name.items()))
        unpacking = Unpacking()
        found: Counter[str] = Counter()
        try:
            with path.open("rb") as file:
                size += path.stat().st_size
                for text, seen in unpacking.texts_of(path.name, file):
                    found += find_leaks(text, wanted, allowed)
                    # What the window before held already.
                    found -= find_leaks(seen, wanted, allowed) if seen else Counter()
        except OSError:
            unpacking.unread[_CLOSED] += 1
        leaks += (Leak(name, kind, count) for kind, count in sorted(found.items()))
        unread += (Unread(name, why, count) for why, count in sorted(unpacking.unread.items()))
    return LeakReport(number, size, len(wanted), tuple(sorted(leaks)), unread=tuple(sorted(unread)))


def _files(roots: Iterable[Path]) -> Iterator[Path]:
    home = home_folder()
    barred = [home / name for name in _NOT_OUTPUTS]
    seen: set[Path] = set()
    for root in roots:
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path in seen or not path.is_file() or path.suffix in _ASSETS:
                continue
            if any(folder in path.parents for folder in barred):
                continue
            seen.add(path)
            yield path


def _words_of(name: str) -> str:
    """A name as a text: what stands between its signs are words."""
    return f"{name} {name.replace('_', ' ').replace('-', ' ').replace('/', ' ')}"


def _shown(path: Path) -> str:
    home = home_folder()
    return str(path.relative_to(home)) if home in path.parents else path.name
