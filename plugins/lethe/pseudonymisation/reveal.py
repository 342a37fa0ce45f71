"""Re-identification: for fraud alone, in a case, by two people, on the record (policy §2).

One asks, and the digest of exactly what is asked is kept; another approves that digest, under the
approver's own database role; only then does the first one see the values. Nothing that is revealed
is stored anywhere. While an approved case is open the key of its month is not destroyed; a question
that nobody approved keeps it for thirty days.
"""

from __future__ import annotations

import re
from typing import Any, Final

from lethe.connections import acting_as
from lethe.errors import (
    GuardStop,
    UsageError,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.guards.answers import find_approver, require_four_eyes
from lethe.guards.approval import deciding, find_decision, record_decision
from lethe.include import statement
from lethe.keys import KeyDestroyed, KeyMissing
from lethe.policy.model.logs import Field_
from lethe.pseudonymisation.addresses import AddressMethod, AddressPseudonyms, is_pseudonym
from lethe.pseudonymisation.cases import FRAUD, Case, Question, find_case, read_digest, require_open
from lethe.pseudonymisation.key_life import PURPOSE, LogKeys, LogRoom

_MOST: Final = 1_000
_METHODS: Final = {
    "ipcrypt-deterministic": AddressMethod.DETERMINISTIC,
    "ipcrypt-pfx": AddressMethod.PREFIX,
    "ipcrypt-nd": AddressMethod.ND,
}


def ask(room: LogRoom, question: Question) -> Case:
    """Open a case, on the ledger; asked again it is the same one.

    Raises  UsageError for a question that can have no answer
    """
    _require_sense(room, question)
    digest = question.digest(room.site.digest)
    acting_as(room.connection, "runner")
    with room.connection.cursor() as cursor:
        cursor.execute(
            statement("logs/open_case"),
            {
                "case_number": question.case_number,
                "purpose": question.purpose,
                "source": question.source,
                "field": question.field,
                "period": question.period,
                "pseudonyms": len(set(question.pseudonyms)),
                "digest": digest,
                "policy_digest": room.site.digest,
                "asked_by": question.asked_by,
            },
        )
        is_new = cursor.fetchone() is not None
    case = find_case(room, digest)
    if is_new:
        room.add(LedgerRow("log_reveal_asked", case.told()))
    room.connection.rollback()
    return case


def approve(room: LogRoom, digest: str, by: str | None, user: str) -> Case:
    """Record an approval of exactly one question, under the approver's own database role.

    by    who approves, as said; else the user of the system
    Raises  UsageError where nobody asked it; GuardStop where the same person asked, or whom the
            policy does not name decides
    """
    acting_as(room.connection, "runner")
    case = find_case(room, read_digest(digest))
    room.connection.rollback()
    require_open(case)
    with room.site.connected("approver") as connection, deciding(connection, "approval"):
        acting_as(connection, "approver")
        person = find_approver(connection, room.site.loaded.policy, by, user)
        require_four_eyes(person, case.asked_by)
        record_decision(
            connection,
            digest=case.digest,
            policy_digest=room.site.digest,
            decision="approve",
            decided_by=person,
            reason=case.case_number,
            rule="logs:reveal",
        )
        evidence = EvidenceBatch(connection, None, room.witness)
        evidence.add_rows([LedgerRow("log_reveal_approved", case.told(by=person))])
        evidence.commit()
    return case


def describe(room: LogRoom, digest: str) -> dict[str, Any]:
    """Put a case as a question to the approvers, without a pseudonym in it.

    Returns  subject, body (Markdown), assigned_users, data
    Raises   UsageError for an unknown case; GuardStop where it is closed or nobody may answer
    """
    acting_as(room.connection, "runner")
    case = find_case(room, read_digest(digest))
    room.connection.rollback()
    require_open(case)
    users = [
        {"id": approver.user, "name": approver.name}
        for approver in room.site.loaded.policy.guards.approvers
        if approver.user.casefold() != case.asked_by.casefold()
    ]
    if not users:
        raise GuardStop(
            f"case {case.case_number}: nobody may answer; the policy (guards.approvers) names no"
            f" one but '{case.asked_by}', who asked"
        )
    rows = {
        "case": case.case_number,
        "asked by": case.asked_by,
        "asked at": f"{case.asked_at:%Y-%m-%d %H:%M}",
        "what": f"{case.pseudonyms} pseudonyms of {case.source}, field {case.field}",
        "month": case.period,
        "digest": case.digest.hex(),
    }
    body = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return {
        "subject": f"Undo {case.pseudonyms} pseudonyms for fraud case {case.case_number}?",
        "body": f"| | |\n|---|---|\n{body}\n\nFraud is the only purpose (policy §2).",
        "assigned_users": users,
        "data": {"case": case.case_number, "digest": case.digest.hex()},
    }


def reveal(room: LogRoom, question: Question) -> tuple[Case, str, dict[str, str]]:
    """Give the values behind the pseudonyms of an approved question.

    The ledger knows before anybody sees a value.
    Returns  the case, who approved it, pseudonym → value
    Raises   GuardStop where nobody else approved exactly this question, or the case is closed
             UsageError where the key is gone, or something is no pseudonym of that field
    """
    _require_sense(room, question)
    digest = question.digest(room.site.digest)
    acting_as(room.connection, "runner")
    case = find_case(room, digest)
    decision = find_decision(room.connection, digest, room.site.digest)
    room.connection.rollback()
    require_open(case)
    if decision is None or decision.decision != "approve":
        raise GuardStop(
            f"case {case.case_number} waits for an approval of exactly these"
            f" {case.pseudonyms} pseudonyms: `lethe logs reveal --approve {digest.hex()} --by"
            " APPROVER`"
        )
    require_four_eyes(decision.decided_by, question.asked_by)
    values = _undo(room, question)
    acting_as(room.connection, "runner")
    with room.connection.cursor() as cursor:
        cursor.execute(statement("logs/mark_revealed"), {"case_id": str(case.case_id)})
    room.add(LedgerRow("log_revealed", case.told(approved_by=decision.decided_by)))
    return case, decision.decided_by, values


def close(room: LogRoom, digest: str, by: str) -> str:
    """Close a case; returns its number. From then on it keeps no key from being destroyed."""
    acting_as(room.connection, "runner")
    case = find_case(room, read_digest(digest))
    require_open(case)
    with room.connection.cursor() as cursor:
        cursor.execute(statement("logs/close_case"), {"case_id": str(case.case_id), "by": by})
    room.add(LedgerRow("log_reveal_closed", case.told(by=by)))
    return case.case_number


def _undo(room: LogRoom, question: Question) -> dict[str, str]:
    field = _field(room, question)
    wanted = list(dict.fromkeys(question.pseudonyms))
    acting_as(room.connection, "runner")
    try:
        secret = room.ring.secret(PURPOSE, question.period)
    except KeyDestroyed as gone:
        raise UsageError(f"{gone}: nobody can undo the pseudonyms of that month any more") from None
    except KeyMissing:
        raise UsageError(
            f"there is no key of logs for {question.period}; see `lethe keys list`"
        ) from None
    finally:
        room.connection.rollback()
    pseudonyms = AddressPseudonyms(_METHODS[field.method], secret, question.field)
    try:
        plain = pseudonyms.reveal([each.partition("/")[0] for each in wanted])
    except ValueError as fault:
        raise UsageError(f"{question.source}.{question.field}: {fault}") from None
    return dict(zip(wanted, plain, strict=True))


_TOKEN: Final = re.compile(r"(?:[a-z_]+_[a-z2-7]{16}|\[[a-z]+\])\Z")


def _require_sense(room: LogRoom, question: Question) -> None:
    if question.purpose != FRAUD:
        raise GuardStop("re-identification serves one purpose alone: fraud (policy §2)")
    for name in ("case_number", "asked_by"):
        if not getattr(question, name).strip():
            raise UsageError(f"a question needs {name.replace('_', ' ')}")
    if not question.pseudonyms:
        raise UsageError("name the pseudonyms that are asked about")
    if len(set(question.pseudonyms)) > _MOST:
        raise UsageError(f"one question may be about {_MOST} pseudonyms at most")
    tokens = sum(_TOKEN.match(each) is not None for each in question.pseudonyms)
    if tokens:
        raise UsageError(
            f"{tokens} of {len(question.pseudonyms)} are tokens (HMAC), which nobody can undo, with"
            " the key either; only the pseudonyms of addresses can be asked about"
        )
    LogKeys(room).window_end(question.period)
    field = _field(room, question)
    if field.method not in _METHODS:
        raise UsageError(
            f"{question.source}.{question.field}: what the method {field.method} made cannot be"
            " undone by anybody; only addresses can be revealed"
        )
    method = _METHODS[field.method]
    strange = sum(not is_pseudonym(method, each.partition("/")[0]) for each in question.pseudonyms)
    if strange:
        raise UsageError(
            f"{strange} of {len(question.pseudonyms)} are no pseudonym of {field.method}; give each"
            " as it stands in the output"
        )


def _field(room: LogRoom, question: Question) -> Field_:
    logs = room.logs
    if question.source in logs.sources:
        fields = logs.sources[question.source].fields
    elif question.source in logs.in_place:
        fields = logs.in_place[question.source].columns
    else:
        raise UsageError(
            f"the policy has no source '{question.source}'; it has:"
            f" {', '.join([*logs.sources, *logs.in_place])}"
        )
    if question.field not in fields:
        raise UsageError(
            f"{question.source} has no field '{question.field}'; it has: {', '.join(fields)}"
        )
    return fields[question.field]
