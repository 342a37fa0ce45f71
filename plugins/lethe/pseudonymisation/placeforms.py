"""Columns pseudonymised in place: what fits them, and by what form they are known as done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lethe.catalogue.checks.columns import fits_in_place
from lethe.catalogue.graph import Graph
from lethe.catalogue.model import Column, Table
from lethe.errors import UsageError
from lethe.policy.model.logs import Field_, InPlace
from lethe.pseudonymisation.addresses import MARK
from lethe.pseudonymisation.logplan import Kind, LogPlan, Method, UrlRules

if TYPE_CHECKING:
    import polars as pl


UNDATED: Final = "undated"


_TOKEN: Final = "[a-z2-7]{16}"  # noqa: S105 (the form of a token)


GONE_V6: Final = "::/127"


_DONE_INET: Final = r":.*/127$"
# Only prefix-preserving pseudonyms of IPv4 are IPv4 themselves; a network of two stays a network.
_DONE_INET_V4: Final = r"|\..*/31$"


_DEVICES: Final = "desktop|mobile|tablet|bot|tv|console|unknown"


def done_inet(spec: Field_) -> str:
    """The pattern of what is done, of a column of type inet as text."""
    return _DONE_INET + (_DONE_INET_V4 if stays_v4(spec) else "")


def stays_v4(spec: Field_) -> bool:
    """Tell whether the pseudonym of an IPv4 address may be one."""
    return spec.method == "ipcrypt-pfx"


_METHODS: Final = {
    "ipcrypt-deterministic": (Kind.ADDRESSES, Method.DETERMINISTIC),
    "ipcrypt-pfx": (Kind.ADDRESSES, Method.PREFIX),
    "ipcrypt-nd": (Kind.ADDRESSES, Method.ND),
    "token": (Kind.TEXT, Method.TOKEN),
    "user-agent": (Kind.AGENT, Method.REDUCE),
    "url": (Kind.URL, Method.SCAN),
    "text": (Kind.MESSAGE, Method.SCAN),
    "mask": (Kind.TEXT, Method.MASK),
    "drop": (Kind.TEXT, Method.KEEP),
}


def done_form(name: str, spec: Field_, width: int | None = None) -> str | None:
    """The pattern of what is done, of a column of text; None: what is done is told by nothing.

    width  of the column, which cuts off what is longer
    """
    own = re.escape(name)
    always_v6 = spec.method == "ipcrypt-deterministic"
    address = r"[0-9a-f.]*:[0-9a-f:.]*" if always_v6 else r"[0-9a-f:.]+"
    cut_off = f"|ua:[^@]{{{width - 3}}}" if width is not None and width > 3 else ""
    forms = {
        "ipcrypt": rf"{MARK}{address}(, {MARK}{address})*|host_{_TOKEN}|unknown|localhost",
        "token": rf"({own}|user|email|host)_{_TOKEN}",
        "mask": "",
        # Whoever sends it may write `ua: …` himself, but not with these words at its end.
        "user-agent": f"ua: [^@]+; [^;@]+; ({_DEVICES}){cut_off}",
        # Looked through again each night: what changes nothing is not written.
        "url": None,
        "text": None,
        "drop": None,
    }
    form = forms["ipcrypt" if spec.method.startswith("ipcrypt") else spec.method]
    if form is None:
        return None
    mask = rf"\[{own}\]"
    return f"^({form}|{mask}|-|)$" if form else f"^({mask}|-|)$"


def filled(value: str | None, count: int) -> pl.Series:
    import polars as pl

    return pl.Series([value], dtype=pl.String).new_from_index(0, count)


def marked(made: pl.Series, *, inet: bool) -> pl.Series:
    import polars as pl

    if inet:
        length = pl.when(pl.col("a").str.contains(":", literal=True)).then(pl.lit("/127"))
        written = pl.col("a") + length.otherwise(pl.lit("/31"))
    else:
        written = pl.col("a").str.replace_all(
            r"(^|, )([0-9a-f:.]+)(,|$)", f"${{1}}{MARK}${{2}}${{3}}"
        )
        # Of two in a row every second one is left by one pass.
        written = written.str.replace_all(r"(, )([0-9a-f:.]+)(,|$)", f"${{1}}{MARK}${{2}}${{3}}")
    return pl.DataFrame({"a": made}).select(written.alias("a")).to_series()


def plan_columns(columns: dict[str, Field_]) -> LogPlan:
    kinds = {name: _METHODS[spec.method][0] for name, spec in columns.items()}
    methods = {name: _METHODS[spec.method][1] for name, spec in columns.items()}
    return LogPlan(
        format="columns",
        secrets={},
        undated_period="",
        quarantine_key=bytes(32),
        settled=True,
        kinds=kinds,
        methods=methods,
        urls={
            name: UrlRules(frozenset(spec.query_allow), spec.path_templates)
            for name, spec in columns.items()
            if spec.method == "url"
        },
        phones=frozenset(name for name, spec in columns.items() if spec.phones),
    )


def require_place(graph: Graph, name: str, place: InPlace) -> Table:
    """Find what cannot work before anything is read."""
    table = graph.catalogue.tables.get(place.table)
    where = f"logs.in_place.{name}"
    if table is None:
        raise UsageError(f"{where}: there is no table {place.table}")
    if missing := sorted({*place.columns, place.time} - set(table.columns)):
        raise UsageError(f"{where}: {place.table} has no column {', '.join(missing)}")
    pointed = {
        c for key in graph.catalogue.foreign_keys_to(place.table) for c in key.parent_columns
    }
    for column_name, spec in place.columns.items():
        known = table.columns[column_name]
        if spec.method == "time":
            raise UsageError(f"{where}.columns.{column_name}: a time is not truncated in place")
        if column_name in pointed and spec.method != "keep":
            raise UsageError(
                f"{where}.columns.{column_name}: other tables point to it; pseudonymise the column"
                " that points, or let the rows end with their subject"
            )
        if known.generated is not None and spec.method != "keep":
            raise UsageError(
                f"{where}.columns.{column_name}: it is generated from others: pseudonymise those"
            )
        if not fits_in_place(known, spec.method):
            raise UsageError(
                f"{where}.columns.{column_name}: the method {spec.method} does not fit a column of"
                f" type {known.type}"
            )
    return table


def is_inet(known: Column) -> bool:
    return known.base_type == "inet"
