"""`lethe evidence`: make the evidence pack of a period; verify packs offline."""

from __future__ import annotations

import calendar
from pathlib import Path
from typing import Annotated, Literal

import typer

from lethe.cli.desk import COMMON, Desk
from lethe.evidence.pack_verify import is_bundle, tell, verify_bundle, verify_packs
from lethe.reporting.pack import make_pack

app = typer.Typer(
    help="Evidence packs: make one, verify them offline.", no_args_is_help=True, epilog=COMMON
)


@app.command(epilog=COMMON)
def verify(
    context: typer.Context,
    packs: Annotated[list[Path], typer.Argument(metavar="PACK…", help="Zip files or folders.")],
    key: Annotated[
        str | None,
        typer.Option(metavar="FINGERPRINT", help="Who must have signed: from an old mail."),
    ] = None,
    seal: Annotated[
        str | None, typer.Option(metavar="HASH", help="A seal that you know to be the right one.")
    ] = None,
    heads: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Old mails, or the PDF of one: file, mailbox or folder."),
    ] = None,
) -> None:
    """Say that packs are valid, or name the first thing that is not; several: also as a row.

    'Valid in itself' is what was compared with nothing from elsewhere: give --heads or --key.
    Needs no database, no policy and no key: only the files. Takes an exported bundle of the
    archive too, alone.
    """
    desk: Desk = context.obj
    if len(packs) == 1 and is_bundle(packs[0]):
        found = {"bundle": str(packs[0]), **verify_bundle(packs[0], key=key, heads=heads)}
    else:
        found = verify_packs(packs, key=key, seal=seal, heads=heads)
    if not desk.answer(found):
        for line in tell(found):
            desk.console.print(line, soft_wrap=True, markup=False)
    if not found["valid"]:
        raise typer.Exit(1)


@app.command(epilog=COMMON)
def pack(
    context: typer.Context,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the pack.")],
    period: Annotated[
        Literal["day", "month"], typer.Option(help="The day, or the month, of --as-of.")
    ] = "day",
    attach: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A report file that goes into it; may be repeated."),
    ] = None,
) -> None:
    """Write and sign the evidence pack of a period, and put it on the ledger."""
    desk: Desk = context.obj
    first = last = desk.as_of
    if period == "month":
        first = last.replace(day=1)
        last = last.replace(day=calendar.monthrange(last.year, last.month)[1])
    made = make_pack(
        desk.site, period, first, last, {file.name: file for file in attach or ()}, output
    )
    document = {name: getattr(made, name) for name in made.__slots__}
    if not desk.answer(document):
        desk.console.print(
            f"{made.path}: seal {made.seal_no or 'none'}, {made.rows} ledger rows "
            f"({made.commitments} as commitments), {made.size:,} bytes",
            soft_wrap=True,
        )
        for line in made.lines:
            desk.console.print(line, soft_wrap=True)
