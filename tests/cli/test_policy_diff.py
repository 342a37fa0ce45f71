"""`lethe policy diff` and `lethe health`, as people and monitors call them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
from lethe.cli.desk import split_common
from lethe.cli.health import health
from lethe.cli.policy_diff import diff
from lethe.errors import GuardStop, WarehouseUnreachable
from lethe.evidence.initialise import arm
from lethe.guards.edition_gate import require_edition
from lethe.guards.editions import see_edition
from lethe.policy.load import load_policy

from tests.shop import POLICY, Shop

app = typer.Typer()
app.command("diff")(diff)
app.command("health")(health)


@pytest.fixture
def editions(tmp_path: Path) -> tuple[str, str]:
    """Files of two editions; the later one keeps accounts longer."""
    later = (
        POLICY.replace("period: P2Y", "period: P3Y")
        .replace('2026-01"', '2026-02"')
        .replace("2025-12-01", "2026-05-01")
        .replace("effective_from: 2026-01-01", "effective_from: 2026-05-12")
    )
    (tmp_path / "old.yaml").write_text(POLICY)
    (tmp_path / "new.yaml").write_text(later)
    return str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")


@pytest.fixture
def lethe(shop: Shop, editions: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command; gives exit code and standard output."""

    def run(*arguments: str, dsn: str = shop.dsn) -> tuple[int, str]:
        desk, rest = split_common(
            [*arguments, "--policy", editions[0], "--dsn", dsn, "--as-of", "2026-06-01"]
        )
        capsys.readouterr()
        try:
            code = app(rest, standalone_mode=False, obj=desk) or 0
        except typer.Exit as leave:
            code = leave.exit_code
        return code, capsys.readouterr().out

    return run


def test_the_change_is_told_in_words_and_in_rows(
    shop: Shop, lethe: Any, editions: tuple[str, str]
) -> None:
    shop.add_customers(date(2020, 1, 1), date(2024, 1, 1), date(2024, 2, 1))
    code, shown = lethe("diff", *editions)
    assert code == 0
    assert "↑ Rule 'inactive' keeps data longer: P3Y instead of P2Y." in shown
    assert "account: this change erases 0 more customers and keeps 2 longer (today)" in shown
    _, text = lethe("diff", *editions, "--json")
    document = json.loads(text)
    assert document["digest"] in shown
    assert document["rows"][0] == {
        "cluster": "account", "rule": None, "days": 0,
        "more_erased": 0, "kept_longer": 2, "due_by_both": 1,
    }  # fmt: skip


def test_an_approved_diff_opens_the_gate(shop: Shop, lethe: Any, editions: tuple[str, str]) -> None:
    old, new = (load_policy(file) for file in editions)
    see_edition(shop.act("runner"), old)
    shop.connection.commit()
    arm(shop.connection, "vera")
    digest = json.loads(lethe("diff", *editions, "--json")[1])["digest"]
    with pytest.raises(GuardStop, match="is no approver"):
        lethe("diff", *editions, "--approve", digest, "--by", "mallory")
    with pytest.raises(GuardStop, match="another digest"):
        lethe("diff", *editions, "--approve", "00", "--by", "vera")
    with pytest.raises(GuardStop, match="nobody has approved"):
        require_edition(shop.act("runner"), new, date(2026, 6, 1))
    _, shown = lethe("diff", *editions, "--approve", digest, "--by", "vera")
    assert "Approved" in shown
    require_edition(shop.act("runner"), new, date(2026, 6, 1))
    kept = shop.execute(
        "SELECT diff -> 'rows' -> 0 ->> 'kept_longer' FROM lethe.policy_version"
        " WHERE version = '2026-02'"
    )
    assert kept == [("0",)]


def test_health_is_one_line_and_an_exit_code(shop: Shop, lethe: Any) -> None:
    code, shown = lethe("health")
    assert code == 1
    assert shown.startswith("not healthy: report-only")
    assert shown.count("\n") == 1
    code, text = lethe("health", "--json")
    assert (code, json.loads(text)["healthy"]) == (1, False)
    arm(shop.connection, "vera")
    shop.execute(
        "INSERT INTO lethe.run (kind, policy_name, policy_version, policy_digest, as_of, state,"
        " sealed_seal_no) VALUES ('sweep', 'shop', '1', sha256(''), '2026-05-31', 'done', 1)"
    )
    code, shown = lethe("health")
    assert (code, shown[:8]) == (0, "healthy:")
    with pytest.raises(WarehouseUnreachable) as lost:
        lethe("health", dsn="host=/nowhere dbname=nothing")
    assert lost.value.exit_code == 3
