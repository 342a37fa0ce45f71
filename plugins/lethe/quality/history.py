"""What earlier runs counted: the reports, and how many rows a table usually has."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from lethe.include import home_folder
from lethe.policy.model import Policy
from lethe.quality.outcomes import GOOD, Outcome, Report, clause_line

NAME = "%Y%m%dT%H%M%S%f"
"""A run is named after the instant at which it began, in UTC."""
KEPT = 400
"""Reports that are kept, and nights of Data Docs a seventh of it."""
_TO_DEVIATIONS = 1.4826
_DISTANCE = 8.0


def quality_folder() -> Path:
    """Where everything that quality writes is."""
    return home_folder() / "quality"


def write_report(report: Report, name: str) -> Path:
    """Keep a report, and as the latest."""
    folder = quality_folder() / "history"
    folder.mkdir(parents=True, exist_ok=True)
    document = {"run": name, "asked_at": asked_at(name).isoformat(), **report.as_json()}
    path = folder / f"{name}.json"
    for target in (path, quality_folder() / "latest.json"):
        write_document(target, document)
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def add_outcomes(policy: Policy, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Put the outcomes of a later task of the same night beside those of its suites.

    now  a report that is older than a day is of another night, and stays as it is
    """
    newest = next(read_reports(1), None)
    if newest is None or newest.get("policy") != policy.policy.name:
        return
    if now - asked_at(newest["run"]) > timedelta(days=1):
        return
    keys = {each.key for each in outcomes}
    kept = [each for each in newest["expectations"] if each["expectation"] not in keys]
    found = [*kept, *(each.as_json() for each in outcomes)]
    bad = any(each["state"] not in GOOD for each in found)
    document = {
        **newest,
        "exit_code": int(bad),
        "states": dict(Counter(each["state"] for each in found)),
        "clauses": _clauses(policy, newest["clauses"], found),
        "expectations": found,
    }
    write_document(quality_folder() / "history" / f"{newest['run']}.json", document)
    write_document(quality_folder() / "latest.json", document)


def _clauses(
    policy: Policy, lines: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The lines of the clauses, counted anew."""
    known = {line["clause"] for line in lines} | {each["clause"] for each in found}
    return [
        clause_line(
            name, clause.section, [e["state"] for e in found if e["clause"] == name]
        ).as_json()
        for name, clause in policy.clauses.items()
        if name in known
    ]


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON file in one step: whoever reads it meanwhile sees the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    part.replace(path)


def asked_at(name: str) -> datetime:
    """When a run of that name began."""
    return datetime.strptime(name, NAME).replace(tzinfo=UTC)


def read_reports(nights: int) -> Iterator[Mapping[str, Any]]:
    """The latest reports, newest first."""
    folder = quality_folder() / "history"
    for path in sorted(folder.glob("*.json"), reverse=True)[:nights]:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            begun = asked_at(path.stem).isoformat()
        except (OSError, ValueError):
            continue
        yield {"run": path.stem, "asked_at": begun, **found}


def usual_volumes(policy: str, before: str, nights: int) -> dict[str, tuple[int, int | None]]:
    """How many rows each table may have, from the nights before a day; {} until there are enough.

    before  ISO date: of one day only the newest report counts, and only earlier days
    """
    counts: dict[str, list[int]] = {}
    days: set[str] = set()
    for report in read_reports(nights * 4):
        day = report.get("as_of", "")
        if report.get("policy") != policy or day >= before or day in days:
            continue
        days.add(day)
        seen: dict[str, int] = {}
        for each in report.get("expectations", ()):
            key = each["expectation"]
            if key.startswith("card.") and each["state"] in ("passed", "failed"):
                seen[key.removeprefix("card.")] = int(each["rows"])
        for table, rows in seen.items():
            counts.setdefault(table, []).append(rows)
        if len(days) == nights:
            break
    return {table: _likely(some) for table, some in counts.items() if len(some) >= nights}


def _likely(counts: list[int]) -> tuple[int, int | None]:
    """A wide band around the median: a tenth of it at least, for quiet tables."""
    usual = median(counts)
    spread = _TO_DEVIATIONS * median(abs(count - usual) for count in counts)
    width = max(_DISTANCE * spread, 0.1 * usual, 20.0)
    return max(0, int(usual - width)), int(usual + width) + 1
