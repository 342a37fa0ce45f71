"""`lethe policy diff`: what a new edition changes, in words and in rows, and its approval."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer
from psycopg2 import extensions
from rich.markup import escape

from lethe.catalogue.bind import require_bound
from lethe.catalogue.graph import Graph
from lethe.cli.desk import Desk
from lethe.connections import acting_as
from lethe.errors import ConfigurationError, GuardStop, PolicyError, WarehouseUnreachable
from lethe.evidence.witness_opening import begin_witness
from lethe.guards.edition_gate import approve_edition
from lethe.guards.editions import see_edition, write_diff
from lethe.policy.diff import PolicyDiff, diff_policies
from lethe.policy.load import LoadedPolicy, load_policy
from lethe.retention.check import check_holds
from lethe.retention.policy_diff import RowChange, diff_rows, say_rows

_MARKS = {"added": "+", "removed": "-", "longer": "↑", "shorter": "↓", "changed": "·"}
_NOT_COUNTED = "rows were not counted"


def diff(
    context: typer.Context,
    old: Annotated[Path, typer.Argument(help="Policy file of the edition in force.")],
    new: Annotated[Path, typer.Argument(help="Policy file of the new edition.")],
    approve: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="Approve, as the approver, the diff of this digest."),
    ] = None,
    by: Annotated[str, typer.Option(help="Who approves; default: the user of the system.")] = "",
) -> None:
    """Say what a new edition changes: in words, and in the rows of this warehouse."""
    desk: Desk = context.obj
    before, after = load_policy(old), load_policy(new)
    words = diff_policies(before.policy, after.policy)
    rows, sentences, note = _rows(desk, before, after)
    if approve is not None:
        _approve(desk, after, new, words, rows, approve, by or getpass.getuser())
    print_diff(desk, words, rows, sentences, note, approved=approve is not None)


def print_diff(
    desk: Desk,
    words: PolicyDiff,
    rows: list[RowChange],
    sentences: list[str],
    note: str | None = None,
    *,
    approved: bool = False,
) -> None:
    """Show a diff to a person, or as one JSON document.

    note  why rows were not counted, if they were not
    """
    document = {
        **words.as_data(),
        "digest": words.digest.hex(),
        "rows": [change.as_data() for change in rows],
        "rows_not_counted": note,
        "approved": approved,
    }
    if desk.answer(document):
        return
    show = desk.console.print
    show(f"[bold]{words.old[0]} {words.old[1]} → {words.new[0]} {words.new[1]}[/bold]")
    if not words.changes:
        show("The two say the same.")
    people = [change for change in words.changes if change.concerns_people]
    other = [change for change in words.changes if not change.concerns_people]
    for title, changes in (("What happens to people's data", people), ("How Lethe works", other)):
        if changes:
            show(f"\n[bold]{title}[/bold]")
        for change in changes:
            show(f"  {_MARKS[change.kind]} {escape(change.sentence)}", soft_wrap=True)
    show("\n[bold]In rows[/bold]")
    for sentence in sentences:
        show(f"  {escape(sentence)}", soft_wrap=True)
    if note:
        show(f"  {escape(note)}", soft_wrap=True)
    show(f"\nDigest {words.digest.hex()}", soft_wrap=True)
    if approved:
        show("Approved; it runs from its first day on, when its notice has aged.")
    elif words.changes:
        show("To approve: the same command with --approve DIGEST, as a named approver.")


def _rows(
    desk: Desk, before: LoadedPolicy, after: LoadedPolicy
) -> tuple[list[RowChange], list[str], str | None]:
    """Count in the warehouse; without one, or where the old edition does not fit it, say so."""
    try:
        connection = desk.connect("planner")
    except (ConfigurationError, WarehouseUnreachable) as error:
        if desk.dsn is not None:
            raise
        return [], [], f"{_NOT_COUNTED}: {error}"
    try:
        new = require_bound(connection, after)
        try:
            old = require_bound(connection, before)
        except PolicyError as error:
            first = str(error).splitlines()[0]
            connection.rollback()
            return (
                [],
                _unfit(connection, new),
                f"{_NOT_COUNTED}: the old edition does not fit the warehouse: {first}",
            )
        connection.rollback()
        acting_as(connection, "planner")
        changes = diff_rows(connection, old, new, desk.as_of)
        connection.rollback()
        unfit = _unfit(connection, new)
    finally:
        connection.close()
    return changes, [*_sentences(new, old, changes), *unfit], None


def _unfit(connection: extensions.connection, new: Graph) -> list[str]:
    """Holds to which the new edition leaves no force: its rules would stop."""
    acting_as(connection, "planner")
    said = [each.message for each in check_holds(connection, new)]
    connection.rollback()
    return said


def _sentences(new: Graph, old: Graph, changes: list[RowChange]) -> list[str]:
    return [say_rows(new, old, change) for change in changes if change.rule is None]


def _approve(
    desk: Desk,
    after: LoadedPolicy,
    file: Path,
    words: PolicyDiff,
    rows: list[RowChange],
    digest: str,
    by: str,
) -> None:
    if digest.strip().lower() != words.digest.hex():
        raise GuardStop(
            "the diff has another digest: one of the editions changed since it was read; "
            "read it again"
        )
    named: Any = after.policy.evidence.witness
    edition = bytes.fromhex(after.digest)
    runner = desk.connect("runner")
    try:
        witness = begin_witness(runner, named.kind, named.location)
        acting_as(runner, "runner")
        see_edition(runner, after, file.read_text(encoding="utf-8"))
        write_diff(runner, edition, words, [change.as_data() for change in rows])
        runner.commit()
    finally:
        runner.close()
    approver = desk.connect("approver")
    try:
        acting_as(approver, "approver")
        approve_edition(approver, edition, by, words.digest, witness=witness)
    finally:
        approver.close()
        witness.close()
