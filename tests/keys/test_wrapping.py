"""The key-encryption key: read from a connection, or a clear error."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from lethe.errors import ConfigurationError
from lethe.keys import KeyEncryptionKey, derive


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))


def test_it_is_read_in_both_kinds_of_base64(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = b"\xfb\xff" * 16
    kinds = {
        KeyEncryptionKey.from_base64(encode(secret).decode()).kek_id
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
    }
    give(monkeypatch, base64.b64encode(secret).decode() + "\n")
    assert kinds == {KeyEncryptionKey.from_connection().kek_id}


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("", "has no password"),
        ("not base64!", "not base64"),
        (base64.b64encode(b"short").decode(), "has 5 bytes"),
        (base64.b64encode(bytes(33)).decode(), "has 33 bytes"),
    ],
)
def test_a_bad_one_is_refused_with_the_way_out_and_without_its_text(
    monkeypatch: pytest.MonkeyPatch, password: str, message: str
) -> None:
    give(monkeypatch, password)
    with pytest.raises(ConfigurationError, match=message) as caught:
        KeyEncryptionKey.from_connection()
    assert "make one with" in str(caught.value)
    assert not password or password not in str(caught.value)


def test_it_says_nothing_of_its_secret() -> None:
    secret = os.urandom(32)
    kek = KeyEncryptionKey(secret)
    assert secret.hex() not in repr(kek)
    assert kek.kek_id not in secret.hex()


def test_what_was_wrapped_opens_only_whole_and_in_its_place() -> None:
    kek, secret = KeyEncryptionKey(os.urandom(32)), os.urandom(32)
    nonce, wrapped = kek.wrap(secret, b"place")
    assert kek.unwrap(nonce, wrapped, b"place") == secret
    spoiled = bytes([wrapped[0] ^ 1]) + wrapped[1:]
    for attempt in (
        lambda: kek.unwrap(nonce, wrapped, b"other place"),
        lambda: kek.unwrap(nonce, spoiled, b"place"),
        lambda: kek.unwrap(bytes(12), wrapped, b"place"),
        lambda: KeyEncryptionKey(os.urandom(32)).unwrap(nonce, wrapped, b"place"),
    ):
        with pytest.raises(ConfigurationError, match="cannot be unwrapped"):
            attempt()


def test_derived_keys_are_hkdf_and_differ_by_their_use() -> None:
    secret = os.urandom(32)
    expected = HKDFExpand(SHA256(), 16, b"lethe/derive/1/log/ip").derive(secret)
    assert derive(secret, "log/ip", 16) == derive(secret, b"log/ip", 16) == expected
    assert derive(secret, "log/ip") != derive(secret, "log/user")


def give(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    connection = {"conn_type": "generic", "password": password}
    monkeypatch.setenv("AIRFLOW_CONN_LETHE_KEYS", json.dumps(connection))
