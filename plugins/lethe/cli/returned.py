"""`lethe sweep returned` and `seen`: who came back and keys used again, until somebody looked."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from lethe.cli.desk import Desk
from lethe.connections import acting_as
from lethe.errors import UsageError
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.witness_opening import begin_witness
from lethe.guards.answers import find_approver
from lethe.guards.findings import Finding, mark_seen, read_findings

_SORTS = {"same_identifier": "came back under another key", "same_key": "key used again"}
_SHORTEST = 8


def returned(context: typer.Context) -> None:
    """List who came back and which keys are used again, by token, until they are marked as seen."""
    desk: Desk = context.obj
    found = _waiting(desk)
    if desk.answer({"findings": [_document(each) for each in found]}):
        return
    desk.console.print(f"[bold]{len(found)} findings of the restore guard to look at[/bold]")
    for each in found:
        desk.console.print(
            f"{each.found.token.hex()}  {each.found.subject}: {_SORTS[each.found.sort]}, "
            f"found {each.since:%Y-%m-%d}",
            soft_wrap=True,
        )


def seen(
    context: typer.Context,
    because: Annotated[str, typer.Option(help="Why they may stay; name no person.")],
    tokens: Annotated[
        list[str] | None,
        typer.Argument(metavar="TOKEN…", help="As `lethe sweep returned` shows them; a beginning."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait now.")] = False,
    by: Annotated[str, typer.Option(help="Which approver; default: the user of the system.")] = "",
) -> None:
    """Mark findings of the restore guard as seen, as an approver; they ring no more, others do."""
    desk: Desk = context.obj
    if everything == bool(tokens):
        raise UsageError("name tokens, as `lethe sweep returned` shows them, or say --all")
    waiting = _waiting(desk)
    found = waiting if everything else _named(waiting, tokens or ())
    runner = desk.connect("runner")
    try:
        named = desk.loaded.policy.evidence.witness
        witness = begin_witness(runner, named.kind, named.location)
    finally:
        runner.close()
    connection = desk.connect("approver")
    try:
        acting_as(connection, "approver")
        policy = desk.loaded.policy
        who = find_approver(connection, policy, by or None, getpass.getuser())
        mark_seen(connection, policy, found, who, because, witness)
    finally:
        connection.close()
        witness.close()
    if not desk.answer({"seen": [_document(each) for each in found], "by": who}):
        desk.console.print(f"{len(found)} findings are marked as seen; they ring no more.")


def _waiting(desk: Desk) -> list[Finding]:
    connection = desk.connect("reader")
    try:
        acting_as(connection, "reader")
        read_warehouse(connection)
        return read_findings(connection, desk.site.edition[0])
    finally:
        connection.close()


def _named(waiting: Sequence[Finding], tokens: Sequence[str]) -> list[Finding]:
    found: dict[str, Finding] = {}
    for token in tokens:
        begins = token.strip().lower()
        fit = [each for each in waiting if each.found.token.hex().startswith(begins)]
        if len(begins) < _SHORTEST or len({each.found.token for each in fit}) != 1:
            raise UsageError(
                f"'{token}' names no finding that waits, or several; give at least {_SHORTEST} "
                "digits of a token that `lethe sweep returned` shows"
            )
        found |= {f"{each.found}": each for each in fit}
    return list(found.values())


def _document(each: Finding) -> dict[str, Any]:
    return {
        "token": each.found.token.hex(),
        "subject": each.found.subject,
        "sort": each.found.sort,
        "since": each.since.isoformat(),
    }
