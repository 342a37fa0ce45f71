"""`lethe hold`: legal holds and restrictions (GDPR Art. 18), added, released, listed."""

from __future__ import annotations

import getpass
import sys
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import typer
from psycopg2 import extensions
from rich.markup import escape

from lethe.catalogue.graph import Graph, Kind
from lethe.cli.desk import COMMON, Desk
from lethe.connections import acting_as
from lethe.errors import UsageError
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.witness_opening import begin_witness
from lethe.guards.hold_entries import LOG_PERIOD, Hold, HoldKeys, Wanted
from lethe.guards.holds import add_holds, list_holds, release_hold
from lethe.guards.lookup import Key, find_by_identifier, find_by_key
from lethe.keys import KeyRing

holds_app = typer.Typer(
    help="Keep people's data from being erased, or from being used at all.",
    no_args_is_help=True,
    epilog=COMMON,
)


@holds_app.command("add", epilog=COMMON)
def add(
    context: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(
            help="Kind of subject, as the policy names it; log:period for months of logs."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why; kept in the warehouse only.")],
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    review: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="When to look at it again.")],
    key: Annotated[
        list[str] | None,
        typer.Option(help="Key of the subject; repeat it for several subjects or key columns."),
    ] = None,
    identifier: Annotated[
        str | None,
        typer.Option(help="Look the subject up by this identifier; the value is asked for."),
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="All subjects that a condition of the policy names.")
    ] = None,
    restriction: Annotated[
        bool, typer.Option("--restriction", help="Restrict processing (GDPR Art. 18).")
    ] = False,
    by: Annotated[str, typer.Option(help="Who adds it; default: the user of the system.")] = "",
) -> None:
    """Lay a hold on a subject, or on whoever matches a condition of the policy."""
    desk: Desk = context.obj
    if sum(1 for each in (key, identifier, query) if each) != 1:
        raise UsageError("say exactly one of: --key, --identifier, --query")
    graph = desk.graph()
    connection = desk.connect("runner")
    try:
        acting_as(connection, "runner")
        found = () if query else tuple(_find(connection, graph, subject, key, identifier))
        connection.rollback()
        wanted = Wanted(
            "restriction" if restriction else "hold",
            subject,
            reason,
            owner,
            _day(review),
            by or getpass.getuser(),
            found,
            query,
        )
        ids = _add(desk, connection, wanted)
    finally:
        connection.close()
    if not desk.answer({"added": [str(each) for each in ids], "sort": wanted.sort}):
        for each in ids:
            desk.console.print(f"{wanted.sort.capitalize()} {each} is in force")


@holds_app.command("release", epilog=COMMON)
def release(
    context: typer.Context,
    hold_id: Annotated[str, typer.Argument(help="Its id, as `lethe hold list` shows it.")],
    because: Annotated[str, typer.Option(help="Why it ends.")],
    by: Annotated[str, typer.Option(help="Who releases; default: the user of the system.")] = "",
) -> None:
    """Release a hold or restriction, as the approver; the next sweep resumes by itself."""
    desk: Desk = context.obj
    try:
        named = UUID(hold_id)
    except ValueError:
        raise UsageError(f"'{hold_id}' is no id of a hold; see `lethe hold list`") from None
    runner = desk.connect("runner")
    try:
        witness = begin_witness(runner, *_witness_of(desk))
    finally:
        runner.close()
    connection = desk.connect("approver")
    try:
        sort = release_hold(
            connection, named, by=by or getpass.getuser(), why=because, witness=witness
        )
    finally:
        connection.close()
        witness.close()
    if not desk.answer({"released": str(named), "sort": sort}):
        desk.console.print(f"{sort.capitalize()} {named} is released")


@holds_app.command("list", epilog=COMMON)
def show(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Those too that were released.")
    ] = False,
) -> None:
    """List holds and restrictions; subjects appear as tokens, overdue reviews are marked."""
    desk: Desk = context.obj
    connection = desk.connect("runner")
    try:
        acting_as(connection, "runner")
        read_warehouse(connection)
        holds = list_holds(connection, released=everything)
        connection.rollback()
    finally:
        connection.close()
    if desk.answer({"holds": [hold_document(hold, desk.as_of) for hold in holds]}):
        return
    desk.console.print(f"[bold]{len(holds)} holds and restrictions[/bold]")
    for hold in holds:
        who = hold.query or (f"{hold.token.hex()[:16]}…" if hold.token else "–")
        desk.console.print(f"{hold.hold_id}  {_state(hold, desk.as_of)}", soft_wrap=True)
        desk.console.print(
            f"    {hold.sort} on {hold.kind} {who}: {escape(hold.reason)} (owner "
            f"{escape(hold.owner)}, review {hold.review_on})",
            soft_wrap=True,
        )


