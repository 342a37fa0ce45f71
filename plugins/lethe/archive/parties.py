"""The data of parties: a version of a subject's data is archived once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import extensions

from lethe.archive.capture_rows import NULL, Row
from lethe.archive.documents import content_token
from lethe.archive.tiles import open_tree
from lethe.guards.bank import holds_account, may_hold_account
from lethe.include import statement


@dataclass(slots=True)
class Party:
    """A version of party data; leaf_no is None until it is archived.

    leaf  hexadecimal
    """

    text: bytes
    token: bytes
    holds_account: bool
    leaf_no: int | None = None
    leaf: bytes = b""


class Parties:
    """The party data of each document of a stream; equal data of one subject are one and the same.

    archived  versions that were archived
    by_day    the data may differ from one day of issue to another
    """

    def __init__(self, kind: str, tokens: bytes, *, by_day: bool) -> None:
        self._kind = kind
        self._tokens = tokens
        self._by_day = by_day
        self.archived = 0
        self._owner = b""
        self._same: dict[bytes, Party] = {}
        self._of_day: dict[bytes, Party] = {}

    def of(self, row: Row) -> Party:
        """The party data of a document: they came with the first one of its subject (and day)."""
        if row.owner != self._owner:
            self._owner, self._same, self._of_day = row.owner, {}, {}
        day = row.day if self._by_day else b""
        if row.party == NULL:
            return self._of_day[day]
        found = self._same.get(row.party)
        if found is None:
            holds = may_hold_account(row.party) and holds_account(row.party.decode())
            found = Party(row.party, content_token(self._tokens, b"party", row.party), holds)
            self._same[row.party] = found
        self._of_day[day] = found
        return found

    def find(
        self, connection: extensions.connection, size: int, rows: Sequence[tuple[Row, Party]]
    ) -> None:
        """Find the versions of party data that the archive of so many leaves holds already."""
        asked = {
            (row.owner.decode(), party.token): party for row, party in rows if party.leaf_no is None
        }
        if not asked:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                statement("archive/find_parties"),
                {
                    "kind": self._kind,
                    "keys": [owner for owner, _ in asked],
                    "tokens": [token for _, token in asked],
                },
            )
            tree = open_tree(connection, size)
            for owner, token, number in cursor.fetchall():
                party = asked[owner, bytes(token)]
                party.leaf_no = int(number)
                party.leaf = tree.leaf(party.leaf_no).hex().encode()
