"""What must not stand anywhere: cards, bank accounts, raw addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal

from psycopg2 import sql

from lethe.catalogue.fragments import any_of
from lethe.catalogue.fragments import column as qualified
from lethe.catalogue.model import Column, Table, View
from lethe.guards.spared import spared_by, ways_to_subjects
from lethe.policy.model.conditions import Condition
from lethe.policy.names import TableName
from lethe.quality.content import (
    has_address,
    has_card,
    has_form_of_card,
    has_iban,
    is_card,
    undressed,
)
from lethe.quality.expectations import Scan
from lethe.quality.ground import Found, Ground, OwnScan, RowCheck
from lethe.quality.series import Series
from lethe.quality.texts import plain_text, row_text

_NOBODY: Final = sql.SQL("false")
_GATES: tuple[
    tuple[Literal["card", "iban"], Callable[[sql.Composable], sql.Composed], str], ...
] = (
    ("card", has_card, "no card number stands in {}"),
    ("iban", has_iban, "no whole bank account number stands in {}"),
)


def find(ground: Ground) -> Iterator[Found]:
    """The card and the bank gate over every table, the address gate over pseudonymised logs."""
    for gate, search, words in _GATES:
        off = ground.off(gate)
        if off is not None:
            yield off
            continue
        for name, relation in relations(ground).items():
            if isinstance(relation, Table) and relation.kind == "foreign":
                because = f"the rows of {name} are in another system ({relation.foreign_server})"
                yield ground.missing(gate, because, what=str(name))
                continue
            unread = [each.name for each in relation.columns.values() if not each.readable]
            if (unread and len(unread) == len(relation.columns)) or _is_closed(relation):
                because = f"the role {ground.catalogue.role} may not read {name}; grant SELECT"
                yield ground.broken(f"{gate}.{name}", gate, None, because)
                continue
            if unread:
                because = f"the role {ground.catalogue.role} may not read {', '.join(unread)}"
                yield ground.broken(f"{gate}.{name}.unread", gate, None, f"{because} of {name}")
            searched = tuple(_searched(ground, relation, gate))
            series = _series(ground, gate, searched, name)
            text = row_text(searched, {each: found.pattern for each, found in series.items()})
            if text is None:
                continue
            is_whole = len(searched) == len(relation.columns) and not series
            alias = "text" if is_whole else f"{gate}_text"
            holds = sql.SQL("NOT {}").format(search(qualified(alias, "t")))
            made = ground.expect(gate, str(name), words.format(name), table=name, holds=holds)
            yield RowCheck(name, made, {alias: undressed(text)})
            for column, found in series.items():
                yield _by_chance(ground, name, relation.columns[column], found)
    yield from _addresses(ground)


def relations(ground: Ground) -> dict[TableName, Table | View]:
    """Everything that holds rows: tables, and materialised views, which hold copies."""
    found: dict[TableName, Table | View] = dict(ground.catalogue.tables)
    found |= {
        name: view
        for name, view in ground.catalogue.views.items()
        if view.is_materialised and view.is_populated
    }
    return {name: each for name, each in found.items() if ground.in_scope(name)}


def _is_closed(relation: Table | View) -> bool:
    return isinstance(relation, Table) and "usage" not in relation.rights


def _series(
    ground: Ground, gate: str, columns: Iterable[Column], table: TableName
) -> dict[str, Series]:
    """Columns of numbers that look like cards no more often than chance."""
    if gate != "card":
        return {}
    return {
        each.name: ground.series[table, each.name]
        for each in columns
        if (table, each.name) in ground.series
    }


def _by_chance(ground: Ground, name: TableName, column: Column, series: Series) -> RowCheck:
    """The numbers of such a column, judged together: one in ten passes Luhn."""
    digits = sql.SQL("regexp_replace(x.run[1], '[^0-9]', '', 'g')")
    numbers = sql.SQL("regexp_matches({}, {}, 'g') AS x(run)").format(
        plain_text(column), sql.Literal(f"({series.pattern})".replace("%", "%%"))
    )
    holds = sql.SQL("(SELECT NOT bool_or({card}) FROM {numbers} WHERE {form})").format(
        card=is_card(digits), numbers=numbers, form=has_form_of_card(digits)
    )
    made = ground.expect(
        "card",
        f"{name}.{column.name}",
        f"numbers in {name}, column {column.name}, look like cards no more often than by chance",
        table=name,
        holds=holds,
    )
    mostly = max(0.001, round(1 - series.limit, 4))
    return RowCheck(name, replace(made, key=f"series.{name}.{column.name}", mostly=mostly))


def _searched(ground: Ground, table: Table | View, gate: str) -> Iterator[Column]:
    """The columns of a table, but for those that the policy excuses from this gate."""
    entry = ground.policy.tables.get(table.name)
    for column in table.columns.values():
        spec = entry.columns.get(column.name) if entry is not None else None
        if column.readable and (spec is None or spec.excuse != gate):
            yield column


def _addresses(ground: Ground) -> Iterator[Found]:
    """No raw IPv4 address where logs are pseudonymised.

    A deterministic pseudonym is written as an IPv6 address; one that keeps the network keeps the
    form of the address too, and cannot be told from a raw one.
    """
    logs = ground.policy.logs
    off = ground.off("address")
    if logs is None or off is not None:
        yield off or ground.missing("address", "the policy has no logs")
        return
    before = len(logs.in_place)
    for source in logs.sources.values():
        table = ground.table(source.output_table)
        kept = {name for name, field in source.fields.items() if field.method == "ipcrypt-pfx"}
        if source.output_table is None or table is None or kept:
            continue
        before += 1
        texts = [c for c in _searched(ground, table, "address") if c.is_text or c.is_json]
        yield from _no_address(ground, table.name, row_text(texts), clause=logs.clause)
        for column in table.columns.values():
            if column.base_type in ("inet", "cidr"):
                yield from _no_inet(ground, table.name, column.name, sql.SQL("true"), logs.clause)
    for place in logs.in_place.values():
        here = ground.table(place.table)
        if here is None or place.time not in here.columns:
            continue
        old = ground.where(place.table, (Condition(column=place.time, older_than=place.after),))
        for name, field in place.columns.items():
            known = here.columns.get(name)
            if known is None or not field.method.startswith("ipcrypt") or "pfx" in field.method:
                continue
            spared = _spared(ground, place.table, old)
            if known.base_type in ("inet", "cidr"):
                yield from _no_inet(ground, place.table, name, old, logs.clause, spared=spared)
            elif known.is_text:
                yield from _no_address(
                    ground,
                    place.table,
                    row_text([known]),
                    name=name,
                    clause=logs.clause,
                    where=old,
                    spared=spared,
                )
    for folder, answers in ground.log_files.items():
        if answers:
            before += 1
            yield _no_address_in_files(ground, folder, answers, logs.clause)
    if not before:
        yield ground.missing(
            "address", "no table or file holds pseudonymised logs", clause=logs.clause
        )


def _spared(ground: Ground, table: TableName, old: sql.Composable) -> sql.Composable:
    """Whose subject is held or restricted: of such a row nothing is changed, however old it is."""
    if not ground.initialised:
        return _NOBODY
    ways = ways_to_subjects(ground.graph, table)
    found = [
        spared_by(ground.context, table, kind, way, [old], row="m", one_by_one=True)
        for kind, way in ways
    ]
    return any_of(found) if found else _NOBODY


def _unless_spared(done: sql.Composable, spared: sql.Composable) -> sql.Composed:
    """Only what is not done is asked whom it belongs to."""
    return sql.SQL("CASE WHEN {} THEN true ELSE {} END").format(done, spared)


def _no_address_in_files(
    ground: Ground, folder: str, answers: Sequence[bool], clause: str
) -> OwnScan:
    """What was found in files beforehand, one row a file."""
    title = f"no raw network address stands in the files of {folder}"
    made = ground.expect("address", folder, title, clause=clause, holds=sql.SQL("m.clean"))
    source = sql.SQL("unnest({}::boolean[]) AS m(clean)").format(sql.Literal(list(answers)))
    return OwnScan(Scan(f"files of {folder}", made.suite, source, (made,)))


def _no_address(
    ground: Ground,
    table: TableName,
    text: sql.Composable | None,
    *,
    clause: str,
    name: str | None = None,
    where: sql.Composable | None = None,
    spared: sql.Composable = _NOBODY,
) -> Iterator[Found]:
    """Look for raw addresses in the text of a row, or of one column of it."""
    if text is None:
        return
    holds = _unless_spared(sql.SQL("NOT {}").format(has_address(text)), spared)
    if where is not None:
        holds = sql.SQL("CASE WHEN {} THEN {} END").format(where, holds)
    title = f"no raw network address stands in {table}" + (f", column {name}" if name else "")
    what = f"{table}.{name}" if name else str(table)
    yield RowCheck(
        table,
        ground.expect("address", what, title, table=table, clause=clause, holds=holds),
    )


def _no_inet(
    ground: Ground,
    table: TableName,
    name: str,
    where: sql.Composable,
    clause: str,
    *,
    spared: sql.Composable | None = None,
) -> Iterator[Found]:
    """Look for raw addresses in a column of addresses.

    spared  whose rows may stay raw; with it, the column is pseudonymised where it lies, and what
            is done has a prefix length that no host has
    """
    here = sql.SQL("m.{}").format(sql.Identifier(name))
    done: sql.Composable = sql.SQL("family({}) = 6").format(here)
    if spared is not None:
        done = _unless_spared(sql.SQL("{} AND masklen({}) = 127").format(done, here), spared)
    holds = sql.SQL("CASE WHEN {} AND {} IS NOT NULL THEN {} END").format(where, here, done)
    title = f"addresses in {table}, column {name}, are pseudonyms"
    yield RowCheck(
        table,
        ground.expect("address", f"{table}.{name}", title, table=table, clause=clause, holds=holds),
    )
