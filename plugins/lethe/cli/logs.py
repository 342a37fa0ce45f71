"""`lethe logs`: raw logs pseudonymised, and `lethe keys`: the keys that can undo it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from lethe.cli.desk import COMMON, Desk
from lethe.keys import KeyRecord
from lethe.pseudonymisation.key_life import DueKey, LogKeys, log_room
from lethe.pseudonymisation.nightly import FileOutcome, find_files, find_inputs, work_night

logs_app = typer.Typer(help="Pseudonymise logs.", no_args_is_help=True, epilog=COMMON)
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
) -> None:
    """Pseudonymise raw logs: Parquet by day, every line accounted for."""
    desk: Desk = context.obj
    with log_room(desk.site, desk.as_of) as room:
        files = find_inputs(room, inputs) if inputs else find_files(room)
        wanted = destroy if destroy is not None else inputs is None
        outcomes = list(
            work_night(
                room,
                files,
                desk.tell,
                output=output.resolve() if output else None,
                chosen_format=chosen_format,
                destroy=wanted,
                workers=workers,
            )
        )
    code = max((outcome.exit_code for outcome in outcomes), default=0)
    if not desk.answer(_document(outcomes)):
        _show(desk, outcomes)
    if code:
        raise typer.Exit(code)


def _document(outcomes: list[FileOutcome]) -> dict[str, Any]:
    files = [outcome.as_data() for outcome in outcomes]
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


def _show(desk: Desk, outcomes: list[FileOutcome]) -> None:
    table = Table(title=f"{len(outcomes)} raw logs", title_justify="left")
    table.add_column("file", overflow="fold")
    table.add_column("format")
    for name in ("read", "written", "quarantined"):
        table.add_column(name, justify="right")
    table.add_column("raw")
    for outcome in outcomes:
        data = outcome.as_data()
        table.add_row(
            data["file"],
            data["format"] or "–",
            f"{data['read']:,}",
            f"{data['written']:,}",
            f"{sum(data['quarantined'].values()):,}",
            "destroyed" if outcome.destroyed else "kept",
        )
    desk.console.print(table)
    document = _document(outcomes)
    aside = document["quarantined"]
    desk.console.print(
        f"read {document['read']} = written {document['written']} + quarantined"
        f" {sum(aside.values())}"
        + "".join(f"\n    {count} {reason}" for reason, count in sorted(aside.items())),
        markup=False,
    )
    for outcome in outcomes:
        for words in (*outcome.over_limit, *([str(outcome.fault)] if outcome.fault else [])):
            desk.console.print(f"{outcome.file.title}: {words}", markup=False, soft_wrap=True)


@keys_app.command("list", epilog=COMMON)
def show_keys(context: typer.Context) -> None:
    """List the keys: purpose, period, life; never a secret."""
    desk: Desk = context.obj
    with log_room(desk.site, desk.as_of) as room:
        keys = room.ring.list()
        room.connection.rollback()
    if desk.answer({"keys": [_key(key) for key in keys]}):
        return
    table = Table(title=f"{len(keys)} keys", title_justify="left")
    for name in ("purpose", "period", "made", "serves until", "destroyed", "final"):
        table.add_column(name)
    for key in keys:
        data = _key(key)
        table.add_row(*(str(value or "–")[:19] for name, value in data.items() if name != "id"))
    desk.console.print(table)


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
) -> None:
    """Destroy the keys of logs whose window has ended; what they made can no more be undone."""
    desk: Desk = context.obj
    with log_room(desk.site, desk.as_of) as room:
        keys = LogKeys(room)
        done = keys.destroy_due() if period is None else keys.destroy(period)
    if desk.answer({"destroyed": [_due(each) for each in done]}):
        return
    desk.console.print(f"{len(done)} keys destroyed")
    for each in done:
        desk.console.print(
            f"    {each.record.purpose} {each.record.period}: final on {each.final_at}, when the"
            " backups that hold it have aged out"
        )


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
