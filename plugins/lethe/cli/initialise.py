"""`lethe init`: Lethe's schema, roles and rights; the DBA's script; rehearsal; arming."""

from __future__ import annotations

import getpass
from typing import Annotated
from uuid import UUID

import typer

from lethe.catalogue.site import Site
from lethe.cli.desk import Desk
from lethe.connections import acting_as
from lethe.erasure.canaries import canary_grants
from lethe.erasure.grants import needed_grants, sequence_grants
from lethe.erasure.partitions import drop_functions
from lethe.errors import ConfigurationError, UsageError
from lethe.evidence.dba_script import print_sql
from lethe.evidence.initialise import arm, disarm, find_ready, find_revision, initialise
from lethe.evidence.older_witness import require_no_older, require_witness
from lethe.evidence.witness_opening import begin_witness
from lethe.keys import KeyRing, year_of
from lethe.keys.local import provide_key
from lethe.retention.approving import identify_approver


def init(
    context: typer.Context,
    script: Annotated[
        bool, typer.Option("--print-sql", help="Print the script for the DBA and do nothing.")
    ] = False,
    rehearsal: Annotated[
        bool,
        typer.Option("--rehearsal", help="A throw-away warehouse: future dates may be executed."),
    ] = False,
    armed: Annotated[
        bool, typer.Option("--arm", help="Record that the approver allows erasing.")
    ] = False,
    disarmed: Annotated[
        bool, typer.Option("--disarm", help="Back to report-only: the off switch.")
    ] = False,
    new_witness: Annotated[
        bool, typer.Option("--new-witness", help="Begin a new witness; the old one is lost.")
    ] = False,
    take_up: Annotated[
        str,
        typer.Option(
            "--witness",
            metavar="ID",
            help="Go on with this witness: the warehouse lost the schema lethe.",
        ),
    ] = "",
    by: Annotated[str, typer.Option(help="Who decides; default: the user of the system.")] = "",
) -> None:
    """Create or migrate Lethe's own schema in the warehouse; doing it again changes nothing."""
    desk: Desk = context.obj
    site = desk.site
    lost = _warehouse(take_up) if take_up else None
    with site.connected("owner") as connection:
        graph = site.graph(connection)
        grants = [*needed_grants(graph), *sequence_grants(connection, graph)]
        grants += canary_grants(connection, graph)
        functions = drop_functions(graph)
        if script:
            text = print_sql(
                grants,
                rehearsal=rehearsal,
                functions=functions,
                from_revision=find_revision(connection),
                warehouse_id=lost,
            )
            print(text, end="")
            return
        made = provide_key()
        named = desk.loaded.policy.evidence.witness
        if lost:
            require_witness(connection, named.kind, named.location, lost)
        elif not new_witness:
            require_no_older(connection, named.kind, named.location)
        try:
            done = initialise(
                connection,
                rehearsal=rehearsal,
                grants=grants,
                functions=functions,
                warehouse_id=lost,
            )
        except ConfigurationError as refused:
            ready = find_ready(connection) if armed or disarmed else None
            if ready is None:
                raise
            # To arm needs no owner: the schema is up to date.
            desk.tell(f"Rights on the tables were left as they are: {refused}")
            done = ready
    with site.connected("runner") as connection:
        witness = begin_witness(connection, named.kind, named.location, anew=new_witness)
        acting_as(connection, "runner")
        ring = KeyRing.open(connection, witness=witness)
        for purpose in ("token", "tombstone"):
            ring.create(purpose, year_of(desk.as_of))
        connection.commit()
    if lost:
        desk.tell("The witness is taken up; what it kept comes back with `lethe sweep replay`")
    warehouse = done.warehouse
    already = armed and warehouse.armed
    if (armed or disarmed) and not already:
        if armed:
            by = _who_arms(site, by, rehearsal=warehouse.rehearsal)
        with site.connected("approver") as connection:
            act = arm if armed else disarm
            warehouse = act(connection, by or getpass.getuser(), witness)
    document = {
        "warehouse_id": str(warehouse.warehouse_id),
        "changed": done.changed,
        "roles_created": list(done.roles_created),
        "schema_version": done.migrated_to,
        "granted": done.granted,
        "rehearsal": warehouse.rehearsal,
        "armed": warehouse.armed,
        "key_file": str(made) if made else None,
    }
    if desk.answer(document):
        return
    if made:
        desk.console.print(
            f"Made a key-encryption key in {made}: keep a copy of it elsewhere. Without it no "
            "tombstone is ever recognised and no archive ever opened.",
            soft_wrap=True,
        )
    words = "Ready" if done.changed else "Already ready"
    desk.console.print(f"{words}: schema lethe, version {done.migrated_to}.")
    if warehouse.rehearsal:
        desk.console.print("A rehearsal: future dates may be executed here.")
    if warehouse.armed:
        before = ", before this call" if already else ""
        desk.console.print(f"Armed by {warehouse.armed_by}{before}: the sweep erases.")
    else:
        desk.console.print(
            "Report-only: the sweep shows and erases nothing until `lethe init --arm`."
        )


def _warehouse(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise UsageError(f"'{text}' is no id of a warehouse; a witness is named by it") from None


def _who_arms(site: Site, said: str, *, rehearsal: bool) -> str:
    """Name who arms: a named approver. A rehearsal may be armed by a user whom the policy does not
    name, which is recorded with his name; but not in a name that is not an approver's.

    Raises  GuardStop
    """
    named = {approver.user for approver in site.loaded.policy.guards.approvers}
    user = getpass.getuser()
    if rehearsal and not named:
        return said or user
    if rehearsal and not said and user not in named:
        return f"{user} (on a rehearsal; no approver)"
    return identify_approver(site, said)
