"""A warehouse that nobody prepared: what applies is checked, what does not says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from lethe.catalogue.site import Site
from lethe.cli.quality import HANDED
from lethe.policy.load import load_policy
from lethe.quality.night import measure_quality

PROJECT = Path(__file__).resolve().parents[2]


def test_chinook_without_lethe_in_it_is_checked(
    new_database: Callable[[], str],
    shared_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    dsn = new_database()
    script = (shared_data / "chinook" / "chinook_postgresql.sql").read_text(encoding="utf-8")
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute(script.split("\\c chinook;", 1)[1])
    connection.commit()
    connection.close()
    site = Site(dsn, load_policy(str(PROJECT / "examples" / "chinook" / "policy.yaml")))
    report = measure_quality(site, date(2014, 6, 1), HANDED)
    found = {each.key: each for each in report.outcomes}
    assert found["card.public.customer"].state == "passed"
    assert found["email.public.customer.email"].state == "passed"
    for kind in ("disclosure", "consent", "minors", "processors", "archive.invoice", "address"):
        assert found[kind].state == "not applicable", kind
    assert not [each.key for each in report.outcomes if each.state == "not checked"]
