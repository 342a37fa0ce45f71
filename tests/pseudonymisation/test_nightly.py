"""A night of logs on a real warehouse: keys, ledger, limits, and the end of the raw files."""

from __future__ import annotations

import gzip
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg2
import pyarrow as pa
import pytest
import typer
from lethe.cli.desk import split_common
from lethe.cli.logs import keys_app, logs_app
from lethe.errors import ConfigurationError, GuardStop, UsageError
from lethe.evidence.initialise import disarm
from lethe.evidence.verify import verify_ledger
from lethe.pseudonymisation import nightly, rawfiles
from lethe.pseudonymisation.key_end import destroy_due, destroy_month
from lethe.pseudonymisation.key_life import LogKeys, log_room
from lethe.pseudonymisation.nightly import work_night
from lethe.pseudonymisation.rawfiles import (
    FileOutcome,
    RawFile,
    find_files,
    find_inputs,
    is_written_elsewhere,
)
from lethe.pseudonymisation.reread import find_aside, reread_file

from tests.kit import Kit, MakeKit, make_kit, ready_database  # noqa: F401 (fixtures)
from tests.pseudonymisation.kit import combined_line

DAY = date(2026, 11, 23)
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {people: {subject: person}}
tables: {public.person: {cluster: people, columns: {id: key}}}
logs:
  clause: retention
  key_window: P12M
  unique_share: 1.0
  sources:
    web:
      files: raw/*.log*
      fields:
        ip: {method: ipcrypt-deterministic}
        time: {method: time, truncate: minute}
        user: {method: token}
        method: {method: keep}
        url: {method: url, query_allow: [page], path_templates: ["/customer/{id}"]}
        status: {method: keep}
        agent: {method: user-agent}
      output: logs/web
"""


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:  # noqa: F811
    made = make_kit("CREATE TABLE person (id bigint PRIMARY KEY)", POLICY)
    (made.home / "raw").mkdir()
    return made


def night(kit: Kit, as_of: date = DAY, **how: object) -> list[FileOutcome]:
    with log_room(kit.site, as_of) as room:
        return list(work_night(room, find_files(room), workers=0, **how))


def ledger(kit: Kit) -> list[tuple[str, dict]]:
    return kit.execute("SELECT kind, payload FROM lethe.ledger WHERE kind LIKE 'log%%' ORDER BY id")


def rows(kit: Kit) -> pl.DataFrame:
    files = sorted((kit.home / "logs" / "web").glob("day=*/*.parquet"))
    return pl.concat(pl.read_parquet(f, hive_partitioning=False) for f in files)


def write(kit: Kit, name: str, text: str) -> Path:
    path = kit.home / "raw" / name
    path.write_text(text)
    return path


def test_raw_files_become_pseudonymised_ones_with_their_rows_on_the_ledger_and_are_gone(
    kit: Kit,
) -> None:
    line = combined_line(user="ann", url="/customer/7?page=2&u=ann@example.com")
    path = write(kit, "access.log", line * 20 + "rubbish\n")
    (outcome,) = night(kit)
    assert (outcome.exit_code, outcome.destroyed, path.exists()) == (0, True, False)
    assert outcome.as_data()["quarantined"] == {"format-mismatch": 1}
    frame = rows(kit)
    assert frame["path"].unique().to_list() == ["/customer/{id}"]
    assert frame["query"].unique().to_list() == ["page=2"]
    assert set(frame.columns) == {
        "line", "ip", "user", "time", "method", "path", "query", "status", "agent_family",
        "agent_major", "os_family", "device", "bot",
    }  # fmt: skip
    told = ledger(kit)
    assert [kind for kind, _ in told] == ["log_written", "log_raw_intended", "log_raw_destroyed"]
    written = told[0][1]
    assert written["read"] == written["written"] + sum(written["quarantined"].values()) == 21
    assert "ann" not in json.dumps(told) and "access" not in json.dumps(told)
    with kit.site.connected("runner") as connection:
        assert verify_ledger(connection).require_sound().unsealed == 0


