"""The records of documents and of their parties' data, and the rows that stand for them."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec

from lethe.archive.binary import NULL as NOTHING
from lethe.archive.binary import pack_bigint, pack_bytes, pack_day, pack_only_text, pack_texts
from lethe.archive.capture_rows import NULL, Row
from lethe.archive.records import FORMAT, NewRecord, verbatim, write_record
from lethe.keys.record_sealing import ABSENT, join_columns

_encode = msgspec.json.encode
_element = re.compile(rb'"((?:[^"\\]|\\.)*)"|([^",]+)')
_escaped = re.compile(rb"\\(.)").sub
_PLAIN = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .,:;/+-_#()"


class RecordWriter:
    """Writes the records of one kind of document.

    tokens       key of content tokens
    recorded_at  instant of the append that they are for
    """

    def __init__(
        self,
        name: str,
        kind: str,
        policy: Mapping[str, str],
        as_of: date,
        tokens: bytes,
        recorded_at: str,
    ) -> None:
        self._name = name
        self._kind = kind
        self._policy = policy
        self._as_of = as_of
        self._tokens = tokens
        self._recorded_at = recorded_at
        named = pack_bytes(b"document") + pack_bytes(name.encode())
        self._front = named
        self._packed_kind = pack_bytes(kind.encode())
        self._texts = b"\x00".join(
            (
                b"document",
                _literal(name.encode()),
                b"%b\x00%b\x00%b\x00%b\x00%d",
                _literal(kind.encode()),
                b"%b\x00" + ABSENT,
            )
        )

        self._record = self._template()

    def _template(self) -> bytes:
        kind, name, policy = (
            _literal(_encode(each)) for each in (self._kind, self._name, self._policy_fields())
        )
        # The names in the order of RFC 8785, as `write_record` would bring them.
        return b"".join(
            (
                b'{"bound":%b,"change":null,"corrects":%b,"country":%b,"currency":%b,',
                b'"financial_year_end":"%b","format":"',
                FORMAT.encode(),
                b'","issued_on":"%b","key":%b,"kind":"document","number":%b,',
                b'"party":{"leaf":"%b","leaf_no":%d},"policy":',
                policy,
                b',"previous":null,"recorded_at":"',
                self._recorded_at.encode(),
                b'","subject":{"key":%b,"kind":',
                kind,
                b'},"total":%b,"type":',
                name,
                b',"valid_from":"%b","version":1}',
            )
        )

    def document(
        self, row: Row, leaf: bytes, party_no: int, key_forms: tuple[bytes, bytes]
    ) -> NewRecord:
        """The first version of a document.

        leaf       of the data of its party, hexadecimal
        key_forms  of its key, as `array_forms` gives them
        """
        _, key, owner, number, day, country, currency, total, corrects, year_end, _, bound, _ = row
        key_json, key_packed = key_forms
        owner_json, owner_packed = owner_forms(owner)
        record = self._record % (
            bound, common_json(corrects), common_json(country), common_json(currency), year_end,
            day, key_json, json_of(number), leaf, party_no, owner_json, json_of(total), day,
        )  # fmt: skip
        country, country_packed = _country_forms(country)
        texts = self._texts % (key, number, day, country, party_no, owner)
        packed = b"".join(
            (
                self._front,
                key_packed,
                pack_bytes(number),
                _packed_day(day),
                country_packed,
                pack_bigint(party_no),
                self._packed_kind,
                owner_packed,
                NOTHING,
            )
        )
        return NewRecord(record, texts, packed)

    def corrected(
        self, row: Row, digest: bytes, before: Mapping[str, Any], changed: Sequence[str]
    ) -> NewRecord:
        """A version of a document that was changed: it stays bound to its party's data."""
        key_json, _ = array_forms(row.key)
        party = before["party"]
        record = write_record(
            {
                "bound": verbatim(row.bound.decode()),
                "change": {"what": changed, "why": "correction"},
                "corrects": text_of(row.corrects),
                "country": text_of(row.country),
                "currency": text_of(row.currency),
                "financial_year_end": text_of(row.year_end),
                "issued_on": text_of(row.day),
                "key": verbatim(key_json.decode()),
                "kind": "document",
                "number": text_of(row.number),
                "party": party,
                "policy": self._policy_fields(),
                "previous": int(row.before_no),
                "recorded_at": self._recorded_at,
                "subject": self._subject(row.owner),
                "total": text_of(row.total),
                "type": self._name,
                "valid_from": self._as_of.isoformat(),
                "version": before["version"] + 1,
            }
        )
        return make_record(
            record,
            "document",
            self._kind,
            row.owner,
            token=self._token(b"document", digest),
            document=(self._name, row.key, row.number, row.day, row.country),
            party_no=int(party["leaf_no"]),
        )

    def party(self, row: Row, text: bytes, token: bytes) -> NewRecord:
        """The data of the party of a document."""
        record = write_record(
            {
                "bound": verbatim(text.decode()),
                "kind": "party",
                "policy": self._policy_fields(),
                "recorded_at": self._recorded_at,
                "subject": self._subject(row.owner),
                "valid_from": text_of(row.day),
            }
        )
        return make_record(record, "party", self._kind, row.owner, token=token)

    def _token(self, what: bytes, content: bytes) -> bytes:
        return content_token(self._tokens, what, content)

    def _subject(self, owner: bytes) -> dict[str, Any]:
        return {"key": verbatim(owner_forms(owner)[0].decode()), "kind": self._kind}

    def _policy_fields(self) -> dict[str, str]:
        return dict(sorted(self._policy.items()))


