"""From the policy's words on logs to what the engine is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from lethe.policy.model.logs import Field_, LogSource
from lethe.pseudonymisation.logplan import FIELD_KINDS, Kind, LogPlan, Method, UrlRules

_METHODS: Final[Mapping[str, Method]] = {
    "ipcrypt-deterministic": Method.DETERMINISTIC,
    "ipcrypt-pfx": Method.PREFIX,
    "ipcrypt-nd": Method.ND,
    "token": Method.TOKEN,
    "mask": Method.MASK,
    "drop": Method.DROP,
    "keep": Method.KEEP,
    "user-agent": Method.REDUCE,
    "url": Method.SCAN,
    "text": Method.SCAN,
    "time": Method.KEEP,
}
_KINDS: Final[Mapping[str, Kind]] = {
    "ipcrypt-deterministic": Kind.ADDRESS,
    "ipcrypt-pfx": Kind.ADDRESS,
    "ipcrypt-nd": Kind.ADDRESS,
    "user-agent": Kind.AGENT,
    "url": Kind.URL,
    "text": Kind.MESSAGE,
    "time": Kind.TIME,
}


def plan_fields(fields: Mapping[str, Field_]) -> dict[str, object]:
    """Give the parts of a `LogPlan` that follow from the fields of a policy.

    A field that is not named is dropped.
    """
    kinds = {name: _kind(name, each) for name, each in fields.items()}
    methods = {}
    for name, each in fields.items():
        method = _METHODS[each.method]
        # A word such as GET stays; what stands in its place and is none is looked through.
        methods[name] = Method.SCAN if (kinds[name], method) == (Kind.WORD, Method.KEEP) else method
    addresses = [m for n, m in methods.items() if kinds[n] is Kind.ADDRESS and m in _ADDRESS]
    truncations = [each.truncate for each in fields.values() if each.truncate]
    return {
        "kinds": kinds,
        "methods": methods,
        "others": Method.DROP,
        "text_address": addresses[0] if addresses else Method.DETERMINISTIC,
        "truncate_time": truncations[0] if truncations else None,
        "urls": {
            name: UrlRules(frozenset(each.query_allow), each.path_templates)
            for name, each in fields.items()
            if each.method == "url"
        },
        "phones": frozenset(name for name, each in fields.items() if each.phones),
    }


_ADDRESS: Final = (Method.DETERMINISTIC, Method.PREFIX, Method.ND)


def _kind(name: str, each: Field_) -> Kind:
    known = FIELD_KINDS.get(name)
    wanted = _KINDS.get(each.method)
    if wanted is None or (known is Kind.ADDRESSES and wanted is Kind.ADDRESS):
        return known or Kind.TEXT
    if name == "url" and wanted is Kind.URL:
        return Kind.TARGET
    if wanted is Kind.MESSAGE and known in (Kind.TEXT, Kind.WORD):
        return known
    return wanted


def plan_source(
    source: LogSource,
    chosen_format: str,
    *,
    undated_period: str,
    undated_secret: bytes,
    quarantine_key: bytes,
    read_on: date | None = None,
    fields: tuple[str, ...] = (),
) -> LogPlan:
    """Make the plan for one file of a source; further secrets are asked for when they are met.

    fields  of a table: those that it has; others of the policy are left out
    """
    chosen = {n: f for n, f in source.fields.items() if not fields or n in fields}
    return LogPlan(
        format=chosen_format,
        secrets={undated_period: undated_secret},
        undated_period=undated_period,
        quarantine_key=quarantine_key,
        read_on=read_on,
        pattern=source.pattern if chosen_format == "pattern" else None,
        field_map=source.json_fields if chosen_format == "json" else {},
        **plan_fields(chosen),  # type: ignore[arg-type]
    )
