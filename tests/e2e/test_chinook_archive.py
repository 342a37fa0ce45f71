"""The archive of a database that nobody prepared: no VAT number, no drafts, no history."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from psycopg2 import extensions

from tests.e2e.test_chinook import chinook, customers_due, left, lethe

__all__ = ["chinook"]
WHY = ("--reason", "a question of the tax office")


@pytest.fixture
def common(chinook: extensions.connection, tmp_path: Path) -> tuple[str, ...]:
    """Options of every command, for a Chinook whose invoices are archived."""
    options = ("--dsn", chinook.dsn, "--as-of", "2026-11-01")
    assert lethe(tmp_path, "init", "--rehearsal", "--arm", *options)[0] == 0
    return options


def test_invoices_are_archived_verified_shown_exported_and_outlive_their_customers(
    chinook: extensions.connection, common: tuple[str, ...], tmp_path: Path
) -> None:
    code, run = lethe(tmp_path, "archive", "run", *common)
    (invoices,) = run["documents"]
    assert (code, invoices["outcomes"], invoices["party_versions"]) == (0, {"archived": 412}, 59)
    code, again = lethe(tmp_path, "archive", "run", *common)
    assert (code, again["documents"][0]["outcomes"]) == (0, {"unchanged": 412})

    code, verified = lethe(tmp_path, "archive", "verify", *common)
    assert (code, verified["records"], verified["faults"]) == (0, 471, [])

    code, (shown,) = lethe(tmp_path, "archive", "show", "98", *WHY, *common)
    assert (code, shown["document"]["number"]) == (0, "98")
    assert len(shown["document"]["bound"]["lines"]["public.invoice_line"]) == 2
    assert shown["party"]["bound"]["public.customer"]["rows"][0]["email"]

    gone = customers_due(chinook, "2026-11-01")
    code, swept = lethe(tmp_path, "sweep", "run", *common)
    assert (code, swept["rules"][0]["erased"]) == (0, len(gone))
    code, after = lethe(tmp_path, "archive", "run", *common)
    assert code == 0
    assert after["documents"][0]["outcomes"] == {"unchanged": left(chinook)["invoice"]}
    code, verified = lethe(tmp_path, "archive", "verify", *common)
    assert (code, verified["records"], verified["faults"]) == (0, 471 + len(gone), [])

    bundle = tmp_path / "bundle.zip"
    code, written = lethe(tmp_path, "archive", "export", "--output", str(bundle), *WHY, *common)
    assert (code, written["records"]) == (0, 471)
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "open")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "open" / "verify.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_six_years_later_nothing_of_them_is_left(
    chinook: extensions.connection, common: tuple[str, ...], tmp_path: Path
) -> None:
    lethe(tmp_path, "archive", "run", *common)
    far = (*common[:2], "--as-of", "2040-01-01")
    code, ended = lethe(tmp_path, "archive", "run", *far)
    if code == 1:
        assert "cap" in ended["expiry"][0]["over_limit"]
    else:
        assert ended["expiry"][0]["documents_destroyed"] == 412
    assert lethe(tmp_path, "archive", "verify", *far)[0] == 0


def test_faults_at_the_command_line_have_their_exit_codes(
    chinook: extensions.connection, common: tuple[str, ...], tmp_path: Path
) -> None:
    def refused(*arguments: str) -> tuple[int, str]:
        code, said = lethe(tmp_path, "archive", *arguments, *common)
        return code, json.dumps(said)

    assert refused("verify")[0] == 0, "an archive that is empty is not tampered with"
    lethe(tmp_path, "archive", "run", *common)
    for arguments, code, word in (
        (("show", "98"), 2, "reason"),
        (("show", "98", "--reason", " "), 2, "reason"),
        (("show", "99999", *WHY), 1, "no document"),
        (("verify", "--heads", str(tmp_path / "nothing")), 2, "cannot be read"),
        (("run", "--approve", "00"), 1, "may not decide"),
        (("export", "--output", str(tmp_path / "no" / "where.zip"), *WHY), 3, "cannot be written"),
        (("export", "--output", str(tmp_path / "x.zip"), "--from", "June", *WHY), 2, "YYYY-MM-DD"),
    ):
        found, said = refused(*arguments)
        assert (found, word in said) == (code, True), (arguments, found, said)


def test_what_is_wrong_in_the_warehouse_is_an_outcome_with_a_reason(
    chinook: extensions.connection, common: tuple[str, ...], tmp_path: Path
) -> None:
    assert lethe(tmp_path, "archive", "run", *common)[0] == 0
    with chinook.cursor() as cursor:
        for change in (
            "ALTER TABLE invoice ALTER customer_id DROP NOT NULL, ALTER invoice_date DROP NOT NULL",
            "INSERT INTO invoice (invoice_id, customer_id, invoice_date, total)"
            " VALUES (901, NULL, '2026-01-01', 1), (902, 1, NULL, 1), (903, 1, '1026-01-01', 1)",
            "UPDATE invoice SET customer_id = NULL WHERE invoice_id = 1",
            "UPDATE invoice SET total = total + 1 WHERE invoice_id = 2",
            "DELETE FROM invoice_line WHERE invoice_id IN (3, 4)",
            "DELETE FROM invoice WHERE invoice_id = 3",
            "UPDATE invoice SET invoice_id = 904 WHERE invoice_id = 4",
        ):
            cursor.execute(change)
    chinook.commit()
    code, run = lethe(tmp_path, "archive", "run", *common)
    (invoices,) = run["documents"]
    assert (code, invoices["issued"]) == (0, 414)
    assert invoices["outcomes"] == {
        "archived": 1,
        "corrected": 1,
        "customer lost": 1,
        "refused: implausible date": 1,
        "refused: no customer": 1,
        "refused: no date": 1,
        "unchanged": 408,
    }
    assert invoices["notes"] == {"archived, and deleted from the warehouse": 2}
    assert lethe(tmp_path, "archive", "verify", *common)[0] == 0
    with chinook.cursor() as cursor:
        cursor.execute("DROP TABLE invoice_line")
    chinook.commit()
    code, said = lethe(tmp_path, "archive", "run", *common)
    assert (code, "invoice_line" in json.dumps(said)) == (2, True)
