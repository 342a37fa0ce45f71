"""A whole night of logs: pieces, what fails alone, report-only, the summary."""

from __future__ import annotations

from datetime import date

import pytest
from lethe.errors import ActError, LetheError, UsageError
from lethe.evidence.initialise import disarm
from lethe.pseudonymisation.night import begin_night, close_night, list_pieces, run_logs, work_piece

from tests.kit import Kit, MakeKit
from tests.pseudonymisation import test_tables
from tests.pseudonymisation.kit import combined_line

DAY = date(2026, 11, 23)
FILES = """
    files:
      files: raw/*.log
      fields: {ip: {method: ipcrypt-deterministic}, time: {method: time}}
      output: logs/files
"""
POLICY = (
    test_tables.POLICY.rstrip()
    + FILES
    + """
  in_place:
    people:
      table: public.person
      columns: {note: {method: text}}
      time: seen
      after: P1M
"""
)
POLICY = POLICY.replace("not_personal: [frozen]", "not_personal: [frozen, seen, note]")


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    made = make_kit(
        test_tables.DDL
        + "ALTER TABLE person ADD seen date, ADD note text;"
        + "UPDATE person SET seen = '2026-01-01', note = 'ann@example.org';",
        POLICY,
    )
    (made.home / "raw").mkdir()
    (made.home / "raw" / "a.log").write_text(combined_line() * 3)
    test_tables.fill(made, 20)
    return made


def test_every_piece_is_worked_on_and_counted_in_one_run(kit: Kit) -> None:
    run = run_logs(kit.site, DAY, workers=0)
    assert (run.state, run.summary["pieces"], run.summary["failed"]) == ("done", 3, 0)
    assert (run.summary["read"], run.summary["written"]) == (25, 25)
    assert test_tables.count(kit, "raw_log") == 0
    kinds = {r[0] for r in kit.execute("SELECT kind FROM lethe.ledger WHERE run_id IS NOT NULL")}
    assert {"log_written", "log_in_place", "log_raw_destroyed"} <= kinds
    again = run_logs(kit.site, DAY, workers=0)
    assert again.summary["written"] == 0


def test_a_piece_that_fails_is_told_and_the_others_are_done(kit: Kit) -> None:
    (kit.home / "raw" / "b.log").write_text("no,format\n" * 9)
    run_id = begin_night(kit.site, DAY, name="night")
    assert begin_night(kit.site, DAY, name="night") == run_id
    done, failed = [], []
    pieces = list_pieces(kit.site, run_id)
    assert [piece.title for piece in pieces] == [
        "files: a.log", "files: b.log", "table: all rows", "people: public.person",
    ]  # fmt: skip
    for piece in pieces:
        try:
            done.append(work_piece(kit.site, run_id, piece, workers=0))
        except UsageError as fault:
            failed.append(str(fault))
    assert len(done) == 3 and "no format fits" in failed[0]
    with pytest.raises(ActError, match="1 of 4 pieces failed"):
        close_night(kit.site, run_id, done, len(pieces))
    assert kit.execute("SELECT state FROM lethe.run WHERE kind = 'logs'") == [("failed",)]


def test_a_raw_table_that_cannot_be_looked_at_is_a_piece_that_fails_and_stops_no_other(
    kit: Kit,
) -> None:
    kit.execute("ALTER TABLE raw_log ALTER at TYPE text")
    run_id = begin_night(kit.site, DAY)
    pieces = list_pieces(kit.site, run_id)
    assert [piece.kind for piece in pieces] == ["file", "rows", "in-place"]
    with pytest.raises(LetheError, match=r"public\.raw_log is text"):
        work_piece(kit.site, run_id, pieces[1])
    assert work_piece(kit.site, run_id, pieces[0], workers=0)["written"] == 3


def test_while_the_warehouse_is_report_only_a_night_is_done_and_nothing_raw_is_gone(
    kit: Kit,
) -> None:
    with kit.connect() as connection:
        disarm(connection)
    run = run_logs(kit.site, DAY, workers=0)
    assert run.state == "done"
    assert "report-only" in run.summary["stopped"][0]
    assert (kit.home / "raw" / "a.log").exists()
    assert test_tables.count(kit, "raw_log") == 20
    assert list((kit.home / "logs" / "files").glob("day=*/*.parquet"))
