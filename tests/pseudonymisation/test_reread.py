"""What was set aside is read again once its format is mended, each line once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from lethe.pseudonymisation.key_life import log_room
from lethe.pseudonymisation.nightly import work_night
from lethe.pseudonymisation.rawfiles import FileOutcome, find_files
from lethe.pseudonymisation.reread import find_aside, reread_file
from lethe.pseudonymisation.tablerun import reread_rows

from tests.kit import Kit, MakeKit
from tests.pseudonymisation import test_tables
from tests.pseudonymisation.kit import combined_line
from tests.pseudonymisation.test_nightly import POLICY

DAY = date(2026, 11, 23)
LATER = date(2026, 12, 5)
PATTERN = POLICY.replace(
    "files: raw/*.log*",
    "files: raw/*.log*\n      format: pattern\n      pattern: 'SHAPE'",
)
NARROW = PATTERN.replace("SHAPE", r"^(?P<ip>\S+) (?P<time>\S+) (?P<method>[A-Z]+) (?P<url>\S+)$")
WIDE = PATTERN.replace("SHAPE", r"^(?P<ip>\S+) (?P<time>\S+) (?P<method>[A-Za-z]+) (?P<url>\S+)$")


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    made = make_kit("CREATE TABLE person (id bigint PRIMARY KEY)", NARROW)
    (made.home / "raw").mkdir()
    return made


def reread(kit: Kit, chosen: str | None = None) -> list[FileOutcome]:
    with log_room(kit.site, LATER) as room:
        return [reread_file(room, file, chosen_format=chosen) for file in find_aside(room)]


def rows(kit: Kit) -> pl.DataFrame:
    files = sorted((kit.home / "logs" / "web").glob("day=*/*.parquet"))
    return pl.concat(pl.read_parquet(f, hive_partitioning=False) for f in files).sort("line")


def aside(kit: Kit) -> list[Path]:
    return sorted((kit.home / "logs" / "web" / "_quarantine").glob("*.lq"))


def test_lines_that_can_be_read_now_are_written_once_and_the_rest_stays_sealed(kit: Kit) -> None:
    line = "192.0.2.7 2026-11-22T10:00:00Z {} /a?page=2\n"
    text = line.format("GET") + line.format("get") + "rubbish\n" + line.format("post")
    (kit.home / "raw" / "a.log").write_text(text)
    with log_room(kit.site, DAY) as room:
        (first,) = work_night(room, find_files(room), workers=0)
    assert (first.report.written, first.destroyed) == (1, True)
    (before,) = aside(kit)
    size = before.stat().st_size
    (nothing,) = reread(kit)
    assert (nothing.report.written, nothing.report.read, aside(kit)) == (0, 3, [before])
    mended = kit.under(WIDE)
    (outcome,) = reread(mended)
    assert outcome.fault is None
    assert (outcome.report.read, outcome.report.written) == (3, 2)
    assert outcome.report.quarantined == {"format-mismatch": 1}
    frame = rows(kit)
    assert (frame["line"].to_list(), frame["method"].to_list()) == (
        [1, 2, 4],
        ["GET", "get", "post"],
    )
    # One client has one pseudonym, whenever its lines were read.
    assert frame["ip"].n_unique() == 1
    (after,) = aside(kit)
    assert after != before
    assert after.stat().st_size <= size
    (again,) = reread(mended)
    assert (again.report.written, len(rows(kit))) == (0, 3)
    kinds = [
        r[0] for r in kit.execute("SELECT kind FROM lethe.ledger WHERE kind ~ '^log' ORDER BY id")
    ]
    assert kinds.count("log_reread") == 1


def test_a_crash_behind_the_commit_of_a_second_reading_doubles_nothing(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lethe.pseudonymisation import reread as room_of_reread

    (kit.home / "raw" / "a.log").write_text(
        "192.0.2.7 2026-11-22T10:00:00Z get /\n192.0.2.7 2026-11-22T10:00:00Z GET /\n"
    )
    with log_room(kit.site, DAY) as room:
        list(work_night(room, find_files(room), workers=0))
    mended = kit.under(WIDE)
    with monkeypatch.context() as patched:
        patched.setattr(
            room_of_reread, "_record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            reread(mended)
    (outcome,) = reread(mended)
    assert outcome.fault is None and outcome.destroyed
    assert (len(rows(kit)), aside(kit)) == (2, [])


def test_rows_of_a_table_are_read_again_in_one_transaction(make_kit: MakeKit) -> None:
    made = make_kit(test_tables.DDL, test_tables.POLICY)
    made.execute("INSERT INTO raw_log (at, ip, note) VALUES ('2027-03-01', '192.0.2.9', 'early')")
    made.execute("INSERT INTO raw_log (at, ip, note) VALUES ('2999-01-01', '192.0.2.9', 'never')")
    done = test_tables.work(made)
    assert done.quarantined == {"implausible-time": 2}
    with log_room(made.site, date(2027, 3, 2)) as room:
        again = reread_rows(room, "table")
        assert (again.read, again.written, again.quarantined) == (2, 1, {"implausible-time": 1})
        third = reread_rows(room, "table")
    assert (third.read, third.written) == (1, 0)
    assert made.execute("SELECT note FROM clean_log") == [("early",)]
    assert made.execute("SELECT row_count, ends_on FROM lethe.log_aside") == [
        (1, date(2026, 12, 23))
    ]


def test_a_line_of_ours_is_not_read_by_another_installation(kit: Kit) -> None:
    (kit.home / "raw" / "a.log").write_text("rubbish\n" + combined_line())
    with log_room(kit.site, DAY) as room:
        list(work_night(room, find_files(room), workers=0))
    (sealed,) = aside(kit)
    sealed.write_bytes(sealed.read_bytes()[:-3] + b"abc")
    (outcome,) = reread(kit.under(WIDE))
    assert outcome.fault is not None
    assert sealed.exists()
