"""What reports and the console tell of quality: plain data from the files of earlier runs.

Nothing is scanned and no database is asked: a run leaves its figures under `LETHE_HOME/quality`,
which every process of an installation shares, for the Data Docs are files there too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from lethe.quality.history import quality_folder, read_reports
from lethe.quality.outcomes import WORST
from lethe.quality.pages import docs_index

_MOST_REPORTS = 400


@dataclass(frozen=True, slots=True)
class CheckLine:
    """The expectations of one clause, or of one suite, taken together.

    section         of the policy; '' for a suite
    state           the worst of its expectations
    critical        how many of the failed are critical
    failing         keys of what failed or could not be asked, critical first
    nights          runs of the period that knew the line, one a day
    nights_bad      those on which something failed or could not be asked
    """

    name: str
    section: str
    state: str
    expectations: int
    passed: int
    failed: int
    critical: int
    not_yet_kept: int
    no_rows: int
    not_applicable: int
    not_asked: int
    failing: tuple[str, ...]
    nights: int
    nights_bad: int


@dataclass(frozen=True, slots=True)
class LeakFacts:
    """The last scan of our own outputs.

    unread  what could not be looked at, by file and reason
    """

    scanned_at: datetime
    is_clean: bool
    files: int
    size: int
    values: int
    leaks: tuple[str, ...]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QualityFacts:
    """The last run of a period, and how often each clause was bad in it.

    run       name of the run; its Data Docs pages bear it
    states    state → number of expectations
    seconds   of the whole run
    docs      index of the Data Docs; None if they are not there
    nights    days of the period on which there was a run
    """

    run: str
    policy: str
    version: str
    policy_digest: str
    as_of: date
    asked_at: datetime
    states: Mapping[str, int]
    clauses: tuple[CheckLine, ...]
    suites: tuple[CheckLine, ...]
    seconds: float
    docs: Path | None
    nights: tuple[date, ...]
    leaks: LeakFacts | None = field(default=None)

    @property
    def is_good(self) -> bool:
        """Nothing failed, everything could be asked, and nothing leaked."""
        bad = self.states.get("failed", 0) + self.states.get("not checked", 0)
        return not bad and (self.leaks is None or self.leaks.is_clean)

    def clause(self, name: str) -> CheckLine | None:
        """The line of a clause; None if quality checks nothing of it."""
        return next((line for line in self.clauses if line.name == name), None)


def quality_facts(
    policy: str | None = None, *, since: date | None = None, until: date | None = None
) -> QualityFacts | None:
    """Read what the last whole run found, from files alone.

    policy  name of the policy; None: whichever ran last
    since   first day of a period, by the day that a run was about; None: the last run's day alone
    until   last day of it; None: whatever is newest
    Returns  None if there was no such run
    """
    days: dict[str, Mapping[str, Any]] = {}
    for report in read_reports(_MOST_REPORTS):
        day = report.get("as_of", "")
        if policy is not None and report.get("policy") != policy:
            continue
        if until is not None and day > until.isoformat():
            continue
        if since is not None and day < since.isoformat():
            continue
        # Reports come newest first: of one day the last one counts.
        days.setdefault(day, report)
        if since is None:
            break
    if not days:
        return None
    newest = days[max(days)]
    return _facts(newest, [days[day] for day in sorted(days)])


def last_leaks() -> LeakFacts | None:
    """The last scan of our own outputs; None if there was none."""
    try:
        found = json.loads((quality_folder() / "leaks.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None
    return LeakFacts(
        datetime.fromisoformat(found["scanned_at"]),
        bool(found["clean"]),
        int(found["files"]),
        int(found["bytes"]),
        int(found["values"]),
        tuple(f"{each['file']}: {each['number']} × {each['kind']}" for each in found["leaks"]),
        tuple(
            f"{each['file']}: {each['number']} × {each['why']}" for each in found.get("unread", ())
        ),
    )


def _facts(newest: Mapping[str, Any], reports: Sequence[Mapping[str, Any]]) -> QualityFacts:
    index = docs_index()
    sections = {line["clause"]: line["section"] for line in newest["clauses"]}
    by_clause = _grouped(newest, "clause")
    by_suite = _grouped(newest, "suite")
    return QualityFacts(
        newest["run"],
        newest["policy"],
        newest["version"],
        newest["policy_digest"],
        date.fromisoformat(newest["as_of"]),
        datetime.fromisoformat(newest["asked_at"]),
        dict(newest["states"]),
        tuple(
            _line(name, section, by_clause.get(name, []), "clause", reports)
            for name, section in sections.items()
        ),
        tuple(_line(name, "", some, "suite", reports) for name, some in by_suite.items()),
        float(sum(newest["seconds"].values())),
        index if index.is_file() else None,
        tuple(date.fromisoformat(report["as_of"]) for report in reports),
        last_leaks(),
    )


def _grouped(report: Mapping[str, Any], by: str) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in report["expectations"]:
        if each[by] is not None:
            found.setdefault(each[by], []).append(each)
    return found


def _line(
    name: str,
    section: str,
    some: Sequence[Mapping[str, Any]],
    by: str,
    reports: Sequence[Mapping[str, Any]],
) -> CheckLine:
    states = Counter(each["state"] for each in some)
    bad = [each for each in some if _is_bad(each)]
    bad.sort(key=lambda each: (each["severity"] != "critical", each["expectation"]))
    nights = [_of_night(report, by, name) for report in reports]
    known = [each for each in nights if each]
    return CheckLine(
        name,
        section,
        _worst(states),
        len(some),
        states["passed"],
        states["failed"],
        sum(each["state"] == "failed" and each["severity"] == "critical" for each in some),
        states["not yet kept"],
        states["no rows"],
        states["not applicable"],
        states["not checked"],
        tuple(each["expectation"] for each in bad),
        len(known),
        sum(any(_is_bad(each) for each in night) for night in known),
    )


def _of_night(report: Mapping[str, Any], by: str, name: str) -> list[Mapping[str, Any]]:
    return [each for each in report["expectations"] if each[by] == name]


def _is_bad(each: Mapping[str, Any]) -> bool:
    return each["state"] in ("failed", "not checked")


def _worst(states: Iterable[str]) -> str:
    found = set(states)
    return next((state for state in WORST if state in found), "not applicable")
