"""Open or begin the witness that the policy asks for."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import psycopg2
from psycopg2 import extensions

from lethe.connections import acting_as
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.home import home_of
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.seal import last_seal
from lethe.evidence.witness import Witness
from lethe.evidence.witness_database import DatabaseWitness
from lethe.evidence.witness_file import FileWitness
from lethe.include import home_folder

Kind = Literal["file", "postgres"]


def open_witness(kind: Kind, location: str, warehouse_id: UUID) -> Witness:
    """Open the witness of a warehouse.

    location  folder relative to LETHE_HOME, or the Airflow connection of the database
    Raises    ConfigurationError if it is not there
    """
    if kind == "file":
        return FileWitness.open(warehouse_id, home_folder() / location)
    return DatabaseWitness.open(warehouse_id, location)


def begin_witness(
    connection: extensions.connection, kind: Kind, location: str, *, anew: bool = False
) -> Witness:
    """Open the witness of a warehouse, beginning it where the warehouse has none yet.

    anew    begin one although the warehouse had one, which is lost; that goes on the ledger
    Raises  ConfigurationError if the one that the warehouse had is not there
    """
    connection.rollback()
    acting_as(connection, "runner")
    warehouse_id = read_warehouse(connection).warehouse_id
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM lethe.ledger_batch WHERE witness_no > 0)")
        had_one = cursor.fetchone() == (True,)
    if had_one and not anew:
        connection.rollback()
        return open_witness(kind, location, warehouse_id)
    witness: Witness
    if kind == "file":
        witness = FileWitness.create(warehouse_id, home_folder() / location)
    else:
        witness = DatabaseWitness.create(warehouse_id, location)
    if anew or witness.position().number == 0:
        _put_on_record(connection, witness, anew=anew)
    connection.rollback()
    return witness


def _put_on_record(connection: extensions.connection, witness: Witness, *, anew: bool) -> None:
    try:
        seal = last_seal(connection)
        witness.append(
            "opened",
            {
                "warehouse_id": str(witness.warehouse_id),
                "seal_no": seal.seal_no if seal else 0,
                "seal_hash": seal.seal_hash.hex() if seal else None,
                "anew": anew,
                "home": home_of(connection),
            },
        )
        batch = EvidenceBatch(connection, None, witness)
        batch.add_rows([LedgerRow("witness_opened", {"anew": anew})])
        batch.commit()
    except psycopg2.Error as error:
        connection.rollback()
        raise WarehouseRefused(
            f"the witness was not begun: {describe_database_error(error)}", error.pgcode
        ) from None
