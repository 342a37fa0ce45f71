"""`lethe logs reveal`: re-identification, asked by one person and approved by another."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from lethe.cli.desk import Desk
from lethe.errors import UsageError
from lethe.policy.model import Policy
from lethe.pseudonymisation.cases import Case, Question, list_cases
from lethe.pseudonymisation.key_life import LogRoom, log_room
from lethe.pseudonymisation.reveal import approve as approve_case
from lethe.pseudonymisation.reveal import ask, reveal
from lethe.pseudonymisation.reveal import close as close_case
from lethe.reporting.alarm import send_alarm


def reveal_pseudonyms(
    context: typer.Context,
    pseudonyms: Annotated[
        list[str] | None, typer.Argument(help="Pseudonyms, as they stand in the output.")
    ] = None,
    case: Annotated[str, typer.Option(help="Number of the fraud case.")] = "",
    source: Annotated[str, typer.Option(help="Source of the logs, as the policy names it.")] = "",
    field: Annotated[str, typer.Option(help="Field of the pseudonyms.")] = "ip",
    period: Annotated[str, typer.Option(metavar="YYYY-MM", help="Month of the lines.")] = "",
    purpose: Annotated[str, typer.Option(help="The one purpose that the policy allows.")] = "fraud",
    file: Annotated[
        Path | None, typer.Option("--from", help="File with pseudonyms, one a line.")
    ] = None,
    approve: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Approve a question of somebody else.")
    ] = None,
    close: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Close a case, so that its key may go.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List the cases.")] = False,
    by: Annotated[str | None, typer.Option(help="Who; default: the user of the system.")] = None,
) -> None:
    """Re-identify pseudonymised addresses: for fraud, in a case, by two people, on the record.

    Asked first, it opens the case and names a digest; asked again once somebody else has approved
    that digest, it shows the values. The DPO is told by mail each time.
    """
    desk: Desk = context.obj
    user = getpass.getuser()
    with log_room(desk.site, desk.as_of) as room:
        if show:
            _show_cases(desk, list_cases(room))
        elif close is not None:
            number = close_case(room, close, by or user)
            if not desk.answer({"closed": number}):
                desk.console.print(f"Case {number} is closed", markup=False)
        elif approve is not None:
            found = approve_case(room, approve, by, user)
            if not desk.answer({"approved": found.as_data()}):
                desk.console.print(f"Case {found.case_number} is approved", markup=False)
        else:
            asked = tuple(pseudonyms or ()) + _lines_of(file)
            _reveal(desk, room, Question(case, source, field, period, asked, by or user, purpose))


def _reveal(desk: Desk, room: LogRoom, question: Question) -> None:
    found = ask(room, question)
    case, approver, values = reveal(room, question)
    told = tell_of_reveal(desk.site.loaded.policy, case, approver)
    if not told:
        desk.progress.print("The DPO could not be told by mail: tell them yourself")
    if desk.answer({"case": found.case_number, "approved_by": approver, "values": values}):
        return
    for pseudonym, value in values.items():
        desk.console.print(f"{pseudonym}  {value}", markup=False, soft_wrap=True)


def _lines_of(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file.name} cannot be read: {type(error).__name__}") from None
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _show_cases(desk: Desk, cases: list[Case]) -> None:
    if desk.answer({"cases": [case.as_data() for case in cases]}):
        return
    for case in cases:
        state = "closed" if case.closed_at else "revealed" if case.revealed_at else "asked"
        desk.console.print(
            f"{case.case_number}: {case.pseudonyms} of {case.source}.{case.field} in"
            f" {case.period}, asked by {case.asked_by}, {state}\n    {case.digest.hex()}",
            markup=False,
            soft_wrap=True,
        )


def tell_of_reveal(policy: Policy, case: Case, approver: str) -> int:
    """Tell the DPO that somebody was re-identified: who asked, who approved; never who it was.

    Returns  how many were told
    """
    subject = {
        "en": f"Lethe: re-identification in case {case.case_number}",
        "fr": f"Lethe : réidentification dans le dossier {case.case_number}",
    }
    text = {
        "en": (
            f"{case.pseudonyms} pseudonyms of {case.source} ({case.field}, {case.period}) were"
            f" undone for fraud case {case.case_number}. Asked by {case.asked_by}, approved by"
            f" {approver}. Digest of the question: {case.digest.hex()}. The ledger has a row"
            " 'log_revealed'; no value stands in this mail, nor anywhere else."
        ),
        "fr": (
            f"{case.pseudonyms} pseudonymes de {case.source} ({case.field}, {case.period}) ont été"
            f" levés pour le dossier de fraude {case.case_number}. Demande de {case.asked_by},"
            f" approuvée par {approver}. Empreinte de la question : {case.digest.hex()}. Le"
            " registre porte une ligne « log_revealed » ; aucune valeur ne figure dans ce message"
            " ni ailleurs."
        ),
    }
    return send_alarm(policy, subject, text)
