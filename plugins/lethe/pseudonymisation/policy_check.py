"""What of a policy's logs cannot work, or loses what nobody meant to lose; asks no warehouse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lethe.catalogue.checks.found import Found, Level, Place
from lethe.errors import UsageError
from lethe.policy.model.logs import Logs, LogSource
from lethe.pseudonymisation.formats.registry import make_format
from lethe.pseudonymisation.logplan import FIELD_KINDS, Kind, LogPlan
from lethe.pseudonymisation.plan import plan_source

_TEMPLATE: Final = re.compile(r"/(?:[^{}]|\{\w+\})*")
# Their fields have whatever names a file, a table or a client gives them.
_OPEN: Final = frozenset({"w3c", "columns"})
_ARE: Final[dict[Kind | None, str]] = {Kind.TIME: "a time", Kind.NUMBER: "a number"}
_DETECTED: Final = ("combined", "json", "w3c", "haproxy", "syslog")
_NOTHING: Final = bytes(32)  # No line is read with it.


def check_logs(logs: Logs | None) -> list[Found]:
    """Name all that is wrong with the sources of a policy."""
    if logs is None:
        return []
    return [
        finding
        for name, source in logs.sources.items()
        for finding in _check_source(("logs", "sources", name), source)
    ]


def _check_source(place: Place, source: LogSource) -> Iterator[Found]:
    yield from _check_fields(place, source)
    chosen = "columns" if source.table else source.format
    if chosen == "detect":
        given = {name for each in _DETECTED for name in make_format(_plan(source, each)).fields}
        known = given | {*FIELD_KINDS, *source.json_fields}
        # Fields may be written for several formats, or shared with a table.
        yield from _check_names(place, source, known, "advice")
        return
    plan = _plan(source, chosen)
    for fault in plan.faults():
        where, _, message = fault.partition(": ")
        yield _fault((*place, *where.split(".")), message)
    try:
        given = set(make_format(plan).fields)
    except UsageError as fault:
        where = {"pattern": "pattern", "json": "json_fields"}.get(chosen, "format")
        yield _fault((*place, where), str(fault).removeprefix("pattern: "))
        return
    if chosen == "pattern" or source.json_fields:
        yield from _check_names(place, source, given)
    elif chosen not in _OPEN:
        yield from _check_names(place, source, given | {*FIELD_KINDS})


def _plan(source: LogSource, chosen: str) -> LogPlan:
    return plan_source(
        source, chosen, undated_period="1970-01", undated_secret=_NOTHING, quarantine_key=_NOTHING
    )


def _check_names(
    place: Place, source: LogSource, known: set[str], level: Level = "alarm"
) -> Iterator[Found]:
    for field in source.fields:
        if field not in known:
            yield Found(
                level,
                "logs",
                (*place, "fields", field),
                f"no such log has a field '{field}', and what was meant goes with the raw lines;"
                f" there are {', '.join(sorted(known))}",
            )


def _check_fields(place: Place, source: LogSource) -> Iterator[Found]:
    if not source.fields:
        why = "nothing of a line would stay; name the fields that do"
        yield Found("alarm", "logs", (*place, "fields"), why)
    for name, field in source.fields.items():
        known = FIELD_KINDS.get(name)
        if not _fits(known, field.method):
            kind = _ARE.get(known, "no time")
            why = f"'{name}' is {kind}: there is no method {field.method} for it"
            yield _fault((*place, "fields", name), why)
        for number, template in enumerate(field.path_templates):
            if not _TEMPLATE.fullmatch(template):
                yield _fault(
                    (*place, "fields", name, "path_templates", number),
                    "a template begins with / and its braces hold a name, such as /customer/{id}",
                )


def _fits(known: Kind | None, method: str) -> bool:
    """Whether a method may make another kind of a field than it is known to be."""
    if method == "time":
        return known in (None, Kind.TIME)
    return known not in _ARE or method in ("keep", "drop", "token", "mask")


def _fault(place: Place, message: str) -> Found:
    return Found("fault", "logs", place, message)
