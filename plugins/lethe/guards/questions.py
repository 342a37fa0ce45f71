"""The question that a person can judge: what waits, why, what is usual, who is among them.

A question names counts and days, never anybody. It is about one frozen set, by its digest; an
answer is only taken while that very set still waits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg2 import extensions

from lethe.catalogue.graph import Graph
from lethe.guards.frozen import FlagCount, count_flags
from lethe.include import statement
from lethe.policy.model import Policy
from lethe.policy.periods import end_of

_HISTORY_NIGHTS = 90


@dataclass(frozen=True, slots=True)
class Question:
    """May this frozen set be worked off?

    due              subjects in the set
    usual            median of the last nights, of which there are `nights`
    newest_activity  day of the newest row that hangs on anybody in the set
    expires_on       last day on which an answer is taken; after it the set counts as rejected
    """

    run_id: UUID
    rule: str
    title: str
    clause: str
    cluster: str
    kind: str
    as_of: date
    policy: str
    version: str
    policy_digest: bytes
    due: int
    oldest_on: date | None
    newest_on: date | None
    usual: float | None
    nights: int
    over_limit: str
    flags: tuple[FlagCount, ...]
    newest_activity: date | None
    digest: bytes
    requested_by: str | None
    expires_on: date

    def as_data(self) -> dict[str, Any]:
        """The question as JSON data."""
        return {
            "run_id": str(self.run_id),
            "rule": self.rule,
            "title": self.title,
            "clause": self.clause,
            "cluster": self.cluster,
            "subject": self.kind,
            "as_of": self.as_of.isoformat(),
            "policy": self.policy,
            "version": self.version,
            "policy_digest": self.policy_digest.hex(),
            "due": self.due,
            "oldest_due_on": _iso(self.oldest_on),
            "newest_due_on": _iso(self.newest_on),
            "usual": self.usual,
            "nights": self.nights,
            "over_limit": self.over_limit,
            "flags": [
                {"flag": flag.name, "title": flag.title, "subjects": flag.count}
                for flag in self.flags
            ],
            "newest_activity_on": _iso(self.newest_activity),
            "digest": self.digest.hex(),
            "requested_by": self.requested_by,
            "expires_on": self.expires_on.isoformat(),
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Question:
        """Read a question that travelled as data, for instance through Airflow."""
        return cls(
            UUID(data["run_id"]),
            data["rule"],
            data["title"],
            data["clause"],
            data["cluster"],
            data["subject"],
            date.fromisoformat(data["as_of"]),
            data["policy"],
            data["version"],
            bytes.fromhex(data["policy_digest"]),
            data["due"],
            _day(data["oldest_due_on"]),
            _day(data["newest_due_on"]),
            data["usual"],
            data["nights"],
            data["over_limit"],
            tuple(FlagCount(f["flag"], f["title"], f["subjects"]) for f in data["flags"]),
            _day(data["newest_activity_on"]),
            bytes.fromhex(data["digest"]),
            data["requested_by"],
            date.fromisoformat(data["expires_on"]),
        )


def build_questions(
    connection: extensions.connection, graph: Graph, run_id: UUID
) -> list[Question]:
    """Ask about every rule of a run that waits, and keep its figures beside the rule.

    connection  in a transaction of the runner; the caller commits
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/read_waiting"), {"run_id": str(run_id)})
        rows = cursor.fetchall()
    return [_question(connection, graph, run_id, row) for row in rows]


def as_markdown(questions: Sequence[Question], lists: dict[str, str] | None = None) -> str:
    """Write questions as a table for Airflow's Required Actions.

    lists  rule → file with its sortable list
    """
    lines = [
        "| rule | clause | due | usual | oldest due | newest due | newest activity | why it waits "
        "| among them |",
        "|---|---|---:|---:|---|---|---|---|---|",
    ]
    for each in questions:
        flags = ", ".join(f"{flag.count} × {flag.title}" for flag in each.flags if flag.count)
        usual = "–" if each.usual is None else f"{each.usual:g} ({each.nights} nights)"
        cells = (
            f"**{each.rule}**: {each.title}",
            each.clause,
            f"{each.due:,}",
            usual,
            str(each.oldest_on or "–"),
            str(each.newest_on or "–"),
            str(each.newest_activity or "–"),
            each.over_limit,
            flags or "nothing flagged",
        )
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    for each in questions:
        where = (lists or {}).get(each.rule)
        listed = f" · list of tokens: `{where}`" if where else ""
        lines.append(
            f"\n`{each.rule}` of {each.as_of}, edition {each.version}: digest "
            f"`{each.digest.hex()}`, answer until {each.expires_on}{listed}"
        )
    return "\n".join(lines)


def _question(
    connection: extensions.connection, graph: Graph, run_id: UUID, row: Sequence[Any]
) -> Question:
    name, version, policy_digest, as_of, requested_by, started_at, rule, kind = row[:8]
    cluster, clause, counts, oldest_on, newest_on, over_limit, digest = row[8:]
    history = _history(connection, name, rule, as_of)
    usual = float(median(history)) if history else None
    flags, newest_activity = count_flags(connection, graph, run_id, rule, as_of)
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/write_flags"),
            {
                "run_id": str(run_id),
                "rule": rule,
                "usual": usual,
                "flags": json.dumps(
                    {
                        "risk": {flag.name: flag.count for flag in flags},
                        "newest_activity_on": _iso(newest_activity),
                    }
                ),
            },
        )
    return Question(
        run_id,
        rule,
        _english(graph.policy.rules[rule].title),
        clause,
        cluster,
        kind,
        as_of,
        name,
        version,
        bytes(policy_digest),
        int(counts.get("due", 0)),
        oldest_on,
        newest_on,
        usual,
        len(history),
        over_limit or "",
        flags,
        newest_activity,
        bytes(digest),
        requested_by,
        last_day(graph.policy, started_at),
    )


def _history(
    connection: extensions.connection, policy_name: str, rule: str, before: date
) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/read_history"),
            {
                "policy_name": policy_name,
                "rule": rule,
                "before": before,
                "nights": _HISTORY_NIGHTS,
            },
        )
        return [int(row[1]) for row in cursor.fetchall()]


def last_day(policy: Policy, started_at: datetime) -> date:
    """The last day on which a question about a run begun at `started_at` takes an answer."""
    begun = started_at.astimezone(ZoneInfo(policy.policy.time_zone)).date()
    return end_of(begun, policy.guards.approval_timeout)


def _english(text: dict[Any, str]) -> str:
    return text.get("en") or next(iter(text.values()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
