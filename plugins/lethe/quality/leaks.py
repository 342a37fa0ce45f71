"""Look for personal values in our own outputs: task logs, Data Docs, reports, mails, evidence.

Two ways, so that one sees what the other misses: patterns (e-mail, card, IBAN), and the values that
stand in the warehouse at this moment. What is found is told by file, kind and number, never by
its value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.bind import bind
from lethe.catalogue.probes import attempt, reading
from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.include import home_folder
from lethe.policy.model import Policy
from lethe.quality.finding import EMAIL, SHORTEST, find_leaks, is_telling, normal
from lethe.quality.history import quality_folder, write_document
from lethe.quality.metadata import read_metadata
from lethe.quality.unpacking import texts_of

OUTPUTS = ("quality", "reports", "evidence", "mail", "logs/tasks", "logs", "run", "airflow/logs")
"""Folders of LETHE_HOME that nothing personal may reach."""
SERVER_LOG = "postgres/server.log"
_NOT_OUTPUTS = ("logs/raw", "logs/pseudonymised", "logs/quarantine")
_CLASSES = frozenset({"name", "contact", "identifier", "credential", "payment", "critical"})
_MOST_VALUES = 20_000
_ASSETS = frozenset(
    {".otf", ".eot", ".css", ".js", ".png", ".svg", ".woff", ".woff2", ".ttf", ".ico", ".map"}
)


@dataclass(frozen=True, slots=True, order=True)
class Leak:
    """Something personal in a file; what it is stays unsaid."""

    file: str
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}: {self.number} × {self.kind}"


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What a scan found.

    values  how many values of the warehouse were looked for
    cells   how many values of Airflow's metadata were looked at; None: no connection leads there
    """

    files: int
    size: int
    values: int
    leaks: tuple[Leak, ...]
    cells: int | None = None

    @property
    def is_clean(self) -> bool:
        """Nothing was found."""
        return not self.leaks

    @property
    def says(self) -> str:
        """The result in words."""
        found = f"{len(self.leaks)} leaks" if self.leaks else "no leak"
        cells = (
            "Airflow's metadata was not looked at: define the connection lethe_metadata"
            if self.cells is None
            else f"and {self.cells:,} values of Airflow's metadata"
        )
        return (
            f"{found} in {self.files:,} files ({self.size / 1e6:.1f} MB), {cells}; looked for "
            f"{self.values:,} values of the warehouse and for patterns"
        )

    def as_json(self) -> dict[str, Any]:
        """The scan as a JSON document."""
        return {
            "clean": self.is_clean,
            "files": self.files,
            "bytes": self.size,
            "values": self.values,
            "cells": self.cells,
            "leaks": [
                {"file": leak.file, "kind": leak.kind, "number": leak.number} for leak in self.leaks
            ],
        }


def scan_outputs(site: Site, roots: Iterable[Path] | None = None) -> LeakReport:
    """Scan our own outputs for what stands in the warehouse.

    roots  files and folders; None: those of LETHE_HOME, and the result is kept for the reports
    """
    with site.connected("planner") as connection:
        try:
            acting_as(connection, "planner")
            values = read_values(connection, site)
        except psycopg2.Error as error:
            raise WarehouseRefused(
                f"the values to look for could not be read: {describe_database_error(error)}",
                error.pgcode,
            ) from None
    allowed = own_words(site.loaded.policy)
    report = scan_files(roots or output_roots(), values, allowed)
    if roots is None:
        report = _with_metadata(report, values, allowed)
        now = datetime.now(UTC).isoformat()
        write_document(quality_folder() / "leaks.json", {"scanned_at": now, **report.as_json()})
    return report


def _with_metadata(
    report: LeakReport, values: Collection[str], allowed: Collection[str]
) -> LeakReport:
    """The same report, with what Airflow keeps of its tasks."""
    texts = read_metadata()
    if texts is None:
        return report
    found: Counter[tuple[str, str]] = Counter()
    cells = 0
    wanted = frozenset(values) - frozenset(allowed)
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


def read_values(connection: extensions.connection, site: Site) -> frozenset[str]:
    """Values of personal columns that are long enough to be told from common words.

    They stay in this process. At most twenty thousand a column are taken.
    """
    bound = bind(connection, site.loaded)
    found: set[str] = set()
    with reading(connection) as cursor:
        for name, entry in site.loaded.policy.tables.items():
            table = bound.graph.catalogue.tables.get(name)
            for column, spec in entry.columns.items() if table is not None else ():
                known = table.columns.get(column) if table is not None else None
                if known is None or not known.is_text or spec.class_ not in _CLASSES:
                    continue
                select = sql.SQL("SELECT DISTINCT {0}::text FROM {1} WHERE {2} LIMIT {3}").format(
                    sql.Identifier(column.replace("%", "%%")),
                    name.identifier,
                    sql.SQL("length({}::text) >= %(least)s").format(
                        sql.Identifier(column.replace("%", "%%"))
                    ),
                    sql.Literal(_MOST_VALUES),
                )
                try:
                    with attempt(cursor):
                        cursor.execute(select, {"least": SHORTEST})
                        found.update(normal(row[0]) for row in cursor.fetchall())
                except psycopg2.Error:
                    continue
    return frozenset(value for value in found if is_telling(value))


def own_words(policy: Policy) -> frozenset[str]:
    """What may stand in a report: every text of the policy itself."""
    words: set[str] = set()

    def walk(part: Any) -> None:
        if isinstance(part, str):
            words.add(normal(part))
            words.update(match.lower() for match in EMAIL.findall(part))
        elif isinstance(part, dict):
            for key, value in part.items():
                walk(key)
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(policy.model_dump(mode="json", by_alias=True))
    return frozenset(words)


def scan_files(
    roots: Iterable[Path], values: Collection[str], allowed: Collection[str] = ()
) -> LeakReport:
    """Scan files byte by byte, in folders at any depth.

    values   normalised as by `read_values`
    allowed  texts that are no leak: contact addresses of the policy, for instance
    """
    leaks: list[Leak] = []
    number = size = 0
    wanted = frozenset(values) - frozenset(allowed)
    for path in _files(roots):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        number += 1
        size += len(data)
        found: Counter[str] = Counter()
        for text in texts_of(path.name, data):
            found += find_leaks(text, wanted, allowed)
        leaks += (Leak(_shown(path), kind, count) for kind, count in sorted(found.items()))
    return LeakReport(number, size, len(wanted), tuple(sorted(leaks)))


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


def _shown(path: Path) -> str:
    home = home_folder()
    return str(path.relative_to(home)) if home in path.parents else path.name
