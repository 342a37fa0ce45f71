"""Answers about an edition of the policy, the end of keys and who came back; as about sets.

Arming stays at a shell (docs/decisions/arming-at-a-shell.md).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.console.deciding import Answer, deciding
from lethe.guards.answers import require_approver
from lethe.guards.edition_gate import approve_edition, require_named
from lethe.guards.editions import Edition, Editions, policy_of, read_editions
from lethe.guards.findings import Finding, mark_seen
from lethe.policy.diff import Change, diff_policies
from lethe.pseudonymisation.key_guards import WaitingKeys, record_approval, waiting_keys

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenEdition:
    """An edition that nobody has decided about, with what it changes against the one in force.

    diff_digest  what an answer is bound to
    changes      None where this Lethe cannot read the edition in force any more
    rows         clusters and days that change, as they were counted last; is_counted: they were
    """

    editions: Editions
    edition: Edition
    diff_digest: bytes
    changes: tuple[Change, ...] | None
    rows: tuple[Mapping[str, Any], ...]
    is_counted: bool

    @property
    def about_people(self) -> list[Change]:
        """Changes of what happens to people's data."""
        return [change for change in self.changes or () if change.concerns_people]

    @property
    def about_work(self) -> list[Change]:
        """Changes of how Lethe works."""
        return [change for change in self.changes or () if not change.concerns_people]


def open_editions(editions: Editions, name: str) -> Sequence[Edition]:
    """Name the editions of a policy that wait for a decision, newest first."""
    if editions.first is None:
        return ()
    agreed = editions.agreed
    waiting = (
        each
        for each in editions.seen
        if each.name == name and each.decision is None and each is not editions.first
    )
    return sorted(
        (each for each in waiting if each is not agreed),
        key=lambda each: each.first_seen_at,
        reverse=True,
    )


def find_edition(connection: extensions.connection, name: str, digest: str) -> OpenEdition | None:
    """Find an edition that waits for a decision, and compare it with the one in force.

    connection  in a transaction of the reader
    """
    editions = read_editions(connection)
    found = [each for each in open_editions(editions, name) if each.digest.hex() == digest]
    if not found:
        return None
    edition = found[0]
    old, new = policy_of(editions.agreed), policy_of(edition)
    if old is None or new is None:
        return OpenEdition(editions, edition, edition.digest, None, (), False)
    diff = diff_policies(old, new)
    kept = edition.diff or {}
    rows = kept.get("rows") if kept.get("digest") == diff.digest.hex() else None
    changed = tuple(
        row
        for row in rows or ()
        if row["rule"] is None and (row["more_erased"] or row["kept_longer"])
    )
    return OpenEdition(editions, edition, diff.digest, diff.changes, changed, rows is not None)


def require_may_decide(waiting: OpenEdition, by: str) -> None:
    """Refuse whoever the edition in force does not name.

    Raises  GuardStop
    """
    require_named(waiting.editions, waiting.edition, by)


def record_edition(site: Site, waiting: OpenEdition, said: Answer, by: str) -> None:
    """Record a decision about an edition under the approver's role, and commit.

    Raises  GuardStop where the person may not decide, or the diff is not the one that was shown
    """
    with deciding(site) as (connection, witness):
        approve_edition(
            connection,
            waiting.edition.digest,
            by,
            waiting.diff_digest,
            decision=said.yes_or_no,
            reason=said.reason,
            witness=witness,
        )
    log.info("Edition %s: %s, on the page", waiting.edition.version, said.decision)


def record_seen(site: Site, findings: Sequence[Finding], said: Answer, by: str) -> None:
    """Record that an approver has seen who came back, and why they may stay.

    Raises  GuardStop where the policy does not name the person, or they were marked meanwhile
    """
    with deciding(site) as (connection, witness):
        mark_seen(connection, site.loaded.policy, findings, by, said.reason, witness)
    log.info("%s findings of the restore guard were marked as seen, on the page", len(findings))


def find_keys(site: Site) -> WaitingKeys | None:
    """Say which keys wait for an approval of their end; no key is opened, nothing is written."""
    with site.connected("runner") as connection:
        connection.set_session(readonly=True)
        acting_as(connection, "runner")
        found = waiting_keys(connection, site.loaded.policy, site.digest, site.today())
        connection.rollback()
    return found


def record_keys(site: Site, waiting: WaitingKeys, said: Answer, by: str) -> None:
    """Record a decision about the end of exactly these keys; the next night of logs goes by it.

    Raises  GuardStop where the policy does not name the person
    """
    require_approver(site.loaded.policy, by)
    with deciding(site) as (connection, witness):
        record_approval(
            connection,
            site.digest,
            waiting.digest,
            len(waiting.keys),
            by,
            witness,
            said.reason,
            said.yes_or_no,
        )
    log.info("The end of %s keys: %s, on the page", len(waiting.keys), said.decision)
