"""`lethe logs`: raw logs pseudonymised, and `lethe keys`: the keys that can undo it."""

from __future__ import annotations

import getpass
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from lethe.cli.desk import COMMON, Desk
from lethe.cli.reveal import reveal_pseudonyms
from lethe.connections import acting_as
from lethe.errors import ActError, AnswerIsNo, LetheError, UsageError
from lethe.keys import KeyRecord, list_keys
from lethe.pseudonymisation.key_end import destroy_due, destroy_month
from lethe.pseudonymisation.key_guards import approve_destruction, held_now
from lethe.pseudonymisation.key_life import (
    DueKey,
    LogKeys,
    LogRoom,
    log_room,
    months_without_key,
)
from lethe.pseudonymisation.night import (
    Piece,
    begin_night,
    close_night,
    list_pieces,
    work_piece,
)
from lethe.pseudonymisation.nightly import work_night
from lethe.pseudonymisation.rawfiles import find_files, find_inputs
from lethe.pseudonymisation.reread import find_aside, reread_file
from lethe.pseudonymisation.tablerun import reread_rows

logs_app = typer.Typer(help="Pseudonymise logs.", no_args_is_help=True, epilog=COMMON)
logs_app.command("reveal", epilog=COMMON)(reveal_pseudonyms)
keys_app = typer.Typer(help="The keys of pseudonyms.", no_args_is_help=True, epilog=COMMON)


