"""`lethe archive`: run a night, verify everything, show a document, export, recovery key."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.table import Table

from lethe.archive.check import verify_archive
from lethe.archive.export import export_archive
from lethe.archive.night import run_archive
from lethe.archive.old_mails import NOTHING, read_mails
from lethe.archive.recovering import recover_records
from lethe.archive.recovery import make_recovery_key, read_private
from lethe.archive.show import show_document
from lethe.archive.statements import archive_of_policy
from lethe.cli.desk import COMMON, Desk, stderr
from lethe.errors import AnswerIsNo, UsageError

app = typer.Typer(
    help="Archive documents with the data bound to them; prove, read and end the records.",
    no_args_is_help=True,
    epilog=COMMON,
)
Reason = Annotated[
    str, typer.Option(help="Why the archive is read; it is put on the ledger. Needed.")
]


@app.command(epilog=COMMON)
def run(
    context: typer.Context,
    approve: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Approve an expiry that waits.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who approves; default: the user of the system.")] = "",
) -> None:
    """Archive what is new or corrected, destroy what has come to its end; resumable."""
    desk: Desk = context.obj
    user = getpass.getuser()
    done = run_archive(
        desk.site,
        desk.as_of,
        requested_by=None if approve else user,
        approve=approve,
        approved_by=by or user,
        tell=desk.tell,
    )
    if not desk.answer({"state": done.state, "run_id": str(done.run_id), **done.summary}):
        _show_run(desk, done.summary)
    waiting = [each for each in done.summary["expiry"] if each["state"] == "waiting"]
    if waiting:
        sets = "; ".join(f"{each['over_limit']}, --approve {each['digest']}" for each in waiting)
        _say_no(desk, f"to be destroyed, after approval (`lethe archive run …`): {sets}")


def _show_run(desk: Desk, summary: Mapping[str, Any]) -> None:
    table = Table(title="Archive", title_justify="left")
    for name in ("document", "issued", "outcomes", "look at"):
        table.add_column(name, justify="right" if name == "issued" else "left")
    for each in summary["documents"]:
        table.add_row(
            each["document"],
            f"{each['issued']:,}",
            _listed(each["outcomes"]),
            _listed(each["notes"]),
        )
    desk.console.print(table)
    for each in summary["expiry"]:
        desk.console.print(
            f"{each['rule']}: {_listed(each['counts'])}; destroyed {each['documents_destroyed']} "
            f"documents ({each['leaves_destroyed']} leaves), skipped {_listed(each['skipped'])}"
        )
        if each["stopped"]:
            desk.console.print(f"  stopped: {each['stopped']}", soft_wrap=True)
        for law, count in each["beyond_the_promise"].items():
            desk.console.print(f"  {count} beyond the promise, because of {law}")
    if not summary["recovery_copies"]:
        desk.console.print("No recovery key: archive.recovery_key (`lethe archive recovery-key`).")
    desk.console.print(
        f"Opened {summary['trial']['opened']} records as a trial. {summary['head'] or ''}",
        soft_wrap=True,
    )


@app.command(epilog=COMMON)
def verify(
    context: typer.Context,
    heads: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Old mails, also a folder, or lines with heads."),
    ] = None,
    processes: Annotated[int, typer.Option(help="Processes for a large archive.")] = 2,
) -> None:
    """Compute everything again from the stored bytes; every fault is named."""
    desk: Desk = context.obj
    told = read_mails(heads) if heads else NOTHING
    if heads and told == NOTHING:
        raise UsageError(f"{heads}: holds no head (lines that begin 'lethe-archive-head 1')")
    found = verify_archive(desk.site, told=told, processes=processes)
    if not desk.answer(asdict(found)):
        desk.console.print(
            f"{found.records:,} records, {found.destroyed:,} lawfully destroyed, "
            f"{found.leaves:,} leaves, {found.heads:,} heads"
            + (f", {found.told_heads} of old mails" if heads else "")
            + (
                f"; {found.lost} heads were lost by a restore that is on record"
                if found.lost
                else ""
            )
        )
        for fault in found.faults:
            desk.console.print(f"[red]{fault}[/red]", soft_wrap=True)
        if not found.faults:
            desk.console.print(f"Nothing was changed. {found.head or ''}", soft_wrap=True)
    if found.faults:
        _say_no(desk, f"the archive is not what was signed: {len(found.faults)} faults")


@app.command(epilog=COMMON)
def show(
    context: typer.Context,
    invoice: Annotated[str, typer.Argument(help="Number of the document.")],
    reason: Reason = "",
    kind: Annotated[
        str | None, typer.Option("--kind", help="Kind of document, where numbers meet.")
    ] = None,
) -> None:
    """Show a document as it was on a day (--as-of), from the archive alone."""
    desk: Desk = context.obj
    shown = show_document(desk.site, invoice, desk.as_of, reason, document_type=kind)
    if desk.answer([asdict(each) for each in shown]):
        return
    for each in shown:
        desk.console.print(
            f"[bold]{each.document_type} {each.document['number']}[/bold] version "
            f"{each.document['version']}, valid from {each.document['valid_from']}, recorded at "
            f"{each.document['recorded_at']}, leaf {each.leaf_no}"
        )
        for part in (each.document, each.party):
            if part is not None:
                text = json.dumps(part["bound"], ensure_ascii=False, indent=2)
                desk.console.print(text, markup=False, soft_wrap=True)


@app.command(epilog=COMMON)
def export(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="File of the bundle (.zip).")],
    reason: Reason = "",
    first: Annotated[str, typer.Option("--from", help="First day of issue.")] = "0001-01-01",
    last: Annotated[str, typer.Option("--to", help="Last day of issue.")] = "9999-12-31",
) -> None:
    """Write a bundle that anybody can check offline: records, proofs, heads, key, verifier."""
    desk: Desk = context.obj
    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise UsageError("--from and --to are calendar days: YYYY-MM-DD") from None
    written = export_archive(desk.site, output, *days, reason=reason)
    if not desk.answer({"file": str(output), "records": written}):
        desk.console.print(f"Wrote {written} records to {output}; check it: python verify.py")


@app.command("recovery-key", epilog=COMMON)
def recovery_key(
    context: typer.Context,
    private: Annotated[Path, typer.Option(help="Where the private half goes: offline, a safe.")],
    passphrase: Annotated[
        str | None, typer.Option(help="Lock it with a passphrase.", prompt=False)
    ] = None,
) -> None:
    """Make the recovery key pair; the policy names its public half (archive.recovery_key)."""
    desk: Desk = context.obj
    public = make_recovery_key(archive_of_policy(desk.loaded.policy), private, passphrase)
    if not desk.answer({"public": str(public), "private": str(private)}):
        desk.console.print(
            f"Public half: {public}. Take {private} off this machine; without the key ring, only "
            "it opens the archive.",
            soft_wrap=True,
        )


@app.command(epilog=COMMON)
def recover(
    context: typer.Context,
    private: Annotated[Path, typer.Option(help="The private half of the recovery key.")],
    output: Annotated[Path, typer.Option(help="File for the records, in the clear (.jsonl).")],
    reason: Reason = "",
    passphrase: Annotated[str | None, typer.Option(help="What locks the private half.")] = None,
) -> None:
    """Open every record with the offline key, when the key ring is lost."""
    desk: Desk = context.obj
    key = read_private(private, passphrase)
    found = recover_records(desk.site, key, output, reason)
    if not desk.answer({"file": str(output), **asdict(found)}):
        desk.console.print(
            f"Wrote {found.records} records to {output}"
            + (f"; {found.without} were not wrapped for this key" if found.without else "")
        )


def _say_no(desk: Desk, why: str) -> NoReturn:
    """End with 1 after the answer was given; on standard output stands one JSON document only."""
    if desk.json:
        stderr(f"lethe: {why}")
        raise typer.Exit(1)
    raise AnswerIsNo(why)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items())) or "–"
