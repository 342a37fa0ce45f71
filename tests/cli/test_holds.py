"""`lethe hold`: what people type and what they see."""

from __future__ import annotations

import base64
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import typer
from lethe.cli.desk import split_common
from lethe.cli.holds import holds_app
from lethe.errors import ConfigurationError, UsageError
from psycopg2 import extensions

from tests.shop import LONG_AGO, POLICY, Shop

app = typer.Typer()
app.add_typer(holds_app, name="hold")


@pytest.fixture
def lethe(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Run a command on the shop and give its JSON answer."""
    key = base64.b64encode(os.urandom(32)).decode()
    monkeypatch.setenv(
        "AIRFLOW_CONN_LETHE_KEYS", json.dumps({"conn_type": "generic", "password": key})
    )
    policy = tmp_path / "shop.yaml"
    policy.write_text(POLICY)

    def run(*arguments: str) -> Any:
        desk, rest = split_common(
            [*arguments, "--policy", str(policy), "--dsn", shop.dsn, "--as-of", "2026-06-01"]
        )
        capsys.readouterr()
        app(rest, standalone_mode=False, obj=desk)
        out = capsys.readouterr().out
        return json.loads(out) if "--json" in arguments else out

    return run


WHY = ("--reason", "Lawsuit", "--owner", "legal", "--review", "2026-12-01")


def test_a_hold_is_added_by_e_mail_listed_by_token_and_released(
    shop: Shop, lethe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.add_customers(LONG_AGO, LONG_AGO)
    monkeypatch.setattr("sys.stdin", io.StringIO("customer2@example.org\n"))
    (added,) = lethe("hold", "add", "customer", "--identifier", "email", *WHY, "--json")["added"]
    assert shop.execute("SELECT key FROM lethe.hold") == [(["2"],)]
    (listed,) = lethe("hold", "list", "--json")["holds"]
    assert listed["id"] == added
    assert len(listed["token"]) == 64
    assert listed["review_overdue"] is False
    shown = lethe("hold", "list")
    assert "in force" in shown
    assert "example.org" not in shown.lower()
    lethe("hold", "release", added, "--because", "settled", "--by", "vera")
    assert lethe("hold", "list", "--json") == {"holds": []}


def test_a_restriction_on_a_key_and_a_hold_on_a_query(shop: Shop, lethe: Any) -> None:
    shop.add_customers(LONG_AGO)
    assert lethe("hold", "add", "customer", "--key", "01", "--restriction", *WHY, "--json")
    assert lethe("hold", "add", "customer", "--query", "unpaid", *WHY, "--json")
    listed = lethe("hold", "list", "--json")["holds"]
    assert {(each["sort"], each["query"]) for each in listed} == {
        ("restriction", None),
        ("hold", "unpaid"),
    }


def test_a_hold_on_nobody_is_refused_and_the_key_is_not_said(shop: Shop, lethe: Any) -> None:
    with pytest.raises(UsageError, match="has no 'customer' with key number 1") as stop:
        lethe("hold", "add", "customer", "--key", "4711", *WHY)
    assert "4711" not in str(stop.value)
    with pytest.raises(UsageError, match="say exactly one of"):
        lethe("hold", "add", "customer", *WHY)
    with pytest.raises(UsageError, match="has passed"):
        lethe("hold", "add", "customer", "--query", "unpaid", *WHY[:-1], "2026-06-01")
    assert isinstance(shop.connection, extensions.connection)
    assert shop.execute("SELECT count(*) FROM lethe.hold") == [(0,)]


def test_a_warehouse_without_lethe_is_told_so(new_database: Any, tmp_path: Path) -> None:
    policy = tmp_path / "shop.yaml"
    policy.write_text(POLICY)
    desk, rest = split_common(["hold", "list", "--policy", str(policy), "--dsn", new_database()])
    with pytest.raises(ConfigurationError, match="does not know Lethe yet; run `lethe init` first"):
        app(rest, standalone_mode=False, obj=desk)
