"""Archive, sweep, archive again, and the end: the two stages of a customer's data."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.archive.show import show_document
from lethe.errors import AnswerIsNo, TamperingFound, UsageError

from tests.kit import TODAY, Kit

WHY = "a question of the tax office"


def outcomes(kit: Kit, as_of: date = TODAY) -> dict[str, int]:
    return dict(run_archive(kit.site, as_of).summary["documents"][0]["outcomes"])


def clean(kit: Kit) -> int:
    found = verify_archive(kit.site)
    assert found.faults == []
    return found.destroyed


def test_what_has_not_changed_makes_no_version_and_a_correction_makes_one(shop: Kit) -> None:
    assert outcomes(shop) == {"archived": 4}
    assert outcomes(shop) == {"unchanged": 4}
    shop.execute("UPDATE account SET email = 'moved@x.example' WHERE id = 2")
    assert outcomes(shop) == {"unchanged": 4}, "a later move re-versions no invoice"
    shop.execute("UPDATE invoice SET number = 'A-11b', bill_to = 'Anna' WHERE id = 11")
    done = run_archive(shop.site, TODAY).summary["documents"][0]
    assert done["outcomes"] == {"corrected": 1, "unchanged": 3}
    assert done["notes"] == {"number changed": 1}
    shop.execute("DELETE FROM invoice_line WHERE invoice_id = 11; DELETE FROM invoice WHERE id=11")
    done = run_archive(shop.site, TODAY).summary["documents"][0]
    assert done["notes"] == {"archived, and deleted from the warehouse": 1}
    assert clean(shop) == 0


def test_party_data_are_those_of_the_day_of_issue_once_a_version(shop: Kit) -> None:
    outcomes(shop)
    assert shop.execute(
        "SELECT kind, count(*) FROM lethe.archive_record GROUP BY 1 ORDER BY 1"
    ) == [
        ("document", 4),
        ("party", 3),
    ]
    (then,) = show_document(shop.site, "A-10", TODAY, WHY)
    (now,) = show_document(shop.site, "A-11", TODAY, WHY)
    assert then.party and now.party
    assert then.party["bound"]["public.account"] == {
        "basis": "history",
        "rows": [{"email": "old@x.example", "name": "Ann Before"}],
    }
    assert now.party["bound"]["public.account"]["basis"] == "capture"
    assert len(then.document["bound"]["lines"]["public.invoice_line"]) == 2


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE invoice SET account_id = NULL WHERE id = 10", "refused: no customer"),
        ("UPDATE invoice SET issued_on = NULL WHERE id = 10", "refused: no date"),
        ("UPDATE invoice SET number = ' ' WHERE id = 10", "refused: no number"),
        (
            "UPDATE invoice SET bill_to = 'Ann, LU28 0019 4006 4475 0000' WHERE id = 10",
            "refused: a whole bank account stands in it",
        ),
        ("UPDATE invoice SET issued_on = '9999-12-31' WHERE id = 10", "refused: implausible date"),
    ],
)
def test_bad_input_is_an_outcome_with_a_reason(shop: Kit, statement: str, reason: str) -> None:
    shop.execute(statement)
    assert outcomes(shop) == {"archived": 3, reason: 1}


def test_the_sweep_waits_for_the_archive_and_for_what_changed_since(shop: Kit) -> None:
    assert shop.plan()["gone"]["not archived"] == 1
    outcomes(shop)
    shop.execute("UPDATE invoice_line SET what = 'coffee' WHERE invoice_id = 11")
    assert shop.plan()["gone"]["not archived"] == 1
    outcomes(shop)
    assert shop.outcome(shop.sweep()) == {"erased": 1, "refused: no starting point": 1}
    assert shop.execute("SELECT name, email FROM account WHERE id = 1") == [(None, None)]
    assert shop.execute("SELECT number, total, bill_to FROM invoice WHERE id = 11") == [
        ("A-11", 20, None)
    ]
    assert outcomes(shop) == {"account erased": 3, "unchanged": 1}
    assert clean(shop) == 0


def test_the_clock_is_frozen_by_the_erasure_and_the_records_end_by_it(shop: Kit) -> None:
    outcomes(shop)
    shop.sweep()
    shop.execute("UPDATE account SET ended_on = NULL WHERE id = 1")
    last_day = run_archive(shop.site, date(2030, 6, 30)).summary["expiry"][0]
    assert last_day["counts"] == {"not yet due": 3, "refused: no starting point": 1}
    ended = run_archive(shop.site, date(2030, 7, 1)).summary["expiry"][0]
    assert (ended["documents_destroyed"], ended["leaves_destroyed"]) == (3, 6)
    assert clean(shop) == 6, "all earlier proofs still verify"
    assert shop.execute("SELECT DISTINCT subject_key FROM lethe.archive_record") == [(["2"],)]
    assert shop.execute("SELECT count(*) FROM lethe.archive_frozen") == [(0,)]
    with pytest.raises(AnswerIsNo):
        show_document(shop.site, "A-11", date(2030, 7, 1), WHY)
    assert outcomes(shop, date(2030, 7, 2)) == {"past its period": 3, "unchanged": 1}


def test_the_law_keeps_longer_than_the_promise_and_says_so(shop: Kit) -> None:
    shop.execute("UPDATE account SET ended_on = '2018-05-01' WHERE id = 1")
    outcomes(shop)
    found = run_archive(shop.site, date(2028, 12, 31)).summary["expiry"][0]
    assert found["beyond_the_promise"] == {"LU: Code de commerce art. 16": 2}
    found = run_archive(shop.site, date(2029, 1, 1)).summary["expiry"][0]
    assert found["documents_destroyed"] == 2


def test_a_hold_stops_the_end(shop: Kit) -> None:
    outcomes(shop)
    shop.execute("INSERT INTO legal_case VALUES (1, 1, NULL)")
    found = run_archive(shop.site, date(2031, 1, 1)).summary["expiry"][0]
    assert (found["counts"]["held"], found["documents_destroyed"]) == (3, 0)


def test_a_reactivation_undoes_the_deactivation(shop: Kit) -> None:
    outcomes(shop)
    shop.execute("UPDATE account SET ended_on = '2025-01-01' WHERE id = 1")
    found = run_archive(shop.site, date(2031, 1, 1)).summary["expiry"][0]
    assert found["counts"]["not yet due"] == 3


def test_reading_asks_for_a_reason_and_stands_on_the_ledger(shop: Kit) -> None:
    outcomes(shop)
    with pytest.raises(UsageError):
        show_document(shop.site, "A-10", TODAY, "")
    show_document(shop.site, "A-10", TODAY, WHY)
    assert shop.execute(
        "SELECT payload ->> 'reason' FROM lethe.ledger WHERE kind = 'archive_shown'"
    ) == [(WHY,)]


def test_the_bundle_is_checked_by_the_standard_library_alone(shop: Kit, tmp_path: Path) -> None:
    import subprocess
    import sys
    import zipfile

    from lethe.archive.export import export_archive

    outcomes(shop)
    file = tmp_path / "bundle.zip"
    assert export_archive(shop.site, file, date.min, date.max, reason=WHY) == 7
    with zipfile.ZipFile(file) as bundle:
        bundle.extractall(tmp_path / "open")
    command = [sys.executable, "-I", "-S", str(tmp_path / "open" / "verify.py")]
    good = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (good.returncode, "verified: 7 records" in good.stdout) == (0, True)
    records = tmp_path / "open" / "records.jsonl"
    records.write_text(records.read_text().replace("Bob", "Rob", 1))
    bad = subprocess.run(command, capture_output=True, text=True, check=False)
    assert bad.returncode == 1 and "is not the leaf that was signed" in bad.stdout


def test_what_a_night_archived_is_read_back_before_the_night_is_closed(
    shop: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lethe.archive import night

    assert run_archive(shop.site, TODAY).summary["read_back"] == 7
    assert run_archive(shop.site, TODAY).summary["read_back"] == 0
    shop.execute("UPDATE invoice SET bill_to = 'Robert' WHERE id = 20")
    trial = night.try_sample

    def broken_meanwhile(*arguments: object) -> night.Trial:
        found = trial(shop.site)
        shop.execute(
            "UPDATE lethe.archive_record SET sealed ="
            " set_byte(sealed, 40, get_byte(sealed, 40) # 1)"
            " WHERE leaf_no = (SELECT max(leaf_no) FROM lethe.archive_record)"
        )
        return found

    monkeypatch.setattr(night, "try_sample", broken_meanwhile)
    with pytest.raises(TamperingFound, match="leaf 7"):
        run_archive(shop.site, TODAY)
    assert shop.execute("SELECT state FROM lethe.run ORDER BY started_at DESC LIMIT 1") == [
        ("running",)
    ]
