"""Figures of runs as the ledger closed them within a pack, though they went on afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Line = dict[str, Any]
Closings = Mapping[str, Mapping[str, Any]]
"""Run → payload of its last `sweep_closed` row in the pack."""


def closed_plans(plans: Sequence[Line], closings: Closings) -> Iterator[Line]:
    """Plans, with the outcomes that were sealed where a later night changed them."""
    for plan in plans:
        sums = closings.get(plan["run_id"], {}).get("rules", {}).get(plan["rule"])
        if sums is None or plan["counts"].get("done", 0) == sums["done"]:
            yield plan
            continue
        counts = {"done": sums["done"], "undecided": sums["undecided"]}
        for outcome in ("skipped", "quarantined"):
            counts |= {f"{outcome}: {why}": count for why, count in sums[outcome].items()}
        yield {**plan, "counts": counts}


def closed_tables(tables: Sequence[Line], closings: Closings) -> Iterator[Line]:
    """Rows by table, with what was sealed; what was locked since is not told."""
    known = {(each["run_id"], each["rule"], each["table"]) for each in tables}
    for each in tables:
        closing = closings.get(each["run_id"])
        if closing is None:
            yield each
            continue
        sums = closing["rules"].get(each["rule"], {}).get("tables", {}).get(each["table"])
        sealed = {"deleted": 0, "changed": 0} if sums is None else dict(sums)
        if sealed == {name: each[name] for name in sealed}:
            yield each
        elif sums is not None:
            yield {**each, "planned": None, "locked": None, **sealed}
    for run_id, closing in closings.items():
        for rule, sums in closing["rules"].items():
            for table, counts in sums.get("tables", {}).items():
                if (run_id, rule, table) not in known:
                    yield {
                        "run_id": run_id,
                        "rule": rule,
                        "table": table,
                        "planned": None,
                        "locked": None,
                        **counts,
                    }