def content_token(key: bytes, what: bytes, content: bytes) -> bytes:
    """What equal content is found by, and nobody without the key can guess."""
    return hmac.digest(key, b"%b\x00%b" % (what, content), "sha256")


def make_record(
    record: bytes,
    kind: str,
    subject_kind: str,
    subject_key: bytes,
    *,
    token: bytes,
    document: tuple[str, bytes, bytes, bytes, bytes] | None = None,
    party_no: int | None = None,
) -> NewRecord:
    """A record of any kind.

    subject_key  PostgreSQL's text form of the array
    document     kind, key, number, day of issue, country
    """
    name, key, number, day, country = document or ("", NULL, NULL, NULL, NULL)
    named = name.encode() if document else None
    texts = join_columns(
        [
            kind.encode(),
            named,
            _known(key),
            _known(number),
            _known(day),
            _known(country),
            None if party_no is None else b"%d" % party_no,
            subject_kind.encode(),
            subject_key,
            token.hex().encode(),
        ]
    )
    packed = b"".join(
        (
            pack_bytes(kind.encode()),
            pack_bytes(named),
            NOTHING if key == NULL else array_forms(key)[1],
            pack_bytes(_known(number)),
            pack_day(text_of(day)),
            pack_bytes(_known(country)),
            pack_bigint(party_no),
            pack_bytes(subject_kind.encode()),
            owner_forms(subject_key)[1],
            pack_bytes(token),
        )
    )
    return NewRecord(record, texts, packed)


def array_forms(array: bytes) -> tuple[bytes, bytes]:
    """PostgreSQL's text form of a text[] as canonical JSON, and as COPY takes it."""
    only = array[1:-1]
    if only.isdigit():
        return b'["%b"]' % only, pack_only_text(only)
    texts: list[bytes | None] = []
    for match in _element.finditer(only):
        quoted, plain = match.groups()
        if quoted is not None:
            texts.append(_escaped(rb"\1", quoted))
        else:
            texts.append(None if plain.upper() == b"NULL" else plain)
    return _encode([None if each is None else each.decode() for each in texts]), pack_texts(texts)


owner_forms = lru_cache(4096)(array_forms)
"""The same; subjects come more than once."""


def json_of(value: bytes) -> bytes:
    """A text of COPY as canonical JSON."""
    if not value.translate(None, _PLAIN):
        return b'"%b"' % value
    return b"null" if value == NULL else _encode(value.decode())


common_json = lru_cache(4096)(json_of)
"""The same, of what comes more than once."""


@lru_cache(4096)
def _country_forms(value: bytes) -> tuple[bytes, bytes]:
    return (ABSENT, NOTHING) if value == NULL else (value, pack_bytes(value))


@lru_cache(8192)
def _packed_day(value: bytes) -> bytes:
    return pack_day(value.decode())


def text_of(value: bytes) -> str | None:
    """A text of COPY."""
    return None if value == NULL else value.decode()


def _known(value: bytes) -> bytes | None:
    return None if value == NULL else value


def _literal(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")
