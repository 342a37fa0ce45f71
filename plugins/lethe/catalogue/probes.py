"""Questions that only the server can answer: does a value read, do types compare, what is a query.

All are asked of constants, never of rows, in a transaction that writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg2
from psycopg2 import errorcodes, extensions, sql

from lethe.catalogue.checks.found import Checked, Found, Place
from lethe.catalogue.checks.tables import all_conditions, flat
from lethe.catalogue.fragments import type_name
from lethe.catalogue.graph import Hop
from lethe.catalogue.model import Column
from lethe.include import statement
from lethe.policy.model import Policy
from lethe.policy.model.conditions import Condition
from lethe.policy.names import TableName

_MOST_AT_ONCE = 200
_UNREADABLE = frozenset(
    {
        errorcodes.INVALID_TEXT_REPRESENTATION,
        errorcodes.INVALID_DATETIME_FORMAT,
        errorcodes.DATETIME_FIELD_OVERFLOW,
        errorcodes.NUMERIC_VALUE_OUT_OF_RANGE,
        errorcodes.CHECK_VIOLATION,
        errorcodes.INVALID_PARAMETER_VALUE,
        errorcodes.STRING_DATA_RIGHT_TRUNCATION,
    }
)


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


@contextmanager
def reading(connection: extensions.connection) -> Iterator[extensions.cursor]:
    """A block that can only read, and of which nothing stays: neither settings nor a failure."""
    idle = connection.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE
    with connection.cursor(cursor_factory=extensions.cursor) as cursor:
        if idle and connection.autocommit:
            cursor.execute("BEGIN")
        elif not idle:
            cursor.execute("SAVEPOINT lethe_reading")
        try:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute("SELECT set_config('row_security', 'off', true)")
            yield cursor
        finally:
            if not connection.closed:
                if idle:
                    cursor.execute("ROLLBACK")
                    # Or psycopg2 would believe the transaction open and never begin another.
                    connection.rollback()
                else:
                    cursor.execute("ROLLBACK TO SAVEPOINT lethe_reading")
                    cursor.execute("RELEASE SAVEPOINT lethe_reading")


@contextmanager
def attempt(cursor: extensions.cursor) -> Iterator[None]:
    """A part of a transaction that may fail without failing the rest."""
    cursor.execute("SAVEPOINT lethe_attempt")
    try:
        yield
    except psycopg2.Error:
        cursor.execute("ROLLBACK TO SAVEPOINT lethe_attempt")
        raise
    finally:
        if cursor.connection.info.transaction_status == extensions.TRANSACTION_STATUS_INTRANS:
            cursor.execute("RELEASE SAVEPOINT lethe_attempt")


def read_query_types(
    cursor: extensions.cursor, policy: Policy
) -> tuple[dict[str, tuple[str, ...]], list[Found]]:
    """Ask of which types the key columns of subjects that are queries are."""
    types: dict[str, tuple[str, ...]] = {}
    found: list[Found] = []
    for name, subject in policy.subjects.items():
        if subject.query is None:
            continue
        place: Place = ("subjects", name, "query")
        try:
            with attempt(cursor):
                cursor.execute(_described(subject.query))
                columns = {d.name: d.type_code for d in cursor.description or ()}
        except psycopg2.Error as error:
            found.append(Found("fault", "broken-query", place, _say_broken(error)))
            continue
        missing = [key for key in subject.key if key not in columns]
        for key in missing:
            message = f"the query gives no column '{key}'; it gives: {', '.join(columns)}"
            found.append(Found("fault", "missing-column", ("subjects", name, "key"), message))
        if not missing:
            types[name] = _names_of_types(cursor, [columns[key] for key in subject.key])
    return types, found


def _described(query: str) -> sql.Composed:
    text = query.strip().removesuffix(";")
    return sql.SQL("SELECT * FROM (\n{}\n) AS asked LIMIT 0").format(sql.SQL(text))


def _say_broken(error: psycopg2.Error) -> str:
    state = error.pgcode or ""
    if state == errorcodes.SYNTAX_ERROR:
        return "the query is no single SELECT that the server understands (SQLSTATE 42601)"
    if state == errorcodes.READ_ONLY_SQL_TRANSACTION or state == errorcodes.FEATURE_NOT_SUPPORTED:
        return f"the query writes; it must be a SELECT (SQLSTATE {state})"
    if state in (errorcodes.UNDEFINED_TABLE, errorcodes.UNDEFINED_COLUMN):
        what = "table" if state == errorcodes.UNDEFINED_TABLE else "column"
        return f"the query names a {what} that the warehouse does not have (SQLSTATE {state})"
    if state == errorcodes.INSUFFICIENT_PRIVILEGE:
        return "this role may not read what the query reads (SQLSTATE 42501); grant SELECT"
    return f"the query fails (SQLSTATE {state or 'unknown'}); try it in psql"


def _names_of_types(cursor: extensions.cursor, oids: Sequence[int]) -> tuple[str, ...]:
    with attempt(cursor):
        cursor.execute(statement("catalogue/pin_names"))
        cursor.execute(statement("catalogue/name_types"), {"oids": list(oids)})
        return tuple(str(row[0]) for row in cursor.fetchall())


def ask(cursor: extensions.cursor, questions: Iterable[Question]) -> Iterator[Found]:
    """Ask all questions, many at once; only where one fails each by itself."""
    todo = list(questions)
    for start in range(0, len(todo), _MOST_AT_ONCE):
        some = todo[start : start + _MOST_AT_ONCE]
        try:
            answers = _answers(cursor, some)
        except psycopg2.Error:
            for question in some:
                yield from _ask_one(cursor, question)
            continue
        for question, answer in zip(some, answers, strict=True):
            if answer is False:
                yield Found("fault", "unreadable-value", question.place, question.unreadable)


def _answers(cursor: extensions.cursor, questions: Sequence[Question]) -> tuple[object, ...]:
    values: dict[str, object] = {}
    for question in questions:
        values |= question.values
    select = sql.SQL("SELECT {}").format(sql.SQL(", ").join(q.expression for q in questions))
    with attempt(cursor):
        cursor.execute(select, values)
        row = cursor.fetchone()
    return row or ()


def _ask_one(cursor: extensions.cursor, question: Question) -> Iterator[Found]:
    try:
        (answer,) = _answers(cursor, [question])
    except psycopg2.Error as error:
        if error.pgcode in _UNREADABLE or (error.pgcode or "").startswith("22"):
            labels = _labels(cursor, question.enum)
            message = question.unreadable + (f"; it is one of: {labels}" if labels else "")
            yield Found("fault", "unreadable-value", question.place, message)
        elif error.pgcode in (errorcodes.UNDEFINED_FUNCTION, errorcodes.AMBIGUOUS_FUNCTION):
            yield Found("fault", "incomparable-types", question.place, question.incomparable)
        else:
            message = f"{question.unreadable} (SQLSTATE {error.pgcode})"
            yield Found("fault", "unreadable-value", question.place, message)
        return
    if answer is False:
        yield Found("fault", "unreadable-value", question.place, question.unreadable)


def _labels(cursor: extensions.cursor, enum: sql.SQL | None) -> str:
    if enum is None:
        return ""
    with attempt(cursor):
        cursor.execute(sql.SQL("SELECT enum_range(NULL::{})::text[]").format(enum), {})
        row = cursor.fetchone()
    return ", ".join(row[0]) if row else ""


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
        if hop.match == "lower":
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
