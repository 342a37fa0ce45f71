"""A new installation gets a key once, in a file that only its owner reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lethe.keys import KeyEncryptionKey
from lethe.keys.local import provide_key


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_CONN_LETHE_KEYS", raising=False)
    return tmp_path


def test_a_key_is_made_once_and_other_connections_stay(home: Path) -> None:
    file = home / "secrets" / "connections.json"
    file.parent.mkdir()
    file.write_text('{"lethe_smtp": {"conn_type": "smtp"}}')
    assert provide_key() == file
    made = KeyEncryptionKey.from_connection().kek_id
    assert provide_key() is None
    assert KeyEncryptionKey.from_connection().kek_id == made
    assert json.loads(file.read_text())["lethe_smtp"] == {"conn_type": "smtp"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_from_elsewhere_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LETHE_KEYS", '{"conn_type": "generic", "password": "eA=="}')
    assert provide_key() is None
    assert not (home / "secrets").exists()
