"""What the nights of a period did: each closing of a run, less the one before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from lethe.retention.fact_shapes import NightFacts

_IN_TIME = timedelta(days=1)


def added_by(payload: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The difference of two closings of one run, rule by rule."""
    earlier = before.get("rules", {})
    return {
        rule: {
            "done": found.get("done", 0) - earlier.get(rule, {}).get("done", 0),
            **{
                part: _less(found.get(part, {}), earlier.get(rule, {}).get(part, {}))
                for part in ("skipped", "quarantined")
            },
            "undecided": found.get("undecided", 0),
            "tables": {
                table: _less(rows, earlier.get(rule, {}).get("tables", {}).get(table, {}))
                for table, rows in found.get("tables", {}).items()
            },
        }
        for rule, found in payload.get("rules", {}).items()
    }


def so_far(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What a night did that broke off and is not closed yet, in the shape of a closing."""
    rules = {
        each["rule"]: {
            "done": each["erased"],
            "quarantined": each["quarantined"],
            "undecided": each["undecided"],
            "tables": each["tables"],
        }
        for each in summary["rules"]
    }
    return {"seal_no": None, "added": added_by({"rules": rules}, {})}


def _less(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    found = {name: count - before.get(name, 0) for name, count in now.items()}
    return {name: count for name, count in found.items() if count}


def summed(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add counts up, by name; what is nothing is left out."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return {name: count for name, count in sorted(total.items()) if count}


def late_since(
    runs: Sequence[Sequence[Any]], deltas: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, date]:
    """Rule → since when the oldest was due, of the sets from which somebody was erased late.

    In time is the day on which somebody is due, and the one after it.
    """
    found: dict[str, date] = {}
    for row in runs:
        oldest = {each["rule"]: each.get("oldest_on") for each in row[11].get("rules", ())}
        for closing in deltas.get(str(row[0]), ()):
            on = date.fromisoformat(closing["on"]) if "on" in closing else row[4]
            for rule, part in closing["added"].items():
                if not part["done"] or not oldest.get(rule):
                    continue
                since = date.fromisoformat(oldest[rule])
                if since + _IN_TIME < on:
                    found[rule] = min(since, found.get(rule, since))
    return found


def night_of(
    row: Sequence[Any], closings: Sequence[Mapping[str, Any]], refreshed: Mapping[str, str]
) -> NightFacts:
    """The facts of a run from its row and its closings within the period."""
    run, _, version, digest, as_of, asked, started_at, finished_at, state, reason, seal, summary = (
        row
    )
    added = [(rule, part) for each in closings for rule, part in each["added"].items()]
    tables: dict[str, Counter[str]] = {}
    for _, part in added:
        for table, rows in part["tables"].items():
            tables.setdefault(table, Counter()).update(rows)
    last = closings[-1] if closings else {}
    outlook = last.get("outlook") or summary.get("outlook") or {}
    night = NightFacts(
        str(run), as_of, version, bytes(digest).hex(), state, reason, asked, started_at,
        finished_at, last.get("seal_no") or seal,
    )  # fmt: skip
    zero = outlook.get("zero_nights")
    return replace(
        night,
        erased=summed({rule: part["done"]} for rule, part in added),
        tables={table: dict(rows) for table, rows in sorted(tables.items()) if any(rows.values())},
        skipped=summed(part["skipped"] for _, part in added),
        quarantined=summed(part["quarantined"] for _, part in added),
        undecided=sum(each["undecided"] for each in last.get("added", {}).values()),
        canaries=last.get("canaries") or summary.get("canaries") or {},
        returned=outlook.get("returned") or {},
        refreshed=refreshed,
        zero_nights=zero if isinstance(zero, int) else None,
        oldest_overdue_days=_oldest(outlook.get("overdue_days")),
    )


def _oldest(overdue: Any) -> int | None:
    """The worst of rule → days; None where the night could not find it out."""
    if not isinstance(overdue, Mapping) or "failed" in overdue:
        return None
    return max(overdue.values(), default=0)