def hold_document(hold: Hold, as_of: date) -> dict[str, Any]:
    """A hold as JSON: no key, a token instead."""
    return {
        "id": str(hold.hold_id),
        "sort": hold.sort,
        "subject": hold.kind,
        "query": hold.query,
        "token": hold.token.hex() if hold.token else None,
        "reason": hold.reason,
        "owner": hold.owner,
        "review_on": hold.review_on.isoformat(),
        "review_overdue": hold.is_overdue(as_of),
        "created_at": hold.created_at.isoformat(),
        "created_by": hold.created_by,
        "released_at": hold.released_at.isoformat() if hold.released_at else None,
        "released_by": hold.released_by,
    }


def _state(hold: Hold, as_of: date) -> str:
    if hold.released_at is not None:
        return f"released {hold.released_at:%Y-%m-%d} by {escape(hold.released_by or '')}"
    return "[red]review overdue[/red]" if hold.is_overdue(as_of) else "in force"


def _month(text: str) -> Key:
    try:
        date.fromisoformat(f"{text}-01")
    except ValueError:
        raise UsageError(f"'{text}' is no month of logs; write YYYY-MM") from None
    return (text,)


def _find(
    connection: extensions.connection,
    graph: Graph,
    subject: str,
    key: list[str] | None,
    identifier: str | None,
) -> list[Key]:
    kind = graph.kinds.get(subject)
    if subject == LOG_PERIOD:
        return [_month(each) for each in key or ()]
    if kind is None:
        raise UsageError(f"the policy has no subject '{subject}'; it has: {', '.join(graph.kinds)}")
    if identifier:
        found = find_by_identifier(connection, kind, identifier, _ask(kind, identifier))
        if not found:
            raise UsageError(f"nobody among '{subject}' has that {identifier}")
        return found
    given, width = list(key or ()), len(kind.key)
    if len(given) % width:
        raise UsageError(
            f"subject '{subject}' has the key ({', '.join(kind.key)}): give {width} values for "
            f"each subject, not {len(given)}"
        )
    asked = [given[i : i + width] for i in range(0, len(given), width)]
    keys: list[Key] = []
    for number, each in enumerate(asked, start=1):
        matching = find_by_key(connection, kind, each)
        if not matching:
            raise UsageError(f"the warehouse has no '{subject}' with key number {number}")
        keys += matching
    return list(dict.fromkeys(keys))


def _ask(kind: Kind, identifier: str) -> list[str]:
    """Ask for the value: it is to stand in no shell history and no process list."""
    named = kind.policy.identifiers.get(identifier)
    columns = tuple(named.columns) if named else (identifier,)
    answers = []
    for column in columns:
        if sys.stdin.isatty():
            answers.append(getpass.getpass(f"{column}: "))
        else:
            answers.append(sys.stdin.readline().rstrip("\r\n"))
    if not all(answer.strip() for answer in answers):
        raise UsageError(f"no value for {identifier} was given on standard input")
    return answers


def _add(desk: Desk, connection: extensions.connection, wanted: Wanted) -> list[UUID]:
    witness = begin_witness(connection, *_witness_of(desk))
    try:
        acting_as(connection, "runner")
        keys = HoldKeys.of(KeyRing.open(connection, witness=witness), desk.as_of)
        connection.commit()
        acting_as(connection, "runner")
        return add_holds(
            connection,
            wanted,
            policy=desk.loaded.policy,
            keys=keys,
            witness=witness,
            as_of=desk.as_of,
        )
    finally:
        witness.close()


def _witness_of(desk: Desk) -> tuple[Any, str]:
    named = desk.loaded.policy.evidence.witness
    return named.kind, named.location


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--review '{text}' is no calendar day; write YYYY-MM-DD") from None
