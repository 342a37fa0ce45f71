"""What the server is asked about a policy: do values read, do texts fit, do types compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from psycopg2 import sql

from lethe.catalogue.checks.found import Checked, Place
from lethe.catalogue.checks.tables import all_conditions, flat
from lethe.catalogue.fragments import type_name
from lethe.catalogue.graph import Hop
from lethe.catalogue.model import Column
from lethe.policy.model.conditions import Condition
from lethe.policy.names import TableName


@dataclass(frozen=True, slots=True)
class Question:
    """An expression that is true if all is well, and what to say if it is not.

    unreadable    said if the value does not read, or is cut
    incomparable  said if there is no such operator
    """

    expression: sql.Composable
    values: Mapping[str, object]
    place: Place
    unreadable: str
    incomparable: str
    enum: sql.SQL | None = field(default=None)


class Questions:
    """Everything that the server is asked about a policy.

    query_types  of subjects that are queries; one without them is broken, and told as that
    """

    def __init__(self, checked: Checked, query_types: Mapping[str, tuple[str, ...]]) -> None:
        self._checked = checked
        self._query_types = query_types
        self._count = 0

    def all(self) -> Iterator[Question]:
        """Values of conditions, texts of replacements, types of links."""
        for place, _, table, conditions in all_conditions(self._checked):
            for inner, condition in flat(place, conditions):
                column = self._checked.column(table, condition.column or "")
                if column is not None and table is not None:
                    yield from self._condition(inner, table, column, condition)
        yield from self._replacements()
        yield from self._links()

    def _bind(self, value: str) -> tuple[sql.Placeholder, dict[str, object]]:
        self._count += 1
        name = f"q{self._count}"
        return sql.Placeholder(name), {name: value}

    def _condition(
        self, place: Place, table: TableName, column: Column, condition: Condition
    ) -> Iterator[Question]:
        for key, operator, found in (
            ("equals", "=", (condition.equals,)),
            ("not_equals", "=", (condition.not_equals,)),
            ("before", "<", (condition.before,)),
            ("after", ">", (condition.after,)),
            ("in", "=", condition.in_ or ()),
            ("not_in", "=", condition.not_in or ()),
        ):
            for value in found:
                if value is not None:
                    yield self._value((*place, key), table, column, value, operator)

    def _value(
        self, place: Place, table: TableName, column: Column, value: object, operator: str
    ) -> Question:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        bound, values = self._bind(text)
        declared, bare = type_name(column.type), type_name(column.bare_type)
        whole = (
            sql.SQL("rtrim(({v}::{t})::text) = rtrim({v}::text)").format(v=bound, t=declared)
            if column.is_text
            else sql.SQL("({}::{}) IS NOT NULL").format(bound, declared)
        )
        expression = sql.SQL("({whole}) AND ({v}::{bare} {op} NULL::{bare}) IS NOT FALSE").format(
            whole=whole, v=bound, bare=bare, op=sql.SQL(operator)
        )
        is_enum = column.type_kind == "enum"
        return Question(
            expression,
            values,
            place,
            f"'{text}' is no value that column '{column.name}' of {table} can hold ({column.type})",
            f"values of type {column.type} cannot be compared with {operator}; column "
            f"'{column.name}' of {table}",
            bare if is_enum else None,
        )

    def _replacements(self) -> Iterator[Question]:
        for name, entry, table in self._checked.known():
            for key, text in entry.when_due.replace.items():
                column = table.columns.get(key)
                if column is None or column.generated is not None:
                    continue
                sample = text.replace("{token}", "0" * 32)
                place: Place = ("tables", str(name), "when_due", "replace", key)
                question = self._value(place, name, column, sample, "=")
                said = f"'{text}' does not fit into column '{key}' of {name} ({column.type})"
                if "{token}" in text:
                    said += "; {token} becomes 32 characters"
                yield Question(
                    question.expression, question.values, place, said, said, question.enum
                )

    def _links(self) -> Iterator[Question]:
        graph = self._checked.graph
        seen: set[tuple[TableName, Hop]] = set()
        for (kind_name, table), ways in graph.ways.items():
            kind = graph.kinds[kind_name]
            if kind.table is None and kind_name not in self._query_types:
                continue
            for way in ways:
                here = table
                for hop in way:
                    if not hop.declared and (here, hop) not in seen:
                        seen.add((here, hop))
                        yield from self._hop(here, hop, kind.types)
                    here = hop.to or here

    def _hop(self, here: TableName, hop: Hop, key_types: tuple[str, ...]) -> Iterator[Question]:
        mine = self._checked.catalogue.tables[here].columns
        if hop.to is not None:
            there = self._checked.catalogue.tables[hop.to].columns
            types = tuple(there[name].bare_type for name in hop.references)
        else:
            types = key_types
        if hop.match != "exact":
            return
        for name, other, sql_type in zip(hop.columns, hop.references, types, strict=True):
            if name not in mine or mine[name].bare_type == sql_type:
                continue
            said = (
                f"column '{name}' of {here} is {mine[name].type} and cannot be compared with "
                f"'{other}' of {hop.to or 'the subject'}, which is {sql_type}"
            )
            expression = sql.SQL("(NULL::{} = NULL::{}) IS NOT FALSE").format(
                type_name(mine[name].bare_type), type_name(sql_type)
            )
            yield Question(expression, {}, ("tables", str(here), "links"), said, said)
