"""Where there is much, batches are read apart and sealed ahead; the archive is the same."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from lethe.archive import apart, capture, comparing
from lethe.archive.appending import Append
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.errors import ActError
from psycopg2 import sql

from tests.archive.shop import MORE
from tests.kit import TODAY, Kit


@pytest.fixture
def large(shop: Kit, monkeypatch: pytest.MonkeyPatch) -> Kit:
    shop.execute(MORE)
    monkeypatch.setattr(comparing, "_MUCH", 1)
    return shop


def documents(kit: Kit, as_of: date = TODAY, batch: int = 3) -> dict[str, Any]:
    return dict(run_archive(kit.site, as_of, batch=batch).summary["documents"][0])


def held(kit: Kit) -> Any:
    """Records by kind; nothing is archived twice, and everything verifies."""
    assert verify_archive(kit.site).faults == []
    assert not kit.execute(
        "SELECT 1 FROM lethe.archive_record WHERE kind = 'document' GROUP BY document_key"
        " HAVING count(*) > 1"
    )
    return dict(kit.execute("SELECT kind, count(*) FROM lethe.archive_record GROUP BY kind"))


def test_batches_that_were_sealed_ahead_give_the_same_archive(
    large: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = documents(large)
    # Party data once a subject, and once more for the day that the history knows.
    assert (found["outcomes"], found["party_versions"]) == ({"archived": 29}, 8)
    assert held(large) == {"document": 29, "party": 8}
    parties = (
        "SELECT count(*), count(DISTINCT r.party_no) FROM lethe.archive_record AS r"
        " JOIN lethe.archive_record AS p ON p.leaf_no = r.party_no"
        " AND p.kind = 'party' AND p.subject_key = r.subject_key"
    )
    assert large.execute(parties) == [(29, 8)]
    large.execute(MORE.replace("100", "200").replace("104", "204"))
    large.execute("INSERT INTO invoice VALUES (99, 'X', 100, 'issued', '2019-01-01')")
    found = documents(large, date(2026, 6, 2))
    assert (found["outcomes"]["archived"], found["party_versions"]) == (26, 5)
    assert large.execute(parties) == [(55, 13)]


def test_corrections_and_refusals_among_many_are_what_they_are_among_few(large: Kit) -> None:
    documents(large)
    large.execute("UPDATE invoice SET bill_to = 'Rob' WHERE id IN (10, 1001, 1045)")
    large.execute("UPDATE invoice SET bill_to = 'LU28 0019 4006 4475 0000' WHERE id = 1002")
    large.execute("INSERT INTO invoice VALUES (50, 'N', NULL, 'issued', '2019-01-01')")
    large.execute("INSERT INTO invoice VALUES (51, 'N', 104, 'issued', '2019-01-01')")
    for number, day in ((52, "infinity"), (53, "0044-03-15 BC"), (54, None)):
        large.execute("INSERT INTO invoice VALUES (%s, 'N', 1, 'issued', %s)", (number, day))
    assert documents(large, date(2026, 6, 2))["outcomes"] == {
        "archived": 1,
        "refused: implausible date": 2,
        "refused: no date": 1,
        "corrected": 3,
        "unchanged": 25,
        "refused: no customer": 1,
        "refused: a whole bank account stands in it": 1,
    }
    assert verify_archive(large.site).faults == []


def test_two_runs_that_seal_ahead_at_once_finish_with_one_tree(large: Kit) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run_archive, large.site, TODAY, batch=2) for _ in range(2)]
        assert [run.result().state for run in runs] == ["done", "done"]
    assert held(large) == {"document": 29, "party": 8}
    assert large.execute("SELECT count(*) FROM lethe.archived_document") == [(29,)]


def test_a_batch_that_another_run_overtook_is_sealed_again(
    large: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter, turns = Append.enter, iter(range(100))

    def late(append: Append, connection: Any) -> bool:
        if next(turns) == 2:
            comparing._MUCH = 1_000
            run_archive(large.site, TODAY, batch=4)
        return enter(append, connection)

    monkeypatch.setattr(Append, "enter", late)
    found = documents(large)["outcomes"]
    assert found["archived"] == 6
    assert found["left to a newer run"] == 23
    assert held(large) == {"document": 29, "party": 8}


def test_a_process_that_ends_early_fails_the_night_and_the_next_goes_on(
    large: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = apart.ask

    def broken(connection: Any, dsn: str, work: object) -> bytes:
        assert isinstance(work, str)
        return ask(connection, dsn, f"SELECT 1 / (count(*) - count(*)) FROM ({work}) AS d")

    monkeypatch.setattr("lethe.archive.capture_rows.ask", broken)
    with pytest.raises(ActError, match="ended early"):
        documents(large)
    monkeypatch.setattr("lethe.archive.capture_rows.ask", ask)
    assert documents(large)["outcomes"] == {"archived": 29}
    held(large)


def test_what_was_found_unchanged_is_compared_again_only_when_it_changes(
    large: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    inner = comparing._compare

    def noted(*arguments: Any) -> Any:
        found = inner(*arguments)
        compared.append(sum(each.outcomes.total() + len(each.new) for each in found.values()))
        return found

    monkeypatch.setattr(comparing, "_compare", noted)
    all_of_them = {"unchanged": 29}
    assert documents(large)["outcomes"] == {"archived": 29}
    for day in (2, 3):
        assert documents(large, date(2026, 6, day))["outcomes"] == all_of_them
    assert compared == [29, 0]
    for change in (
        "UPDATE invoice SET total = 10.5 WHERE id = 10",
        "UPDATE invoice_line SET what = 'coffee' WHERE invoice_id = 10 AND line_no = 2",
        "DELETE FROM invoice_line WHERE invoice_id = 10 AND line_no = 1",
        "UPDATE invoice SET bill_to = 'ann' WHERE id = 10",
    ):
        large.execute(change)
        found = documents(large, date(2026, 6, 4))
        assert (found["outcomes"]) == {"corrected": 1, "unchanged": 28}, change
        assert compared[-1] == 1, "of the month of its issue alone"
    large.execute("DELETE FROM invoice WHERE id = 12")
    found = documents(large, date(2026, 6, 5))
    assert found["notes"] == {"archived, and deleted from the warehouse": 1}
    large.execute("UPDATE lethe.archive_unchanged SET policy_digest = sha256('another')")
    documents(large, date(2026, 6, 6))
    assert compared[-1] == 28
    # Whoever notes a part as settled without the key has it compared again.
    large.execute("UPDATE invoice SET bill_to = 'anne' WHERE id = 10")
    large.execute("UPDATE lethe.archive_unchanged SET token = sha256('')")
    assert verify_archive(large.site).faults != []
    assert documents(large, date(2026, 6, 7))["outcomes"] == {"corrected": 1, "unchanged": 27}
    assert compared[-1] == 28
    assert verify_archive(large.site).faults == []


def test_new_documents_of_a_part_leave_the_others_settled(
    large: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents(large)
    documents(large, date(2026, 6, 2))
    compared: list[int] = []
    inner = comparing._compare

    def noted(*arguments: Any) -> Any:
        found = inner(*arguments)
        compared.append(sum(each.outcomes.total() + len(each.new) for each in found.values()))
        return found

    monkeypatch.setattr(comparing, "_compare", noted)
    # One part for all of a month: whatever comes, comes to documents that are settled.
    monkeypatch.setattr(
        "lethe.archive.statements.DocumentStatements._part", lambda *_: sql.SQL("7")
    )
    add = "INSERT INTO invoice VALUES (%s, %s, 2, 'issued', %s, 'LU', 'EUR', 5, 'Bob')"
    assert documents(large, date(2026, 6, 3))["outcomes"] == {"unchanged": 29}
    large.execute(add, (9001, "N-1", "2019-01-01"))
    large.execute(add, (9002, " ", "2019-01-01"))
    refused = {"refused: no number": 1}
    for day, outcomes, looked_at in (
        (4, {"archived": 1, "unchanged": 29} | refused, 0),
        (5, {"unchanged": 30} | refused, 31),  # once: not all that was new could be archived
        (6, {"unchanged": 30} | refused, 0),
    ):
        assert documents(large, date(2026, 6, day))["outcomes"] == outcomes
        assert compared[-1] == looked_at
    large.execute("UPDATE invoice SET number = 'N-2' WHERE id = 9002")
    assert documents(large, date(2026, 6, 7))["outcomes"] == {"archived": 1, "unchanged": 30}
    large.execute("UPDATE invoice SET bill_to = 'Rob' WHERE id = 9001")
    large.execute(add, (9003, "N-3", "2019-01-01"))
    found = documents(large, date(2026, 6, 8))["outcomes"]
    assert found == {"archived": 1, "corrected": 1, "unchanged": 30}
    assert compared[-2:] == [0, 32]
    large.execute("DELETE FROM invoice WHERE id = 9003")
    large.execute(add, (9004, "N-4", "2019-01-01"))
    found = documents(large, date(2026, 6, 9))
    assert found["outcomes"] == {"archived": 1, "unchanged": 31}
    assert found["notes"] == {"archived, and deleted from the warehouse": 1}
    assert verify_archive(large.site).faults == []


def test_what_changes_back_is_archived_again(large: Kit) -> None:
    documents(large)
    documents(large, date(2026, 6, 2))
    for day, name in ((3, "Eve"), (4, "Bob")):
        large.execute("UPDATE invoice SET bill_to = %s WHERE id = 20", (name,))
        found = documents(large, date(2026, 6, day))
        assert found["outcomes"] == {"corrected": 1, "unchanged": 28}
    assert json.dumps(found["notes"]) == "{}"


def test_a_missing_process_is_no_reason_to_hang(
    large: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ActError("the writer is broken")

    monkeypatch.setattr(capture.Capture, "_finish", broken)
    with pytest.raises(ActError, match="the writer is broken"):
        documents(large)
