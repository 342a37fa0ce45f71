"""Sealed payloads open with their key, in their place, unchanged."""

from __future__ import annotations

import os
from uuid import uuid4

import pytest
from lethe.errors import TamperingFound
from lethe.keys import Sealer


def test_a_sealed_payload_opens_only_whole_and_in_its_place() -> None:
    sealer = Sealer(os.urandom(32), uuid4())
    sealed = sealer.seal(b"text", b"place")
    assert sealer.open(sealed, b"place") == b"text"
    assert sealer.seal(b"text", b"place") != sealed
    assert b"text" not in sealed
    for broken in (sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[1:]):
        with pytest.raises(TamperingFound):
            sealer.open(broken, b"place")
    with pytest.raises(TamperingFound):
        sealer.open(sealed, b"elsewhere")
    with pytest.raises(TamperingFound):
        Sealer(os.urandom(32), uuid4()).open(sealed, b"place")