def test_lines_of_a_month_have_that_months_key_and_a_copy_of_a_file_is_done_once(kit: Kit) -> None:
    text = combined_line(user="ann") + combined_line(user="ann", time="01/Oct/2026:10:00:00 +0000")
    write(kit, "a.log", text)
    night(kit)
    write(kit, "b.log", text)
    (again,) = night(kit)
    assert again.report.repeated
    assert again.destroyed
    assert len(rows(kit)) == 2
    assert rows(kit)["user"].n_unique() == 2
    with log_room(kit.site, DAY) as room:
        keys = [(key.purpose, key.period, key.destroy_after) for key in LogKeys(room).every()]
    assert keys == [
        ("log", "2026-10", date(2027, 10, 31)),
        ("log", "2026-11", date(2027, 11, 30)),
        ("log_quarantine", "2026-11", date(2026, 12, 30)),
    ]


def test_a_warehouse_that_is_not_armed_keeps_the_raw_files(kit: Kit) -> None:
    connection = kit.connect()
    disarm(connection)
    connection.close()
    path = write(kit, "a.log", combined_line())
    (outcome,) = night(kit)
    assert isinstance(outcome.fault, GuardStop)
    assert path.exists()
    assert len(rows(kit)) == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\n\r\n\n", id="three line ends"),
        pytest.param(gzip.compress(b""), id="an empty gzip member"),  # its bytes hold the time
        pytest.param(b"\n" * 600_000, id="600,000 line ends"),
    ],
)
def test_a_file_without_a_line_is_done_and_gone(kit: Kit, content: bytes) -> None:
    path = kit.home / "raw" / "quiet.log"
    path.write_bytes(content)
    (outcome,) = night(kit)
    told = outcome.as_data()
    assert (told["fault"], told["format"], outcome.destroyed) == (None, "none", True)
    assert told["written"] == 0 and told["read"] == sum(told["quarantined"].values())
    path.write_bytes(b"\n" * 600_000 + combined_line().encode())
    (later,) = night(kit)
    assert (later.report.format, later.report.written, later.destroyed) == ("combined", 1, True)


def test_one_bad_file_stops_no_other(kit: Kit) -> None:
    write(kit, "a.log", "no,format\nof,ours\n" * 9)
    write(kit, "b.log", combined_line())
    (kit.home / "raw" / "c.log.gz").write_bytes(b"\x1f\x8b\x08rubbish")
    first, second, third = night(kit)
    assert isinstance(first.fault, UsageError)
    assert "no format fits" in str(first.fault)
    assert second.destroyed
    assert third.fault is not None
    assert [p.name for p in sorted((kit.home / "raw").iterdir())] == ["a.log", "c.log.gz"]


