"""Expectations that the policy file adds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from psycopg2 import sql

from lethe.catalogue.days import day_sql
from lethe.catalogue.fragments import column as qualified
from lethe.catalogue.fragments import type_name
from lethe.catalogue.model import Table, View
from lethe.errors import LetheError
from lethe.policy.model.archive import Expectation as Written
from lethe.policy.names import TableName
from lethe.policy.periods import boundary
from lethe.policy.said import say_text
from lethe.quality.expectations import Absent, Expectation, Scan
from lethe.quality.ground import Found, Ground, OwnScan, RowCheck


def find(ground: Ground) -> Iterator[Found]:
    """Every one of them; one that cannot be asked says why, and the rest goes on."""
    for name, written in ground.policy.quality.extra.items():
        try:
            yield _one(ground, name, written)
        except (LetheError, KeyError) as error:
            because = (
                str(error) if isinstance(error, LetheError) else f"there is no {error.args[0]}"
            )
            yield _broken(ground, name, written, because)


def _one(ground: Ground, name: str, written: Written) -> Found:
    known = _known(ground, written.table)
    if known is None:
        because = f"the warehouse has no table {written.table}"
        return Absent(
            name, "extra", "warehouse", written.clause, written.severity, "not applicable", because
        )
    if written.column is not None and written.column not in known.columns:
        because = (
            f"{written.table} has no column '{written.column}'; it has: {', '.join(known.columns)}"
        )
        return _broken(ground, name, written, because)
    if written.expect == "sql":
        return _statement(ground, name, written)
    if written.expect == "row_count":
        low, high = _limits(written)
        return RowCheck(written.table, _expect(ground, name, written, between=(low, high)))
    holds = _holds(ground, written)
    if written.where:
        where = ground.where(written.table, written.where)
        holds = sql.SQL("CASE WHEN {} THEN {} END").format(where, holds)
    at_least = 1 if written.expect == "fresh" else None
    return RowCheck(written.table, _expect(ground, name, written, holds=holds, at_least=at_least))


def _broken(ground: Ground, name: str, written: Written, because: str) -> Absent:
    """An expectation that cannot be asked; a critical one stops the rules of its table all the
    same: nobody knows whether it is kept."""
    return replace(
        ground.broken(name, "extra", written.clause, because),
        suite=ground.suite_of(written.table),
        severity=written.severity,
        stage="input" if written.severity == "critical" else "state",
        touches=(written.table,),
    )


def _known(ground: Ground, name: TableName) -> Table | View | None:
    """A table, or a view: what is written may be said of either."""
    return ground.table(name) or ground.catalogue.views.get(name)


def _type_of(ground: Ground, name: TableName, column: str) -> str:
    known = _known(ground, name)
    return known.columns[column].bare_type if known is not None else "text"


def _expect(
    ground: Ground,
    name: str,
    written: Written,
    *,
    holds: sql.Composable | None = None,
    wrong: sql.Composable | None = None,
    at_least: int | None = None,
    between: tuple[int, int | None] | None = None,
) -> Expectation:
    column = f", column {written.column}" if written.column else ""
    return Expectation(
        key=name,
        kind="extra",
        suite=ground.suite_of(written.table),
        title=say_text(written.title)
        if written.title
        else f"{name.replace('-', ' ')} ({written.expect} on {written.table}{column})",
        clause=written.clause,
        severity=written.severity,
        owner=written.owner or ground.policy.quality.owner,
        mostly=written.mostly,
        stage="input" if written.severity == "critical" else "state",
        holds=holds,
        wrong=wrong,
        at_least=at_least,
        between=between,
        touches=(written.table,),
    )


def _statement(ground: Ground, name: str, written: Written) -> OwnScan:
    text = (written.statement or "").strip().removesuffix(";").replace("%", "%%")
    # A line of its own, for the statement may end with a comment.
    rows = sql.SQL("(\n" + text + "\n) AS s")
    wrong = sql.SQL("SELECT NULL::text[] AS key FROM {}").format(rows)
    made = replace(_expect(ground, name, written, wrong=wrong), statement=rows)
    return OwnScan(Scan(f"statement {name}", made.suite, None, (made,), written.table))


def _limits(written: Written) -> tuple[int, int | None]:
    numbers = [int(value) for value in written.values]
    if not numbers:
        raise KeyError("value: say the fewest and the most rows")
    return numbers[0], numbers[1] if len(numbers) > 1 else None


def _holds(ground: Ground, written: Written) -> sql.Composable:
    if written.column is None:
        raise KeyError(f"column: expect {written.expect} needs one")
    here = qualified("m", written.column)
    sql_type = _type_of(ground, written.table, written.column)
    values = ground.values
    match written.expect:
        case "not_null":
            return sql.SQL("{} IS NOT NULL").format(here)
        case "matches":
            return sql.SQL("{}::text ~ {}").format(here, values.bind(written.pattern))
        case "in_set":
            listed = values.bind([str(value) for value in written.values])
            return sql.SQL("{} = ANY({}::text[]::{}[])").format(here, listed, type_name(sql_type))
        case "between":
            if len(written.values) != 2:
                raise KeyError("limits under values: say the least and the most")
            low, high = written.values[0], written.values[-1]
            return sql.SQL("{} BETWEEN {}::{} AND {}::{}").format(
                here,
                values.bind(str(low)),
                type_name(sql_type),
                values.bind(str(high)),
                type_name(sql_type),
            )
        case "unique":
            return sql.SQL(
                "CASE WHEN {0} IS NOT NULL THEN count(*) OVER (PARTITION BY {0}) = 1 END"
            ).format(here)
        case "references":
            return _references(ground, written, here)
        case "fresh":
            if written.within is None:
                raise KeyError("within")
            day = day_sql(ground.context, here, sql_type)
            return sql.SQL("{} > {}").format(
                day, sql.Literal(boundary(ground.as_of, written.within))
            )
    raise KeyError(f"way to expect {written.expect}")


def _references(ground: Ground, written: Written, here: sql.Composable) -> sql.Composable:
    """Rows of the other table are found by its column of the same name, else by its key."""
    there = ground.table(written.references)
    if there is None or written.column is None:
        raise KeyError(f"table {written.references}")
    key = there.unique_keys[0] if there.unique_keys else ()
    name = written.column if written.column in there.columns else (key[0] if key else None)
    if name is None:
        raise KeyError(f"column of {there.name} that {written.column} leads to")
    return sql.SQL(
        "CASE WHEN {0} IS NOT NULL THEN EXISTS (SELECT FROM {1} AS t WHERE t.{2} = {0}) END"
    ).format(here, there.name.identifier, sql.Identifier(name))
