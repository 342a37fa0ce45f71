"""`lethe sweep files`: files of the erased that no connector destroys, looked at by a person."""

from __future__ import annotations

import csv
import getpass
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from psycopg2 import extensions

from lethe.cli.desk import COMMON, Desk
from lethe.connections import acting_as
from lethe.erasure.set_aside import (
    Decision,
    SetAside,
    decide_files,
    list_set_aside,
    read_targets,
)
from lethe.errors import ActError, UsageError
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.witness_opening import begin_witness
from lethe.guards.answers import find_approver

files_app = typer.Typer(
    help="Files of the erased that no connector destroys: look at them, try again, settle.",
    no_args_is_help=True,
    epilog=COMMON,
)
_SHORTEST = 8
Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID…", help="As `lethe sweep files list` shows them; a beginning."),
]
Everything = Annotated[bool, typer.Option("--all", help="All that wait now.")]
By = Annotated[str, typer.Option(help="Which approver; default: the user of the system.")]


@files_app.command("list", epilog=COMMON)
def show(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write their paths there too, as an approver; may be personal."
        ),
    ] = None,
    by: By = "",
) -> None:
    """List files that were set aside, that fail, or that nobody reaches; no path is shown."""
    desk: Desk = context.obj
    waiting = _waiting(desk)
    if output is not None:
        with _approving(desk, by) as (connection, _):
            _write_paths(output, waiting, connection)
    if desk.answer({"files": [_document(each) for each in waiting]}):
        return
    desk.console.print(f"[bold]{len(waiting)} files wait for a person[/bold]")
    for each in waiting:
        desk.console.print(
            f"{each.intent_id}  {each.system}: {each.state} since {each.intended_at:%Y-%m-%d}, "
            f"{each.attempts} attempts{f', {each.error}' if each.error else ''}",
            soft_wrap=True,
            markup=False,
        )


@files_app.command("retry", epilog=COMMON)
def retry(
    context: typer.Context,
    ids: Ids = None,
    everything: Everything = False,
    because: Annotated[str, typer.Option(help="What was mended; name no person.")] = "",
    by: By = "",
) -> None:
    """Have files tried anew from the next sweep on, as an approver."""
    _decide(context.obj, ids, everything, "retried", because, by)


@files_app.command("settle", epilog=COMMON)
def settle(
    context: typer.Context,
    because: Annotated[str, typer.Option(help="Why; stands on the ledger, name no person.")],
    ids: Ids = None,
    everything: Everything = False,
    removed: Annotated[bool, typer.Option("--removed", help="Somebody removed it.")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="Nobody will remove it.")] = False,
    by: By = "",
) -> None:
    """Settle files by your word, as an approver: removed by hand, or given up."""
    if removed == give_up:
        raise UsageError("say one of: --removed (by hand), --give-up (it stays, or never was)")
    _decide(context.obj, ids, everything, "removed" if removed else "given up", because, by)


def _decide(
    desk: Desk,
    ids: Sequence[str] | None,
    everything: bool,
    decision: Decision,
    because: str,
    by: str,
) -> None:
    if everything == bool(ids):
        raise UsageError("name files, as `lethe sweep files list` shows them, or say --all")
    waiting = _waiting(desk)
    if everything and not waiting:
        raise UsageError("no file waits for a person")
    files = waiting if everything else _named(waiting, ids or ())
    runner = desk.connect("runner")
    try:
        named = desk.loaded.policy.evidence.witness
        witness = begin_witness(runner, named.kind, named.location)
    finally:
        runner.close()
    try:
        with _approving(desk, by) as (connection, who):
            decide_files(connection, desk.loaded.policy, files, decision, who, because, witness)
    finally:
        witness.close()
    if not desk.answer(
        {"files": [_document(each) for each in files], "decision": decision, "by": who}
    ):
        told = {"retried": "will be tried anew", "removed": "are settled: removed by hand"}
        desk.console.print(f"{len(files)} files {told.get(decision, 'are given up')}.")


@contextmanager
def _approving(desk: Desk, by: str) -> Iterator[tuple[extensions.connection, str]]:
    connection = desk.connect("approver")
    try:
        acting_as(connection, "approver")
        policy = desk.loaded.policy
        yield connection, find_approver(connection, policy, by or None, getpass.getuser())
    finally:
        connection.close()


def _waiting(desk: Desk) -> list[SetAside]:
    connection = desk.connect("reader")
    try:
        acting_as(connection, "reader")
        read_warehouse(connection)
        return list_set_aside(connection, desk.loaded.policy.systems)
    finally:
        connection.close()


def _named(waiting: Sequence[SetAside], ids: Sequence[str]) -> list[SetAside]:
    found: dict[str, SetAside] = {}
    for given in ids:
        begins = given.strip().lower()
        fit = [each for each in waiting if str(each.intent_id).startswith(begins)]
        if len(begins) < _SHORTEST or len(fit) != 1:
            raise UsageError(
                f"'{given}' names no file that waits, or several; give at least {_SHORTEST} "
                "letters of an id that `lethe sweep files list` shows"
            )
        found[str(fit[0].intent_id)] = fit[0]
    return list(found.values())


def _write_paths(
    output: Path, waiting: Sequence[SetAside], connection: extensions.connection
) -> None:
    targets = read_targets(connection, waiting)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(os.open(output, flags, 0o600), "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "system", "state", "path"])
            for each in waiting:
                path = targets.get(each.intent_id, "")
                writer.writerow([each.intent_id, each.system, each.state, path])
    except OSError as error:
        raise ActError(f"the list {output} cannot be written ({error.strerror})") from None


def _document(each: SetAside) -> dict[str, Any]:
    return {
        "id": str(each.intent_id),
        "system": each.system,
        "state": each.state,
        "since": each.intended_at.isoformat(),
        "attempts": each.attempts,
        "error": each.error,
    }
