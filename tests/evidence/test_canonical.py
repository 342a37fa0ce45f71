"""The short way to canonical bytes gives those of RFC 8785."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st
from lethe.evidence.canonical import canonical_json, canonical_row, commit_to

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
)


@example({"\ue000": None, "𐐷": None})
@given(st.dictionaries(st.text('aé\ue000𐐷"\\\n\x7f/', max_size=3), VALUES, max_size=4))
def test_any_payload_has_the_bytes_of_the_standard(payload: dict[str, Any]) -> None:
    for ascii_only in (True, False):
        text = json.dumps(payload, ensure_ascii=ascii_only)
        assert canonical_json(text).encode() == rfc8785.dumps(payload)


def test_a_number_that_python_writes_otherwise_has_the_bytes_of_the_standard() -> None:
    for number in (1e16, 1e21, 1e22, 1e-7, 0.1, -0.0, 5e-324):
        assert canonical_json(repr([number])).encode() == rfc8785.dumps([number])


def test_a_row_has_the_bytes_of_the_standard() -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    row = (7, "b", "r", at, 'a "kind"', b"\x01\x02", "k", '{"z": 1, "a": [true, null]}')
    assert canonical_row(row) == rfc8785.dumps(
        {
            "id": 7,
            "batch": "b",
            "run_id": "r",
            "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
            "kind": 'a "kind"',
            "subject_token": "0102",
            "key_id": "k",
            "payload": {"z": 1, "a": [True, None]},
        }
    )
    assert b'"run_id":null' in canonical_row((7, "b", None, at, "k", None, None, "{}"))


def test_a_blinded_row_shows_its_frame_and_commits_to_the_rest() -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    payload = '{"rule": "r", "share": 1.0, "blinding": "00ff"}'
    row = (7, "b", None, at, "subject_erased", b"\x01\x02", "k", payload)
    hidden = {"key_id": "k", "payload": {"rule": "r", "share": 1.0}, "subject_token": "0102"}
    commitment = hmac.digest(b"00ff", rfc8785.dumps(hidden), "sha256")
    assert commit_to(row) == commitment
    assert canonical_row(row) == rfc8785.dumps(
        {
            "at": "2026-03-01T12:00:00.000000+00:00",
            "batch": "b",
            "commitment": commitment.hex(),
            "id": 7,
            "kind": "subject_erased",
            "run_id": None,
        }
    )
    assert commit_to((*row[:7], '{"say": "\\"blinding\\""}')) is None
