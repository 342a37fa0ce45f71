"""Editions of the policy that a warehouse has seen, and what each of them changes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from psycopg2 import extensions

from lethe.errors import (
    LetheError,
    WarehouseRefused,
)
from lethe.include import statement
from lethe.policy.diff import PolicyDiff, diff_policies
from lethe.policy.digest import policy_digest
from lethe.policy.load import LoadedPolicy, parse_policy
from lethe.policy.model import Policy


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition of the policy that this warehouse has seen.

    decision       latest decision about its diff, with the digest of that diff
    """

    digest: bytes
    name: str
    version: str
    effective_from: date | None
    first_seen_at: datetime
    announced_on: date | None
    source: str | None
    diff: Mapping[str, Any] | None
    decision: str | None
    diff_digest: bytes | None
    decided_by: str | None
    decided_at: datetime | None

    @property
    def is_approved(self) -> bool:
        """The latest decision about its diff is yes."""
        return self.decision == "approve"

    @property
    def label(self) -> str:
        """The edition in a message."""
        return f"edition {self.version} ({self.digest.hex()[:12]})"


@dataclass(frozen=True, slots=True)
class Editions:
    """All editions that a warehouse has seen.

    first    needs no approval; None as long as the warehouse was never armed
    renamed  digest that a later Lethe gives to what was agreed to → the edition that it is
    """

    seen: tuple[Edition, ...]
    first: Edition | None
    renamed: Mapping[bytes, Edition] = field(default_factory=dict)

    def find(self, digest: bytes) -> Edition | None:
        """Find an edition by its digest."""
        found = next((each for each in self.seen if each.digest == digest), None)
        return found or self.renamed.get(digest)

    @property
    def agreed(self) -> Edition | None:
        """The edition that was agreed to last: what the next one is compared with."""
        return max(
            (each for each in self.seen if each.is_approved or each is self.first),
            key=order_of,
            default=None,
        )


def see_edition(
    connection: extensions.connection, loaded: LoadedPolicy, source: str | None = None
) -> Edition:
    """Record an edition once, with what it changes; the caller, a runner, commits.

    source  the text of its file; None: read from the file, or written from the model
    """
    edition = loaded.policy.policy
    digest = bytes.fromhex(loaded.digest)
    before = read_editions(connection)
    found = before.find(digest)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(
                statement("guards/add_edition"),
                {
                    "digest": digest,
                    "name": edition.name,
                    "version": edition.version,
                    "effective_from": edition.effective_from,
                    "announced_on": edition.announced_on,
                    "source": _source(loaded, source),
                },
            )
        old = policy_of(before.agreed or (before.seen[-1] if before.seen else None))
        if old is not None:
            write_diff(connection, digest, diff_policies(old, loaded.policy))
        found = read_editions(connection).find(digest)
    if found is None:
        raise WarehouseRefused("the edition of the policy was recorded and is not there")
    return found


def write_diff(
    connection: extensions.connection,
    digest: bytes,
    diff: PolicyDiff,
    rows: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Keep what an edition changes, in words and, if counted, in rows; the caller commits."""
    data = {**diff.as_data(), "digest": diff.digest.hex()}
    if rows is not None:
        data["rows"] = list(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/write_diff"),
            {"digest": digest, "diff": json.dumps(data, default=str)},
        )


def read_editions(connection: extensions.connection) -> Editions:
    """Read all editions that this warehouse has seen, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/list_editions"))
        seen = tuple(_edition(row) for row in cursor.fetchall())
        cursor.execute(statement("guards/read_first_arming"))
        row = cursor.fetchone()
    armed_at: datetime | None = row[0] if row else None
    if armed_at is None or not seen:
        return Editions(seen, None)
    armed_with = [each for each in seen if each.first_seen_at <= armed_at]
    return _without_renamed(Editions(seen, armed_with[-1] if armed_with else seen[0]))


def _without_renamed(editions: Editions) -> Editions:
    """Take an edition that is only named otherwise for the one that was agreed to.

    A later Lethe whose policies have one key more, with a default, gives each another digest. Both
    texts, read by this Lethe, say the same then: nothing has changed that anybody could approve.
    """
    agreed = [each for each in editions.seen if each.is_approved or each is editions.first]
    undecided = [each for each in editions.seen if each not in agreed and each.decision is None]
    renamed = {}
    for each in undecided:
        before = [old for old in agreed if old.first_seen_at < each.first_seen_at]
        says = _says(each) if before else None
        found = next((old for old in before if says and says == _says(old)), None)
        if found is not None:
            renamed[each.digest] = found
    seen = tuple(each for each in editions.seen if each.digest not in renamed)
    return Editions(seen, editions.first, renamed)


def order_of(edition: Edition) -> tuple[date, datetime]:
    return edition.effective_from or date.min, edition.decided_at or edition.first_seen_at


def _says(edition: Edition) -> str | None:
    """The digest that this Lethe gives to the text of an edition."""
    policy = policy_of(edition)
    return None if policy is None else policy_digest(policy)


def _edition(row: Sequence[Any]) -> Edition:
    fields = list(row)
    fields[0] = bytes(row[0])
    fields[9] = None if row[9] is None else bytes(row[9])
    return Edition(*fields)


def _source(loaded: LoadedPolicy, given: str | None) -> str:
    """The text that gives this very policy back: its file if it still does, else the model."""
    candidates = [given] if given is not None else []
    with contextlib.suppress(OSError, UnicodeDecodeError):
        candidates.append(Path(loaded.file).read_text(encoding="utf-8"))
    for text in candidates:
        found = _parsed(text)
        if found is not None and policy_digest(found) == loaded.digest:
            return text
    return json.dumps(loaded.policy.model_dump(mode="json", by_alias=True), ensure_ascii=False)


def policy_of(edition: Edition | None) -> Policy | None:
    """The policy of an edition as this Lethe reads it.

    A later Lethe may write the same policy out with another digest: that is no reason not to
    compare with it. A source that was tampered with gives another diff than the approver read.
    """
    return None if edition is None or edition.source is None else _parsed(edition.source)


@lru_cache(maxsize=16)
def _parsed(text: str) -> Policy | None:
    try:
        if text.startswith("{"):
            return Policy.model_validate(json.loads(text))
        return parse_policy(text).policy
    except (LetheError, ValueError):
        return None
