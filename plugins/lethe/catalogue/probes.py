"""Questions that only the server can answer: does a value read, do types compare, what is a query.

All are asked of constants, never of rows, in a transaction that writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import psycopg2
from psycopg2 import errorcodes, extensions, sql

from lethe.catalogue.checks.found import Found, Place
from lethe.catalogue.questions import Question
from lethe.include import statement
from lethe.policy.model import Policy

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
    cursor.execute("SAVEPOINT lethe_names")
    cursor.execute(statement("catalogue/pin_names"))
    cursor.execute(statement("catalogue/name_types"), {"oids": list(oids)})
    names = tuple(str(row[0]) for row in cursor.fetchall())
    # The next query is to be read under the caller's search_path again.
    cursor.execute("ROLLBACK TO SAVEPOINT lethe_names")
    cursor.execute("RELEASE SAVEPOINT lethe_names")
    return names


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
        if error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE:
            # Whoever may not see a type, such as the owner of Lethe's schema, is no judge of it.
            return
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