def test_a_file_that_changes_after_it_was_read_is_not_destroyed(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(kit, "a.log", combined_line())
    from lethe.pseudonymisation import nightly

    usual = nightly._record_written

    def grows(*arguments: object) -> None:
        usual(*arguments)
        path.write_text(combined_line() * 2)

    monkeypatch.setattr(nightly, "_record_written", grows)
    (outcome,) = night(kit)
    assert "not the file any more" in str(outcome.fault)
    monkeypatch.undo()
    monkeypatch.setenv("LETHE_HOME", str(kit.home))
    monkeypatch.setenv("AIRFLOW_CONN_LETHE_KEYS", __import__("tests.kit").kit.keys())
    (again,) = night(kit)
    # Of what was added, and of it alone.
    assert (again.report.read, again.destroyed, len(rows(kit))) == (1, True, 2)


def test_a_file_that_a_process_still_writes_to_stays_until_it_is_closed(kit: Kit) -> None:
    path = write(kit, "access.log.1", combined_line(url="/a"))
    with path.open("a") as daemon:
        (outcome,) = night(kit)
        assert "still open for writing in another process" in str(outcome.fault)
        assert not outcome.destroyed
        # What comes late is not lost.
        daemon.write(combined_line(url="/b"))
    (outcome,) = night(kit)
    assert outcome.destroyed and not path.exists()
    assert sorted(rows(kit)["path"].cast(str)) == ["/a", "/b"]
    with write(kit, "access.log.2", combined_line(url="/c")).open():
        assert night(kit)[0].destroyed, "who only reads it hinders nothing"
    assert not list((kit.home / "raw").iterdir())


def test_where_no_leases_are_given_a_file_counts_as_closed(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(kit, "access.log.1", combined_line())
    monkeypatch.setattr(rawfiles, "_is_leased", lambda _: False)
    assert not is_written_elsewhere(path)


def test_what_is_lethes_own_is_never_raw_whatever_a_pattern_names(
    kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("witness/a.log", "secrets/b.log", "logs/web/_runs/c.log", "raw/d.log"):
        path = kit.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(combined_line())
    greedy = kit.under(POLICY.replace("files: raw/*.log*", "files: '**/*.log*'"))
    (outcome,) = night(greedy)
    assert (outcome.file.path.name, outcome.destroyed) == ("d.log", True)
    assert (kit.home / "witness" / "a.log").exists() and (kit.home / "secrets" / "b.log").exists()
    assert "3 files of Lethe's own" in caplog.text


def test_raw_logs_may_lie_in_the_folder_of_an_output(kit: Kit) -> None:
    kit.home.joinpath("logs", "raw").mkdir(parents=True)
    path = kit.home / "logs" / "raw" / "a.log"
    path.write_text(combined_line())
    beside = POLICY.replace("files: raw/*.log*", "files: logs/raw/*.log*")
    for output in ("logs", "logs/web"):
        path.write_text(combined_line(ip="192.0.2.9" if output == "logs" else "192.0.2.8"))
        (outcome,) = night(kit.under(beside.replace("output: logs/web", f"output: {output}")))
        assert (outcome.file.path, outcome.destroyed) == (path, True)


def test_a_log_without_any_column_to_tell_rows_apart_is_written_all_the_same(kit: Kit) -> None:
    both = POLICY.replace("unique_share: 1.0", "quasi_identifiers: [vhost, agent_family, device]")
    both = both.replace("fields:\n", "fields:\n        message: {method: text}\n", 1)
    write(kit, "auth.log", "Nov 22 06:25:01 h sshd[7]: Accepted password for zoe from 192.0.2.7\n")
    (outcome,) = night(kit.under(both))
    assert (outcome.fault, outcome.destroyed) == (None, True)


def test_columns_to_tell_rows_apart_that_are_none_keep_the_raw(kit: Kit) -> None:
    wrong = kit.under(POLICY.replace("unique_share: 1.0", "quasi_identifiers: [nope]"))
    write(kit, "a.log", combined_line())
    (outcome,) = night(wrong)
    assert "none of nope is a column of the output; there are line, ip" in str(outcome.fault)
    assert not outcome.destroyed and (kit.home / "raw" / "a.log").exists()


def numbered(numbers: range) -> str:
    return "".join(combined_line(ip=f"192.0.2.{n}", url=f"/{n}") for n in numbers)


def paths(kit: Kit) -> list[int]:
    return sorted(int(path[1:]) for path in rows(kit)["path"])


def test_while_the_raw_stays_a_file_that_is_compressed_copied_or_grown_is_written_once(
    kit: Kit,
) -> None:
    first = write(kit, "access.log", numbered(range(5)))
    night(kit, destroy=False)
    # Rotated and compressed; copied and grown; grown beyond that; compressed in another way.
    (kit.home / "raw" / "access.log.2.gz").write_bytes(gzip.compress(first.read_bytes()))
    with first.open("a") as file:
        file.write(numbered(range(5, 9)))
    outcomes = {each.file.path.name: each for each in night(kit, destroy=False)}
    assert outcomes["access.log.2.gz"].report.repeated
    grown = outcomes["access.log"].report
    assert (grown.read, grown.written, grown.follows is not None) == (4, 4, True)
    assert rows(kit)["line"].sort().to_list() == list(range(1, 10))
    whole = numbered(range(12)).encode()
    (kit.home / "raw" / "access.log.1.gz").write_bytes(gzip.compress(whole))
    first.write_text(numbered(range(12, 14)))
    (kit.home / "raw" / "b.log.zst").write_bytes(pa.compress(whole, codec="zstd", asbytes=True))
    night(kit, destroy=False)
    assert paths(kit) == list(range(14))
    with first.open("a") as file:
        file.write(numbered(range(14, 16)))
    outcomes = {each.file.path.name: each for each in night(kit)}
    assert all(each.destroyed for each in outcomes.values())
    assert paths(kit) == list(range(16))
    read = [told["read"] for kind, told in ledger(kit) if kind == "log_written"]
    assert sorted(read) == [2, 2, 3, 4, 5]


def test_a_file_whose_earlier_part_changed_is_another_one_and_read_whole(kit: Kit) -> None:
    path = write(kit, "a.log", numbered(range(60)))
    night(kit, destroy=False)
    path.write_text(numbered(range(59)) + numbered(range(70, 80)))
    (again,) = night(kit, destroy=False)
    assert (again.report.read, again.report.follows) == (69, None)


def test_what_was_written_before_stands_on_the_ledger_before_a_grown_file_is_destroyed(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lethe.pseudonymisation import nightly

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    path = write(kit, "a.log", numbered(range(5)))
    with monkeypatch.context() as patched:
        patched.setattr(nightly, "_record_written", killed)
        with pytest.raises(Killed):
            night(kit)
    with path.open("a") as file:
        file.write(numbered(range(5, 7)))
    (outcome,) = night(kit)
    assert (outcome.destroyed, paths(kit)) == (True, list(range(7)))
    read = [told["read"] for kind, told in ledger(kit) if kind == "log_written"]
    assert read == [5, 2]


def test_a_limit_that_the_front_of_a_grown_file_does_not_keep_keeps_all_of_it(kit: Kit) -> None:
    strict = kit.under(POLICY.replace("unique_share: 1.0", "unique_share: 0.5"))
    path = write(kit, "a.log", numbered(range(20)))
    night(strict)
    with path.open("a") as file:
        file.write(combined_line() * 5)
    (outcome,) = night(strict)
    assert (outcome.report.written, outcome.destroyed, path.exists()) == (5, False, True)


def test_a_file_read_in_the_wrong_format_keeps_its_raw_and_is_read_again_in_the_right_one(
    kit: Kit,
) -> None:
    text = numbered(range(30))
    path = write(kit, "a.log", text)
    (wrong,) = night(kit, chosen_format="json")
    assert (wrong.exit_code, wrong.destroyed, path.exists()) == (1, False, True)
    assert "30 of 30 lines could not be read as json" in wrong.over_limit[0]
    (again,) = night(kit, chosen_format="json")
    assert (again.report.repeated, again.exit_code) == (True, 1)
    (nonsense,) = night(kit, chosen_format="nonsense")
    assert (nonsense.exit_code, "no log format" in str(nonsense.fault)) == (2, True)
    with path.open("a") as file:
        file.write(numbered(range(30, 33)))
    (right,) = night(kit)
    assert (right.report.read, right.report.written, right.destroyed) == (33, 33, True)
    assert paths(kit) == list(range(33))
    assert not list((kit.home / "logs" / "web" / "_quarantine").glob("*.lq"))
    write(kit, "b.log", text)
    (late,) = night(kit)
    assert (late.report.repeated, late.destroyed, paths(kit)) == (True, True, list(range(33)))


def test_the_same_file_read_in_another_format_is_replaced_and_not_read_from_what_was_sealed(
    kit: Kit,
) -> None:
    path = write(kit, "a.log", numbered(range(30)))
    night(kit, chosen_format="json", destroy=False)
    (right,) = night(kit, destroy=False)
    assert (right.report.written, right.report.repeated) == (30, False)
    (again,) = night(kit, destroy=False)
    assert (again.report.written, again.report.repeated) == (30, True)
    with log_room(kit.site, DAY) as room:
        (sealed,) = find_aside(room)
        told = reread_file(room, sealed)
    assert "read from the raw file in another format" in str(told.fault)
    (refused,) = night(kit, chosen_format="common")
    assert (refused.exit_code, "written before, read as combined" in str(refused.fault)) == (
        2,
        True,
    )
    (gone,) = night(kit)
    assert (gone.destroyed, path.exists(), paths(kit)) == (True, False, list(range(30)))
    with log_room(kit.site, DAY) as room:
        assert find_aside(room) == []


@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_a_link_is_no_raw_file_that_could_be_destroyed(kit: Kit, kind: str) -> None:
    (kit.home / "there").mkdir()
    real = kit.home / "there" / "real.log"
    real.write_text(combined_line() * 3)
    link = kit.home / "raw" / "a.log"
    if kind == "symbolic":
        link.symlink_to(real)
    else:
        link.hardlink_to(real)
    (outcome,) = night(kit)
    assert "link" in str(outcome.fault)
    assert (outcome.destroyed, link.exists(), real.exists(), len(rows(kit))) == (
        False,
        True,
        True,
        3,
    )
    assert [kind for kind, _ in ledger(kit)] == ["log_written"]


def test_a_link_beside_its_target_is_that_file_and_read_once(kit: Kit) -> None:
    real = write(kit, "access-2026-05-01.log", combined_line() * 3)
    link = kit.home / "raw" / "current.log"
    link.symlink_to("access-2026-05-01.log")
    (outcome,) = night(kit)
    assert (outcome.fault, outcome.destroyed, len(rows(kit))) == (None, True, 3)
    assert link.is_symlink() and not real.exists()
    assert list(night(kit)) == []


def test_a_damaged_list_of_a_run_is_named(kit: Kit) -> None:
    write(kit, "a.log", combined_line())
    (outcome,) = night(kit, destroy=False)
    path = kit.home / "logs" / "web" / "_runs" / f"{outcome.report.source}.json"
    for content in (path.read_text()[:40], "[]", '{"files": [{}]}', "\0" * 9):
        path.write_text(content)
        (again,) = night(kit, destroy=False)
        assert "is damaged" in str(again.fault) and again.exit_code == 3


def test_the_limit_of_linkability_fails_the_night_and_says_why(kit: Kit) -> None:
    strict = kit.under(POLICY.replace("unique_share: 1.0", "unique_share: 0.1"))
    text = combined_line() * 3 + combined_line(agent="Lynx/2.8") + combined_line(agent="curl/8")
    write(kit, "a.log", text)
    (outcome,) = night(strict)
    assert outcome.exit_code == 1
    assert "40.00% of 5 rows are unique by time, method, path" in outcome.over_limit[0]
    # What could be told apart again must not become all that is left.
    assert not outcome.destroyed
    assert (kit.home / "raw" / "a.log").exists()
    (again,) = night(kit)
    assert (again.destroyed, len(rows(kit))) == (True, 5)


def test_many_files_of_few_lines_are_judged_together(kit: Kit) -> None:
    judged = kit.under(POLICY.replace("unique_share: 1.0", "unique_share: 0.1\n  judged_from: 10"))
    done = []
    for number in range(4):
        lines = [combined_line(url=f"/page-{number}{'abcd'[at]}") for at in range(4)]
        write(kit, f"{number}.log", "".join(lines))
        outcome = night(judged)[-1]
        done.append((outcome.destroyed, outcome.linkability and outcome.linkability.rows))
    assert done == [(True, 4), (True, 8), (False, 12), (False, 12)]


def test_a_key_is_destroyed_when_its_window_has_ended_and_then_its_late_lines_are(
    kit: Kit,
) -> None:
    may = combined_line(time="17/May/2026:10:00:00 +0000", user="ann")
    write(kit, "a.log", may)
    night(kit)
    with log_room(kit.site, date(2027, 5, 31)) as room:
        assert [e.record.purpose for e in destroy_due(room).destroyed] == ["log_quarantine"]
        with pytest.raises(GuardStop, match="serves until 2027-05-31"):
            destroy_month(room, "2026-05")
    later = date(2027, 6, 1)
    with log_room(kit.site, later) as room:
        done = {(e.record.purpose, e.record.period) for e in destroy_due(room).destroyed}
    assert done == {("log", "2026-05")}
    told = [payload for kind, payload in ledger(kit) if kind == "log_key_destroyed"]
    assert told[-1]["final_at"] == (later + timedelta(days=90)).isoformat()
    write(kit, "late.log", may.replace("/ HTTP", "/late HTTP") + combined_line(
        time="01/Jun/2027:10:00:00 +0000"))  # fmt: skip
    (outcome,) = night(kit, later)
    assert outcome.as_data()["quarantined"] == {"key-destroyed": 1}
    assert outcome.report.written == 1


def test_the_reader_role_cannot_read_keys(kit: Kit) -> None:
    connection = kit.connect()
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lethe_reader")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT wrapped FROM lethe.key")
    connection.close()


def test_a_wrong_or_missing_key_encryption_key_is_an_error_before_anything_is_read(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(kit, "a.log", combined_line())
    night(kit, destroy=False)
    other = json.dumps({"conn_type": "generic", "password": "b" * 43 + "="})
    monkeypatch.setenv("AIRFLOW_CONN_LETHE_KEYS", other)
    with pytest.raises(ConfigurationError, match="key-encryption key"):
        night(kit)
    assert path.exists()


def test_the_command_line_reads_any_files_and_keeps_them(
    kit: Kit, tmp_path: Path, capsys: pytest.CaptureFixture[str], shared_data: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(_as_file(POLICY))
    app = typer.Typer()
    app.add_typer(logs_app, name="logs")
    app.add_typer(keys_app, name="keys")

    def lethe(*arguments: str) -> dict:
        desk, rest = split_common(
            [*arguments, "--policy", str(policy), "--dsn", kit.dsn, "--as-of", "2026-11-23",
             "--json"]
        )  # fmt: skip
        capsys.readouterr()
        app(rest, standalone_mode=False, obj=desk)
        return json.loads(capsys.readouterr().out)

    log = shared_data / "logs" / "apache_combined_elastic.log"
    told = lethe(
        "logs", "run", "--input", str(log), "--format", "combined", "--output", str(tmp_path / "o")
    )
    assert (told["read"], told["written"], told["quarantined"]) == (10_000, 9999, {"truncated": 1})
    assert log.exists()
    for more in ([], ["--quarantine"]):
        with pytest.raises(UsageError, match="--input"):
            lethe("logs", "run", "--input", "", "--output", str(tmp_path / "p"), *more)
    assert len(list((tmp_path / "o").glob("day=2015-05-*/*.parquet"))) == 4
    assert [key["period"] for key in lethe("keys", "list")["keys"] if key["purpose"] == "log"] == [
        "2015-05", "2026-11",
    ]  # fmt: skip
    assert lethe("keys", "rotate")["period"] == "2026-11"
    destroyed = lethe("keys", "destroy")["destroyed"]
    assert [key["period"] for key in destroyed] == ["2015-05"]


def test_a_defect_of_ours_in_one_file_stops_no_other(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(_as_file(POLICY))
    write(kit, "a.log", combined_line())
    write(kit, "b.log", combined_line() * 2)
    record = nightly.record_files

    def fail(room: object, file: RawFile, *rest: Any) -> None:
        if file.path.name == "a.log":
            raise ZeroDivisionError
        record(room, file, *rest)

    monkeypatch.setattr(nightly, "record_files", fail)
    app = typer.Typer()
    app.add_typer(logs_app, name="logs")
    desk, rest = split_common(
        ["logs", "run", "--policy", str(policy), "--dsn", kit.dsn, "--as-of", "2026-11-23",
         "--json", "--workers", "0"]
    )  # fmt: skip
    assert app(rest, standalone_mode=False, obj=desk) == 3
    told = {each["file"]: each for each in json.loads(capsys.readouterr().out)["files"]}
    failed, done = (told[name] for name in sorted(told, key=lambda each: each[-5:]))
    assert "defect (ZeroDivisionError at test_nightly.py:" in failed["fault"]
    assert (done["written"], done["fault"]) == (2, None)
    assert [path.name for path in (kit.home / "raw").iterdir()] == ["a.log"]


def test_what_was_set_aside_in_an_output_of_ones_own_can_be_read_again(
    kit: Kit, tmp_path: Path
) -> None:
    raw, out = tmp_path / "a.log", tmp_path / "o"
    raw.write_text(numbered(range(30)) + '{"ts": 1795341600, "msg": "m"}\n' * 5)
    with log_room(kit.site, DAY) as room:
        files = find_inputs(room, str(raw))
        how = {"output": out, "destroy": False, "chosen_format": "combined"}
        (first,) = work_night(room, files, workers=0, **how)
        assert first.report.quarantined == {"format-mismatch": 5}
        (sealed,) = find_aside(room, out)
        again = reread_file(room, sealed, chosen_format="json", output=out)
        assert (again.fault, again.report.written, again.destroyed) == (None, 5, True)
        assert len(list(out.glob("day=*/*.parquet"))) == 2
        with pytest.raises(UsageError, match="nothing that was set aside lies in o"):
            find_aside(room, out)


def test_inputs_that_are_not_there_are_a_clear_error(kit: Kit) -> None:
    with log_room(kit.site, DAY) as room, pytest.raises(UsageError, match="no file matches"):
        find_inputs(room, "/nowhere/*.log")


def _as_file(text: str) -> str:
    import yaml

    from tests.small_policy import HEAD

    given = yaml.safe_load(text)
    given["clusters"]["people"] |= {
        "title": "people", "purpose": "contract", "undecided": "the test is about logs",
    }  # fmt: skip
    given["subjects"]["person"]["title"] = "people"
    return yaml.safe_dump({**HEAD, **given}, sort_keys=False)
