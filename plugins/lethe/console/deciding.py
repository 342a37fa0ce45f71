"""The answer to a set that waits, by the same rules as everywhere else.

The decision is recorded in the warehouse under the approver's own database role, bound to the
digest. Then the Required Action of `sweep_approval` is answered through Airflow's public API, as
the person who decided, so that the set is worked off at once and nobody is asked twice; where that
cannot be, the next night works it off.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.console.access import APPROVAL_DAG
from lethe.console.warehouse import OpenSet
from lethe.errors import UsageError
from lethe.evidence.acting import open_witness_of
from lethe.evidence.witness import Witness
from lethe.guards.answers import answer
from lethe.guards.frozen import FlagCount
from lethe.guards.questions import Question, last_day
from lethe.policy.model import Policy

log = logging.getLogger(__name__)
_MOST_REASON = 500
_OPTIONS = {"approve": "Approve", "reject": "Reject"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said on the page about a set, as it came with the form."""

    decision: str
    digest: str
    reason: str
    is_sure: bool

    @property
    def yes_or_no(self) -> Literal["approve", "reject"]:
        """The decision, once it is known to make sense."""
        return "approve" if self.decision == "approve" else "reject"

    @classmethod
    def of(cls, fields: dict[str, str]) -> Answer:
        """Read a form."""
        reason = " ".join(fields.get("reason", "").split())
        return cls(
            fields.get("decision", ""),
            fields.get("digest", ""),
            reason,
            fields.get("sure") == "yes",
        )

    def require_sense(self, digest: bytes) -> None:
        """Refuse what is not said completely, or about another question than the one asked.

        digest  of what waits now

        Raises  UsageError with the key of a message
        """
        if self.decision not in _OPTIONS:
            raise UsageError("no_decision")
        if self.digest != digest.hex():
            raise UsageError("other_set")
        if not self.reason or len(self.reason) > _MOST_REASON:
            raise UsageError("no_reason")
        if self.decision == "approve" and not self.is_sure:
            raise UsageError("not_sure")


@contextmanager
def deciding(site: Site) -> Iterator[tuple[extensions.connection, Witness]]:
    """A transaction of the approver, in which one decision is recorded, and the witness."""
    with site.connected("runner") as connection:
        witness = open_witness_of(site, connection)
    try:
        with site.connected("approver") as connection:
            acting_as(connection, "approver")
            yield connection, witness
    finally:
        witness.close()


def record_answer(site: Site, waiting: OpenSet, said: Answer, by: str) -> None:
    """Record a decision under the approver's role, and commit.

    Raises  GuardStop where the person may not decide, or the set is not the one that was shown
    """
    with deciding(site) as (connection, witness):
        answer(
            connection,
            question_of(waiting, site.loaded.policy),
            said.decision,
            by,
            None,
            policy=site.loaded.policy,
            reason=said.reason,
            witness=witness,
        )
    log.info("Rule %s of %s: %s, on the page", waiting.rule, waiting.as_of, said.decision)


def question_of(waiting: OpenSet, policy: Policy) -> Question:
    """The question that was asked about a set, put together again from what the warehouse keeps."""
    rule = policy.rules.get(waiting.rule)
    titles = rule.title if rule else {}
    flags = policy.guards.risk_flags
    return Question(
        run_id=waiting.run_id,
        rule=waiting.rule,
        title=titles.get("en") or next(iter(titles.values()), ""),
        clause=waiting.clause or "",
        cluster=waiting.cluster or ("archive" if waiting.is_expiry else ""),
        kind=waiting.subject,
        as_of=waiting.as_of,
        policy=policy.policy.name,
        version=waiting.version,
        policy_digest=waiting.policy_digest,
        due=waiting.due,
        oldest_on=waiting.oldest_on,
        newest_on=waiting.newest_on,
        usual=waiting.usual,
        nights=0,
        over_limit=waiting.over_limit,
        flags=tuple(
            FlagCount(name, flags[name].title.get("en", name) if name in flags else name, count)
            for name, count in waiting.risks.items()
        ),
        newest_activity=waiting.newest_activity,
        digest=waiting.digest,
        requested_by=waiting.requested_by,
        expires_on=last_day(policy, waiting.started_at),
    )


async def close_required_action(
    airflow: Any, root: str, headers: dict[str, str], waiting: OpenSet, decision: str
) -> bool:
    """Answer the Required Action about a set as the person who decided; False if there is none.

    airflow  Airflow's own ASGI application, asked in this process through its public API
    root     path of Airflow, '' or '/airflow'
    """
    if airflow is None:
        return False
    transport = httpx.ASGITransport(app=airflow, raise_app_exceptions=False)
    base = f"http://localhost{root}/api/v2/dags/{APPROVAL_DAG}/dagRuns"
    try:
        async with httpx.AsyncClient(transport=transport, headers=headers, timeout=20) as client:
            found = await client.get(
                f"{base}/~/hitlDetails",
                params={"body_search": waiting.digest.hex(), "response_received": "false"},
            )
            found.raise_for_status()
            for detail in found.json()["hitl_details"]:
                if waiting.digest.hex() not in (detail.get("body") or ""):
                    continue
                task = detail["task_instance"]
                done = await client.patch(
                    f"{base}/{task['dag_run_id']}/taskInstances/{task['task_id']}"
                    f"/{task['map_index']}/hitlDetails",
                    json={"chosen_options": [_OPTIONS[decision]], "params_input": {}},
                )
                return done.is_success
    except (httpx.HTTPError, KeyError, ValueError) as error:
        log.warning("The Required Action stays open: %s", type(error).__name__)
    return False
