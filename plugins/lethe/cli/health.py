"""`lethe health`: one line and an exit code for any outside monitor."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from lethe.cli.desk import Desk
from lethe.connections import acting_as
from lethe.errors import LetheError
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.witness import Witness
from lethe.evidence.witness_opening import open_witness
from lethe.retention.health import check_health


def health(context: typer.Context) -> None:
    """Say in one line whether all is in order: exit code 0 yes, 1 no, 3 unreachable."""
    desk: Desk = context.obj
    policy = desk.loaded.policy
    connection = desk.connect("reader")
    witness: Witness | None = None
    try:
        acting_as(connection, "reader")
        warehouse = read_warehouse(connection)
        named = policy.evidence.witness
        try:
            witness = open_witness(named.kind, named.location, warehouse.warehouse_id)
        except LetheError:
            witness = None  # told as a problem if the warehouse names one
        now = datetime.now(UTC) if desk.as_of_text is None else None
        found = check_health(connection, policy, desk.as_of, witness=witness, now=now)
    finally:
        if witness is not None:
            witness.close()
        connection.close()
    if not desk.answer(found.as_data()):
        desk.console.print(found.line(), soft_wrap=True, markup=False)
    if not found.is_healthy:
        raise typer.Exit(found.exit_code)