@logs_app.command("run", epilog=COMMON)
def run(
    context: typer.Context,
    inputs: Annotated[
        str | None,
        typer.Option("--input", metavar="GLOB", help="These files instead of the policy's."),
    ] = None,
    chosen_format: Annotated[
        str | None,
        typer.Option("--format", help="combined, common, json, w3c, haproxy, syslog, detect …"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder of the Parquet files.")
    ] = None,
    destroy: Annotated[
        bool | None,
        typer.Option(
            "--destroy-raw/--keep-raw",
            help="Destroy each raw file once it is done; by default only the policy's own.",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Processes.")] = 2,
    quarantine: Annotated[
        bool,
        typer.Option("--quarantine", help="Read again what was set aside, instead of raw logs."),
    ] = False,
) -> None:
    """Pseudonymise raw logs: Parquet by day, every line accounted for.

    Without --input the files, raw tables and tables in place of the policy.
    """
    desk: Desk = context.obj
    if quarantine and inputs is not None:
        raise UsageError("say --input or --quarantine: what was set aside lies in the output")
    if inputs is not None and not inputs.strip():
        raise UsageError("--input is empty: name the files, or leave it out")
    if inputs is None and not quarantine and (output, chosen_format) == (None, None):
        told = _run_night(desk, workers) if destroy is not False else _run_files(desk, workers)
    else:
        told = _run_some(desk, inputs, chosen_format, output, destroy, workers, quarantine)
    document = _document(told)
    if not desk.answer(document):
        _show(desk, document)
    code = max((each.pop("exit_code") for each in told), default=0)
    if code:
        raise typer.Exit(code)


def _run_some(
    desk: Desk,
    inputs: str | None,
    chosen_format: str | None,
    output: Path | None,
    destroy: bool | None,
    workers: int,
    quarantine: bool,
) -> list[dict[str, Any]]:
    """Work on files that the call names, or on what was set aside."""
    with log_room(desk.site, desk.as_of) as room:
        if quarantine:
            return _reread(desk, room, chosen_format, output)
        files = find_inputs(room, inputs) if inputs is not None else find_files(room)
        outcomes = work_night(
            room,
            files,
            desk.tell,
            output=output.resolve() if output else None,
            chosen_format=chosen_format,
            destroy=destroy if destroy is not None else inputs is None,
            workers=workers,
        )
        return [each.as_data() | {"exit_code": each.exit_code} for each in outcomes]


def _run_files(desk: Desk, workers: int) -> list[dict[str, Any]]:
    """Work on the policy's files and keep the raw ones; a raw table cannot be kept."""
    return _run_some(desk, None, None, None, False, workers, False)


def _reread(
    desk: Desk, room: LogRoom, chosen_format: str | None, output: Path | None
) -> list[dict[str, Any]]:
    told = []
    output = output.resolve() if output else None
    for file in find_aside(room, output):
        desk.tell(f"Reading again {file.title}")
        outcome = reread_file(room, file, chosen_format=chosen_format, output=output)
        told.append(outcome.as_data() | {"exit_code": outcome.exit_code})
    if output is not None:
        return told
    for name, source in room.logs.sources.items():
        if source.table is not None:
            desk.tell(f"Reading again what was set aside of {name}")
            told.append(reread_rows(room, name).as_data() | {"exit_code": 0})
    return told


def _run_night(desk: Desk, workers: int) -> list[dict[str, Any]]:
    """The whole night, as the DAG does it; a piece that fails stops no other."""
    run_id = begin_night(desk.site, desk.as_of)
    done, told = [], []
    pieces = list_pieces(desk.site, run_id)
    for piece in pieces:
        desk.tell(f"Pseudonymising {piece.title}")
        try:
            done.append(work_piece(desk.site, run_id, piece, workers=workers))
            stopped = done[-1].get("stopped")
            code = AnswerIsNo.exit_code if stopped else 0
            told.append(done[-1] | {"exit_code": code, "fault": stopped})
        except LetheError as fault:
            told.append(_failed(piece, str(fault), fault.exit_code))
        except Exception as defect:
            # A defect of ours in one piece stops no other.
            told.append(_failed(piece, _where(defect), 3))
    desk.tell("Destroying what has ended")
    try:
        close_night(desk.site, run_id, done, len(pieces))
    except ActError:
        # Each piece has said why it failed.
        desk.tell("Some pieces failed")
    return told


def _failed(piece: Piece, fault: str, exit_code: int) -> dict[str, Any]:
    return {
        "source": piece.source,
        "file": piece.title,
        "format": None,
        "read": 0,
        "written": 0,
        "quarantined": {},
        "raw_destroyed": False,
        "fault": fault,
        "exit_code": exit_code,
    }


def _where(defect: Exception) -> str:
    """Say where the code failed, without values; the trace only if asked for."""
    last = traceback.extract_tb(defect.__traceback__)[-1]
    if os.environ.get("LETHE_DEBUG"):
        traceback.print_exception(defect, file=sys.stderr)
    return (
        f"defect ({type(defect).__name__} at {Path(last.filename).name}:{last.lineno}); what was"
        " committed stays, the raw too; set LETHE_DEBUG=1 for the trace, and report it"
    )


def _document(files: list[dict[str, Any]]) -> dict[str, Any]:
    quarantined: dict[str, int] = {}
    for each in files:
        for reason, count in each["quarantined"].items():
            quarantined[reason] = quarantined.get(reason, 0) + count
    return {
        "read": sum(each["read"] for each in files),
        "written": sum(each["written"] for each in files),
        "quarantined": quarantined,
        "files": files,
    }


def _show(desk: Desk, document: dict[str, Any]) -> None:
    table = Table(title=f"{len(document['files'])} raw logs", title_justify="left")
    table.add_column("file", overflow="fold")
    table.add_column("format")
    for name in ("read", "written", "quarantined"):
        table.add_column(name, justify="right")
    table.add_column("raw")
    for each in document["files"]:
        table.add_row(
            each["file"],
            each["format"] or "–",
            f"{each['read']:,}",
            f"{each['written']:,}",
            f"{sum(each['quarantined'].values()):,}",
            "destroyed" if each["raw_destroyed"] else "kept",
        )
    desk.console.print(table)
    aside = document["quarantined"]
    desk.console.print(
        f"read {document['read']} = written {document['written']} + quarantined"
        f" {sum(aside.values())}"
        + "".join(f"\n    {count} {reason}" for reason, count in sorted(aside.items())),
        markup=False,
    )
    for each in document["files"]:
        for words in (*each.get("over_limit", ()), *([each["fault"]] if each["fault"] else [])):
            desk.console.print(
                f"{each['source']}: {each['file']}: {words}", markup=False, soft_wrap=True
            )


@keys_app.command("list", epilog=COMMON)
def show_keys(context: typer.Context) -> None:
    """List the keys: purpose, period, life; never a secret."""
    desk: Desk = context.obj
    # Nothing is opened: they can be listed though the key-encryption key is lost.
    with desk.site.connected("runner") as connection:
        acting_as(connection, "runner")
        keys = list_keys(connection)
        connection.rollback()
    without = months_without_key(keys)
    if desk.answer({"keys": [_key(key) for key in keys], "months_without_lines": without}):
        return
    table = Table(title=f"{len(keys)} keys", title_justify="left")
    for name in ("purpose", "period", "made", "serves until", "destroyed", "final"):
        table.add_column(name)
    for key in keys:
        data = _key(key)
        table.add_row(*(str(value or "–")[:19] for name, value in data.items() if name != "id"))
    desk.console.print(table)
    if without:
        desk.console.print(
            f"no line of these months came, so that no key was made: {', '.join(without)}"
        )


@keys_app.command("rotate", epilog=COMMON)
def rotate_keys(context: typer.Context) -> None:
    """Make this month's key of logs, if it is not there yet."""
    desk: Desk = context.obj
    with log_room(desk.site, desk.as_of) as room:
        key = LogKeys(room).rotate()
    if not desk.answer(_key(key)):
        desk.console.print(f"The key of {key.period} is in force until {key.destroy_after}")


@keys_app.command("destroy", epilog=COMMON)
def destroy_keys(
    context: typer.Context,
    period: Annotated[
        str | None, typer.Argument(help="A month, YYYY-MM; by default all that are due.")
    ] = None,
    approve: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Approve exactly these keys first.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Who approves; default: the user of the system.")
    ] = None,
) -> None:
    """Destroy the keys of logs whose window has ended; what they made can no more be undone."""
    desk: Desk = context.obj
    with log_room(desk.site, desk.as_of) as room:
        if approve is not None:
            due = [e.record for e in LogKeys(room).due() if period in (None, e.record.period)]
            free = [key for key in due if key.period not in held_now(room)]
            approve_destruction(room, approve, free, by, getpass.getuser())
        ended = destroy_due(room) if period is None else destroy_month(room, period)
    document = {"destroyed": [_due(each) for each in ended.destroyed], "held": ended.held}
    if desk.answer(document):
        return
    desk.console.print(f"{len(ended.destroyed)} keys destroyed")
    for each in ended.destroyed:
        desk.console.print(
            f"    {each.record.purpose} {each.record.period}: final on {each.final_at}, when the"
            " backups that hold it have aged out"
        )
    for month, why in ended.held.items():
        desk.console.print(f"    {month} stays: {why} stands on it")


def _key(key: KeyRecord) -> dict[str, Any]:
    return {
        "id": str(key.key_id),
        "purpose": key.purpose,
        "period": key.period,
        "created_at": key.created_at.isoformat(),
        "destroy_after": key.destroy_after.isoformat() if key.destroy_after else None,
        "destroyed_at": key.destroyed_at.isoformat() if key.destroyed_at else None,
        "final_at": key.final_at.isoformat() if key.final_at else None,
    }


def _due(each: DueKey) -> dict[str, Any]:
    return _key(each.record) | {
        "window_ended": each.window_ended.isoformat(),
        "final_at": each.final_at.isoformat(),
    }
