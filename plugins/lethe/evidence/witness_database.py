"""A witness that is another PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2 import extensions
from psycopg2.extras import Json as AsJson

from lethe.connections import open_connection
from lethe.errors import ActError, ConfigurationError, describe_database_error
from lethe.evidence.ledger import Json
from lethe.evidence.witness import (
    BEGINNING,
    Position,
    Witness,
    WitnessRecord,
    read_record,
    require_next,
    write_record,
)
from lethe.include import read_text, statement

_PAGE = 200


class DatabaseWitness(Witness):
    """Schema `lethe_witness` of another database; every append is a transaction of its own."""

    def __init__(self, connection: extensions.connection, warehouse_id: UUID) -> None:
        super().__init__(warehouse_id)
        self._connection = connection
        self._values = {"warehouse_id": str(warehouse_id)}
        self._place = f"witness database {connection.info.dbname}"
        with self._transaction() as cursor:
            cursor.execute("SELECT to_regclass('lethe_witness.record') IS NOT NULL")
            if cursor.fetchone() != (True,):
                raise ConfigurationError(
                    f"the {self._place} has no schema lethe_witness; bring it back, or begin a "
                    "new one with `lethe init`, which puts that on record"
                )

    @classmethod
    def open(cls, warehouse_id: UUID, connection_id: str = "lethe_witness") -> DatabaseWitness:
        """Open the witness that an Airflow connection names."""
        return cls(open_connection(connection_id), warehouse_id)

    @classmethod
    def known(cls, connection_id: str = "lethe_witness") -> list[UUID]:
        """Name the warehouses that have a witness in a database."""
        connection = open_connection(connection_id)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT to_regclass('lethe_witness.record') IS NOT NULL")
                if cursor.fetchone() != (True,):
                    return []
                cursor.execute(statement("evidence/list_witnessed"))
                return [UUID(row[0]) for row in cursor.fetchall()]
        except psycopg2.Error as error:
            raise ConfigurationError(
                f"the witness database cannot be read ({describe_database_error(error)})"
            ) from None
        finally:
            connection.close()

    @classmethod
    def create(cls, warehouse_id: UUID, connection_id: str = "lethe_witness") -> DatabaseWitness:
        """Begin the witness of a warehouse; opens it if it is there."""
        return cls.create_in(open_connection(connection_id), warehouse_id)

    @classmethod
    def create_in(cls, connection: extensions.connection, warehouse_id: UUID) -> DatabaseWitness:
        """Begin the witness in a database that is open."""
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT to_regclass('lethe_witness.kept_key') IS NOT NULL")
                if cursor.fetchone() != (True,):
                    cursor.execute(read_text("sql/control/witness.sql"))
        except psycopg2.Error as error:
            raise ConfigurationError(
                f"the witness database cannot be prepared ({describe_database_error(error)}); "
                "let its owner run include/sql/control/witness.sql"
            ) from None
        return cls(connection, warehouse_id)

    def close(self) -> None:
        self._connection.close()

    def position(self) -> Position:
        with self._transaction() as cursor:
            return self._stand(cursor)

    def append(self, kind: str, body: Mapping[str, Json], batch: UUID | None = None) -> Position:
        with self._transaction() as cursor:
            cursor.execute(statement("evidence/lock_witness"), self._values)
            line, after = write_record(self._stand(cursor), self.writer, kind, body, batch)
            cursor.execute(
                statement("evidence/add_witness_record"),
                {**self._values, "number": after.number, "line": line},
            )
        return after

    def records(self, after: int = 0) -> Iterator[WitnessRecord]:
        before = Position(0, BEGINNING)
        while True:
            with self._transaction() as cursor:
                cursor.execute(
                    statement("evidence/read_witness_page"),
                    {**self._values, "after": before.number, "page": _PAGE},
                )
                lines = [row[0] for row in cursor.fetchall()]
            for line in lines:
                record = read_record(line, self._place)
                require_next(record, before, self._place)
                before = Position(record.number, record.digest)
                if record.number > after:
                    yield record
            if len(lines) < _PAGE:
                return

    def records_backwards(self) -> Iterator[WitnessRecord]:
        later: WitnessRecord | None = None
        before = 2**62
        while True:
            with self._transaction() as cursor:
                cursor.execute(
                    statement("evidence/read_witness_page_backwards"),
                    {**self._values, "before": before, "page": _PAGE},
                )
                lines = [row[0] for row in cursor.fetchall()]
            for line in lines:
                record = read_record(line, self._place)
                if later is not None:
                    require_next(later, Position(record.number, record.digest), self._place)
                yield record
                later, before = record, record.number
            if len(lines) < _PAGE:
                break
        if later is not None:
            require_next(later, Position(0, BEGINNING), self._place)

    def keep_key(self, key_id: UUID, wrapped: Mapping[str, Json]) -> None:
        with self._transaction() as cursor:
            cursor.execute(
                statement("evidence/keep_witness_key"),
                {**self._values, "key_id": str(key_id), "wrapped": AsJson(dict(wrapped))},
            )

    def kept_key(self, key_id: UUID) -> Mapping[str, Any] | None:
        with self._transaction() as cursor:
            cursor.execute(
                statement("evidence/read_witness_key"), {**self._values, "key_id": str(key_id)}
            )
            row = cursor.fetchone()
        return None if row is None else row[0]

    def destroy_key(self, key_id: UUID) -> None:
        with self._transaction() as cursor:
            cursor.execute(
                statement("evidence/destroy_witness_key"),
                {**self._values, "key_id": str(key_id)},
            )

    def _stand(self, cursor: extensions.cursor) -> Position:
        cursor.execute(statement("evidence/read_witness_end"), self._values)
        row = cursor.fetchone()
        if row is None:
            return Position(0, BEGINNING)
        record = read_record(row[0], self._place)
        return Position(record.number, record.digest)

    @contextmanager
    def _transaction(self) -> Iterator[extensions.cursor]:
        try:
            with self._connection, self._connection.cursor() as cursor:
                yield cursor
        except psycopg2.Error as error:
            raise ActError(
                f"the {self._place} does not answer ({describe_database_error(error)}); "
                "nothing was committed to the warehouse"
            ) from None
